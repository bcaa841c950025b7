// Who a stack is on an array (../stack-identity.ts), and the array that its volumes are on. A volume is called by the token (generated-name.ts): no
// two states ever mean one volume by one name.

import * as pulumi from "@pulumi/pulumi";

import { known } from "../../engine";
import { onConnection } from "../../named-connections";
import { registrationOf } from "../../own-resources";
import { stackIdentity } from "../../stack-identity";
import { ownResources } from "./own-resources";

/** What is known of this stack while its program runs. */
export interface ScaleioStack {
  /** Unknown in the preview of a stack that has none yet. */
  token: string | undefined;
  /** The id of the array that the stack's volumes are on; unknown where the state has no identity yet. */
  systemId: string | undefined;
}

class ScaleioIdentity extends pulumi.CustomResource {
  declare public readonly systemId: pulumi.Output<string>;

  constructor(connection: string | undefined) {
    const { type, props, opts: all } = registrationOf(ownResources.Identity);
    const name = connection === undefined ? "scaleio" : `scaleio-${connection}`;
    super(type, name, { systemId: undefined, ...(connection !== undefined && { connection }), ...props }, all);
  }
}

/** The identity of the stack that the calling program belongs to on one of its arrays, made when it is first asked for. */
export async function scaleioStack(run: object, connection: string | undefined): Promise<ScaleioStack> {
  const array = onConnection("scaleio", connection);
  const { token, resource } = await stackIdentity(array, run, () => new ScaleioIdentity(connection));
  return { token, systemId: resource && (await known<string>(resource.systemId)) };
}
