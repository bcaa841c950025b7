// Creates, changes, moves and removes a volume on a cluster. Each step first checks the current state, so that the next run finishes what an
// interrupted one left half done.

import { change, count, nearest, problem, type Problem } from "../../../src";
import type { CioSettings } from "../../../src/backends/cio";
import { isSame } from "../../../src/core/revision";
import { carryOut } from "../../transport";
import { NAME_IN_USE } from "./assumed";
import { needsCommand, type ClusterVolume, type CioCluster, type CommandChange, type RestChange } from "./cluster";
import { CioError, isUnsettled } from "./errors";

/** What a volume must be. */
export interface WantedVolume {
  /** Its name on the cluster. */
  name: string;
  sizeGiB: number;
  settings: CioSettings;
}

/** What a state knows of the volume it means. */
export interface KnownVolume {
  name: string;
  uuid: string;
  /** The cluster that it is on; missing where the cluster doesn't tell. */
  clusterId?: string | undefined;
  /** Settings that couldn't be read, and that no run of ours has set. */
  unread?: string[] | undefined;
}

/** What a volume is. */
export interface FoundVolume extends WantedVolume {
  uuid: string;
  vdisk: number;
  /** Settings that couldn't be read, and that no run of ours has set. */
  unread: string[];
}

const PATH = "settings";

/** What the cluster sets when it makes a volume, and tells of it. */
const FIXED = ["level", "local", "provision", "type", "filesystem", "encryption"] as const;

/** What the cluster doesn't tell of a volume. */
const UNTOLD = ["compression", "dedupe", "highAvailability", "replication"] as const;

/** Services that neither the API nor the command makes, whatever the limits say. */
const UNMADE = ["dedupe", "highAvailability", "replication"] as const;

const asSentence = ({ message, fix }: Problem) => `${message}.${fix ? ` Fix: ${fix}.` : ""}`;

/** What keeps a volume from being made or changed, as far as the cluster can be asked before. Problems: `place-unknown`, `place-cannot`. */
export async function volumeProblems(
  cluster: CioCluster,
  { settings }: Pick<WantedVolume, "settings">,
  from?: CioSettings,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const cannot = (setting: string, given: unknown, because: string, ways: string[]) =>
    problems.push(problem("place-cannot", `${PATH}.${setting}`, given, { place: "the cluster", because, ways }));
  for (const service of UNMADE) {
    if (settings[service])
      cannot(service, true, `neither its REST API nor its command sets ${service}`, [`switch ${service} off`]);
  }
  if (!cluster.hasCommand) {
    const way = `set ${cluster.key("cliPath")} to the path of the command \`cio\``;
    for (const setting of byCommandOnly(settings, from))
      cannot(setting, settings[setting], `its REST API can't set ${setting}`, [way, "leave the setting as it is"]);
  }
  const { node, level } = settings;
  if (from !== undefined && (node === null || node === from.node)) return problems;
  const nodes = await cluster.nodes();
  if (node !== null && !nodes.includes(node)) {
    const params = { what: "node", name: node, where: "in the cluster", known: nodes };
    problems.push(problem("place-unknown", `${PATH}.node`, node, { ...params, nearest: nearest(node, nodes) }));
  }
  if (from === undefined && nodes.length < level + 1) {
    const because = `level ${level} needs ${level + 1} nodes, and it has ${nodes.length}`;
    cannot("level", level, because, [`set \`level\` to ${Math.max(1, nodes.length - 1)} or less`, "add nodes"]);
  }
  return problems;
}

// On creation REST takes what the plugin for Docker takes, and that has no word for `local`.
function byCommandOnly(settings: CioSettings, from: CioSettings | undefined): (keyof CioSettings)[] {
  if (!from) return settings.local ? ["local"] : [];
  return Object.keys(commandChange(settings, from)) as (keyof CioSettings)[];
}

/** Who has a name that a volume was explicitly given. Problem: `physical-name-taken`. */
export async function nameProblems(cluster: CioCluster, name: string): Promise<Problem[]> {
  const other = await cluster.volume(name);
  if (!other) return [];
  const by = `vd${other.vdisk} of ${count(other.sizeGiB)} GiB has it`;
  return [problem("physical-name-taken", "physicalName", name, { name, by, id: name })];
}

/**
 * Makes a volume. Under a name that only this state can have (`ownName`), one that an interrupted run left behind is taken up and
 * finished; under a name that somebody chose, never. `mayTake` throws for one that is not to be had.
 * @throws {CioError} `name-taken`, `not-possible`, and those of the cluster
 */
