// The dynamic provider of local volumes. Pulumi loads it by its name from each volume's state (see resource.ts), in a
// process of its own; it knows nothing but what it is given there.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import { change, formatProblems } from "../../../src";
import type { LocalSettings } from "../../../src/backends/local/settings";
import type { ImportsById } from "../../own-resources";
import { containsUnknown, renameFailures } from "../../provider-checks";
import { leaveToEngine } from "../../provider-errors";
import { LocalVolumeError } from "../../host/errors";
import { isHeldElsewhere } from "./record";
import { identifyStateDirectory, isOurs, stateDirectoryId, volumeDirectoryExists, volumePaths } from "./paths";
import {
  adoptVolume,
  createVolume,
  deleteVolume,
  inspectVolume,
  preflight,
  refuseTakeOver,
  updateVolume,
  type LocalVolume,
  type LocalVolumeState,
} from "./lifecycle";

leaveToEngine("LocalVolumeError");

interface Inputs {
  stateDirectory: string;
  project: string;
  stack: string;
  name: string;
  physicalName?: string;
  owner: string;
  sizeGiB: number;
  settings: LocalSettings;
  import?: string;
  takeFrom?: string;
}

/** Inputs as `LocalVolume` sends them: all but two in one property. In the state each stands by itself. */
type Sent = Omit<Inputs, keyof Identity> & Partial<Identity> & { identity?: Identity };
type Identity = Omit<Inputs, "sizeGiB" | "settings">;

/** What the state knows about a volume. */
interface Outputs {
  owner: string;
  uid: string;
  /** By which this state is known as the one that has the volume; missing where an older version made it. */
  holder?: string | undefined;
  /** The id of the state directory that has it; missing where an older version made the volume and nothing has read it since. */
  stateDirectoryId?: string | undefined;
  /** Who has taken it over, as the last reading found. */
  takenBy?: string | undefined;
  sizeGiB: number;
  settings: LocalSettings;
  mountPath: string;
  device: string | null;
  /** What was found wrong when the volume was last read; empty when all is well. */
  problems: string[];
}

interface ReadResult {
  id?: string;
  props?: Outputs;
  inputs?: Omit<Inputs, "physicalName" | "import" | "takeFrom">;
}

export const provider = {
  check,
  diff,
  create,
  read,
  readToImport,
  update,
  delete: remove,
} satisfies dynamic.ResourceProvider & ImportsById;

// Runs at preview too. Where a volume lives is decided once: an existing volume keeps its place and its name, whatever
// its resource or its stack is called now.
async function check(olds: Partial<Inputs>, { identity, ...sent }: Sent): Promise<dynamic.CheckResult<Inputs>> {
  // What also stands by itself was put there on the way: by `ignoreChanges`, or by the program's own `transforms`.
  const news = { ...identity, ...sent } as Inputs;
  const inputs = { ...news };
  const failures: dynamic.CheckFailure[] = [];
  if (olds.name !== undefined) {
    failures.push(...renameFailures(olds.name, news.physicalName));
    delete inputs.import;
    delete inputs.takeFrom;
    for (const key of ["stateDirectory", "project", "stack", "name"] as const) inputs[key] = olds[key] ?? news[key];
  } else if (!containsUnknown(news)) {
    failures.push(...(await refusals(inputs)));
  }
  return { inputs, failures };
}

// What would keep the volume from being made or taken over, seen before anything is touched.
async function refusals(inputs: Inputs): Promise<dynamic.CheckFailure[]> {
  const property = inputs.import === undefined ? "name" : "import";
  try {
    if (inputs.import === undefined) await preflight(inputs);
    else await checkImport(inputs, inputs.import);
    return [];
  } catch (error) {
    if (!(error instanceof LocalVolumeError)) throw error;
    return [{ property, reason: error.message }];
  }
}

async function checkImport(inputs: Inputs, id: string): Promise<void> {
  const { stateDirectory, project, stack, name } = volumePaths(id);
  const record = (await inspectVolume(id))?.record;
  if (!record) throw new LocalVolumeError("not-found", `volume ${id} doesn't exist`);
  const mine = `urn:pulumi:${inputs.stack}::${inputs.project}::`;
  if (record.acknowledged && record.owner.startsWith(mine) && record.owner !== inputs.owner) {
    const message = `it already belongs to this stack: ${record.owner} manages it. Use \`aliases\` on the resource instead`;
    throw new LocalVolumeError("name-taken", message);
  }
  refuseTakeOver({ id }, record, inputs);
  const volume = { name, profile: "", revision: "", backend: "local" } as const;
  const { sizeGiB, settings } = inputs;
  const { problems } = change({ ...volume, ...record }, { ...volume, sizeGiB, settings });
  if (problems.length > 0) {
    throw new LocalVolumeError("invalid-request", formatProblems(`it belongs to ${record.owner}`, problems));
  }
  Object.assign(inputs, { stateDirectory, project, stack, name });
}

