// Amazon EBS: what a profile's `aws` section becomes for a size, and what may change of a volume that exists.

import { defineBackend } from "../contract";
import { awsChange, multiAttachProblems, noteAwsChange } from "./change";
import { awsCost } from "./cost";
import { awsLimits, awsLimitsOverride, awsLimitsSchema } from "./limits";
import { awsPlacement, awsStackSchema, awsTagRules, awsVolumeSchema } from "./placement";
import { awsPrices, awsPricesOverride, awsPricesSchema } from "./prices";
import { awsRecorded } from "./recorded";
import { admittedSizes, resolveAws } from "./resolve";
import { awsSection } from "./settings";
import { awsProblems } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";

export type { AwsSettings } from "./settings";

export const aws = defineBackend({
  name: "aws",
  title: "Amazon EBS",
  section: awsSection,
  // `gold` has the numbers of the project's founding example (FlockerProfiles, 2015).
  builtIn: {
    default: { volumeType: "gp3", encrypted: true },
    gold: { volumeType: "io1", iops: { perGiB: 30, min: 100, max: 64_000 }, encrypted: true },
    silver: { volumeType: "gp3", iops: 3_000, throughputMiBps: 250, encrypted: true },
    bronze: { volumeType: "gp3", encrypted: true },
  },
  placement: awsPlacement,
  stack: awsStackSchema,
  own: awsVolumeSchema,
  tags: { setting: "tags", is: "an EBS tag", rules: awsTagRules },
  // The region, on which prices depend: that of the provider.
  environment(providerConfig, env) {
    const sources = [providerConfig("aws:region"), env["AWS_REGION"], env["AWS_DEFAULT_REGION"]];
    const region = sources.find((each) => each !== undefined && each !== "");
    return region === undefined ? {} : { region };
  },
  questions: [
    {
      option: "zone",
      key: "availabilityZone",
      message: "Availability Zone (empty: the first of the provider's region)",
      description: "the availability zone",
      isNeeded: false,
      decidesPrice: true,
    },
  ],
  hasProvider: false,
  limits: { data: awsLimits, override: awsLimitsOverride, whole: awsLimitsSchema },
  prices: { data: awsPrices, override: awsPricesOverride, whole: awsPricesSchema },
  problems: awsProblems,
  resolve: resolveAws,
  change: awsChange,
  wholeChange: multiAttachProblems,
  noteChange: noteAwsChange,
  admitted: admittedSizes,
  monthlyCost: awsCost,
  recorded: awsRecorded,
  isEncrypted: ({ encrypted }) => encrypted,
  quantities: {
    iops: { unit: "IOPS" },
    throughputMiBps: { unit: "MiB/s" },
    volumeInitializationRate: { unit: "MiB/s" },
  },
});