export async function createVolume(
  cluster: CioCluster,
  wanted: WantedVolume,
  ownName: boolean,
  mayTake: (volume: ClusterVolume) => void = () => undefined,
): Promise<FoundVolume & { found: boolean }> {
  const { name, sizeGiB, settings } = wanted;
  const problems = await volumeProblems(cluster, wanted);
  if (problems.length > 0) throw new CioError("not-possible", problems.map(asSentence).join("\n"));
  const before = await cluster.volume(name);
  if (before) {
    if (!ownName) throw nameTaken(name, before, "its name was chosen, so it may be another's");
    const reason = whyNotTakenUp(before, wanted);
    if (reason !== undefined) throw nameTaken(name, before, reason);
    mayTake(before);
    return { ...(await updateVolume(cluster, { ...wanted, uuid: before.uuid })), found: true };
  }
  // Only an answer says for sure that a volume under a name that somebody chose is the one that was made here.
  let isAnswered = false as boolean;
  let requests = 0;
  try {
    await carryOut(
      async () => {
        requests += 1;
        await cluster.create(name, sizeGiB, settings);
        isAnswered = true;
      },
      async () => (await cluster.volume(name)) !== undefined,
      isUnsettled,
    );
  } catch (error) {
    // The first answer was lost, and the second is that the name is in use: by what the first one made.
    const isTwice = requests > 1 && error instanceof CioError && NAME_IN_USE.test(error.said ?? "");
    if (!isTwice || !(await cluster.volume(name))) throw error;
  }
  const made = await cluster.volume(name);
  if (made && !isAnswered && !ownName)
    throw nameTaken(
      name,
      made,
      "the cluster's answer was lost, so it may be another's that was created in the meantime",
    );
  if (!made) {
    const message = `creating volume ${name}: the cluster says that it made it, and has none of that name.`;
    throw new CioError("not-possible", message);
  }
  const other = FIXED.filter((key) => differs(made, settings, key));
  if (other.length > 0) {
    // It is new, and empty: without it the next run begins anew. Nobody else can have made it: the cluster answered, or the name is ours alone.
    await removeVolume(cluster, { name, uuid: made.uuid });
    const list = other.map(
      (key) => `${key} ${JSON.stringify(made.settings[key])} in place of ${JSON.stringify(settings[key])}`,
    );
    throw new CioError(
      "not-possible",
      `the cluster made volume ${name} with ${list.join(", ")}; it was removed again.`,
    );
  }
  return { ...(await updateVolume(cluster, { ...wanted, uuid: made.uuid })), found: false };
}

function nameTaken(name: string, other: ClusterVolume, reason: string): CioError {
  return new CioError(
    "name-taken",
    `There is a volume ${name} (vd${other.vdisk}) of ${count(other.sizeGiB)} GiB already, and it isn't taken for one that an ` +
      `interrupted run left behind: ${reason}. If it is this one, take it over with its data: import: "${name}". ` +
      "If it is no longer needed, remove it from the cluster.",
  );
}

function whyNotTakenUp(volume: ClusterVolume, { sizeGiB, settings }: WantedVolume): string | undefined {
  if (volume.sizeGiB > sizeGiB) return `it has more than ${count(sizeGiB)} GiB`;
  const other = FIXED.find((key) => differs(volume, settings, key));
  return other && `its ${other} is ${JSON.stringify(volume.settings[other])}`;
}

// What isn't told doesn't differ: it isn't known.
function differs({ settings: has }: ClusterVolume, settings: CioSettings, key: keyof CioSettings): boolean {
  return has[key] !== undefined && !isSame(has[key], settings[key]);
}

/** A volume as it is, with what can't be read as the state has it; `undefined` where it is gone. */
export async function readVolume(
  cluster: CioCluster,
  known: WantedVolume & KnownVolume,
): Promise<FoundVolume | undefined> {
  const volume = await cluster.volume(known.name);
  if (volume?.uuid !== known.uuid) await refuseOtherCluster(cluster, known);
  // Another one under the name: that of the state is gone, and this one is nobody's business.
  if (volume?.uuid !== known.uuid) return undefined;
  return asFound(volume, known.settings, known.unread ?? []);
}

// Where a volume isn't found, it is gone only if this is its cluster: the endpoint may lead elsewhere by now.
async function refuseOtherCluster(cluster: CioCluster, { name, clusterId }: KnownVolume): Promise<void> {
  if (clusterId === undefined) return;
  const actual = await cluster.id();
  if (actual === clusterId) return;
  const leads = actual === undefined ? "one that tells no id" : `cluster ${actual}`;
  throw new CioError(
    "other-cluster",
    `volume ${name} is on cluster ${clusterId}, and the config leads to ${leads}. Correct ${cluster.key("endpoint")}.`,
  );
}

/**
 * A volume that no state of ours knows, with the settings that the cluster reports.
 * @throws {CioError} `gone`, and those of the cluster
 */
