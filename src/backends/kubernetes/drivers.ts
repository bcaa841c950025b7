// What each CSI driver can be told of a volume, as data: which setting of the backend below it becomes which parameter of a StorageClass
// (fixed for a volume's life) or of a VolumeAttributesClass (changed in place), and what can't be expressed at all.
// Sources: kubernetes-sigs/aws-ebs-csi-driver 429e202 (1.64.0): docs/parameters.md, docs/modify-volume.md, pkg/driver/controller.go and
// controller_modify_volume.go, pkg/cloud/cloud.go; kubernetes/cloud-provider-openstack c453fb7: docs/cinder-csi-plugin, pkg/csi/cinder;
// dell/csi-powerflex ce1dbd0: service/controller.go, samples/storageclass. Read 2026-11-29.

import type { BackendName } from "../../core/backend";
import type { AwsSettings } from "../aws";
import type { OpenstackSettings } from "../openstack";
import type { ScaleioSettings } from "../scaleio";

/** What becomes of one setting. */
export type Rule =
  /** A parameter of the StorageClass. */
  | { to: "class"; key: string; isRequired?: { because: string } }
  /** A parameter of the VolumeAttributesClass. */
  | { to: "attributes"; key: string }
  /** Tags: one numbered parameter of the VolumeAttributesClass each. */
  | { to: "tags"; key: string }
  /** Said elsewhere in Kubernetes. */
  | { to: "elsewhere"; where: string }
  /** Without effect on a claim, whatever its value. */
  | { to: "nothing"; because: string }
  /** Can't be expressed: a problem where the profile sets it, with what to do instead. */
  | { to: "nowhere"; because: string; way: string };

/** A CSI driver. */
export interface Driver {
  /** In names of classes. */
  short: string;
  title: string;
  /** The backend whose storage it is, and whose section of a profile counts. */
  backend: BackendName;
  /** Why a volume of its can't be changed; absent where it can. */
  cantModify?: string;
  /** What becomes of each setting of the backend. */
  settings: Readonly<Record<string, Rule>>;
  /** Other parameters of a StorageClass that it knows. It ignores, or fails at, all others. */
  others: readonly string[];
  /** The node label by which volumes are kept to zones; absent where the driver has none. */
  zoneLabel?: string;
  /** Where the driver would silently give fewer or more IOPS than a class names, by the type of volume. */
  iops?: Readonly<Record<string, { min: number; perGiB: number; max: number }>>;
  /** The setting that lets several nodes use a volume at once, and the types for which the driver supports it. Absent: no such setting. */
  shared?: { setting: string; type: string; types: readonly string[] };
  /** Notes of the backend that don't hold for a claim. */
  dropsNotes?: readonly string[];
}

const NO_DATA_SOURCE = "a claim is created from an object of the cluster, not from an id of the cloud";
const DATA_SOURCE_WAY = "set `spec.dataSource` of the claim with `transform: { kubernetes }` instead";
const NO_WAY = "give the claim a profile without it";

