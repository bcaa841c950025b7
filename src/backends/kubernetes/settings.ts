// What a profile, a stack and a volume say for Kubernetes beside the section of the driver's backend, and what all of it becomes: the
// complete settings of a claim.

import { z } from "zod";

import { bounded } from "../../core/bounded";
import type { TagRules } from "../contract";
import { driverNames, type DriverName } from "./drivers";

export const accessModes = ["ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"] as const;
export type AccessMode = (typeof accessModes)[number];

export const volumeModes = ["Filesystem", "Block"] as const;
export type VolumeMode = (typeof volumeModes)[number];

const fileSystems = ["ext4", "xfs", "ext3"] as const;

/** Names of objects. Source: apimachinery validation, IsDNS1123Label and IsDNS1123Subdomain. */
export const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const section = z
  .strictObject({
    fileSystem: z
      .enum(fileSystems)
      .nullish()
      .describe("File system of claims of this profile. Default: the driver's, ext4"),
    mountOptions: z
      .array(z.string().min(1))
      .max(64)
      .nullish()
      .describe("Options with which nodes mount the file system. Default: none"),
  })
  .describe("The profile's settings on Kubernetes, beside those of the section for the CSI driver's backend");
export type Section = z.infer<typeof section>;

const namespace = z
  .string()
  .regex(LABEL)
  .describe('Name of the namespace, in lower-case letters, digits and `-`: "shop"');
const driver = z.enum(driverNames).describe("Name of the CSI driver that the cluster has");

// What a label may be. Source: apimachinery validation, IsQualifiedName and IsValidLabelValue.
const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const MOST_LABELS = 64;
const labelName = z.string().regex(LABEL_NAME).describe('a label name: "app", or "example.com/app"');
const labelValue = z.string().regex(LABEL_VALUE).describe("up to 63 letters, digits, `-`, `_` and `.`");
const labels = bounded(z.record(labelName, labelValue), MOST_LABELS).describe("Labels of the claim. Default: none");

/** What tags may be: labels. Source of the reserved ones: kubernetes.io/docs, "Labels and Selectors", and pulumi-kubernetes. Read 2026-11-30. */
export const labelRules: TagRules = {
  key: {
    pattern: LABEL_NAME,
    allowed:
      "up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or a digit; optionally after a DNS name and `/`",
  },
  value: {
    pattern: LABEL_VALUE,
    allowed:
      "up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or a digit; or an empty text",
  },
  most: MOST_LABELS,
  reserved: [
    {
      key: /^(kubernetes|k8s)\.io\//,
      because: "label names that begin with `kubernetes.io/` or `k8s.io/` are reserved for Kubernetes",
    },
    {
      key: /^app\.kubernetes\.io\/managed-by$/,
      because: "the label `app.kubernetes.io/managed-by` is set by the tool that manages the claim",
    },
  ],
};

/** What a volume says itself on Kubernetes. */
export const own = z
  .strictObject({
    namespace: namespace.optional().describe("Namespace of the claim. Fixed at creation. Default: the stack's"),
    accessModes: z
      .array(z.enum(accessModes))
      .min(1)
      .max(accessModes.length)
      // Source: kubernetes pkg/apis/core/validation, ValidatePersistentVolumeClaimSpec.
      .refine((modes) => !modes.includes("ReadWriteOncePod") || new Set(modes).size === 1, {
        error: "ReadWriteOncePod can't be combined with other access modes",
        params: { allowed: "ReadWriteOncePod alone, or others without it" },
      })
      .optional()
      .describe("How nodes may use the claim. Fixed at creation. Default: ReadWriteOnce"),
    volumeMode: z
      .enum(volumeModes)
      .optional()
      .describe("Whether pods get a file system or the block device. Fixed at creation. Default: Filesystem"),
    labels: labels.optional(),
    existingClass: z
      .string()
      .regex(SUBDOMAIN)
      .optional()
      .describe(
        "Name of the StorageClass that an imported claim has, instead of the profile's; what it fixes isn't checked",
      ),
  })
  .describe("Settings for a single volume on Kubernetes");

const reclaimPolicies = ["Retain", "Delete"] as const;
const bindingModes = ["WaitForFirstConsumer", "Immediate"] as const;

const ofOneDriver = bounded(z.record(z.string().min(1), z.string()), 64).describe("parameters for one driver");

/** What of the stack's config makes classes what they are, beside profiles. */
const classOptions = z.strictObject({
  reclaimPolicy: z
    .enum(reclaimPolicies)
    .optional()
    .describe("Whether the storage stays when its claim is deleted. Fixed at creation. Default: Retain"),
  volumeBindingMode: z
    .enum(bindingModes)
    .optional()
    .describe("Whether storage is created when a pod first uses the claim, or at once. Default: WaitForFirstConsumer"),
  parameters: bounded(z.record(z.string().min(1), z.union([z.string().describe("a text"), ofOneDriver])), 64)
    .optional()
    .describe(
      "Other parameters of StorageClasses that the driver knows, passed unchanged; below a driver's name, for that driver only. Default: none",
    ),
});
export type ClassOptions = z.infer<typeof classOptions>;

export const stack = classOptions
  .extend({
    driver: driver.optional(),
    namespace: namespace.optional().describe("Namespace of claims that don't name one. Default: default"),
    changeTimeoutMinutes: z
      .int()
      .min(1)
      .max(10_080)
      .optional()
      .describe("Timeout for the CSI driver to carry out a change, in minutes; it continues after it. Default: 15"),
    zones: z
      .array(z.string().min(1))
      .min(1)
      .max(64)
      .optional()
      .describe("Zones in which classes create volumes. Default: all zones of the cluster"),
  })
  .describe("The CSI driver of the cluster, and how its classes are made");

export const placement = own.extend({
  driver: driver.optional(),
  classes: classOptions.optional(),
  zones: stack.shape.zones,
  bases: z.record(z.string(), z.unknown()).optional(),
});
export type Placement = z.infer<typeof placement>;

/** What of the stack's config is about the place of a claim. */
export function place({
  driver,
  namespace,
  zones,
  changeTimeoutMinutes: _,
  ...classes
}: Record<string, unknown>): object {
  return {
    ...(driver !== undefined && { driver }),
    ...(namespace !== undefined && { namespace }),
    ...(zones !== undefined && { zones }),
    classes,
  };
}

/** The complete settings of a claim. */
export interface KubernetesSettings {
  driver: DriverName;
  namespace: string;
  accessModes: AccessMode[];
  volumeMode: VolumeMode;
  /** The StorageClass, whose name has a hash of all that is fixed for the volume's life; or the `existingClass`. */
  storageClass: string;
  /** The StorageClass that an imported claim has, where it isn't the profile's. */
  existingClass: string | null;
  /** The parameters that the StorageClass has; none are known of an `existingClass`. */
  parameters: Record<string, string>;
  /** The VolumeAttributesClass, whose name has a hash of its parameters; `null` where the driver can't change a volume. */
  volumeAttributesClass: string | null;
  /** The parameters that it has: all that the driver can change. */
  attributes: Record<string, string>;
  labels: Record<string, string>;
}
