// Look-ups under the types' names of ScaleIO 1.x, which clients still use: types/Domain/instances/getByName::domain1.
import type { StorageArray } from "./array";
import { readId } from "./body";
import { GatewayError, notFound, refusal } from "./errors";
import { protectionDomainByName, storagePoolByName } from "./objects";
import { sdcByIp } from "./sdcs";
import { own } from "./types";

/** Finds the id in the path's last part. Clients encode names once or twice, so each stage of decoding is tried. */
export function findByLegacyKey(array: StorageArray, type: string, path: string): string {
  const [, query = "", key = ""] = /\/instances\/([^:/]+)::(.*?)\/?$/.exec(path) ?? [];
  const find = own(lookups, `${type}/${query}`);
  if (!find) throw notFound(path);
  let failure: unknown;
  for (const stage of decodings(key)) {
    try {
      return find(array, stage);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

const lookups: Record<string, (array: StorageArray, key: string) => string> = {
  "Domain/getByName": (array, name) => protectionDomainByName(array, name).id,
  "ProtectionDomain/getByName": (array, name) => protectionDomainByName(array, name).id,
  "Pool/getByName": poolByKey,
  "StoragePool/getByName": poolByKey,
  "Volume/getByName": (array, name) => {
    const volume = array.volumeByName(name);
    if (!volume) throw refusal("NOT_FOUND");
    return volume.id;
  },
  "Client/getByIp": (array, ip) => sdcByIp(array, ip).id,
  "Sdc/getByIp": (array, ip) => sdcByIp(array, ip).id,
};

/** The domain's id, a comma, the pool's name. */
function poolByKey(array: StorageArray, key: string): string {
  const comma = key.indexOf(",");
  if (comma < 0) throw refusal("STORAGE_POOL_NOT_FOUND");
  const domain = array.protectionDomain(readId("protectionDomainId", key.slice(0, comma)));
  return storagePoolByName(array, domain, key.slice(comma + 1)).id;
}

function decodings(text: string): string[] {
  const stages = [text];
  for (;;) {
    const decoded = decodedOnce(stages.at(-1) ?? "");
    if (decoded === undefined || decoded === stages.at(-1)) return stages;
    stages.push(decoded);
  }
}

function decodedOnce(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
