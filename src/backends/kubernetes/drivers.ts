// What each CSI driver can be told of a volume, as data: which setting of the backend below it becomes which parameter of a StorageClass
// (fixed for a volume's life) or of a VolumeAttributesClass (changed in place), and what can't be expressed at all.
// Sources: kubernetes-sigs/aws-ebs-csi-driver 429e202 (1.64.0): docs/parameters.md, docs/modify-volume.md, pkg/driver/controller.go and
// controller_modify_volume.go, pkg/cloud/cloud.go; kubernetes/cloud-provider-openstack c453fb7: docs/cinder-csi-plugin, pkg/csi/cinder;
// dell/csi-powerflex ce1dbd0: service/controller.go, samples/storageclass; ceph/ceph-csi 3.17: examples/rbd/storageclass.yaml and
// volumeattributesclass.yaml, internal/rbd/qos.go and cgroup_qos.go. Read 2026-11-30.

import type { BackendName } from "../../core/backend";
import type { AwsSettings } from "../aws";
import type { CephSettings } from "../ceph";
import type { OpenstackSettings } from "../openstack";
import type { ScaleioSettings } from "../scaleio";

/** What becomes of one setting. */
export type Rule =
  /** A parameter of the StorageClass. `values`: how it spells those of the setting that it spells otherwise. */
  | {
      to: "class";
      key: string;
      isRequired?: { because: string };
      values?: Readonly<Record<string, string>>;
      isList?: true;
    }
  /** A parameter of the VolumeAttributesClass. `times`: in how many of its units one of the setting's is. `unset`: what is said where the profile says nothing. */
  | { to: "attributes"; key: string; times?: number; unset?: string }
  /** Tags: one numbered parameter of the VolumeAttributesClass each. */
  | { to: "tags"; key: string }
  /** Said elsewhere in Kubernetes. */
  | { to: "elsewhere"; where: string }
  /** Asked for, and known to the storage alone: a note where the profile sets it. */
  | { to: "unchecked"; because: string }
  /** Without effect on a claim, whatever its value. */
  | { to: "nothing"; because: string }
  /** Can't be expressed: a problem where the profile sets it, with what to do instead. `in`: the profile's key whose part it is. */
  | { to: "nowhere"; because: string; way: string; in?: readonly [key: string, part?: string] };

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
  /** Parameters that each StorageClass of its has. */
  fixed?: Readonly<Record<string, string>>;
  /** Other parameters of a StorageClass that it knows. It ignores, or fails at, all others. */
  others: readonly string[];
  /** Those of them without which it creates no volume, each with the reason. */
  required?: Readonly<Record<string, string>>;
  /** The node label by which volumes are kept to zones; absent where the driver has none. */
  zoneLabel?: string;
  /** Where the driver would silently give fewer or more IOPS than a class names, by the type of volume. */
  iops?: Readonly<Record<string, { min: number; perGiB: number; max: number }>>;
  /** The setting that lets several nodes use a volume at once, and the types for which the driver supports it. Absent: no such setting. */
  shared?: { setting: string; type: string; types: readonly string[] };
  /** Whether several nodes can write to a volume only as a block device, without a setting for it. */
  sharesBlocks?: true;
  /** Notes of the backend that don't hold for a claim. */
  dropsNotes?: readonly string[];
}