export async function findVolume(cluster: CioCluster, name: string): Promise<FoundVolume> {
  const volume = await cluster.volume(name);
  if (!volume) throw new CioError("gone", `the cluster has no volume ${name}`);
  const { uuid, vdisk, sizeGiB, settings } = volume;
  return { name: volume.name, uuid, vdisk, sizeGiB, settings: settings as CioSettings, unread: [] };
}

// `known`: what the state has of it, or what is wanted, for what the cluster doesn't tell.
function asFound(volume: ClusterVolume, known: CioSettings, unread: readonly string[]): FoundVolume {
  const { name, uuid, vdisk, sizeGiB, settings } = volume;
  // Labels of others stay theirs; where the cluster chose the node, it may go on choosing.
  const labels =
    settings.labels &&
    Object.fromEntries(Object.entries(settings.labels).filter(([key]) => Object.hasOwn(known.labels, key)));
  const all = {
    ...known,
    ...settings,
    labels: labels ?? known.labels,
    node: known.node === null ? null : (settings.node ?? known.node),
  };
  return { name, uuid, vdisk, sizeGiB, settings: all, unread: [...unread] };
}

/** A volume that exists and may be taken over. Problem: `import-not-possible`. */
export async function volumeToImport(
  cluster: CioCluster,
  name: string,
  settings: CioSettings,
): Promise<{ found?: FoundVolume; problems: Problem[] }> {
  const volume = await cluster.volume(name);
  if (volume) return { found: asFound(volume, settings, UNTOLD), problems: [] };
  return {
    problems: [importRefusal(name, "the cluster has no such volume", "give its name, as `cio volume ls` shows it")],
  };
}

function importRefusal(id: string, because: string, way: string): Problem {
  return problem("import-not-possible", "import", id, { id, because, way });
}

/** What keeps a volume that exists from being taken over into a declaration. */
export async function importProblems(
  cluster: CioCluster,
  id: string,
  { sizeGiB, settings, physicalName }: WantedVolume & { physicalName?: string | undefined },
): Promise<{ found?: FoundVolume; problems: Problem[] }> {
  const { found, problems } = await volumeToImport(cluster, id, settings);
  if (!found) return { problems };
  if (physicalName !== undefined && physicalName !== found.name) {
    const because = `it is called "${found.name}", and a volume is never renamed`;
    return { problems: [importRefusal(id, because, "set physicalName to that, or leave it out")] };
  }
  const label = { name: found.name, profile: "", revision: "", backend: "cio" } as const;
  const { sizeGiB: has, settings: is } = found;
  const changed = change({ ...label, sizeGiB: has, settings: is }, { ...label, sizeGiB, settings });
  if (changed.problems.length > 0) return { problems: changed.problems };
  const wrong = await volumeProblems(cluster, { settings }, is);
  return wrong.length > 0 ? { problems: wrong } : { found, problems: [] };
}

/** Takes a volume over, and makes it what is wanted. `mayTake` throws for one that is not to be had. */
export async function importVolume(
  cluster: CioCluster,
  id: string,
  wanted: WantedVolume & { physicalName?: string | undefined },
  mayTake: (volume: FoundVolume) => void = () => undefined,
): Promise<FoundVolume> {
  const { found, problems } = await importProblems(cluster, id, wanted);
  if (!found) throw new CioError("not-possible", problems.map(asSentence).join("\n"));
  mayTake(found);
  return updateVolume(cluster, { ...wanted, name: found.name, uuid: found.uuid, unread: found.unread });
}

/**
 * Makes a volume what is wanted, whatever it is now: what an earlier run left half done is finished, and nothing is sent that is so already.
 * @throws {CioError} `gone`, `other-volume`, `shrink`, `not-possible`, and those of the cluster
 */
