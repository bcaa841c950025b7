// Amazon EBS: what a profile's `aws` section becomes for a size, and what may change of a volume that exists.

import type { Backend } from "../../core/backend";
import { awsChange, multiAttachProblems, noteAwsChange } from "./change";
import { awsCost } from "./cost";
import { awsLimits, awsLimitsOverride, awsLimitsSchema, type AwsLimits } from "./limits";
import { awsPlacement, type AwsPlacement } from "./placement";
import { awsPrices, awsPricesOverride, awsPricesSchema, type AwsPrices } from "./prices";
import { awsRecorded } from "./recorded";
import { admittedSizes, resolveAws } from "./resolve";
import { awsSection, type AwsSection, type AwsSettings } from "./settings";

export type { AwsSettings } from "./settings";

export const aws: Backend<"aws", AwsSection, AwsSettings, AwsPlacement, AwsLimits, AwsPrices> = {
  name: "aws",
  title: "Amazon EBS",
  section: awsSection,
  placement: awsPlacement,
  limits: { data: awsLimits, override: awsLimitsOverride, whole: awsLimitsSchema },
  prices: { data: awsPrices, override: awsPricesOverride, whole: awsPricesSchema },
  resolve: resolveAws,
  change: awsChange,
  wholeChange: multiAttachProblems,
  noteChange: noteAwsChange,
  admitted: admittedSizes,
  monthlyCost: awsCost,
  recorded: awsRecorded,
  quantities: {
    iops: { unit: "IOPS" },
    throughputMiBps: { unit: "MiB/s" },
    volumeInitializationRate: { unit: "MiB/s" },
  },
};
