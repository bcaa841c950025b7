// What only the cloud knows, asked at preview and before anything is made or changed: which types, zones and quotas there are, what an
// interrupted run left, whether a retype would be refused. The program asks, once a run for what is the same for all of its volumes;
// the answers are judged by the pure core.

import { setTimeout as sleep } from "node:timers/promises";

import { change, show, type Note, type Problem, type StackConfig } from "../../../src";
import type { OpenstackSettings } from "../../../src/backends/openstack/settings";
import {
  judgeLeftOver,
  judgeRetype,
  quotaProblems,
  typeProblems,
  zoneProblems,
  type CinderFacts,
  type CinderType,
  type CinderVolume,
  type Demand,
} from "../../../src/backends/openstack/facts";
import { sectionPath } from "../../../src/core/catalog";
import type { AskedOfBackend } from "../contract";
import type { DeclaredVolume } from "../../declared";
import { carryOut } from "../../transport";
import { countSnapshots, readVolume, snapshotSize, type SeenVolume } from "./cinder";
import { cloudOf, marksOf, stackMark, type Cloud } from "./cloud";
import type { ConnectionHints } from "./connection";
import { stackToken } from "./identity";
import { isPassing, OpenstackError, type OpenstackErrorCode } from "./errors";
import { otherOwner, taken, takenBy } from "./marks";
import type { CinderSession } from "./session";
import { note, problem } from "../../../src/backends/openstack/problems";

// What to do about errors that don't pass by themselves.
const WAYS: Partial<Record<OpenstackErrorCode, string>> = {
  "not-configured": "set the missing values in the stack's `openstack:` config, in the environment or in clouds.yaml",
  "login-refused":
    "correct user, password and project; set the password with: pulumi config set --secret openstack:password",
  "certificate-untrusted": "pulumi config set openstack:cacertFile ca.pem",
  "no-endpoint": "correct openstack:region and openstack:endpointType",
};

/** What the cloud says of a volume that is new, or that changes. Where it can't be asked for the moment, that is a note. */
export async function askCloud(asked: AskedOfBackend): Promise<Answer> {
  try {
    const cloud = cloudOf(asked.config, await hintsFor(asked.declared));
    return await (asked.from ? askChange(cloud, asked) : askNew(cloud, asked));
  } catch (error) {
    if (!(error instanceof OpenstackError)) throw error;
    if (isPassing(error)) {
      const what = "volume type, zone, quotas and left-over volumes are";
      return { problems: [], notes: [note("not-checked", "openstack", { what, because: error.message })] };
    }
    const way = WAYS[error.code] ?? "ask an administrator of the cloud for this permission";
    return {
      problems: [problem("backend-refuses", "openstack", undefined, { because: error.message, way })],
      notes: [],
    };
  }
}

interface Answer {
  problems: Problem[];
  notes: Note[];
}

async function askNew(cloud: Cloud, asked: AskedOfBackend): Promise<Answer> {
  const { name, to, importId } = asked;
  const settings = to.settings as OpenstackSettings;
  if (importId !== undefined) {
    const found = await readVolume(cloud.session, importId);
    const problems = importProblems(importId, found, to.sizeGiB, settings);
    if (!found || problems.length > 0) return { problems, notes: [] };
    return takeOver(cloud, asked, found);
  }
  const demand: Demand = {
    name,
    volumeType: settings.volumeType,
    sizeGiB: to.sizeGiB,
    moreGiB: to.sizeGiB,
    isNew: true,
    isNewToType: true,
  };
  // Before anything is waited for: all who ask at once must find it.
  cloud.demands.push(demand);
  const leftOver = await askLeftOver(cloud, asked);
  const facts = await factsOf(cloud, settings.volumeType);
  const paths = pathsOf(asked);
  const zone = settings.availabilityZone;
  const problems = [
    ...leftOver.problems,
    ...typeProblems(facts, demand, paths),
    ...quotaProblems(facts, cloud.demands, demand, paths),
    ...(zone === null ? [] : zoneProblems(await cloud.zones(), zone, "openstack.availabilityZone")),
    ...(await sourceProblems(cloud, settings, to.sizeGiB)),
  ];
  return { problems, notes: leftOver.notes };
}

/** Whether a volume of this stack was imported by another. Where Cinder can't be asked for the moment, its change will tell. */
export async function askOwner(declared: DeclaredVolume, config: StackConfig, id: string): Promise<Problem[]> {
  try {
    const volume = await readVolume(cloudOf(config, await hintsFor(declared)).session, id);
    return volume ? await ownerProblems(volume, config) : [];
  } catch (error) {
    if (error instanceof OpenstackError) return [];
    throw error;
  }
}

/** Whether Cinder has a volume. Throws where it can't be asked. */
export async function isThere(
  declared: DeclaredVolume,
  config: StackConfig,
  { id }: Record<string, unknown>,
): Promise<boolean> {
  return (
    typeof id === "string" && (await readVolume(cloudOf(config, await hintsFor(declared)).session, id)) !== undefined
  );
}

