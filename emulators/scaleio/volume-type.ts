// Volume in the API's words: reads the bodies of its actions and passes on to what does them.
import { KB_PER_GIB, type StorageArray, type Volume } from "./array";
import type { Body } from "./body";
import { invalidRequest, missingOneOf, refusal } from "./errors";
import * as mappings from "./mappings";
import { migrateVTree, pauseMigration, resumeMigration } from "./migration";
import { sdcOf } from "./sdcs";
import { noTraffic, volumeStatistics } from "./statistics";
import { defineType, type Action } from "./types";
import { volumeView } from "./views";
import * as volumes from "./volumes";

const provisionings = ["ThinProvisioned", "ThickProvisioned"] as const;
const compressionMethods = ["None", "Normal"] as const;
const accessModes = ["ReadWrite", "ReadOnly", "NoAccess"] as const;

const actions: Record<string, Action<Volume>> = {
  setVolumeName: { run: (array, volume, body) => volumes.renameVolume(array, volume, body.required("newName")) },
  setVolumeSize: {
    run: (array, volume, body) => {
      const text = body.required("sizeInGB");
      volumes.resizeVolume(array, volume, /^\d+$/.test(text) ? Number(text) : refuseSize(text));
    },
  },
  setVolumeUseRmcache: {
    run: (array, volume, body) => {
      body.required("useRmcache");
      volumes.setUseRmcache(array, volume, body.boolean("useRmcache") ?? false);
    },
  },
  modifyCompressionMethod: {
    since: "3.0",
    run: (array, volume, body) =>
      volumes.setCompressionMethod(array, volume, body.requiredChoice("compressionMethod", compressionMethods)),
  },
  setVolumeAccessModeLimit: {
    since: "3.0",
    run: (_array, volume, body) =>
      volumes.setAccessModeLimit(volume, body.requiredChoice("accessModeLimit", ["ReadWrite", "ReadOnly"])),
  },
  setVolumeMappingAccessMode: {
    since: "3.0",
    run: (array, volume, body) =>
      mappings.setMappingAccessMode(volume, sdcOf(array, body), body.requiredChoice("accessMode", accessModes)),
  },
  addMappedSdc: { run: map },
  removeMappedSdc: {
    run: (array, volume, body) => {
      if (body.has("allSdcs")) mappings.unmapFromAllSdcs(volume);
      else mappings.unmapVolume(volume, sdcOf(array, body));
    },
  },
  setMappedSdcLimits: {
    run: (array, volume, body) =>
      mappings.setLimits(array, volume, sdcOf(array, body), {
        iopsLimit: body.integer("iopsLimit"),
        bandwidthLimitInKbps: body.integer("bandwidthLimitInKbps"),
      }),
  },
  removeVolume: {
    run: (array, volume, body) => {
      volumes.removeVolume(array, volume, body.requiredChoice("removeMode", volumes.removeModes));
    },
  },
  overwriteVolumeContent: {
    run: (array, volume, body) => volumes.overwriteContent(volume, array.volume(body.requiredId("srcVolumeId"))),
  },
  migrateVTree: {
    since: "3.0",
    run: (array, volume, body) =>
      migrateVTree(array, volume, {
        destinationStoragePoolId: body.requiredId("destSPId"),
        conversion: body.choice("volTypeConversion", ["NoConversion", "ThickToThin", "ThinToThick"]),
        compressionMethod: body.choice("compressionMethod", compressionMethods),
      }),
  },
  pauseVTreeMigration: {
    since: "3.0",
    run: (array, volume, body) => {
      body.requiredChoice("pauseType", ["Gracefully", "Forcefully"]);
      pauseMigration(array, array.vtree(volume.vtreeId));
    },
  },
  resumeVTreeMigration: {
    since: "3.0",
    run: (array, volume) => resumeMigration(array, array.vtree(volume.vtreeId)),
  },
  // No policy takes snapshots here, so there is none that could be locked.
  lockAutoSnapshot: { since: "3.0", run: () => refuseAutoSnapshot() },
  unlockAutoSnapshot: { since: "3.0", run: () => refuseAutoSnapshot() },
  setSnapshotSecurity: {
    since: "3.5",
    run: (array, volume, body) => {
      body.required("retentionPeriodInMin");
      volumes.secureSnapshot(array, volume, body.integer("retentionPeriodInMin") ?? 0);
    },
  },
  // Inferred: which words an array puts around the counters isn't public.
  queryVolumeSdcBwc: {
    since: "3.0",
    run: (_array, volume) => ({ sdcBwcList: volume.mappings.map(({ sdcId }) => ({ sdcId, ...noTraffic() })) }),
  },
  // What goes by the name of host since 4.0 is, of the kind that this array has, an SDC.
  addMappedHost: { since: "4.0", run: (array, volume, body) => map(array, volume, asSdc(body)) },
  removeMappedHost: {
    since: "4.0",
    run: (array, volume, body) => {
      if (!volumes.isMapped(volume)) throw refusal("HOST_NOT_MAPPED");
      if (body.has("allHosts")) {
        mappings.unmapFromAllSdcs(volume);
        return;
      }
      const sdc = sdcOf(array, asSdc(body));
      if (!volume.mappings.some(({ sdcId }) => sdcId === sdc.id)) throw refusal("HOST_NOT_MAPPED");
      mappings.unmapVolume(volume, sdc);
    },
  },
};

