// Who a stack is on an array (../stack-identity.ts), and the array that its volumes are on. A volume is called by the token (generated-name.ts): no
// two states ever mean one volume by one name.

import type * as pulumi from "@pulumi/pulumi";

import { known } from "../../engine";
import { stackIdentity } from "../../stack-identity";
import { ownResources } from "./own-resources";

/** What is known of this stack while its program runs. */
export interface ScaleioStack {
  /** Unknown in the preview of a stack that has none yet. */
  token: string | undefined;
  /** The id of the array that the stack's volumes are on; unknown where the state has no identity yet. */
  systemId: string | undefined;
}

/** The identity of the stack that the calling program belongs to on one of its arrays, made when it is first asked for. */
export async function scaleioStack(run: object, connection: string | undefined): Promise<ScaleioStack> {
  const where = { backend: "scaleio", resource: ownResources.Identity, outputs: { systemId: undefined }, connection };
  const { token, resource } = await stackIdentity(where, run);
  const told = resource as { systemId: pulumi.Output<string> } | undefined;
  return { token, systemId: told && (await known<string>(told.systemId)) };
}