async function ownerProblems(volume: SeenVolume, config: StackConfig): Promise<Problem[]> {
  const owner = takenBy(volume, await stackToken(config));
  return owner === undefined ? [] : [taken(volume.id, owner)];
}

// A volume that bears another state's mark is that one's.
async function takeOver(cloud: Cloud, asked: AskedOfBackend, found: SeenVolume): Promise<Answer> {
  const { declared, config, to } = asked;
  const stack = stackMark(config);
  const owner = otherOwner(found, { stack, state: await stackToken(config) });
  if (owner !== undefined && declared.takeFrom !== owner) {
    const whose = owner === stack ? `another Pulumi state of the stack ${owner}` : `the stack ${owner}`;
    const because = `it belongs to ${whose}, which can neither change nor delete it after the import`;
    const way = `to import it anyway, name that stack: takeFrom: "${owner}"`;
    return {
      problems: [problem("import-not-possible", "import", found.id, { id: found.id, because, way })],
      notes: [],
    };
  }
  const { sizeGiB, volumeType } = found;
  const has = { ...to, sizeGiB, settings: { ...(to.settings as OpenstackSettings), volumeType } };
  const what = change(has, to).notes.map(({ message }) => message);
  const taken = note("taken-over", "import", {
    id: found.id,
    from: owner,
    what,
  });
  const { problems, notes } = await judgeChange(cloud, asked, found);
  return { problems, notes: [taken, ...notes] };
}

async function askChange(cloud: Cloud, asked: AskedOfBackend): Promise<Answer> {
  const volume = asked.volumeId === undefined ? undefined : await readVolume(cloud.session, asked.volumeId);
  // That it is gone is told when it is to be changed.
  if (!volume) return { problems: [], notes: [] };
  const problems = await ownerProblems(volume, asked.config);
  return problems.length > 0 ? { problems, notes: [] } : judgeChange(cloud, asked, volume);
}

async function judgeChange(cloud: Cloud, asked: AskedOfBackend, volume: CinderVolume): Promise<Answer> {
  const { name, from, to } = asked;
  const { volumeType, migrationPolicy } = to.settings as OpenstackSettings;
  const had = from && (from.settings as OpenstackSettings).volumeType;
  // Who asks for the default type, and had it, has the one that the volume has.
  const wanted = volumeType ?? (had == null ? volume.volumeType : await cloud.defaultType());
  const retypes = wanted !== undefined && wanted !== null && wanted !== volume.volumeType;
  const demand: Demand = {
    name,
    volumeType: wanted ?? volume.volumeType,
    sizeGiB: to.sizeGiB,
    moreGiB: Math.max(0, to.sizeGiB - volume.sizeGiB),
    isNew: false,
    isNewToType: retypes,
  };
  if (!retypes && demand.moreGiB === 0) return { problems: [], notes: [] };
  cloud.demands.push(demand);
  const facts = await factsOf(cloud, demand.volumeType);
  const paths = pathsOf(asked);
  const problems = [...typeProblems(facts, demand, paths), ...quotaProblems(facts, cloud.demands, demand, paths)];
  if (!retypes) return { problems, notes: [] };
  const [before, after] = await Promise.all([detailed(cloud, volume.volumeType), detailed(cloud, wanted)]);
  const snapshots = await countSnapshots(cloud.session, volume.id);
  const path = paths.volumeType;
  const judged = judgeRetype({ volume, from: before, to: after, volumeType: wanted, migrationPolicy, snapshots, path });
  return { problems: [...problems, ...judged.problems], notes: judged.notes };
}

async function factsOf(cloud: Cloud, volumeType: string | null): Promise<CinderFacts> {
  const [types, quotas, ofCloud] = await Promise.all([
    cloud.types(),
    cloud.quotas(),
    volumeType === null ? cloud.defaultType() : undefined,
  ]);
  return { types, quotas, defaultType: ofCloud };
}

async function detailed(cloud: Cloud, name: string | null): Promise<CinderType | undefined> {
  const type = (await cloud.types()).find((each) => each.name === name);
  return type && cloud.details(type);
}

function importProblems(
  id: string,
  found: SeenVolume | undefined,
  sizeGiB: number,
  settings: OpenstackSettings,
): Problem[] {
  const refuse = (because: string, way: string) => problem("import-not-possible", "import", id, { id, because, way });
  if (!found) return [refuse("this project has no volume with that id", "use an id from `openstack volume list`")];
  const problems: Problem[] = [];
  if (found.sizeGiB > sizeGiB) {
    problems.push(
      refuse(
        `it can't shrink from ${found.sizeGiB} GiB to ${sizeGiB} GiB`,
        `set the size to ${found.sizeGiB} GiB or more`,
      ),
    );
  }
  // What a volume was made with can't be given to it later.
  for (const key of ["availabilityZone", "snapshotId", "imageId", "sourceVolumeId"] as const) {
    const [wanted, has] = [settings[key], found[key]];
    if (wanted === null || wanted === has) continue;
    problems.push(
      refuse(`its ${key} is ${show(has)}, expected ${show(wanted)}`, `remove \`${key}\`, or create a new volume`),
    );
  }
  return problems;
}

