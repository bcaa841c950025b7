// The dynamic providers of volumes on an array and of their mappings. Pulumi loads them by their names from the state of each
// resource (see resource.ts), in a process of its own: all of a run share it, and with it one login.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { AccessMode, Problem, ScaleioSettings } from "../../src";
import { ScaleioArray } from "./array";
import { readConnection } from "./connection";
import { ScaleioError } from "./errors";
import {
  accessModeRefusal,
  createMapping,
  findSdc,
  readMapping,
  removeMapping,
  updateMapping,
  type WantedMapping,
} from "./mappings";
import { GatewaySession } from "./session";
import {
  createVolume,
  importProblems,
  importVolume,
  nameProblems,
  readVolume,
  removeVolume,
  updateVolume,
  volumeProblems,
  type FoundVolume,
} from "./volumes";

interface VolumeInputs {
  /** Its name on the array. */
  name: string;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: string;
  sizeGiB: number;
  settings: ScaleioSettings;
  import?: string;
}

/** What the state knows about a volume. */
interface VolumeOutputs {
  name: string;
  sizeGiB: number;
  settings: ScaleioSettings;
  systemId: string;
}

interface MappingInputs {
  volumeId: string;
  /** The host, as the program names it. */
  sdc: string;
  /** The host's id. Found when the mapping is made, or when it is to go to another host. */
  sdcId?: string;
  iopsLimit: number;
  bandwidthLimitKBps: number;
  accessMode: AccessMode;
}

interface MappingOutputs extends WantedMapping {
  sdc: string;
  systemId: string;
  devicePath: string;
}

type Config = Parameters<NonNullable<dynamic.ResourceProvider["configure"]>>[0];

let readConfig: ((key: string) => string | undefined) | undefined;
let shared: ScaleioArray | undefined;
/** What this run has promised from each pool, in GiB: a preview must see that the last of many volumes finds no room. */
const promised = new Map<string, number>();

// Runs before anything else, and must not wait: calls that come together would find it unfinished.
function configure({ config }: Config): Promise<void> {
  readConfig = (key) => config.get(key);
  return Promise.resolve();
}

// The credentials are read when they are first used: a run that changes nothing needs none.
function array(): ScaleioArray {
  shared ??= new ScaleioArray(new GatewaySession(readConnection(readConfig ?? (() => undefined), process.env)));
  return shared;
}

