// querySelectedStatistics: chosen properties of the statistics of several objects at once.
import type { StorageArray } from "./array";
import { readId, type Body } from "./body";
import { invalidRequest, missingParameters, notFound } from "./errors";
import { objectTypes } from "./objects";
import { own, type ObjectType } from "./types";
import type { Version } from "./version";
import type { View } from "./views";

/** Of several types: by type, then by id; System's without an id. Asked by /api/instances/querySelectedStatistics. */
export function selectedStatistics(array: StorageArray, body: Body): View {
  const list = body.list("selectedStatisticsList");
  if (!list) throw missingParameters("selectedStatisticsList");
  const answer: View = {};
  for (const selection of list) {
    const name = selection.required("type");
    const type = own(objectTypes, name);
    if (!type) throw notFound(`The type ${name}`);
    answer[name] =
      name === "System"
        ? chosen(array.version, type.statistics(array, array.system.id), selection)
        : selectedStatisticsOfType(array, type, selection);
  }
  return answer;
}

/** Of one type: by id. What isn't a statistic of the type is left out, unless it is known to be refused. */
export function selectedStatisticsOfType(array: StorageArray, type: ObjectType, selection: Body): View {
  // There is one system, which needs no id.
  if (type === objectTypes["System"] && !selection.has("allIds") && selection.texts("ids")?.length === 0)
    return chosen(array.version, type.statistics(array, array.system.id), selection);
  const ids = selection.has("allIds") ? type.ids(array) : selection.texts("ids");
  if (!ids) throw missingParameters("ids");
  return Object.fromEntries(
    ids.map((text) => {
      const id = readId("id", text);
      return [id, chosen(array.version, type.statistics(array, id), selection)];
    }),
  );
}

/** Names that a version doesn't have, and refuses: from that Cinder learns which to ask for (driver.py). */
const refused: Record<string, (version: Version) => boolean> = {
  thinCapacityAllocatedInKb: (version) => !version.atLeast("3.0"),
  snapshotCapacityInKb: (version) => !version.atLeast("3.5"),
};

/** Where a version has both names, the Statistics relationship has one of them. */
const sameAs: Record<string, string> = {
  thinCapacityAllocatedInKb: "thinCapacityAllocatedInKm",
  thinCapacityAllocatedInKm: "thinCapacityAllocatedInKb",
};

function chosen(version: Version, statistics: View, selection: Body): View {
  const properties = selection.texts("properties");
  if (!properties) throw missingParameters("properties");
  const answer: View = {};
  for (const name of properties) {
    if (own(refused, name)?.(version)) throw invalidRequest(`${name} isn't a property of version ${version.text}.`);
    const value = own(statistics, name) ?? own(statistics, own(sameAs, name) ?? name);
    if (value !== undefined) answer[name] = value;
  }
  return answer;
}
