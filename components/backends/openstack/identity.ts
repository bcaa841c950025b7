// Who a stack is on a cloud: see ../stack-identity.ts.

import type * as pulumi from "@pulumi/pulumi";

import { stackIdentity } from "../../stack-identity";
import { ownResources } from "./own-resources";

/**
 * The token of the stack that the calling program belongs to; nothing where the state doesn't have it (yet): what is marked by it must be known
 * as this state's for ever.
 */
export async function stackToken(run: object): Promise<string | undefined> {
  const { token, resource } = await identity(run);
  return resource && token;
}

/** What volumes depend on, lest a `destroy` that leaves one of them takes away the token by which it is known. */
export async function identityOf(run: object): Promise<pulumi.Resource[]> {
  const { resource } = await identity(run);
  return resource ? [resource] : [];
}

const identity = (run: object) => stackIdentity({ backend: "openstack", resource: ownResources.Identity }, run);
