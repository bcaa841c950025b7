// Who a stack is on a cluster (../stack-identity.ts). A volume is marked with the token: no two states ever mean one image.

import * as pulumi from "@pulumi/pulumi";

import { registrationOf } from "../../own-resources";
import { stackIdentity } from "../../stack-identity";
import { providerText } from "./provider-text";

class CephIdentity extends pulumi.CustomResource {
  constructor() {
    const { type, props } = registrationOf({
      token: "storage-profiles:ceph:Identity",
      dynamicType: "pulumi-nodejs:dynamic/storage-profiles:CephIdentity",
      providerText: providerText("identity"),
    });
    super(type, "ceph", props);
  }
}

/** The token of the stack that the calling program belongs to; unknown in the preview of a stack that has none yet. */
export async function cephToken(run: object): Promise<string | undefined> {
  return (await stackIdentity("ceph", run, () => new CephIdentity())).token;
}