async function diff(id: string, olds: Outputs, news: Inputs): Promise<dynamic.DiffResult> {
  const asked = ({ owner, sizeGiB, settings }: Pick<Outputs, "owner" | "sizeGiB" | "settings">) =>
    JSON.stringify([owner, sizeGiB, Object.entries(settings).sort()]);
  const found = await inspectVolume(id);
  if (!found) await requireDirectory(id, olds);
  else refuseTaken(id, olds, news, found);
  // After a reboot nothing in the state has changed, and yet the volume has to be attached and mounted again.
  const changes = asked(olds) !== asked(news) || found === undefined || found.problems.length > 0;
  return { changes, deleteBeforeReplace: true };
}

async function create(inputs: Inputs): Promise<dynamic.CreateResult<Outputs>> {
  const { import: importId, takeFrom, owner, sizeGiB, settings } = inputs;
  if (importId !== undefined) {
    const taken = await adoptVolume(importId, { owner, takeFrom, sizeGiB, settings });
    return { id: importId, outs: await outputs(taken) };
  }
  const made = await createVolume(inputs);
  if (made.found) console.log(`${inputs.name}: found ${made.id}, created earlier by the same owner; its data is kept`);
  return { id: made.id, outs: await outputs(made) };
}

async function read(id: string, props: Outputs): Promise<ReadResult> {
  const found = await inspectVolume(id);
  // Read by its id alone, it has no settings yet.
  if ((props.settings as LocalSettings | undefined) === undefined) return { id, props: readAlone(id, found) };
  if (!found) {
    await requireDirectory(id, props);
    // No id: the volume is gone, and the engine takes it out of the state.
    return {};
  }
  const { stateDirectory, project, stack, name } = volumePaths(id);
  const { record, device, mountPath, problems } = found;
  const isSame = record?.uid === props.uid;
  if (!isSame && props.stateDirectoryId !== undefined) await requireDirectory(id, props);
  const isElsewhere = isSame && isHeldElsewhere(record, props.holder);
  const takenBy = isSame && (isElsewhere || record.owner !== props.owner) ? record.owner : undefined;
  // Of a volume that another has taken over, size and settings are that one's business.
  const { settings, sizeGiB } =
    takenBy === undefined
      ? { settings: record?.settings ?? props.settings, sizeGiB: found.sizeGiB ?? props.sizeGiB }
      : props;
  // The inputs are those that would make what is there: so a refresh shows what was changed behind our back. But whose
  // and which volume it is we don't learn from it: what another has taken over must not become ours to delete.
  const inputs = { stateDirectory, project, stack, name, owner: record?.owner ?? props.owner, sizeGiB, settings };
  const { owner, uid, holder } = props;
  // By its uid the volume is found to be where it belongs.
  const known = isSame ? await identifyStateDirectory(stateDirectory).catch(() => undefined) : undefined;
  const stateDirectoryId = known ?? props.stateDirectoryId;
  const all = takenBy === undefined ? problems : [ownedBy(id, takenBy, isElsewhere), ...problems];
  return {
    id,
    // The engine's messages have no way to say `undefined`.
    props: {
      ...{ owner, uid, sizeGiB, settings, mountPath, device, problems: [...all] },
      ...(holder !== undefined && { holder }),
      ...(stateDirectoryId !== undefined && { stateDirectoryId }),
      ...(takenBy !== undefined && { takenBy }),
    },
    inputs,
  };
}

