// The parts of @pulumi/aws that are used, and AWS's own SDK, each loaded when it is first needed. A program on another backend loads none of them;
// the package as a whole, with its hundreds of services, is loaded on no backend.

import { loadPackage } from "../../load";

const load = <Module>(requireIt: () => Module) => loadPackage("aws", "@pulumi/aws", "7", requireIt);

/** What makes EBS volumes. */
export const ebsVolume = (): typeof import("@pulumi/aws/ebs/volume") =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  load(() => require("@pulumi/aws/ebs/volume") as typeof import("@pulumi/aws/ebs/volume"));

/** What attaches them to instances. */
export const volumeAttachment = (): typeof import("@pulumi/aws/ec2/volumeAttachment") =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  load(() => require("@pulumi/aws/ec2/volumeAttachment") as typeof import("@pulumi/aws/ec2/volumeAttachment"));

/** What tells the zones of a provider's region. */
export const availabilityZones = (): typeof import("@pulumi/aws/getAvailabilityZones") =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  load(() => require("@pulumi/aws/getAvailabilityZones") as typeof import("@pulumi/aws/getAvailabilityZones"));

/** What the Docker plugin asks EC2 by. */
export const ec2Sdk = (): typeof import("@aws-sdk/client-ec2") =>
  loadPackage(
    "aws",
    "@aws-sdk/client-ec2",
    "3",
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
    () => require("@aws-sdk/client-ec2") as typeof import("@aws-sdk/client-ec2"),
  );
