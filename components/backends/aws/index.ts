// Amazon EBS, by @pulumi/aws.

import type { Volume, VolumeArgs } from "@pulumi/aws/ebs/volume";

import { defineBackend } from "../contract";
import type { AwsAttachmentOptions, AwsVolumeArgs } from "./types";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const aws = defineBackend<{
  overrides: AwsVolumeArgs;
  resource: Volume;
  args: VolumeArgs;
  attachment: AwsAttachmentOptions;
}>({
  volumes: () => (require("./resource") as typeof import("./resource")).awsBackend,
  attachments: () => (require("./attachment") as typeof import("./attachment")).awsAttacher,
  host: () => (require("./host") as typeof import("./host")).awsNode,
});
