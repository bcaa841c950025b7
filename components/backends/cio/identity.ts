// Who a stack is on a cluster (../stack-identity.ts). A volume is called by the token: no two states ever mean one volume by one name.

import * as pulumi from "@pulumi/pulumi";

import { onConnection } from "../../named-connections";
import { registrationOf } from "../../own-resources";
import { stackIdentity } from "../../stack-identity";
import { providerText } from "./provider-text";

class CioIdentity extends pulumi.CustomResource {
  constructor(connection: string | undefined) {
    const { type, props } = registrationOf({
      token: "storage-profiles:cio:Identity",
      dynamicType: "pulumi-nodejs:dynamic/storage-profiles:CioIdentity",
      providerText: providerText("identity"),
    });
    const name = connection === undefined ? "cio" : `cio-${connection}`;
    super(type, name, { ...(connection !== undefined && { connection }), ...props });
  }
}

/** The token that the stack of the calling program has on one of its clusters; unknown in the preview of a stack that has none yet. */
export async function cioToken(run: object, connection: string | undefined): Promise<string | undefined> {
  return (await stackIdentity(onConnection("cio", connection), run, () => new CioIdentity(connection))).token;
}
