// What `pulumi import --file` needs to take volumes of an array into a state: each with all that its provider would say.

import { parseReference, formatProblems, type ResolvedVolume } from "../../../src";
import type { ScaleioSettings } from "../../../src/backends/scaleio";
import type { ScaleioArray } from "./array";
import { ScaleioError } from "./errors";
import { volumeToImport } from "./lifecycle";
import { ownResources } from "./own-resources";

/** A volume to take in: how the program declares it, and which one it is on the array. */
export interface VolumeToImport {
  /** `name`, or `name@profile`. */
  reference: string;
  id: string;
}

/** Pulumi's file of resources to import. */
export interface ImportFile {
  resources: object[];
}

/**
 * Makes the file: every volume as it is now, so that the next preview shows what its profile would change. Limits are kept by
 * mappings and count as none.
 * @throws {ScaleioError} with all volumes that can't be taken in
 */
export async function importFile(array: ScaleioArray, volumes: VolumeToImport[]): Promise<ImportFile> {
  const wrong: string[] = [];
  const resources = await Promise.all(
    volumes.map(async ({ reference, id }) => {
      const { reference: parsed, problems } = parseReference(reference);
      if (!parsed) {
        wrong.push(formatProblems(reference, problems));
        return [];
      }
      const { found, problems: refusals } = await volumeToImport(array, id.toLowerCase(), UNLIMITED);
      if (!found) {
        wrong.push(formatProblems(reference, refusals));
        return [];
      }
      const { sizeGiB, settings, name: onArray, systemId } = found;
      const { name, profile } = parsed;
      // Of which edit of a profile it is, nobody knows.
      const resolved: ResolvedVolume = { name, profile, revision: "imported", backend: "scaleio", sizeGiB, settings };
      const own = { name: onArray, sizeGiB, settings, declaredAs: name, __provider: ownResources.Volume.providerText };
      const child = {
        type: ownResources.Volume.dynamicType,
        name: `${name}-volume`,
        logicalName: name,
        parent: name,
        id: found.id,
        inputs: own,
        outputs: { ...own, systemId },
      };
      return [{ type: "storage-profiles:index:ProfiledVolume", name, component: true, inputs: resolved }, child];
    }),
  );
  if (wrong.length > 0) throw new ScaleioError("not-possible", wrong.join("\n"));
  return { resources: resources.flat() };
}

const UNLIMITED: ScaleioSettings = {
  provisioning: "thin",
  iopsLimit: 0,
  bandwidthLimitKBps: 0,
  ramCache: false,
  compression: "none",
  protectionDomain: null,
  storagePool: null,
};
