// The objects that classes are, and their names. A name is a hash of what a class consists of, worked out without the cluster: so the stack
// that makes classes and those whose claims use them agree, and a class of another content never has the same name.

import { createHash } from "node:crypto";

import { show } from "../../core/problems";
import { canonical } from "../../core/revision";
import { driverNames, driverOf, drivers, FILESYSTEM_PARAMETER, type DriverName } from "./drivers";
import type { Parameters } from "./parameters";
import type { ClassOptions, Section } from "./settings";

/** A StorageClass, as the API has it. */
export interface StorageClassObject {
  apiVersion: "storage.k8s.io/v1";
  kind: "StorageClass";
  metadata: ClassMetadata;
  provisioner: DriverName;
  /** Absent where there are none, as the API server has it then. */
  parameters?: Parameters;
  reclaimPolicy: string;
  volumeBindingMode: string;
  allowVolumeExpansion: true;
  mountOptions?: string[];
  allowedTopologies?: { matchLabelExpressions: { key: string; values: string[] }[] }[];
}

/** A VolumeAttributesClass, as the API has it. */
export interface AttributesClassObject {
  apiVersion: "storage.k8s.io/v1";
  kind: "VolumeAttributesClass";
  metadata: ClassMetadata;
  driverName: DriverName;
  parameters: Parameters;
}

export interface ClassMetadata {
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** All that a StorageClass consists of and that is fixed for its life. */
export interface ClassContent {
  driver: DriverName;
  parameters: Parameters;
  reclaimPolicy: string;
  volumeBindingMode: string;
  mountOptions: string[];
}

/** What a StorageClass consists of, out of the driver's parameters, the profile's section and the stack's config. */
export function classContent(
  driver: DriverName,
  parameters: Parameters,
  { fileSystem, mountOptions }: Section,
  { reclaimPolicy = "Retain", volumeBindingMode = "WaitForFirstConsumer", parameters: others }: ClassOptions = {},
): ClassContent {
  const { fixed } = driverOf(driver);
  const all = {
    ...fixed,
    ...otherParameters(driver, others),
    ...parameters,
    ...(fileSystem != null && { [FILESYSTEM_PARAMETER]: fileSystem }),
  };
  return { driver, parameters: sorted(all), reclaimPolicy, volumeBindingMode, mountOptions: mountOptions ?? [] };
}

/** What the stack passes to a driver beside what profiles say: for any driver, and below the name of this one. */
export function otherParameters(driver: DriverName, given: ClassOptions["parameters"] = {}): Parameters {
  const any = Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const own = given[driver];
  return { ...Object.fromEntries(any), ...(typeof own === "object" && own) };
}

/** Whether a key of the stack's parameters is the name of a driver, below which its own are. */
export const isDriverName = (key: string): boolean => driverNames.some((each) => each === key);

/** How the names of our classes begin; no other class may be called so. */
export const PREFIX = "sp-";

/** What they look like. */
export const OUR_NAME = new RegExp(
  `^${PREFIX}(${Object.values(drivers)
    .map(({ short }) => short)
    .join("|")})-[0-9a-f]{10}$`,
);

/** The name of a StorageClass: `sp-ebs-1a2b3c4d5e`. */
export const storageClassName = (content: ClassContent): string => hashed(content.driver, ["StorageClass", content]);

/** The name of a VolumeAttributesClass. */
export const attributesClassName = (driver: DriverName, attributes: Parameters): string =>
  hashed(driver, ["VolumeAttributesClass", driver, attributes]);

/** A StorageClass as it is read: any part may be missing. */
export interface StorageClassRead {
  metadata?: { deletionTimestamp?: string | undefined } | undefined;
  provisioner?: string | undefined;
  parameters?: Parameters | null | undefined;
  reclaimPolicy?: string | undefined;
  volumeBindingMode?: string | undefined;
  mountOptions?: string[] | null | undefined;
}

/** Whether a StorageClass of the cluster is another one than its name, which has a hash of the content, stands for. */
export function isOtherStorageClass(name: string, read: StorageClassRead): boolean {
  const { provisioner, parameters, reclaimPolicy = "Delete", volumeBindingMode = "Immediate", mountOptions } = read;
  const driver = driverNames.find((each) => each === provisioner);
  if (driver === undefined) return true;
  const content = { driver, parameters: parameters ?? {}, reclaimPolicy, volumeBindingMode };
  return storageClassName({ ...content, mountOptions: mountOptions ?? [] }) !== name;
}

/** The same for a VolumeAttributesClass. */
export function isOtherAttributesClass(name: string, driver: DriverName, parameters: Parameters): boolean {
  return attributesClassName(driver, parameters) !== name;
}

/** The parameters that two classes don't have in common, for people: `iops is "1", expected "3000"`. */
export function differences(has: Parameters, expected: Parameters): string {
  const keys = [...new Set([...Object.keys(has), ...Object.keys(expected)])].sort();
  return keys
    .filter((key) => has[key] !== expected[key])
    .map((key) => `${key} is ${textOf(has[key], "missing")}, expected ${textOf(expected[key], "none")}`)
    .join("; ");
}

const textOf = (value: string | undefined, nothing: string) => (value === undefined ? nothing : show(value));

const MANAGED = { "app.kubernetes.io/managed-by": "storage-profiles" };

/** The profiles that use a class, for people. */
export const PROFILES = "storage-profiles/profiles";

/** A StorageClass of a name. */
export function storageClassObject(
  name: string,
  content: ClassContent,
  profiles: readonly string[],
  zones: readonly string[] = [],
): StorageClassObject {
  const { driver, parameters, reclaimPolicy, volumeBindingMode, mountOptions } = content;
  const { zoneLabel } = driverOf(driver);
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name, labels: { ...MANAGED }, annotations: { [PROFILES]: profiles.join(",") } },
    provisioner: driver,
    ...(Object.keys(parameters).length > 0 && { parameters }),
    reclaimPolicy,
    volumeBindingMode,
    allowVolumeExpansion: true,
    ...(mountOptions.length > 0 && { mountOptions }),
    ...(zones.length > 0 &&
      zoneLabel !== undefined && {
        allowedTopologies: [{ matchLabelExpressions: [{ key: zoneLabel, values: [...zones] }] }],
      }),
  };
}

/** A VolumeAttributesClass of the name that its parameters have. */
export function attributesClassObject(
  driver: DriverName,
  attributes: Parameters,
  profiles: readonly string[],
): AttributesClassObject {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "VolumeAttributesClass",
    metadata: {
      name: attributesClassName(driver, attributes),
      labels: { ...MANAGED },
      annotations: { [PROFILES]: profiles.join(",") },
    },
    driverName: driver,
    parameters: sorted(attributes),
  };
}

/** Parameters in the order of their keys. */
export function sorted(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)));
}

// Most claims of a stack have one of a few classes.
const hashes = new Map<string, string>();
const MOST_HASHES = 1_000;

function hashed(driver: DriverName, content: unknown): string {
  const text = JSON.stringify(content);
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = createHash("sha256").update(canonical(content)).digest("hex").slice(0, 10);
    if (hashes.size >= MOST_HASHES) hashes.clear();
    hashes.set(text, hash);
  }
  return `${PREFIX}${driverOf(driver).short}-${hash}`;
}
