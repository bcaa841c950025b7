// The dynamic providers of volumes on an array and of their mappings. Pulumi loads them by their names from the state of each
// resource (see resource.ts), in a process of its own: all of a run share it, and with it one login.

import { randomUUID } from "node:crypto";

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { AccessMode, ScaleioSettings } from "../../../src/backends/scaleio";
import { ScaleioArray } from "./array";
import { Claims, declaredTwice } from "../../claims";
import { connectedProvider, identityProvider } from "../../connected-provider";
import { containsUnknown, renameFailures, UNKNOWN } from "../../provider-checks";
import { otherConnection, PerConnection } from "../../named-connections";
import { readConnection } from "./connection";
import { ScaleioError } from "./errors";
import {
  accessModeRefusal,
  createMapping,
  findSdc,
  isOnArray,
  readMapping,
  removeMapping,
  updateMapping,
  type WantedMapping,
} from "./mappings";
import { GatewaySession } from "./session";
import {
  createVolume,
  findVolume,
  importProblems,
  importVolume,
  nameProblems,
  readVolume,
  removeVolume,
  sameArray,
  stackArray,
  updateVolume,
  newVolumeProblems,
  volumeProblems,
  type FoundVolume,
} from "./lifecycle";

interface VolumeInputs {
  /** Its name on the array; missing in a preview that can't know it. */
  name?: string;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: string;
  sizeGiB: number;
  settings: ScaleioSettings;
  import?: string;
  /** The id of the array that this stack's volumes are on, where the state has it. */
  stackSystemId?: string;
  /** What the resource is called in the program. */
  declaredAs?: string;
}

/** What the state knows about a volume. */
interface VolumeOutputs {
  name: string;
  sizeGiB: number;
  settings: ScaleioSettings;
  systemId: string;
  declaredAs?: string | undefined;
  /** The named connection by which a volume is read that no state knows. */
  connection?: string | undefined;
}

interface MappingInputs {
  volumeId: string;
  /** The named connection to the array; absent on that of the stack's own keys. */
  connection?: string;
  /** The array that has the volume, where the program knows it. */
  volumeSystemId?: string;
  /** Else the one that this stack's volumes are on, where the state has it. */
  stackSystemId?: string;
  /** The host, as the program names it. */
  sdc: string;
  /** The host's id. Found when the mapping is made, or when it is to go to another host. */
  sdcId?: string;
  iopsLimit: number;
  bandwidthLimitKBps: number;
  accessMode: AccessMode;
  /** What the resource is called in the program. */
  declaredAs?: string;
}

interface MappingOutputs extends Omit<WantedMapping, "accessMode"> {
  /** Missing where a run didn't finish the mapping. */
  accessMode?: AccessMode;
  sdc: string;
  declaredAs?: string | undefined;
  systemId: string;
  devicePath: string;
  /** A refresh found it gone, while its volume is there. */
  gone?: boolean | undefined;
  connection?: string | undefined;
}

/** The id of the array that the stack's volumes are on. */
interface IdentityOutputs {
  /** The named connection to it; absent on that of the stack's own keys. */
  connection?: string | undefined;
  systemId?: string | undefined;
}

/** What this run has promised from each pool, in GiB: a preview must see that the last of many volumes finds no room. */
const promises = new PerConnection(() => new Map<string, number>());
const volumeClaims = new Claims();
const mappingClaims = new Claims();

const {
  configure,
  clientOf: arrayOf,
  failuresOf,
} = connectedProvider(
  ScaleioError,
  (config, name) => new ScaleioArray(new GatewaySession(readConnection(config, process.env, name))),
);

