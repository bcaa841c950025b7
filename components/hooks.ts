// The hooks that speak before anything is touched: they see a volume's recorded and its new state at preview, refuse what
// has a problem or would lose data, and say what changes and what it costs. One place for all backends.

import { AsyncResource } from "node:async_hooks";

import * as pulumi from "@pulumi/pulumi";

import {
  backends,
  change,
  costDifference,
  formatProblems,
  monthlyCostOf,
  problem,
  PROFILED_VOLUME,
  type BackendName,
  type Catalog,
  type Note,
  type Problem,
  type ResolvedVolume,
  type StackConfig,
  volumeText,
} from "../src";
import { formatCost } from "../src/core/cost";
import { isRecordedType, type Backend } from "../src/core/backend";
import { isSame } from "../src/core/revision";
import type { AskedOfBackend } from "./backends/contract";
import { volumeBackend } from "./backends/registry";
import type { DeclaredVolume } from "./declared";
import { componentOf, known, nameIn, recordedResources, recordedUrns } from "./engine";
import { refuse } from "./refusals";
import { hasErrorHooks } from "./pulumi-internals";
import { separatedResources } from "./renamed";

/** What a component records about its volume: its inputs, as the engine keeps them. */
export interface VolumeInputs extends Partial<ResolvedVolume> {
  /** There when the request has problems; what could not be resolved is then missing. */
  problems?: Problem[];
  /** The id of a volume that Pulumi's own import takes over. */
  import?: string;
}

/** The hooks of one run. */
export interface VolumeHooks {
  /** For the creation and the update of a `ProfiledVolume`. */
  component: pulumi.ResourceHook;
  /** For a volume's own resource on a backend. */
  volume(backend: BackendName): pulumi.ResourceHookBinding;
  /** For the update of a mapping: remembers what the state has of it. */
  mapping: pulumi.ResourceHook;
  /** What the state has of a mapping that changes, as soon as that is known. */
  mappingBefore(mapping: pulumi.Resource): Promise<Record<string, unknown> | undefined>;
}

// A program may have two copies of this package (its own, and a dependency's). Hooks are known to the engine by name.
const COPIES = Symbol.for("storage-profiles.copies");
const copies = globalThis as { [COPIES]?: number };
const copy = (copies[COPIES] = (copies[COPIES] ?? 0) + 1);
/** How the names of this copy's hooks begin. */
export const HOOK = copy === 1 ? "storage-profiles" : `storage-profiles-copy${copy}`;

/** What the hooks know of their run. */
export interface HookedRun {
  config: StackConfig;
  catalog: Catalog;
  /** All volumes declared so far. */
  volumes: readonly DeclaredVolume[];
  /** The volume of a component, by its URN. */
  volumeAt: (urn: string) => DeclaredVolume;
  /** Takes a volume that is new to the state. */
  created: (declared: DeclaredVolume) => void;
  placementOf: (backend: BackendName) => object;
  /** When the engine has the message that has the problems of all volumes; nothing where there is none. */
  told: () => Promise<void> | undefined;
}

const verdictWords = { none: "no change", "in-place": "update in place", migrates: "update, data migrates" } as const;

/**
 * A hook that also speaks in a preview. The SDK calls hooks in the context in which the engine's question arrived; in a process with several
 * runs (the plugin, the Automation API) only the one in which the hook was made knows the engine.
 */
export function hook(name: string, act: pulumi.ResourceHookFunction): pulumi.ResourceHook {
  return new pulumi.ResourceHook(name, AsyncResource.bind(act), { onDryRun: true });
}

// The hooks of one run have names of their own.
const numbers = new WeakMap<StackConfig, Map<string, number>>();

/** A hook of one component, of which a run may have several. */
export function componentHook(
  config: StackConfig,
  kind: string,
  act: pulumi.ResourceHookFunction,
): pulumi.ResourceHook {
  const ofRun = numbers.get(config) ?? new Map<string, number>();
  numbers.set(config, ofRun);
  const number = (ofRun.get(kind) ?? 0) + 1;
  ofRun.set(kind, number);
  return hook(`${HOOK}-${kind}-${number}`, act);
}