// How the cloud of a volume is reached.
const hintsFor = ({ hints }: DeclaredVolume) => hints as Promise<ConnectionHints> | undefined;

async function leftOversOf(cloud: Cloud, { urn }: DeclaredVolume, config: StackConfig): Promise<CinderVolume[]> {
  const token = await stackToken(config);
  // Another state may have a stack and a volume of these names. What only this one can know tells them apart.
  if (urn === undefined || token === undefined) return [];
  const marks = Object.entries(marksOf(config, urn, token));
  const marked = await cloud.marked(stackMark(config));
  return marked.filter(
    ({ metadata, status }) => marks.every(([key, value]) => metadata[key] === value) && status !== "deleting",
  );
}

/**
 * The volume that an interrupted run made for this declaration, and that can be taken up with what it holds. Asked for where the state
 * has no volume, or where the last run didn't finish; then it may as well be the one that the state has.
 */
export async function volumeToAdopt(
  declared: DeclaredVolume,
  sizeGiB: number,
  config: StackConfig,
): Promise<string | undefined> {
  try {
    const cloud = cloudOf(config, await hintsFor(declared));
    const [found, ...others] = await leftOversOf(cloud, declared, config);
    if (!found || others.length > 0) return undefined;
    const volume = await whenMade(cloud.session, found);
    const { verdict } = judgeLeftOver(volume, { sizeGiB, now: cloud.session.cinderTime ?? new Date() });
    return verdict === "adopt" ? volume.id : undefined;
  } catch (error) {
    // Before a volume is made, the cloud is asked again, and what is wrong is told.
    if (error instanceof OpenstackError) return undefined;
    throw error;
  }
}

// A run that was killed may have left it in the making.
async function whenMade(session: CinderSession, found: CinderVolume): Promise<CinderVolume> {
  let volume = found;
  for (let seconds = 0; seconds < 60 && /^(creating|downloading)$/.test(volume.status); seconds++) {
    await sleep(1_000);
    volume = (await readVolume(session, found.id)) ?? found;
  }
  return volume;
}

/** What is left of this volume, and couldn't be taken up. The engine is about to make one: so the state has none. */
async function askLeftOver(cloud: Cloud, { name, declared, to, config, isDryRun }: AskedOfBackend): Promise<Answer> {
  const found = await leftOversOf(cloud, declared, config);
  const now = cloud.session.cinderTime ?? new Date();
  const judged = found.map((volume) => ({ ...volume, left: judgeLeftOver(volume, { sizeGiB: to.sizeGiB, now }) }));
  const kept = judged.filter(({ left }) => left.verdict !== "delete");
  if (kept.length > 0) {
    const problems = kept.map(({ id, left }) => {
      const because = left.verdict === "refuse" ? left.because : `${found.length} volumes match`;
      return problem("left-over", "name", name, { id, because });
    });
    return { problems, notes: [] };
  }
  if (!isDryRun) await Promise.all(judged.map(({ id }) => removeLeftOver(cloud.session, id)));
  return { problems: [], notes: judged.map(({ id }) => note("left-over-deleted", "name", { id, isDone: !isDryRun })) };
}

// Waited for, since what is being deleted still counts for the quotas.
async function removeLeftOver(session: CinderSession, id: string): Promise<void> {
  const isBegun = async () => [undefined, "deleting"].includes((await readVolume(session, id))?.status);
  const send = () => session.delete(`/volumes/${id}`, `deleting volume ${id}, left by a failed creation`);
  await carryOut(send, isBegun, isPassing);
  for (let seconds = 0; seconds < 60 && (await readVolume(session, id)); seconds++) await sleep(1_000);
}

/** What a volume is made from, and whether it fits in. Images are Glance's, and not asked for. */
async function sourceProblems(cloud: Cloud, settings: OpenstackSettings, sizeGiB: number): Promise<Problem[]> {
  const { snapshotId, sourceVolumeId } = settings;
  const judge = (key: string, what: string, id: string, size: number | undefined): Problem[] => {
    const path = `openstack.${key}`;
    if (size === undefined) {
      const params = {
        what,
        name: id,
        where: "in this project",
        known: [`openstack volume ${what === "snapshot" ? "snapshot " : ""}list`],
      };
      return [problem("place-unknown", path, id, params)];
    }
    if (size <= sizeGiB) return [];
    const params = { what: `a volume from ${what} ${id}`, sizeGiB, min: size, max: 2_147_483_647 };
    return [problem("size-beyond-limit", "sizeGiB", sizeGiB, params)];
  };
  if (snapshotId !== null) {
    return judge("snapshotId", "snapshot", snapshotId, await snapshotSize(cloud.session, snapshotId));
  }
  if (sourceVolumeId === null) return [];
  return judge("sourceVolumeId", "volume", sourceVolumeId, (await readVolume(cloud.session, sourceVolumeId))?.sizeGiB);
}

function pathsOf({ to }: AskedOfBackend): { volumeType: string; size: string } {
  return { volumeType: `${sectionPath(to.profile, "openstack")}.volumeType`, size: "sizeGiB" };
}
