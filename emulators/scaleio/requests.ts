// What a request is about, read from its method and path: the names by which calls are recorded and faults are aimed.

export interface RequestSubject {
  /**
   * The API's name of the action ("addMappedSdc", "queryIdByKey", "login"), or one made of what is done and the type:
   * "createVolume", "listVolume", "getVolume", "getVolumeStatistics".
   */
  readonly action?: string;
  /** As in the path: "Volume::993a355d00000000". */
  readonly object?: string;
}

export function subjectOf(method: string, path: string): RequestSubject {
  const parts = path.split("/").filter((part) => part !== "");
  const last = parts.at(-1) ?? "";
  if (parts[0] === "rest") return { action: last };
  const [, kind, what = "", third, fourth] = parts;
  if (parts.length === 2 && kind !== "instances") return { action: kind };
  if (kind === "types") {
    if (third !== "instances") return {};
    if (fourth === "action") return { action: last };
    if (fourth !== undefined) return { action: fourth.split("::")[0] };
    return { action: `${method === "POST" ? "create" : "list"}${what}` };
  }
  if (kind !== "instances") return {};
  if (what === "") return { action: "listInstances" };
  const type = what.split("::")[0] ?? "";
  if (third === "action") return { action: last, object: what };
  if (third === "relationships") return { action: `get${type}${last}`, object: what };
  // querySelectedStatistics, and System/queryMdmCluster.
  if (!what.includes("::")) return { action: last };
  return { action: `get${type}`, object: what };
}