/** The hooks of a resource with one more, which runs before each update, ahead of the others. */
export function withBeforeUpdate(
  hooks: pulumi.ResourceHookBinding | undefined,
  first: pulumi.ResourceHook,
): pulumi.ResourceHookBinding {
  return { ...hooks, beforeUpdate: [first, ...(hooks?.beforeUpdate ?? [])] };
}

/** Makes the hooks of one run. */
export function volumeHooks({
  config,
  catalog,
  volumes,
  volumeAt,
  created,
  placementOf,
  told,
}: HookedRun): VolumeHooks {
  // The engine stops soon after a hook's error, and then shows nothing that the program has said meanwhile.
  const afterTold = <A>(act: (args: A) => void | Promise<void>) => {
    return async (args: A): Promise<void> => {
      await told();
      await act(args);
    };
  };

  // What the backend says. Of all that are asked at the same time, the first refusal tells: the engine stops soon after it.
  const asking = new Set<Promise<unknown>>();
  const ask = async (declared: DeclaredVolume, to: ResolvedVolume, asked: Partial<AskedOfBackend>): Promise<Note[]> => {
    const isDryRun = pulumi.runtime.isDryRun();
    const answer = volumeBackend(to.backend).ask?.({ name: declared.name, declared, to, config, isDryRun, ...asked });
    if (!answer) return [];
    asking.add(answer.then(({ problems }) => declared.problems.push(...problems)).catch(() => undefined));
    const { problems, notes } = await answer;
    if (problems.length === 0) return notes;
    await Promise.all(asking);
    refuse(declared, volumes);
    return notes;
  };

  const judge = async (
    { urn, label, notes: noted }: { urn: string; label: string; notes: () => Note[] },
    from: ResolvedVolume,
    to: ResolvedVolume,
    tell: boolean,
  ) => {
    const { verdict, problems, notes } = change(from, to);
    if (verdict === "refused") throw new Error(formatProblems(`${label} is refused`, problems));
    if (!tell) return;
    const costOf = (volume: ResolvedVolume) => monthlyCostOf(catalog, volume, placementOf(volume.backend));
    const changed = [...notes, ...costDifference(costOf(from), costOf(to))];
    // What is noted of the volume anyway was told when it was made, and is told again when it becomes another.
    await tellNotes(urn, `${label}: ${verdictWords[verdict]}`, changed.length > 0 ? [...changed, ...noted()] : []);
  };

  // What a preview shows of a volume that doesn't exist yet.
  const summary = (to: ResolvedVolume): { message: string }[] => {
    const cost = monthlyCostOf(catalog, to, placementOf(to.backend));
    return [{ message: volumeText(to) }, ...(cost ? [{ message: `monthly cost: ${formatCost(cost)}` }] : [])];
  };

  const component: pulumi.ResourceHookFunction = async ({ urn, name, newInputs, oldInputs, oldOutputs }) => {
    const declared = volumeAt(urn);
    declared.isJudged = true;
    const to = (newInputs ?? {}) as VolumeInputs;
    if (Array.isArray(to.problems)) return refuse(declared, volumes, to.problems);
    if (oldInputs === undefined) {
      declared.isNew = true;
      created(declared);
      if (!isResolved(to)) return tellNotes(urn, name, declared.notes());
      const { import: importId } = newInputs as VolumeInputs;
      const notes = importId === undefined ? [] : await ask(declared, to, { importId });
      const label = `${name}@${to.profile}`;
      if (!pulumi.runtime.isDryRun()) return tellNotes(urn, label, [...declared.notes(), ...notes]);
      const headline = `${label}: ${importId === undefined ? "create" : `import ${importId}`}`;
      return tellNotes(urn, headline, [...summary(to), ...declared.notes(), ...notes]);
    }
    const before = oldInputs as VolumeInputs;
    const has = (oldOutputs ?? {}) as Partial<VolumeInputs> & { volumeId?: unknown; isTransformed?: unknown };
    declared.wasTransformed = has.isTransformed === true;
    if (typeof has.volumeId === "string") declared.recordedId = has.volumeId;
    const { backend } = to;
    // With an id that Pulumi's own import takes over, it might put another volume in the place of this one.
    const isBare = Object.keys(before).length === 0 && to.import === undefined;
    if (isBare && backend !== undefined && (await isImported(urn, backend))) {
      declared.isRegained = true;
      return;
    }
    if (!isResolved(before)) {
      throw new Error(
        `${name}: its entry in the state can't be read, so changes can't be checked. Was it written by a different version?`,
      );
    }
    const [recordedImport, imported] = [(before as VolumeInputs).import, to.import];
    if (has.volumeId !== undefined || imported === recordedImport || (await mayHaveVolume(declared))) {
      const swap = swapProblem(name, has.volumeId, recordedImport, imported);
      if (swap) throw new Error(formatProblems(name, [swap]));
    }
    // A size from another resource may be unknown at preview; the hook runs again in the `up`, when it is known.
    if (!isResolved(to)) return;
    // The engine records a component's new inputs also when its resource then fails, or is left out by --target; what the
    // volume has is in the outputs. After a failure these are gone: then its own resource knows its size, and judges that.
    let from: ResolvedVolume = {
      ...before,
      sizeGiB: has.sizeGiB ?? before.sizeGiB,
      settings: has.settings ?? before.settings,
    };
    const elsewhere = volumeBackend(to.backend).changedElsewhere ?? [];
    const kept = Object.entries(to.settings).filter(([key]) => elsewhere.includes(key));
    from = { ...from, settings: { ...from.settings, ...Object.fromEntries(kept) } };
    if (has.volumeId === undefined) {
      // There may even be no volume yet, whatever was asked for it in vain.
      declared.isUnfinished = true;
      from = { ...before, sizeGiB: to.sizeGiB, settings: to.settings };
    }
    const label = from.profile === to.profile ? `${name}@${to.profile}` : `${name}: ${from.profile} → ${to.profile}`;
    await judge({ urn, label, notes: declared.notes }, from, to, !declared.isUnfinished);
  };

  // The engine asks about a resource that it is about to make, whether its component is new or an `up` was interrupted.
  const creation: pulumi.ResourceHookFunction = async ({ urn, name, newInputs }) => {
    const declared = volumeAt(componentOf(urn));
    // Where the run leaves the component out, its own hook has not seen that its volume lives on another backend.
    await declared.recorded;
    if (declared.problems.length > 0) return refuse(declared, volumes);
    const { volume } = declared;
    // By `pulumi state rename` of the one alone. Its component is in the state, and the engine deletes what has no component any more.
    const separated = declared.isNew ? [] : separatedResources(urn, await recordedUrns().catch((): string[] => []));
    if (separated.length > 0) {
      const params = { volume: name, isReplaced: true, separated };
      return refuse(declared, volumes, [problem("deletion-not-requested", "name", name, params)]);
    }
    const lost = volume && (await emptyInstead(urn, declared, volume.backend, config));
    if (lost) return refuse(declared, volumes, [lost]);
    if (volume) declared.isTransformed = isTransformed(volume, newInputs ?? {});
    if (volume) await tellNotes(urn, name, await ask(declared, volume, { inputs: newInputs }));
  };

  // Sees what the resource is really given, also after transforms, against what it really has.
  const volume = (backend: BackendName): pulumi.ResourceHookFunction => {
    return async ({ urn, name, newInputs, oldOutputs }) => {
      const declared = volumeAt(componentOf(urn));
      const has = (oldOutputs ?? {}) as Record<string, unknown>;
      declared.before = has;
      if (declared.problems.length > 0) return refuse(declared, volumes);
      const read = (properties: Record<string, unknown>): VolumeInputs => {
        const made = backends[backend].recorded.read(properties, has) as Partial<ResolvedVolume>;
        return { name, profile: "", revision: "", backend, ...made };
      };
      const [from, given] = [read(has), read((newInputs ?? {}) as Record<string, unknown>)];
      if (declared.volume) declared.isTransformed = isTransformed(declared.volume, newInputs ?? {}, has);
      if (!isResolved(from) || !isResolved(given)) return;
      const to = { ...given, settings: { ...given.settings, ...ignoredOf(backend, declared.volume) } };
      const remark =
        declared.isNew || declared.isRegained
          ? " (imported)"
          : declared.isUnfinished
            ? " (last change unfinished)"
            : "";
      await judge({ urn, label: `${name}${remark}`, notes: declared.notes }, from, to, remark !== "");
      const { profile = "" } = declared.volume ?? {};
      const volumeId = typeof has["volumeId"] === "string" ? has["volumeId"] : undefined;
      await tellNotes(urn, name, await ask(declared, { ...to, profile }, { from, volumeId }));
    };
  };

  // Never tried again: what can be said is what the error means.
  const failed = (backend: BackendName): pulumi.ErrorHookFunction => {
    return async ({ name, id, errors }) => {
      const text = await volumeBackend(backend).explain?.(name, id, errors);
      if (text !== undefined) await pulumi.log.error(text);
      return false;
    };
  };

  const made = new Map<BackendName, pulumi.ResourceHookBinding>();
  const mappings = new Map<string, Record<string, unknown>>();
  const mapping: pulumi.ResourceHookFunction = ({ urn, oldOutputs }) => {
    if (oldOutputs) mappings.set(urn, oldOutputs as Record<string, unknown>);
  };
  return {
    mapping: hook(`${HOOK}-mapping`, mapping),
    mappingBefore: async ({ urn }) => mappings.get((await known(urn)) ?? ""),
    component: hook(HOOK, afterTold(component)),
    volume(backend) {
      const known = made.get(backend);
      if (known) return known;
      const beforeUpdate = [hook(`${HOOK}-${backend}`, afterTold(volume(backend)))];
      const explains = volumeBackend(backend).explain !== undefined && hasErrorHooks();
      const onError = explains
        ? [new pulumi.ErrorHook(`${HOOK}-${backend}-error`, AsyncResource.bind(failed(backend)))]
        : undefined;
      const beforeCreate = [hook(`${HOOK}-${backend}-new`, afterTold(creation))];
      const binding = { beforeUpdate, beforeCreate, ...(onError && { onError }) };
      made.set(backend, binding);
      return binding;
    },
  };
}

