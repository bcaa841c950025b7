// Who a stack is on a cluster (../stack-identity.ts). A volume is called by the token: no two states ever mean one volume by one name.

import * as pulumi from "@pulumi/pulumi";

import { registrationOf } from "../../own-resources";
import { stackIdentity } from "../../stack-identity";
import { providerText } from "./provider-text";

class CioIdentity extends pulumi.CustomResource {
  constructor() {
    const { type, props } = registrationOf({
      token: "storage-profiles:cio:Identity",
      dynamicType: "pulumi-nodejs:dynamic/storage-profiles:CioIdentity",
      providerText: providerText("identity"),
    });
    super(type, "cio", props);
  }
}

/** The token of the stack that the calling program belongs to; unknown in the preview of a stack that has none yet. */
export async function cioToken(run: object): Promise<string | undefined> {
  return (await stackIdentity("cio", run, () => new CioIdentity())).token;
}
