// Who a stack is on a cloud: see ../stack-identity.ts.

import * as pulumi from "@pulumi/pulumi";

import { registrationOf } from "../../own-resources";
import { stackIdentity } from "../../stack-identity";
import { providerText } from "./provider-text";

class OpenstackIdentity extends pulumi.CustomResource {
  constructor() {
    const { type, props } = registrationOf({
      token: "storage-profiles:openstack:Identity",
      dynamicType: "pulumi-nodejs:dynamic/storage-profiles:OpenstackIdentity",
      providerText: providerText("identity"),
    });
    super(type, "openstack", props);
  }
}

/** The token of the stack that the calling program belongs to; unknown in the preview of a stack that has none yet. */
export async function stackToken(run: object): Promise<string | undefined> {
  return (await stackIdentity("openstack", run, () => new OpenstackIdentity())).token;
}