// Why a volume isn't created: there is one already, and it would be another, empty one. Another provider, or a transform's options, have the
// engine replace a resource, and no hook sees why; or somebody has taken the resource alone out of the state. That may still have one that this
// very run's refresh has found gone: so the backend is asked.
async function emptyInstead(
  urn: string,
  declared: DeclaredVolume,
  backend: BackendName,
  config: StackConfig,
): Promise<Problem | undefined> {
  const of = volumeBackend(backend);
  if (!of.exists || declared.isNew) return undefined;
  const { name, urn: component = "", formerUrns = [] } = declared;
  const type = urn.split("::").at(-2)?.split("$").at(-1) ?? "";
  const recorded = await recordedResources().catch((): Awaited<ReturnType<typeof recordedResources>> => ({}));
  const own = [component, ...formerUrns]
    .map((each) => recorded[each.replace(/(::[^:]*)$/, `$$${type}$1`)]?.outputs)
    .filter((outputs) => outputs !== undefined);
  const isThere = async (outputs: Record<string, unknown>): Promise<boolean> => {
    try {
      return (await of.exists?.(declared, config, outputs)) ?? false;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const id = typeof outputs["id"] === "string" ? outputs["id"] : declared.recordedId;
      throw new Error(
        `${name}: the state has volume ${id ?? name}, and whether it still exists can't be found out, so that no new one is created: ${why}`,
        { cause: error },
      );
    }
  };
  if ((await Promise.all(own.map(isThere))).includes(true))
    return problem("deletion-not-requested", "name", name, { volume: name, isReplaced: true, keptBy: of.keptBy });
  const id = (await declared.recorded)?.volumeId;
  if (own.length > 0 || id === undefined || !(await isThere({ id }))) return undefined;
  return problem("volume-not-in-state", "name", name, { volume: name, id, component });
}