/** Volumes. */
export const volume = {
  configure,

  // Runs at preview too. The array is asked only about what is new. The name is decided once: an existing volume keeps it,
  // whatever its resource or its stack is called now.
  async check(olds: Partial<VolumeInputs>, news: VolumeInputs): Promise<dynamic.CheckResult<VolumeInputs>> {
    const inputs = { ...news };
    const exists = olds.settings !== undefined;
    // The array writes ids in lower case, and they are compared as text.
    if (isText(news.import)) inputs.import = news.import.toLowerCase();
    if (exists) {
      delete inputs.import;
      delete inputs.stackSystemId;
      const failures = renameFailures(olds.name, news.physicalName);
      if (failures.length > 0) return { inputs, failures };
      if (olds.name !== undefined) inputs.name = olds.name;
    }
    if (containsUnknown(news) || (exists && !asksMore(olds, news))) return { inputs, failures: [] };
    const failures = await failuresOf(async () => {
      const wanted = { ...inputs, name: inputs.name ?? inputs.declaredAs ?? "" };
      if (exists)
        return volumeProblems(
          arrayOf(news.settings),
          wanted,
          inputs.sizeGiB - (olds.sizeGiB ?? 0),
          promises.of(news.settings.connection),
        );
      const systemId = await stackArray(arrayOf(news.settings), inputs.stackSystemId);
      if (inputs.import !== undefined) {
        refuseSecondVolume(inputs.import, systemId, inputs.declaredAs);
        const { found, problems } = await importProblems(
          arrayOf(news.settings),
          inputs.import,
          wanted,
          promises.of(news.settings.connection),
        );
        if (!found) return problems;
        inputs.name = found.name;
        return [];
      }
      const taken = isOwnName(inputs) ? [] : await nameProblems(arrayOf(news.settings), wanted.name);
      // Where the name isn't known yet, no run has made anything by it.
      const mayBeThere = isOwnName(inputs) && inputs.name !== undefined;
      return [
        ...taken,
        ...(await newVolumeProblems(arrayOf(news.settings), wanted, mayBeThere, promises.of(news.settings.connection))),
      ];
    });
    return { inputs, failures };
  },

  diff(id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.DiffResult> {
    const elsewhere = otherConnection(id, olds, news);
    if (elsewhere !== undefined) return Promise.reject(new ScaleioError("not-possible", elsewhere));
    const other = volumeClaims.keep(onArray(id, olds.systemId), news.declaredAs, olds.declaredAs);
    if (other) return Promise.reject(volumeTwice(id, news.declaredAs, other.by));
    return Promise.resolve({ changes: asked(olds) !== asked(news), deleteBeforeReplace: true });
  },

  async create(inputs: VolumeInputs): Promise<dynamic.CreateResult<VolumeOutputs>> {
    const { declaredAs, name } = inputs;
    if (name === undefined) throw new ScaleioError("not-possible", "a volume requires a name on the array");
    const wanted = { ...inputs, name };
    const systemId = await stackArray(arrayOf(inputs.settings), inputs.stackSystemId);
    if (inputs.import !== undefined) {
      // A transform may have given it, or made it known only now.
      const id = inputs.import.toLowerCase();
      refuseSecondVolume(id, systemId, declaredAs);
      volumeClaims.make(onArray(id, systemId), declaredAs);
      return { id, outs: volumeOutputs(await importVolume(arrayOf(inputs.settings), id, wanted), declaredAs) };
    }
    const made = await createVolume(arrayOf(inputs.settings), wanted, isOwnName(inputs), (id) =>
      refuseSecondVolume(id, systemId, declaredAs),
    );
    volumeClaims.make(onArray(made.id, systemId), declaredAs);
    if (made.found) {
      console.log(`${made.name}: found volume ${made.id}, created by an interrupted run of this stack; it is adopted`);
    }
    return { id: made.id, outs: volumeOutputs(made, declaredAs) };
  },

  async read(id: string, props: VolumeOutputs): Promise<ReadResult<VolumeOutputs>> {
    // Read by its id alone, it has no settings yet.
    const isKnown = (props.settings as ScaleioSettings | undefined) !== undefined;
    const found = isKnown ? await readVolume(arrayOf(props.settings), id, props) : await findAlone(id, props);
    // No id: the volume is gone, and the engine takes it out of the state.
    if (!found) return {};
    const { name, sizeGiB, settings } = found;
    // The inputs are those that would make what is there: so a refresh shows what was changed behind our back.
    const { declaredAs } = props;
    // The id as the array writes it: one that somebody gave may have capitals.
    return { id: found.id, props: volumeOutputs(found, declaredAs), inputs: { name, sizeGiB, settings, declaredAs } };
  },

  async update(id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.UpdateResult<VolumeOutputs>> {
    const updated = await updateVolume(arrayOf(news.settings), id, {
      ...news,
      systemId: olds.systemId,
      knownName: olds.name,
    });
    return { outs: volumeOutputs(updated, news.declaredAs) };
  },

  async delete(id: string, { systemId, name: knownName, settings, declaredAs }: VolumeOutputs): Promise<void> {
    const heir = volumeClaims.heir(onArray(id, systemId), declaredAs);
    if (heir) console.log(`volume ${id} stays on the array: it is now "${heir.by}"`);
    else await removeVolume(arrayOf(settings), id, { systemId, knownName });
  },
} satisfies dynamic.ResourceProvider;

/** Mappings of volumes to hosts. */
export const mapping = {
  configure,

  async check(olds: Partial<MappingInputs>, news: MappingInputs): Promise<dynamic.CheckResult<MappingInputs>> {
    const inputs = { ...news };
    const sameHost = olds.sdcId !== undefined && olds.sdc === news.sdc && olds.connection === news.connection;
    if (sameHost) inputs.sdcId = olds.sdcId ?? "";
    if (containsUnknown(news.sdc) || (sameHost && olds.accessMode === news.accessMode)) return { inputs, failures: [] };
    const failures = await failuresOf(async () => {
      const refusal = await accessModeRefusal(arrayOf(news), news.accessMode);
      if (refusal !== undefined) throw new ScaleioError("not-possible", refusal);
      if (sameHost) return [];
      const { sdc, problems } = await findSdc(arrayOf(news), news.sdc);
      if (!sdc) return problems;
      const { volumeId, volumeSystemId, stackSystemId } = news;
      const systemId = await stackArray(arrayOf(news), stackSystemId);
      if (!containsUnknown(volumeSystemId)) await sameArray(arrayOf(news), volumeId, volumeSystemId);
      inputs.sdcId = sdc.id;
      if (!containsUnknown(volumeId)) refuseSecondMapping({ volumeId, sdcId: sdc.id }, systemId, news.declaredAs);
      return [];
    });
    return { inputs, failures };
  },

  async diff(_id: string, olds: MappingOutputs, news: MappingInputs): Promise<dynamic.DiffResult> {
    const replaces: string[] = (["volumeId", "sdcId"] as const).filter((key) => olds[key] !== news[key]);
    // By another name of the same array it is the same mapping: a replacement would take it away after it was found there.
    const isOtherName = olds.connection !== news.connection;
    if (isOtherName && (await arrayOf(news).systemId()) !== olds.systemId) replaces.push("connection");
    if (replaces.length === 0) {
      const other = mappingClaims.keep(onArray(mappingId(olds), olds.systemId), news.declaredAs, olds.declaredAs);
      if (other) throw mappingTwice(olds, news.declaredAs, other.by);
    }
    const changes =
      replaces.length > 0 ||
      isOtherName ||
      olds.gone === true ||
      (["iopsLimit", "bandwidthLimitKBps", "accessMode"] as const).some((key) => olds[key] !== news[key]);
    return { changes, replaces };
  },

  async create(inputs: MappingInputs): Promise<dynamic.CreateResult<MappingOutputs>> {
    const wanted = await wantedMapping(inputs);
    const { sdc, declaredAs, volumeSystemId, stackSystemId } = inputs;
    const on = connectedBy(inputs);
    const id = mappingId(wanted);
    const systemId = await stackArray(arrayOf(inputs), stackSystemId);
    refuseSecondMapping(wanted, systemId, declaredAs);
    mappingClaims.make(onArray(id, systemId), declaredAs);
    const { unfinished } = await createMapping(arrayOf(inputs), wanted, volumeSystemId);
    if (!unfinished) return { id, outs: mappingOutputs({ ...wanted, ...on, sdc, systemId, declaredAs }) };
    // It is there, or may be, and the state must have it: else nobody would take it away again. The engine finishes it in the next run.
    const { accessMode: _unsure, ...has } = { ...wanted, iopsLimit: 0, bandwidthLimitKBps: 0 };
    const { __provider } = inputs as { __provider?: string };
    throw Object.assign(unfinished, {
      id,
      properties: { ...mappingOutputs({ ...has, ...on, sdc, systemId, declaredAs }), __provider },
      reasons: [unfinished.message],
    });
  },

  async read(id: string, props: MappingOutputs): Promise<ReadResult<MappingOutputs>> {
    const found = await readMapping(arrayOf(props), props);
    // Without its volume it is out of the state, too. Of a volume that is there the state shall tell that a host has lost it: else
    // nothing would say that there is a mapping to make again.
    const gone = found === undefined;
    if (gone && !(await isOnArray(arrayOf(props), props))) return {};
    const { sdc, declaredAs, volumeId, sdcId, iopsLimit, bandwidthLimitKBps, accessMode } = props;
    const had = { volumeId, sdcId, iopsLimit, bandwidthLimitKBps, ...(accessMode && { accessMode }) };
    const { systemId, ...inputs } = {
      ...(found ?? { ...had, systemId: props.systemId }),
      ...connectedBy(props),
      ...{ sdc, declaredAs },
    };
    return {
      id,
      props: { ...mappingOutputs({ ...inputs, systemId }), ...(gone && { gone }) },
      inputs: { ...inputs, volumeSystemId: systemId },
    };
  },

  async update(_id: string, olds: MappingOutputs, news: MappingInputs): Promise<dynamic.UpdateResult<MappingOutputs>> {
    const wanted = await wantedMapping(news);
    const { systemId } = await updateMapping(arrayOf(news), wanted, olds);
    return {
      outs: mappingOutputs({ ...wanted, ...connectedBy(news), sdc: news.sdc, systemId, declaredAs: news.declaredAs }),
    };
  },

  async delete(_id: string, props: MappingOutputs): Promise<void> {
    const heir = mappingClaims.heir(onArray(mappingId(props), props.systemId), props.declaredAs);
    const { volumeId, sdcId } = props;
    if (heir) console.log(`volume ${volumeId} stays mapped to SDC ${sdcId}: the mapping is now "${heir.by}"`);
    else await removeMapping(arrayOf(props), props);
  },
} satisfies dynamic.ResourceProvider;

/** Who a stack is on an array: see identity.ts. */
export const identity = {
  ...identityProvider,
  configure,

  // Problems of the connection are reported here, once for all volumes.
  async check(olds: IdentityOutputs, news: IdentityOutputs): Promise<dynamic.CheckResult> {
    const inputs: IdentityOutputs = { ...news };
    const failures = await failuresOf(async () => {
      inputs.systemId = olds.systemId ?? (await arrayOf(news).systemId());
      return [];
    });
    return { inputs, failures };
  },

  create: (inputs: IdentityOutputs): Promise<dynamic.CreateResult<IdentityOutputs>> =>
    Promise.resolve({ id: randomUUID(), outs: { systemId: inputs.systemId, ...connectedBy(inputs) } }),
} satisfies dynamic.ResourceProvider;

interface ReadResult<Outputs> {
  id?: string;
  props?: Outputs;
  inputs?: object;
}

async function findAlone(id: string, { connection }: VolumeOutputs): Promise<FoundVolume> {
  const found = await findVolume(arrayOf({ connection }), id);
  return { ...found, settings: { ...found.settings, ...connectedBy({ connection }) } };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== UNKNOWN;

// Under a name that was made from what only this state has, there can only be what its own declaration made.
const isOwnName = ({ physicalName }: VolumeInputs) => physicalName === undefined;

// A key for what is one thing on an array, whatever the connections to it are called: the ids of two arrays may be the same.
const onArray = (id: string, systemId: string) => `${systemId}: ${id}`;

function refuseSecondVolume(id: string, systemId: string, by: string | undefined): void {
  const other = volumeClaims.want(onArray(id, systemId), by);
  if (other) throw volumeTwice(id, by, other.by);
}

const volumeTwice = (...which: Parameters<typeof declaredTwice>) =>
  new ScaleioError("not-possible", declaredTwice(...which));

const mappingId = ({ volumeId, sdcId }: { volumeId: string; sdcId: string }) => `${volumeId}/${sdcId}`;

// The engine's messages have no way to say `undefined`.
const connectedBy = ({ connection }: { connection?: string | undefined }): { connection?: string } =>
  connection === undefined ? {} : { connection };

function refuseSecondMapping(
  mapping: { volumeId: string; sdcId: string },
  systemId: string,
  by: string | undefined,
): void {
  const other = mappingClaims.want(onArray(mappingId(mapping), systemId), by);
  if (other) throw mappingTwice(mapping, by, other.by);
}

function mappingTwice(
  { volumeId, sdcId }: { volumeId: string; sdcId: string },
  by: string | undefined,
  other: string | undefined,
): ScaleioError {
  return new ScaleioError(
    "not-possible",
    `volume ${volumeId} is mapped to SDC ${sdcId} twice: by "${by}" and "${other}", which may name the host differently. ` +
      "A volume can have only one mapping per host: keep one of them.",
  );
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

function volumeOutputs({ name, sizeGiB, settings, systemId }: FoundVolume, declaredAs: string | undefined) {
  return { name, sizeGiB, settings, systemId, declaredAs } satisfies VolumeOutputs;
}

async function wantedMapping(inputs: MappingInputs): Promise<WantedMapping> {
  const { volumeId, sdc, iopsLimit, bandwidthLimitKBps, accessMode } = inputs;
  let { sdcId } = inputs;
  if (sdcId === undefined) {
    // At the check the host wasn't known yet: it came from another resource.
    const found = await findSdc(arrayOf(inputs), sdc);
    if (!found.sdc) throw new ScaleioError("not-possible", found.problems.map(({ message }) => message).join("; "));
    sdcId = found.sdc.id;
  }
  return { volumeId, sdcId, iopsLimit, bandwidthLimitKBps, accessMode };
}

function mappingOutputs(mapping: Omit<MappingOutputs, "devicePath">): MappingOutputs {
  // Where Linux hosts find the volume. Source: os-brick's ScaleIO connector.
  return { ...mapping, devicePath: `/dev/disk/by-id/emc-vol-${mapping.systemId}-${mapping.volumeId}` };
}