export async function updateVolume(cluster: CioCluster, wanted: WantedVolume & KnownVolume): Promise<FoundVolume> {
  const { name, sizeGiB, settings, uuid, unread = [] } = wanted;
  const volume = await cluster.volume(name);
  if (volume?.uuid !== uuid) await refuseOtherCluster(cluster, wanted);
  if (!volume) throw gone(name);
  refuseOther(volume, uuid, "changed");
  if (volume.sizeGiB > sizeGiB) {
    const has = count(volume.sizeGiB);
    throw new CioError(
      "shrink",
      `volume ${name} has ${has} GiB on the cluster, and would shrink to ${count(sizeGiB)} GiB. Ask for ${has} GiB or more.`,
    );
  }
  const fixed = FIXED.find((key) => differs(volume, settings, key));
  if (fixed !== undefined)
    throw new CioError(
      "not-possible",
      `volume ${name} has ${fixed} ${JSON.stringify(volume.settings[fixed])} on the cluster, which is fixed at creation. ` +
        `Set ${fixed} to that, and run pulumi refresh.`,
    );

  const now = async () => (await cluster.volume(name)) ?? raise(gone(name));
  const overRest = restChange(volume, wanted);
  if (Object.keys(overRest).length > 0) {
    const isDone = (each: ClusterVolume) => Object.keys(restChange(each, wanted)).length === 0;
    await carryOut(
      () => cluster.change(name, overRest),
      async () => isDone(await now()),
      isUnsettled,
    );
  }
  const { node } = settings;
  if (node !== null && volume.settings.node !== node)
    await carryOut(
      () => cluster.change(name, { node }),
      async () => (await now()).settings.node === node,
      isUnsettled,
    );
  const byCommand = commandChange(settings, asFound(volume, settings, []).settings);
  if (Object.keys(byCommand).length > 0) {
    if (!cluster.hasCommand) throw needsCommand(cluster, `volume ${name}: ${Object.keys(byCommand).join(", ")}`);
    const isDone = (each: ClusterVolume) =>
      Object.keys(commandChange(settings, asFound(each, settings, []).settings)).length === 0;
    await carryOut(
      () => cluster.changeByCommand(name, byCommand),
      async () => isDone(await now()),
      isUnsettled,
    );
  }

  // An answer that says yes isn't enough: an old release wiped limits that a change didn't name.
  const after = await now();
  const left = [
    ...Object.keys(restChange(after, wanted)),
    ...(differs(after, { ...settings, node: node ?? after.settings.node ?? null }, "node") ? ["node"] : []),
  ];
  if (left.length > 0)
    throw new CioError(
      "not-possible",
      `the cluster took the change of volume ${name}, and didn't carry out ${left.join(", ")}. See \`cio event\`, and run pulumi up again.`,
    );
  return asFound(after, settings, unread);
}

/** What is to be changed over REST of a volume as it is: size, limits, labels. */
function restChange(volume: ClusterVolume, { sizeGiB, settings }: WantedVolume): RestChange {
  const changes: RestChange = volume.sizeGiB < sizeGiB ? { sizeGiB } : {};
  for (const key of ["iopsMin", "iopsMax", "bandwidthMinMiBps", "bandwidthMaxMiBps"] as const) {
    if (differs(volume, settings, key)) Object.assign(changes, { [key]: settings[key] });
  }
  const has = volume.settings.labels ?? {};
  const labels = Object.entries(settings.labels).filter(([key, value]) => has[key] !== value);
  if (labels.length > 0) changes.labels = Object.fromEntries(labels);
  return changes;
}

/** What is to be changed by the command. */
function commandChange(settings: CioSettings, from: CioSettings): CommandChange {
  const changes: CommandChange = {};
  if (settings.directory !== from.directory) changes.directory = settings.directory;
  if (settings.snapshots !== from.snapshots) changes.snapshots = settings.snapshots;
  const growth = ["autoExpandThresholdPercent", "autoExpandIncrementPercent", "autoExpandLimit"] as const;
  const isOther = settings.autoExpand && growth.some((key) => settings[key] !== from[key]);
  if (settings.autoExpand !== from.autoExpand || isOther) changes.autoExpand = settings.autoExpand;
  // A release reset what an update of one of them didn't name.
  if (changes.autoExpand === true) for (const key of growth) changes[key] = settings[key];
  return changes;
}

function raise(error: Error): never {
  throw error;
}

// Names are used again on a cluster, the ids of volumes are not.
function refuseOther(volume: ClusterVolume, uuid: string, what: "changed" | "removed"): void {
  if (volume.uuid === uuid) return;
  throw new CioError(
    "other-volume",
    `volume ${volume.name} is ${volume.uuid} on the cluster, and ${uuid} in the state: another one has the name now, and is not ${what}. ` +
      "Run pulumi refresh: the volume of the state is gone.",
  );
}

function gone(name: string): CioError {
  return new CioError(
    "gone",
    `volume ${name} is no longer on the cluster. Run pulumi refresh; pulumi up then makes it anew, empty.`,
  );
}

/**
 * Removes a volume for good. Gone already is as good.
 * @throws {CioError} `other-volume`, and those of the cluster
 */
export async function removeVolume(cluster: CioCluster, known: KnownVolume): Promise<void> {
  const { name, uuid } = known;
  const volume = await cluster.volume(name);
  if (volume?.uuid !== uuid) await refuseOtherCluster(cluster, known);
  if (!volume) return;
  refuseOther(volume, uuid, "removed");
  await carryOut(
    () => cluster.remove(name),
    async () => (await cluster.volume(name))?.uuid !== uuid,
    isUnsettled,
  );
}