// `pulumi import` records a component without inputs, and its volume: whose own hook then judges what becomes of what it has.
async function isImported(component: string, backend: BackendName): Promise<boolean> {
  const [head = "", tail = ""] = component.split(/(?=::[^:]*$)/);
  const { recorded }: Backend = backends[backend];
  const urns = await recordedUrns().catch((): string[] => []);
  return urns.some((urn) => {
    const type = urn.startsWith(`${head}$`) && urn.endsWith(tail) ? urn.slice(head.length + 1, -tail.length) : "";
    return isRecordedType(recorded, type);
  });
}

// After an `up` that did not finish: whatever is below a component of one of its names. Where the state can't be read, there may be something.
async function mayHaveVolume({ name, formerUrns = [] }: DeclaredVolume): Promise<boolean> {
  const urns = await recordedUrns().catch(() => undefined);
  const isBelow = (urn: string) => {
    const [types = "", called = ""] = urn.split("::").slice(-2);
    return types.includes(`${PROFILED_VOLUME}$`) && [name, ...formerUrns.map(nameIn)].includes(called);
  };
  return urns?.some(isBelow) ?? true;
}

/**
 * Why a volume can't be another one by an import: Pulumi would put the one in the place of the other, and delete that. `has` is the id of the one that
 * it is; after an `up` that did not finish nobody knows that, nor whether there is a volume, and `recorded` is what it was to import.
 */