export const drivers = {
  "ebs.csi.aws.com": {
    short: "ebs",
    title: "Amazon EBS",
    backend: "aws",
    settings: {
      volumeType: { to: "attributes", key: "type" },
      iops: { to: "attributes", key: "iops" },
      throughputMiBps: { to: "attributes", key: "throughput" },
      encrypted: { to: "class", key: "encrypted" },
      kmsKeyId: { to: "class", key: "kmsKeyId" },
      volumeInitializationRate: { to: "class", key: "volumeInitializationRate" },
      tags: { to: "tags", key: "tagSpecification_" },
      multiAttach: {
        to: "elsewhere",
        where: "the claim: `volumeMode: Block` with `accessModes: [ReadWriteMany]`; io2 only",
      },
      availabilityZone: {
        to: "elsewhere",
        where: "the node that uses the claim, or `zones` in storage-profiles:kubernetes",
      },
      outpostArn: { to: "elsewhere", where: "the node that uses the claim" },
      snapshotId: { to: "nowhere", because: NO_DATA_SOURCE, way: DATA_SOURCE_WAY },
    } satisfies Record<keyof AwsSettings, Rule>,
    others: [
      ...["blockSize", "inodeSize", "bytesPerInode", "numberOfInodes", "ext4BigAlloc", "ext4ClusterSize"],
      ...["ext4EncryptionSupport", "blockAttachUntilInitialized"],
    ],
    zoneLabel: "topology.kubernetes.io/zone",
    shared: { setting: "multiAttach", type: "volumeType", types: ["io2"] },
    // What is below `min` it raises; above it, it caps at `perGiB` × size, and at EC2's own maximum, or `max` where EC2 doesn't tell that.
    iops: {
      gp3: { min: 3_000, perGiB: 500, max: 16_000 },
      io1: { min: 100, perGiB: 50, max: 64_000 },
      io2: { min: 100, perGiB: 1_000, max: 256_000 },
    },
  },
  "cinder.csi.openstack.org": {
    short: "cinder",
    title: "OpenStack Cinder",
    backend: "openstack",
    cantModify: "it doesn't implement ControllerModifyVolume",
    settings: {
      volumeType: { to: "class", key: "type" },
      availabilityZone: { to: "class", key: "availability" },
      migrationPolicy: { to: "nothing", because: "the driver never retypes a volume" },
      snapshotId: { to: "nowhere", because: NO_DATA_SOURCE, way: DATA_SOURCE_WAY },
      imageId: { to: "nowhere", because: NO_DATA_SOURCE, way: NO_WAY },
      sourceVolumeId: { to: "nowhere", because: NO_DATA_SOURCE, way: DATA_SOURCE_WAY },
      description: { to: "nowhere", because: "the driver writes a description of its own", way: NO_WAY },
      metadata: { to: "nowhere", because: "the driver writes only the cluster's and the claim's names", way: NO_WAY },
    } satisfies Record<keyof OpenstackSettings, Rule>,
    others: [],
    zoneLabel: "topology.cinder.csi.openstack.org/zone",
  },
  "csi-vxflexos.dellemc.com": {
    short: "powerflex",
    title: "ScaleIO / PowerFlex",
    backend: "scaleio",
    cantModify:
      "it doesn't implement ControllerModifyVolume, and sets the limits that a volume was created with at each attach",
    settings: {
      storagePool: {
        to: "class",
        key: "storagepool",
        isRequired: { because: "the PowerFlex driver requires a storage pool" },
      },
      protectionDomain: { to: "class", key: "protectiondomain" },
      connection: { to: "nothing", because: "the driver has connections of its own" },
      provisioning: { to: "class", key: "thickprovisioning" },
      iopsLimit: { to: "class", key: "iopsLimit" },
      bandwidthLimitKBps: { to: "class", key: "bandwidthLimitInKbps" },
      ramCache: { to: "nowhere", because: "the PowerFlex driver can't switch the RAM cache", way: NO_WAY },
      compression: { to: "nowhere", because: "the PowerFlex driver can't switch compression", way: NO_WAY },
    } satisfies Record<keyof ScaleioSettings, Rule>,
    others: ["systemID", "mkfsFormatOption"],
    dropsNotes: ["limits-need-mapping"],
  },
} as const satisfies Record<string, Driver>;

/** The name of a CSI driver, as its classes have it. */
export type DriverName = keyof typeof drivers;

/** Their names. */
export const driverNames = Object.keys(drivers) as [DriverName, ...DriverName[]];

/** The driver of a name. */
export function driverOf(name: DriverName): Driver {
  return drivers[name];
}

/** Parameters for the sidecars of any driver, which take them out before it sees them: where its secrets are. */
export const SIDECAR_PARAMETERS = ["provisioner", "controller-publish", "controller-expand", "controller-modify"]
  .concat(["node-stage", "node-publish", "node-expand"])
  .flatMap((step) => ["name", "namespace"].map((key) => `csi.storage.k8s.io/${step}-secret-${key}`));

/** The parameter for the file system, likewise. */
export const FILESYSTEM_PARAMETER = "csi.storage.k8s.io/fstype";
