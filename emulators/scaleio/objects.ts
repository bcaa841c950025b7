// The array's types in the API's words, except Volume, which has a file to itself.
import type { ProtectionDomain, Sdc, StorageArray, StoragePool, System, VTree } from "./array";
import type { Body } from "./body";
import { missingOneOf, missingParameters, refusal } from "./errors";
import { approveSdc, renameSdc, sdcByGuid, sdcByIp, sdcByName } from "./sdcs";
import { removeConsistencyGroup, snapshotVolumes } from "./snapshots";
import {
  protectionDomainStatistics,
  sdcStatistics,
  storagePoolStatistics,
  systemStatistics,
  vtreeStatistics,
} from "./statistics";
import { defineType, type ObjectType } from "./types";
import { protectionDomainView, sdcView, storagePoolView, systemView, userView, volumeView, vtreeView } from "./views";
import { volumeType } from "./volume-type";
import { MAX_NAME_LENGTH, MAX_VOLUME_GIB } from "./volumes";

// What querySystemLimits answers: the limits of the array, as text.
const systemLimits = [
  limit("volumeSizeGb", "Volume size in GB", MAX_VOLUME_GIB, 8),
  limit("volumesPerSystem", "Number of volumes in the system", 131_072),
  limit("snapshotsPerSystem", "Number of snapshots in the system", 133_120),
  limit("volumesPerVtree", "Number of volumes in a V-Tree", 127),
  limit("nameLength", "Length of a name", MAX_NAME_LENGTH),
  limit("restSessions", "Number of sessions", 128),
];

const system = defineType<System>({
  name: "System",
  all: (array) => [array.system],
  missing: "NOT_FOUND",
  view: systemView,
  statistics: systemStatistics,
  relationships: {
    ProtectionDomain: (array) => protectionDomain.list(array),
    Sdc: (array) => sdc.list(array),
    User: (array) => user.list(array),
  },
  actions: {
    querySystemLimits: { run: () => ({ systemLimitEntryList: systemLimits }) },
    snapshotVolumes: { run: (array, _system, body) => takeSnapshots(array, body) },
    removeConsistencyGroupSnapshots: {
      run: (array, _system, body) => ({
        numberOfVolumes: removeConsistencyGroup(array, body.requiredId("snapGroupId")),
      }),
    },
    approveSdc: { run: (array, _system, body) => ({ id: approveSdc(array, body).id }) },
    setRestrictedSdcMode: {
      run: (array, _system, body) => {
        array.system.restrictedSdcMode = body.requiredChoice("restrictedSdcMode", ["None", "Guid", "ApprovedIp"]);
      },
    },
  },
});

const protectionDomain = defineType<ProtectionDomain>({
  name: "ProtectionDomain",
  all: (array) => array.protectionDomains.values(),
  missing: "FD_NOT_FOUND",
  view: protectionDomainView,
  statistics: protectionDomainStatistics,
  relationships: {
    StoragePool: (array, domain) =>
      [...array.storagePools.values()]
        .filter(({ protectionDomainId }) => protectionDomainId === domain.id)
        .map((pool) => storagePoolView(array, pool)),
    Sds: () => [],
    FaultSet: () => [],
  },
  idByKey: (array, body) => protectionDomainByName(array, body.required("name")).id,
});

const storagePool = defineType<StoragePool>({
  name: "StoragePool",
  all: (array) => array.storagePools.values(),
  missing: "STORAGE_POOL_NOT_FOUND",
  view: storagePoolView,
  statistics: storagePoolStatistics,
  relationships: {
    Volume: (array, pool) => array.volumesIn(pool).map((volume) => volumeView(array, volume)),
    VTree: (array, pool) =>
      [...array.vtrees.values()]
        .filter(({ storagePoolId }) => storagePoolId === pool.id)
        .map((vtree) => vtreeView(array, vtree)),
    Device: () => [],
    SpSds: () => [],
  },
  idByKey: (array, body) => {
    const name = body.required("name");
    const id = body.id("protectionDomainId");
    const domainName = body.text("protectionDomainName");
    if (id === undefined && domainName === undefined) throw missingOneOf("protectionDomainId", "protectionDomainName");
    const domain = id === undefined ? protectionDomainByName(array, domainName ?? "") : array.protectionDomain(id);
    return storagePoolByName(array, domain, name).id;
  },
});

const sdc = defineType<Sdc>({
  name: "Sdc",
  all: (array) => array.sdcs.values(),
  missing: "INI_NOT_FOUND",
  view: sdcView,
  statistics: sdcStatistics,
  relationships: {
    Volume: (array, host) => array.volumesMappedTo(host).map((volume) => volumeView(array, volume)),
  },
  actions: { setSdcName: { run: (array, host, body) => renameSdc(array, host, body.required("sdcName")) } },
  idByKey: (array, body) => {
    const keys = { ip: sdcByIp, guid: sdcByGuid, sdcGuid: sdcByGuid, name: sdcByName };
    for (const [key, find] of Object.entries(keys)) {
      const value = body.text(key);
      if (value !== undefined) return find(array, value).id;
    }
    throw missingOneOf("ip", "guid", "name");
  },
});

const vtree = defineType<VTree>({
  name: "VTree",
  all: (array) => array.vtrees.values(),
  missing: "VTREE_NOT_FOUND",
  view: vtreeView,
  statistics: vtreeStatistics,
  relationships: { Volume: (array, tree) => array.volumesOf(tree).map((volume) => volumeView(array, volume)) },
});

/** Whoever may log in. */
const user = defineType<{ id: string; name: string }>({
  name: "User",
  all: (array) => array.users,
  missing: "NOT_FOUND",
  view: userView,
});

/** Types that a real array has objects of, and this one doesn't. */
function empty(name: string): ObjectType {
  return defineType<{ id: string }>({
    name,
    all: () => [],
    missing: name === "Sds" ? "TGT_NOT_FOUND" : "NOT_FOUND",
    view: (_array, object) => object,
  });
}

export const objectTypes: Readonly<Record<string, ObjectType>> = {
  System: system,
  ProtectionDomain: protectionDomain,
  StoragePool: storagePool,
  Sdc: sdc,
  Volume: volumeType,
  VTree: vtree,
  Sds: empty("Sds"),
  Device: empty("Device"),
  FaultSet: empty("FaultSet"),
  User: user,
};

export function protectionDomainByName(array: StorageArray, name: string): ProtectionDomain {
  const domain = [...array.protectionDomains.values()].find((other) => other.name === name);
  if (!domain) throw refusal("FD_NOT_FOUND");
  return domain;
}

export function storagePoolByName(array: StorageArray, domain: ProtectionDomain, name: string): StoragePool {
  const pool = [...array.storagePools.values()].find(
    (other) => other.protectionDomainId === domain.id && other.name === name,
  );
  if (!pool) throw refusal("STORAGE_POOL_NOT_FOUND");
  return pool;
}

function takeSnapshots(array: StorageArray, body: Body) {
  const definitions = body.list("snapshotDefs");
  if (!definitions || definitions.length === 0) throw missingParameters("snapshotDefs");
  const { group, snapshots } = snapshotVolumes(
    array,
    definitions.map((definition) => ({
      volumeId: definition.requiredId("volumeId"),
      name: definition.text("snapshotName"),
    })),
    body.choice("accessModeLimit", ["ReadWrite", "ReadOnly"]),
  );
  return { volumeIdList: snapshots.map(({ id }) => id), snapshotGroupId: group };
}

function limit(type: string, description: string, max: number, min?: number) {
  return { type, description, maxVal: String(max), ...(min !== undefined && { minVal: String(min) }) };
}