/** Volumes. */
export const volume = {
  configure,

  // Runs at preview too. The array is asked only about what is new. The name is decided once: an existing volume keeps it,
  // whatever its resource or its stack is called now.
  async check(olds: Partial<VolumeInputs>, news: VolumeInputs): Promise<dynamic.CheckResult<VolumeInputs>> {
    const inputs = { ...news };
    const exists = olds.name !== undefined;
    if (exists) {
      delete inputs.import;
      if (news.physicalName !== undefined && news.physicalName !== olds.name) {
        const reason = `the volume is called "${olds.name}" and is never renamed. Set physicalName to "${olds.name}", or leave it out`;
        return { inputs, failures: [{ property: "physicalName", reason }] };
      }
      inputs.name = olds.name ?? news.name;
    }
    if (!isKnown(news) || (exists && !asksMore(olds, news))) return { inputs, failures: [] };
    const failures = await failuresOf(async () => {
      if (exists) return volumeProblems(array(), inputs, inputs.sizeGiB - (olds.sizeGiB ?? 0), promised);
      if (inputs.import !== undefined) {
        const { found, problems } = await importProblems(array(), inputs.import, inputs);
        if (found) inputs.name = found.name;
        return problems;
      }
      const taken = inputs.physicalName === undefined ? [] : await nameProblems(array(), inputs.name);
      return [...taken, ...(await volumeProblems(array(), inputs, inputs.sizeGiB, promised))];
    });
    return { inputs, failures };
  },

  diff(_id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.DiffResult> {
    return Promise.resolve({ changes: asked(olds) !== asked(news), deleteBeforeReplace: true });
  },

  async create(inputs: VolumeInputs): Promise<dynamic.CreateResult<VolumeOutputs>> {
    if (inputs.import !== undefined) {
      const taken = await importVolume(array(), inputs.import, inputs);
      return { id: taken.id, outs: volumeOutputs(taken) };
    }
    const made = await createVolume(array(), inputs, inputs.physicalName === undefined);
    if (made.found)
      console.log(`${made.name}: found volume ${made.id}, made by a run that was interrupted; it is taken up`);
    return { id: made.id, outs: volumeOutputs(made) };
  },

  async read(id: string, props: VolumeOutputs): Promise<ReadResult<VolumeOutputs>> {
    const found = await readVolume(array(), id, props);
    // No id: the volume is gone, and the engine takes it out of the state.
    if (!found) return {};
    const { name, sizeGiB, settings } = found;
    // The inputs are those that would make what is there: so a refresh shows what was changed behind our back.
    return { id, props: volumeOutputs(found), inputs: { name, sizeGiB, settings } };
  },

  async update(id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.UpdateResult<VolumeOutputs>> {
    return { outs: volumeOutputs(await updateVolume(array(), id, { ...news, systemId: olds.systemId })) };
  },

  async delete(id: string, { systemId }: VolumeOutputs): Promise<void> {
    await removeVolume(array(), id, systemId);
  },
} satisfies dynamic.ResourceProvider;

/** Mappings of volumes to hosts. */
export const mapping = {
  configure,

  async check(olds: Partial<MappingInputs>, news: MappingInputs): Promise<dynamic.CheckResult<MappingInputs>> {
    const inputs = { ...news };
    const sameHost = olds.sdcId !== undefined && olds.sdc === news.sdc;
    if (sameHost) inputs.sdcId = olds.sdcId ?? "";
    if (!isText(news.sdc) || (sameHost && olds.accessMode === news.accessMode)) return { inputs, failures: [] };
    const failures = await failuresOf(async () => {
      const refusal = await accessModeRefusal(array(), news.accessMode);
      if (refusal !== undefined) throw new ScaleioError("not-possible", refusal);
      if (sameHost) return [];
      const { sdc, problems } = await findSdc(array(), news.sdc);
      if (sdc) inputs.sdcId = sdc.id;
      return problems;
    });
    return { inputs, failures };
  },

  diff(_id: string, olds: MappingOutputs, news: MappingInputs): Promise<dynamic.DiffResult> {
    const replaces = (["volumeId", "sdcId"] as const).filter((key) => olds[key] !== news[key]);
    const changes =
      replaces.length > 0 ||
      (["iopsLimit", "bandwidthLimitKBps", "accessMode"] as const).some((key) => olds[key] !== news[key]);
    return Promise.resolve({ changes, replaces });
  },

  async create(inputs: MappingInputs): Promise<dynamic.CreateResult<MappingOutputs>> {
    const wanted = await wantedMapping(inputs);
    const { systemId } = await createMapping(array(), wanted);
    return { id: `${wanted.volumeId}/${wanted.sdcId}`, outs: mappingOutputs({ ...wanted, sdc: inputs.sdc, systemId }) };
  },

  async read(id: string, props: MappingOutputs): Promise<ReadResult<MappingOutputs>> {
    const found = await readMapping(array(), props);
    if (!found) return {};
    const { systemId, ...inputs } = { ...found, sdc: props.sdc };
    return { id, props: mappingOutputs({ ...inputs, systemId }), inputs };
  },

  async update(_id: string, olds: MappingOutputs, news: MappingInputs): Promise<dynamic.UpdateResult<MappingOutputs>> {
    const wanted = await wantedMapping(news);
    const { systemId } = await updateMapping(array(), wanted, olds);
    return { outs: mappingOutputs({ ...wanted, sdc: news.sdc, systemId }) };
  },

  async delete(_id: string, props: MappingOutputs): Promise<void> {
    await removeMapping(array(), props);
  },
} satisfies dynamic.ResourceProvider;

interface ReadResult<Outputs> {
  id?: string;
  props?: Outputs;
  inputs?: object;
}

// The engine stops at the first thing that a check throws, and shows a stack for it; failures it shows as what they are.
async function failuresOf(action: () => Promise<Problem[]>): Promise<dynamic.CheckFailure[]> {
  try {
    const problems = await action();
    return problems.map(({ path, message, code, allowed, fix }) => ({
      property: path,
      reason: `${message} [${code}]\n      allowed: ${allowed}\n      fix:     ${fix}`,
    }));
  } catch (error) {
    if (!(error instanceof ScaleioError)) throw error;
    return [{ property: "", reason: error.message }];
  }
}

const isText = (value: unknown): value is string => typeof value === "string" && !isUnknown(value);

// The engine's mark for a value that isn't known yet, as it reaches a dynamic provider.
const isUnknown = (value: string) => value === "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function isKnown({ sizeGiB, settings }: VolumeInputs): boolean {
  return typeof sizeGiB === "number" && typeof settings === "object";
}

// Whether a change asks for something that its pool may not be able to do.
function asksMore(olds: Partial<VolumeInputs>, news: VolumeInputs): boolean {
  const { ramCache, compression } = olds.settings ?? {};
  return (
    news.sizeGiB > (olds.sizeGiB ?? 0) ||
    (news.settings.ramCache && ramCache !== true) ||
    (news.settings.compression === "normal" && compression !== "normal")
  );
}

function asked({ sizeGiB, settings }: Pick<VolumeOutputs, "sizeGiB" | "settings">): string {
  return JSON.stringify([sizeGiB, Object.entries(settings).sort()]);
}

function volumeOutputs({ name, sizeGiB, settings, systemId }: FoundVolume): VolumeOutputs {
  return { name, sizeGiB, settings, systemId };
}

async function wantedMapping(inputs: MappingInputs): Promise<WantedMapping> {
  const { volumeId, sdc, iopsLimit, bandwidthLimitKBps, accessMode } = inputs;
  let { sdcId } = inputs;
  if (sdcId === undefined) {
    // At the check the host wasn't known yet: it came from another resource.
    const found = await findSdc(array(), sdc);
    if (!found.sdc) throw new ScaleioError("not-possible", found.problems.map(({ message }) => message).join("; "));
    sdcId = found.sdc.id;
  }
  return { volumeId, sdcId, iopsLimit, bandwidthLimitKBps, accessMode };
}

function mappingOutputs(mapping: Omit<MappingOutputs, "devicePath">): MappingOutputs {
  // Where Linux hosts find the volume. Source: os-brick's ScaleIO connector.
  return { ...mapping, devicePath: `/dev/disk/by-id/emc-vol-${mapping.systemId}-${mapping.volumeId}` };
}
