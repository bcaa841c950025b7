// Who a stack is on a cluster (../stack-identity.ts). A volume is called by the token: no two states ever mean one volume by one name.

import * as pulumi from "@pulumi/pulumi";

import { onConnection } from "../../named-connections";
import { registrationOf } from "../../own-resources";
import { stackIdentity } from "../../stack-identity";
import { ownResources } from "./own-resources";

class CioIdentity extends pulumi.CustomResource {
  constructor(connection: string | undefined) {
    const { type, props, opts: all } = registrationOf(ownResources.Identity);
    const name = connection === undefined ? "cio" : `cio-${connection}`;
    super(type, name, { ...(connection !== undefined && { connection }), ...props }, all);
  }
}

/** The token that the stack of the calling program has on one of its clusters; unknown in the preview of a stack that has none yet. */
export async function cioToken(run: object, connection: string | undefined): Promise<string | undefined> {
  return (await stackIdentity(onConnection("cio", connection), run, () => new CioIdentity(connection))).token;
}