// Only the component that owns a volume gets it back, one whose state lost it, say: nothing is written here by which another state would lose it.
async function readToImport(id: string, component: string): Promise<ReadResult> {
  const found = await inspectVolume(id);
  const props = readAlone(id, found);
  const { stateDirectory, project, stack, name } = volumePaths(id);
  const { owner, sizeGiB, settings } = props;
  if (owner !== component) {
    const takeFrom = `takeFrom: ${JSON.stringify(owner)}`;
    throw new LocalVolumeError(
      "other-owner",
      `Volume ${id} belongs to ${owner}, not to ${component}. To take it over, declare a ProfiledVolume with import: ${JSON.stringify(id)}, ${takeFrom}.`,
    );
  }
  const { phase, holder } = found?.record ?? {};
  if (phase !== "ready") {
    const message = `Volume ${id} was interrupted in phase "${phase}". Repair it, then import it.`;
    throw new LocalVolumeError("not-finished", message);
  }
  const directoryId = await stateDirectoryId(stateDirectory);
  return {
    id,
    props: {
      ...props,
      ...(holder !== undefined && { holder }),
      ...(directoryId !== undefined && { stateDirectoryId: directoryId }),
    },
    inputs: { stateDirectory, project, stack, name, owner, sizeGiB, settings },
  };
}

// A volume that no state of ours knows.
function readAlone(id: string, found: LocalVolumeState | undefined): Outputs {
  const { record } = found ?? {};
  if (!found || !record) throw new LocalVolumeError("not-found", `volume ${id} doesn't exist`);
  const { owner, uid, settings, sizeGiB } = record;
  const { mountPath, device, problems } = found;
  return { owner, uid, sizeGiB: found.sizeGiB ?? sizeGiB, settings, mountPath, device, problems: [...problems] };
}

async function update(
  id: string,
  { owner: previousOwner, uid, holder }: Outputs,
  { owner, sizeGiB, settings }: Inputs,
): Promise<dynamic.UpdateResult<Outputs>> {
  return { outs: await outputs(await updateVolume(id, { uid, holder, owner, previousOwner, sizeGiB, settings })) };
}

async function remove(id: string, props: Outputs): Promise<void> {
  const { uid, owner, holder } = props;
  if (!volumeDirectoryExists(volumePaths(id))) await requireDirectory(id, props);
  await deleteVolume(id, { uid, owner, holder });
}

function refuseTaken(
  id: string,
  { uid, owner: before, holder }: Outputs,
  { owner }: Inputs,
  { record }: LocalVolumeState,
): void {
  if (record?.uid !== uid) return;
  const isElsewhere = isHeldElsewhere(record, holder);
  if (!isElsewhere && [before, owner].includes(record.owner)) return;
  throw new LocalVolumeError("other-owner", ownedBy(id, record.owner, isElsewhere));
}

function ownedBy(id: string, owner: string, isElsewhere: boolean): string {
  return (
    `The volume ${id} is now owned by ${owner}${isElsewhere ? " in another Pulumi state" : ""}, which imported it. It can't be changed or deleted from here. ` +
    `Remove it from the state ("pulumi state delete") and from the program, or import it back with takeFrom: "${owner}".`
  );
}

const way = `If it is lost for good, remove the volume from the state: "pulumi state delete".`;

// That a volume isn't there can only be said where it was: a disk that isn't mounted looks like a volume that was removed, and so does
// an empty mount point that others have begun to use meanwhile.
async function requireDirectory(id: string, { stateDirectoryId: expected }: Outputs): Promise<void> {
  const { stateDirectory } = volumePaths(id);
  if (!(await isOurs(stateDirectory))) {
    throw new LocalVolumeError(
      "not-found",
      `The state directory ${stateDirectory} doesn't exist, so the status of ${id} is unknown. Mount its disk. ${way}`,
    );
  }
  const found = await stateDirectoryId(stateDirectory);
  if (expected !== undefined && found === expected) return;
  const because =
    expected === undefined
      ? "an older version created the volume without recording its state directory"
      : `its id is ${found ?? "missing"}, but the volume is in ${expected}`;
  throw new LocalVolumeError(
    "another-state-directory",
    `${stateDirectory} may not be the state directory that contains ${id}: ${because}. The status of the volume is unknown. ` +
      `Mount its disk. ${way}`,
  );
}

async function outputs({ id, holder, ...volume }: LocalVolume): Promise<Outputs> {
  const { owner, uid, sizeGiB, settings, mountPath, device } = volume;
  const directoryId = await identifyStateDirectory(volumePaths(id).stateDirectory);
  const all = { owner, uid, stateDirectoryId: directoryId, sizeGiB, settings, mountPath, device, problems: [] };
  return { ...all, ...(holder !== undefined && { holder }) };
}