export function swapProblem(
  name: string,
  has: unknown,
  recorded: string | undefined,
  imported: string | undefined,
): Problem | undefined {
  const known = typeof has === "string" ? has : recorded;
  if (imported === undefined || known === imported) return undefined;
  const because = `"${name}" is already ${known ?? "another volume"}, which would be deleted`;
  const way =
    `remove \`import\`, or import ${imported} under another name` +
    (typeof has === "string"
      ? ""
      : `; if "${name}" has no volume yet, remove it from the program for one \`pulumi up\``);
  return problem("import-not-possible", "import", imported, { id: imported, because, way });
}

// What is asked for and ignored by the engine. What nobody asked for is as the volume has it.
function ignoredOf(backend: BackendName, asked: ResolvedVolume | undefined): object {
  const ignored = volumeBackend(backend).ignored ?? [];
  const wanted = Object.entries(asked?.settings ?? {}).filter(([, value]) => value !== null && value !== false);
  return Object.fromEntries(wanted.filter(([key]) => ignored.includes(key)));
}

// What a transform of the volume, of a parent or of the stack has changed of what was asked for.
function isTransformed(asked: ResolvedVolume, inputs: object, has: Record<string, unknown> = {}): boolean {
  const given = backends[asked.backend].recorded.read(inputs as Record<string, unknown>, has);
  const settings = Object.entries(asked.settings).filter(([, value]) => value !== null);
  const became = (given.settings ?? {}) as Record<string, unknown>;
  return (
    (given.sizeGiB !== undefined && given.sizeGiB !== asked.sizeGiB) ||
    settings.some(([key, value]) => became[key] !== undefined && !isSame(became[key], value))
  );
}

// On the volume itself. Its resource is still being registered, and only its URN is known.
async function tellNotes(urn: string, headline: string, notes: readonly { message: string }[]): Promise<void> {
  if (notes.length === 0) return;
  const volume: unknown = { urn: pulumi.output(urn) };
  await pulumi.log.info(
    `${headline}${notes.map(({ message }) => `\n  ${message}`).join("")}`,
    volume as pulumi.Resource,
  );
}

function isResolved(inputs: VolumeInputs): inputs is ResolvedVolume {
  return (
    typeof inputs.backend === "string" &&
    typeof inputs.sizeGiB === "number" &&
    typeof inputs.revision === "string" &&
    typeof inputs.settings === "object" &&
    !pulumi.containsUnknowns(inputs.settings)
  );
}