export const volumeType = defineType<Volume>({
  name: "Volume",
  all: (array) => array.volumes.values(),
  missing: "VOL_NOT_FOUND",
  view: volumeView,
  statistics: volumeStatistics,
  actions,
  create: (array, body) =>
    volumes.createVolume(array, {
      storagePoolId: body.requiredId("storagePoolId"),
      protectionDomainId: body.id("protectionDomainId"),
      sizeInKb: newSize(body),
      name: body.text("name"),
      volumeType: body.choice("volumeType", provisionings),
      useRmcache: body.boolean("useRmcache"),
      // 2.x doesn't know it, and ignores what it doesn't know.
      compressionMethod: array.version.atLeast("3.0")
        ? body.choice("compressionMethod", compressionMethods)
        : undefined,
    }),
  idByKey: (array, body) => {
    const volume = array.volumeByName(body.required("name"));
    if (!volume) throw refusal(array.version.atLeast("3.5") ? "VOL_NOT_FOUND" : "NOT_FOUND");
    return volume.id;
  },
});

function map(array: StorageArray, volume: Volume, body: Body): void {
  if (body.has("allSdcs") && !array.version.atLeast("3.0")) {
    mappings.mapToAllSdcs(array, volume);
    return;
  }
  mappings.mapVolume(array, volume, sdcOf(array, body), {
    allowMultipleMappings: body.boolean("allowMultipleMappings"),
    accessMode: array.version.atLeast("3.0") ? body.choice("accessMode", accessModes) : undefined,
  });
}

function newSize(body: Body): number {
  const inKb = body.integer("volumeSizeInKb");
  const inGb = body.integer("volumeSizeInGb");
  if (inKb === undefined && inGb === undefined) throw missingOneOf("volumeSizeInKb", "volumeSizeInGb");
  if (inKb === 0 || inGb === 0) {
    throw invalidRequest(`${inKb === 0 ? "volumeSizeInKb" : "volumeSizeInGb"} (0) must be a positive number.`);
  }
  return inKb ?? (inGb ?? 0) * KB_PER_GIB;
}

function refuseSize(text: string): never {
  throw invalidRequest(`sizeInGb (${text}) must be a positive number in granularity of 8 GB.`);
}

function refuseAutoSnapshot(): never {
  throw refusal("NOT_AN_AUTO_SNAPSHOT");
}

function asSdc(body: Body): Body {
  return body.renamed("hostId", "sdcId");
}