const NO_DATA_SOURCE = "a claim is created from an object of the cluster, not from an id of the cloud";
const DATA_SOURCE_WAY = "set `spec.dataSource` of the claim with `transform: { kubernetes }` instead";
const NO_WAY = "give the claim a profile without it";
const NO_BURST = { because: "the Ceph driver has no limits for bursts", way: NO_WAY };
const NO_MIRROR = { because: "the Ceph driver leaves mirroring to an add-on of its own", way: NO_WAY };
const OF_THE_POOL = "it is the pool's, and the Ceph cluster isn't asked for claims";
const BYTES_PER_MIB = 1024 ** 2;

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
      provisioning: { to: "class", key: "thickprovisioning", values: { thick: "true", thin: "false" } },
      iopsLimit: { to: "class", key: "iopsLimit" },
      bandwidthLimitKBps: { to: "class", key: "bandwidthLimitInKbps" },
      ramCache: { to: "nowhere", because: "the PowerFlex driver can't switch the RAM cache", way: NO_WAY },
      compression: { to: "nowhere", because: "the PowerFlex driver can't switch compression", way: NO_WAY },
    } satisfies Record<keyof ScaleioSettings, Rule>,
    others: ["systemID", "mkfsFormatOption"],
    dropsNotes: ["limits-need-mapping"],
  },
  "rbd.csi.ceph.com": {
    short: "rbd",
    title: "Ceph RBD",
    backend: "ceph",
    settings: {
      pool: { to: "class", key: "pool" },
      copies: { to: "unchecked", because: OF_THE_POOL },
      deviceClass: { to: "unchecked", because: OF_THE_POOL },
      // What a class leaves out stays on the image: so each names all six, and 0 is unlimited. Without an amount for each GiB a base is the limit.
      iopsLimit: { to: "attributes", key: "baseIops", unset: "0" },
      readIopsLimit: { to: "attributes", key: "baseReadIops", unset: "0" },
      writeIopsLimit: { to: "attributes", key: "baseWriteIops", unset: "0" },
      iopsBurst: { to: "nowhere", ...NO_BURST, in: ["iops", "burst"] },
      readIopsBurst: { to: "nowhere", ...NO_BURST, in: ["iops", "burst"] },
      writeIopsBurst: { to: "nowhere", ...NO_BURST, in: ["iops", "burst"] },
      bandwidthLimitMiBps: { to: "attributes", key: "baseBps", times: BYTES_PER_MIB, unset: "0" },
      readBandwidthLimitMiBps: { to: "attributes", key: "baseReadBps", times: BYTES_PER_MIB, unset: "0" },
      writeBandwidthLimitMiBps: { to: "attributes", key: "baseWriteBps", times: BYTES_PER_MIB, unset: "0" },
      bandwidthBurstMiBps: { to: "nowhere", ...NO_BURST, in: ["bandwidth", "burst"] },
      readBandwidthBurstMiBps: { to: "nowhere", ...NO_BURST, in: ["bandwidth", "burst"] },
      writeBandwidthBurstMiBps: { to: "nowhere", ...NO_BURST, in: ["bandwidth", "burst"] },
      encryption: { to: "class", key: "encrypted", values: { luks2: "true" } },
      snapshotLimit: { to: "nowhere", because: "the Ceph driver doesn't limit snapshots", way: NO_WAY },
      mirrorMode: { to: "nowhere", ...NO_MIRROR, in: ["mirror"] },
      mirrorEvery: { to: "nowhere", ...NO_MIRROR, in: ["mirror"] },
      mirrorStart: { to: "nowhere", ...NO_MIRROR, in: ["mirror"] },
      imageFeatures: { to: "class", key: "imageFeatures", isList: true },
      metadata: { to: "nowhere", because: "the Ceph driver writes metadata of its own", way: NO_WAY },
      connection: { to: "nothing", because: "the driver has connections of its own" },
    } satisfies Record<keyof CephSettings, Rule>,
    // The kernel's client has limits for reads and for writes only, and keeps those of a running pod; this one has all, and follows at once.
    fixed: { mounter: "rbd-nbd" },
    others: [
      ...["clusterID", "dataPool", "mkfsOptions", "mapOptions", "unmapOptions", "volumeNamePrefix"],
      ...["encryptionKMSID", "encryptionType", "encryptionCipher", "encryptionKeySize", "encryptionSectorSize"],
      ...["stripeUnit", "stripeCount", "objectSize", "topologyConstrainedPools", "cephLogDir", "cephLogStrategy"],
    ],
    required: { clusterID: "the Ceph driver finds the cluster by it, in its ConfigMap ceph-csi-config" },
    sharesBlocks: true,
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
