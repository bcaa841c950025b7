// ProfiledVolume: a volume declared by name and profile. What the profile means here and now is worked out by the pure
// core; this component records the answer, lets the hook judge it, and has the backend make the resource.

import * as pulumi from "@pulumi/pulumi";

import {
  backendNames,
  backends,
  checkName,
  formatProblems,
  monthlyCostOf,
  ownPlacement,
  parseReference,
  problem,
  PROFILED_VOLUME,
  resolve,
  backendOfSettings,
  type BackendName,
  type MonthlyCost,
  type Note,
  type NoteCode,
  type Problem,
  type Resolution,
  type ResolvedVolume,
  type Settings,
  type SettingsOf,
  type StackConfig,
  type VolumeRequest,
  wrongType,
  unknownKey,
} from "../src";
import { profileInForce } from "../src/core/catalog";
import { isSame } from "../src/core/revision";
import type { ResourceTypeOf } from "./backends/contract";
import { volumeBackend } from "./backends/registry";
import { declaredVolume, newDeclaration, setDeclared, type DeclaredVolume, type RecordedVolume } from "./declared";
import {
  aliasesOfChild,
  knownFormerUrns,
  known,
  knownAtPreview,
  outputsOf,
  recordedUrns,
  refusedLater,
  runError,
  settled,
} from "./engine";
import { swapProblem } from "./hooks";
import { MissingPackage } from "./load";
import { optionProblems, passedOn } from "./options";
import { inPlugin } from "./plugin-mode";
import { promiseOf, registered } from "./pulumi-internals";
import { ReadVolume, type ReadVolumeOptions } from "./read-volume";
import { refusal } from "./refusals";
import { currentRun, type Run } from "./run";
import type { VolumeTransform } from "./transform";

const MAPPING: NoteCode = "limits-need-mapping";

/** What a volume asks for, whatever its backend. */
export interface CommonVolumeArgs<B extends BackendName = BackendName> {
  /**
   * The profile's name, where the reference doesn't say it.
   * @default "default", the cheapest that any application can live with
   */
  profile?: pulumi.Input<string> | undefined;
  /**
   * The backend.
   * @default the stack's: `storage-profiles:backend`
   */
  backend?: B | undefined;
  /**
   * Whether the volume is protected: neither deleted nor replaced while this is on. It counts before the option `protect` of
   * the volume, that before the `protect` of its parents, and that before the stack's config.
   * @default the stack's `storage-profiles:deletionProtection`, else true
   */
  deletionProtection?: boolean | undefined;
  /**
   * Tags, in the form that the backend has for them: tags on `aws`, metadata on `openstack` and `ceph`, labels on `cio` and `kubernetes`; a note
   * says where it has none. They count before the stack's `storage-profiles:tags` and before tags of the profile, and can be changed at any time.
   */
  tags?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * The volume's name on the backend, where it must differ from the resource's. Decided once: an existing volume is never
   * renamed. Set it to the old name when the resource is renamed (with `aliases`).
   * @default the resource's name
   */
  physicalName?: string | undefined;
  /**
   * The id of a volume that exists already and is to be taken over with its data, instead of making a new one.
   * May stay or go once the volume is in the state. (Pulumi's own `import` option can't reach a component's child.)
   */
  import?: string | undefined;
  /**
   * The owner of the volume that `import` takes over, where that is another one, as the refusal of the import names it: a URN on `local`,
   * a stack on `openstack`, a mark on `ceph`. That owner can then neither change nor delete the volume. Other backends don't know owners.
   */
  takeFrom?: string | undefined;
  /** The escape hatch, by backend: adjusts the arguments and options of the backend's own resource. */
  transform?: { [Each in BackendName]?: VolumeTransform<ResourceTypeOf<Each, "args"> & object> } | undefined;
}

/** A size, in one of two ways. */
export type SizeArgs =
  | {
      /** The size in GiB (2^30 bytes), rounded up to what the backend can make. */
      sizeGiB: pulumi.Input<number>;
      size?: undefined;
    }
  | {
      sizeGiB?: undefined;
      /** The size as text with a unit, binary or decimal: "100GiB", "1.5TiB", "500GB". */
      size: pulumi.Input<string>;
    };

/** What a volume says beside its profile, for each backend: `{ aws: { availabilityZone } }`. Those of other backends are ignored. */
export type OverrideArgs = {
  [Each in BackendName as ResourceTypeOf<Each, "overrides"> extends object ? Each : never]?:
    ResourceTypeOf<Each, "overrides"> | undefined;
};

/** What a volume asks for: `{ sizeGiB: 100, aws: { availabilityZone: "eu-central-1a" } }`. */
export type ProfiledVolumeArgs<B extends BackendName = BackendName> = CommonVolumeArgs<B> & SizeArgs & OverrideArgs;

// Inside, everything may be there or not: programs in JavaScript may pass anything.
type AnyVolumeArgs = CommonVolumeArgs &
  Partial<Record<"sizeGiB", pulumi.Input<number>> & Record<"size", pulumi.Input<string>>>;

/**
 * A volume declared by name and profile.
 *
 * ```ts
 * const data = new ProfiledVolume("highperfvolume@gold", { sizeGiB: 100 });
 * ```
 *
 * The resource's name is `highperfvolume`: the profile is never part of the identity, so a change of profile is an
 * update in place. Every problem of the request is shown at preview, together with those of all other volumes; a change
 * that would lose data is refused there.
 */
export class ProfiledVolume<B extends BackendName = BackendName> extends pulumi.ComponentResource {
  /** Whether something is a `ProfiledVolume`, of whichever copy of this package: a dependency may bring its own. */
  public static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that extends this one has instances of its own.
    if (this !== ProfiledVolume) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && declaredVolume(value) !== undefined;
  }

  /**
   * Reads a volume that exists, by its id on the backend, without managing it: this stack never changes or deletes it. It can be attached, and
   * its size and settings are known.
   *
   * ```ts
   * const shared = ProfiledVolume.get("shared", "vol-0123456789abcdef0", { backend: "aws" });
   * ```
   * @param name The name of the resource that reads it.
   * @param id The id, as `volumeId` of the stack that manages the volume has it.
   * @throws `pulumi.RunError` with every problem of the arguments.
   */
  public static get<B extends BackendName = BackendName>(
    name: string,
    id: pulumi.Input<string>,
    opts?: ReadVolumeOptions<B>,
  ): ReadVolume<B> {
    return new ReadVolume(name, id, opts);
  }

  /** The volume's id on the backend. */
  public readonly volumeId: pulumi.Output<string>;
  /** The profile's name. */
  public readonly profile: pulumi.Output<string>;
  /** The backend where the volume lives. */
  public readonly backend: pulumi.Output<B>;
  /** Which edit of the profile the volume has: a short hash of its definition on this backend. */
  public readonly revision: pulumi.Output<string>;
  /** The backend's own parameters, the complete set. */
  public readonly settings: pulumi.Output<SettingsOf<B>>;
  /** The size as made, in GiB. */
  public readonly sizeGiB: pulumi.Output<number>;
  /** The monthly cost by list price; `undefined` where it isn't known. */
  public readonly monthlyCost: pulumi.Output<MonthlyCost | undefined>;
  /** What is worth knowing though nothing is wrong: roundings, clamps, what is not enforced. */
  public readonly notes: pulumi.Output<Note[]>;
  /** Where the volume is mounted, on backends that mount it (`local`); else `undefined`. */
  public readonly mountPath: pulumi.Output<ResourceTypeOf<B, "mountPath">>;
  /** What is known of a volume on its backend alone: `claimName` and `volumeName` on `kubernetes`; else `undefined`. */
  public readonly details: pulumi.Output<ResourceTypeOf<B, "details">>;
  /** The backend's own resource: an `aws.ebs.Volume` on `aws`. A volume with problems has none, and its program fails. */
  public readonly resource: ResourceTypeOf<B, "resource">;

  /**
   * Declares a volume.
   * @param reference `name`, or `name@profile`.
   * @throws `pulumi.RunError` where the stack's config is wrong. Problems of the request itself are shown by the engine, for all volumes
   * at once.
   */
  constructor(reference: string, args: ProfiledVolumeArgs<B>, opts: pulumi.ComponentResourceOptions = {}) {
    // Programs in JavaScript may leave them out.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- and the compiler does not know of those
    const given = (args ?? {}) as AnyVolumeArgs;
    const run = currentRun();
    const name = nameOf(reference, run.volumes);
    const backend = backendNames.find((each) => each === (given.backend ?? run.config.backend));
    const declared = newDeclaration(name, backend);
    declared.takeFrom = given.takeFrom;
    const importId = backend && volumeBackend(backend).importsByEngine ? given.import : undefined;
    declared.connection = backend && connectionOf(backend, run.config, given);
    run.volumes.push(declared);
    // Programs in JavaScript may pass anything.
    const asked = ask(run, typeof reference === "string" ? reference : "", declared, given, opts);
    super(
      PROFILED_VOLUME,
      name,
      asked.inputs,
      run.hooks ? { ...opts, hooks: withHook(opts.hooks, run.hooks.component) } : opts,
    );
    setDeclared(this, declared);
    const urn = pulumi.createUrn(name, PROFILED_VOLUME, opts.parent);
    void whenKnown(urn, (known) => run.byUrn.set((declared.urn = known), declared));
    if (run.hooks) {
      void knownFormerUrns(this).then((urns) => {
        declared.formerUrns = urns;
        if (urns.length > 0) run.aliased();
      });
      declared.recorded = recordedOf(run, declared, this, importId);
      // Those who need the answer wait for it; what is wrong is reported with the problems of all volumes.
      declared.recorded.catch(() => undefined);
    }

    // An import of another volume would have the engine replace this one, and no hook is called for that where the run leaves the component out.
    const whenRecorded: pulumi.ResourceTransform = async ({ props, opts: given }) => {
      try {
        await declared.recorded;
        return undefined;
      } catch (error) {
        // There the program fails for this alone.
        if (inPlugin()) throw error;
        return { props, opts: { ...given, import: undefined } as pulumi.CustomResourceOptions };
      }
    };

    const { resolution } = asked;
    // Where there is no volume, nothing is known about it.
    const volume = resolution.apply((each) => each.volume ?? (pulumi.unknown as unknown as ResolvedVolume));
    const made =
      backend && !asked.failed
        ? volumeBackend(backend).make({
            name,
            declared,
            physicalName: given.physicalName ?? name,
            explicitName: given.physicalName !== undefined,
            volume: asked.volume ?? resolution.apply((each) => each.volume ?? nothing(run, declared)),
            importId: given.import,
            takeFrom: given.takeFrom,
            connection: declared.connection,
            component: this,
            config: run.config,
            opts: {
              parent: this,
              ...passedOn(opts),
              aliases: aliasesOfChild(this),
              protect: isProtected(this, given, opts, run.config),
              ...(run.hooks && { hooks: run.hooks.volume(backend) }),
              ...(run.hooks && importId !== undefined && { transforms: [whenRecorded] }),
            },
            transform: given.transform?.[backend] as VolumeTransform | undefined,
          })
        : undefined;

    if (backend && made) {
      const profile = isPlain(given.profile) ? parseReference(reference, given.profile).reference?.profile : undefined;
      declared.section =
        profile === undefined ? undefined : profileInForce(run.catalog, name, profile)?.sections[backend];
    }
    this.resource = made?.resource as ResourceTypeOf<B, "resource">;
    this.volumeId = made?.volumeId ?? unknown<string>();
    this.mountPath = (made?.mountPath ?? pulumi.output<string | undefined>(undefined)) as pulumi.Output<
      ResourceTypeOf<B, "mountPath">
    >;
    this.details = (made?.details ?? pulumi.output<object | undefined>(undefined)) as pulumi.Output<
      ResourceTypeOf<B, "details">
    >;
    this.backend = volume.backend as pulumi.Output<B>;
    // A run that leaves the volume out doesn't change it: these say what it has. At preview its resource may not know that yet.
    const has = run.hooks ? made : undefined;
    this.sizeGiB = has ? knownAtPreview(has.sizeGiB, () => known(volume.sizeGiB)) : volume.sizeGiB;
    const settings = has ? knownAtPreview(has.settings, () => known(volume.settings)) : volume.settings;
    this.settings = settings as unknown as pulumi.Output<SettingsOf<B>>;
    const recorded = Promise.resolve(declared.recorded).then(
      (found) => found?.outputs ?? {},
      () => ({}),
    );
    const kept = (key: "profile" | "revision") =>
      volume[key].apply(async (now) => ((await recorded) as Partial<ResolvedVolume>)[key] ?? now);
    this.profile = kept("profile");
    this.revision = kept("revision");
    this.monthlyCost = has
      ? pulumi
          .all([resolution, this.sizeGiB, settings])
          .apply(([resolved, sizeGiB, settings]) => costOf(run, resolved, sizeGiB, settings))
      : resolution.apply((each) => each.monthlyCost);
    // A mapping may be declared after its volume: what is noted of it is asked for when the program has gone on.
    const notesOf = ({ notes }: Resolution) => notes.filter(({ code }) => code !== MAPPING || !declared.isMapped);
    this.notes = resolution.apply((each) => {
      declared.notes = () => notesOf(each);
      if (each.volume) declared.volume = each.volume;
      return notesOf(each);
    });
    // The rest of the answer is in the inputs already; the state keeps it once. These come only when the volume's resource
    // is done: by their absence the hook sees that the last `up` was not, and size and settings are those that it has.
    const outputs = made && {
      volumeId: made.volumeId,
      mountPath: made.mountPath,
      sizeGiB: made.sizeGiB,
      settings: made.settings,
      profile: this.profile,
      revision: this.revision,
      // Then what its resource was given isn't what the profile says, and what it is compared with. Where the resource doesn't change, that
      // stays as it was.
      isTransformed: hasTransform(given, backend, opts)
        ? true
        : made.volumeId.apply(async () => {
            const was = declared.wasTransformed ?? ((await recorded) as { isTransformed?: boolean }).isTransformed;
            return (declared.isTransformed ?? was) === true ? true : undefined;
          }),
      monthlyCost: this.monthlyCost.apply((cost) => cost?.amount),
    };
    // Of a volume that must not become what the program says, they would claim that it is that.
    this.registerOutputs(
      Promise.resolve(declared.recorded).then(
        () => settled(outputs ?? {}),
        () => declared.keptOutputs ?? {},
      ),
    );
  }
}

function hasTransform(
  { transform }: AnyVolumeArgs,
  backend: BackendName | undefined,
  opts: pulumi.ComponentResourceOptions,
): boolean {
  const { transforms = [], transformations = [] } = opts;
  return (backend && transform?.[backend]) !== undefined || transforms.length > 0 || transformations.length > 0;
}

// The cost of what the volume has, which differs from what is asked for where the run leaves it out.
function costOf(run: Run, { volume, request, monthlyCost }: Resolution, sizeGiB: number, settings: Settings) {
  if (!volume || isSame([volume.sizeGiB, volume.settings], [sizeGiB, settings])) return monthlyCost;
  return monthlyCostOf(run.catalog, { ...volume, sizeGiB, settings }, request.placement);
}

// A resource of its own is never given what isn't known, unless the engine only previews it.
function nothing(run: Run, declared: DeclaredVolume): ResolvedVolume {
  if (run.hooks && !pulumi.runtime.isDryRun()) return refusedLater(refusal(declared, run.volumes));
  return pulumi.unknown as unknown as ResolvedVolume;
}

// What the state has of a component that changes, its hook was told; of one that doesn't, or that the run leaves out, the engine tells.
async function recordedOf(
  run: Run,
  declared: DeclaredVolume,
  component: pulumi.ComponentResource,
  importId: string | undefined,
): Promise<RecordedVolume> {
  // One that is new and left out has none.
  const outputs = await outputsOf(component, () => !declared.isJudged).catch((): Record<string, unknown> => ({}));
  if (declared.isJudged) return { volumeId: declared.recordedId };
  const { volumeId, settings } = outputs;
  const { backend, urn } = declared;
  const from = settings ? backendOfSettings(settings) : urn !== undefined && (await recordedBackend(urn));
  const refuse = (found: Problem): void => {
    declared.keptOutputs = outputs;
    run.refuse(declared, [found]);
  };
  if (from && backend && from !== backend) {
    refuse(problem("change-of-backend", "backend", backend, { from, to: backend }));
    throw runError(refusal(declared, run.volumes));
  }
  if (importId !== undefined && (typeof volumeId === "string" || (await isRecorded(urn, component)))) {
    const swap = swapProblem(declared.name, volumeId, undefined, importId);
    if (swap) {
      refuse(swap);
      // No hook shows this one: the program that fails does.
      throw runError(formatProblems(declared.name, [swap]));
    }
  }
  return { volumeId: typeof volumeId === "string" ? volumeId : undefined, outputs };
}

// After an `up` that did not finish, a component says nothing of its volume. Then the state says whether it has one, and where.
async function recordedBackend(urn: string): Promise<BackendName | undefined> {
  const urns = await recordedUrns().catch((): string[] => []);
  const [types = "", name = ""] = urn.split("::").slice(-2);
  return backendNames.find((each) => {
    const { type, pluginType = type } = backends[each].recorded;
    const ends = [type, pluginType].map((child) => `::${types}$${child}::${name}`);
    return urns.some((found) => ends.some((end) => found.endsWith(end)));
  });
}

// Whether the state has a volume of the component, by its name or one that it had.
async function isRecorded(urn: string | undefined, component: pulumi.ComponentResource): Promise<boolean> {
  const urns = [...(urn === undefined ? [] : [urn]), ...(await knownFormerUrns(component))];
  return (await Promise.all(urns.map(recordedBackend))).some((backend) => backend !== undefined);
}

// Nothing comes of one that the engine leaves out.
function whenKnown(output: pulumi.Output<string>, act: (value: string) => void): Promise<void> {
  return promiseOf(output).then(act, () => undefined);
}

interface Asked {
  /** What the component records. */
  inputs: Record<string, unknown>;
  resolution: pulumi.Output<Resolution>;
  /** The volume, where it is known while the program runs. */
  volume?: ResolvedVolume | undefined;
  /** Whether it is known already, while the program runs, that the request has problems. */
  failed: boolean;
}

// Works the request out: at once where everything is known, else when it is.
function ask(
  run: Run,
  reference: string,
  declared: DeclaredVolume,
  args: AnyVolumeArgs,
  opts: pulumi.ComponentResourceOptions,
): Asked {
  const backend = args.backend ?? run.config.backend;
  const { name, backend: known } = declared;
  const { timed, limit } = (known && volumeBackend(known).timeouts) ?? {};
  const early = [...earlyProblems(run, declared, args), ...(known ? optionProblems(opts, timed, limit) : [])];
  const { physicalName } = args;
  const place = (own?: object) => known && run.placementOf(known, own);
  const work = (request: Partial<VolumeRequest>): Resolution => {
    const resolution = resolve(run.catalog, { name: reference, backend, physicalName, ...request }, "", known);
    const { volume, request: worked, notes } = resolution;
    const own = volume && volumeBackend(volume.backend).problems?.(volume, { physicalName, config: run.config });
    const problems = [...early, ...resolution.problems, ...(own ?? [])];
    return problems.length === 0 ? resolution : { request: worked, problems, notes };
  };
  const importId = known && volumeBackend(known).importsByEngine ? args.import : undefined;
  const inputsOf = (resolution: Resolution) => recorded(name, resolution, importId);

  const { profile, sizeGiB, size, tags } = args;
  const own = known && ownPlacement(known, args);
  const told =
    known && early.length === 0 ? volumeBackend(known).askProvider?.(place(own) ?? {}, run.config, opts) : undefined;
  if ([profile, sizeGiB, size].every(isPlain) && isPlainDeep(own) && isPlainDeep(tags) && !told) {
    const request = { profile, sizeGiB, size, tags } as Partial<VolumeRequest>;
    const resolution = work({ ...request, placement: place(own) });
    const failed = resolution.problems.length > 0;
    if (failed) run.refuse(declared, resolution.problems);
    const { volume } = resolution;
    return { inputs: inputsOf(resolution), resolution: pulumi.output(resolution), volume, failed };
  }

  // What doesn't depend on what comes later is checked at once all the same.
  const plainSize = isPlain(sizeGiB) && isPlain(size) ? { sizeGiB, size } : {};
  const sure = isPlain(profile)
    ? sureProblems(run, { reference, backend, profile, ...plainSize }, place(), early)
    : early;
  if (sure.length > 0) {
    run.refuse(declared, sure);
    const resolution: Resolution = { request: { name: reference }, problems: sure, notes: [] };
    return { inputs: inputsOf(resolution), resolution: pulumi.output(resolution), failed: true };
  }
  // Neither a size nor a profile is a secret, even when it comes from one: both are shown at preview. A tag may well be.
  const ofOwn = pulumi.output(own as Record<string, unknown> | undefined);
  const ofTags = pulumi.output(tags);
  const secrets = Promise.all([pulumi.isSecret(ofOwn), pulumi.isSecret(ofTags)]);
  const resolution = pulumi.unsecret(
    pulumi
      .output({ profile, sizeGiB, size, tags: ofTags, own: ofOwn, told, secrets })
      .apply(({ own, told, secrets: [inOwn, inTags], ...request }) => {
        const secret = [...(inOwn && known ? [secretSetting(known)] : []), ...(inTags ? [secretSetting("tags")] : [])];
        const late: Resolution =
          secret.length > 0
            ? { request: { name: reference }, problems: secret, notes: [] }
            : work({ ...request, placement: place({ ...told, ...own }) });
        if (late.problems.length > 0 && run.hooks) run.refuse(declared, late.problems);
        return late;
      }),
  );
  const inputs = resolution.apply(inputsOf);
  const late = Object.fromEntries(
    ["profile", "revision", "sizeGiB", "settings", "tags", "problems"].map((key) => [
      key,
      inputs.apply((each) => each[key]),
    ]),
  );
  const parsed = isPlain(profile) ? { profile: parseReference(reference, profile).reference?.profile } : {};
  const imported = importId === undefined ? {} : { import: importId };
  return {
    inputs: { name, backend: known, ...imported, ...late, ...parsed },
    resolution,
    failed: false,
  };
}

function secretSetting(setting: string): Problem {
  const because = "it contains a secret, but is shown at preview and stored in the state as plain text";
  const ways = ["remove the secret", "mark the value as not secret: pulumi.unsecret(…)"];
  return problem("setting-not-applicable", setting, undefined, { setting, because, ways });
}

// Problems that stay whatever the rest turns out to be.
function sureProblems(
  run: Run,
  { reference, ...request }: { reference: string } & Partial<VolumeRequest>,
  placement: object | undefined,
  early: Problem[],
): Problem[] {
  const { problems } = resolve(run.catalog, { name: reference, ...request, placement });
  // Whether a rate goes with a snapshot shows when there is one.
  const mayGo = ({ code, path }: Problem) => code === "size-missing" || path.endsWith(".volumeInitializationRate");
  return [...early, ...problems.filter((each) => !mayGo(each))];
}

function recorded(
  name: string,
  { volume, problems }: Resolution,
  importId: string | undefined,
): Record<string, unknown> {
  return volume ? { ...volume, ...(importId !== undefined && { import: importId }) } : { name, problems };
}

function withHook(
  hooks: pulumi.ResourceHookBinding | undefined,
  hook: pulumi.ResourceHook,
): pulumi.ResourceHookBinding {
  const { beforeCreate = [], beforeUpdate = [] } = hooks ?? {};
  return { ...hooks, beforeCreate: [hook, ...beforeCreate], beforeUpdate: [hook, ...beforeUpdate] };
}

// What the pure core can't see: arguments of programs without types, names on the backend, two volumes that are one,
// backends without resources.
function earlyProblems(run: Run, declared: DeclaredVolume, args: AnyVolumeArgs): Problem[] {
  const problems = wrongArguments(args);
  if (args.physicalName !== undefined) problems.push(...checkName("physical", args.physicalName, "physicalName"));
  if (
    args.takeFrom !== undefined &&
    (args.import === undefined || (declared.backend && !volumeBackend(declared.backend).takesFrom))
  )
    problems.push(takeFromUseless(declared.backend, args.import));
  const { name, backend } = declared;
  const { import: importId, physicalName } = args;
  if (importId === "") problems.push(importEmpty());
  if (backend === undefined) return problems;
  const { connection } = (ownPlacement(backend, args) ?? {}) as { connection?: unknown };
  // By it the program decides with whom it talks, before anything is known from other resources.
  if (!isPlain(connection)) {
    const params = { expected: "text", found: "an output", way: "write the connection's name" };
    problems.push(problem("wrong-type", `${backend}.connection`, undefined, params));
  }
  try {
    volumeBackend(backend).load?.();
  } catch (error) {
    if (!(error instanceof MissingPackage)) throw error;
    problems.push(error.problem);
  }
  // What two volumes may not share, the backend knows; a volume that exists is never two.
  const own =
    volumeBackend(backend).identity?.({
      name,
      physicalName,
      importId,
      own: ownPlacement(backend, args),
      config: run.config,
    }) ?? importId;
  if (own === undefined) return problems;
  const identity = `${backend}/${own}`;
  const other = run.taken.get(identity);
  if (other !== undefined) {
    const path = importId !== undefined ? "import" : physicalName !== undefined ? "physicalName" : "name";
    const given = importId ?? physicalName ?? name;
    const whose = path === "name" && other.name === name ? "another volume" : `"${other.name}"`;
    problems.push(problem("volume-twice", path, given, { physicalName: given, other: whose }));
  }
  run.taken.set(identity, declared);
  return problems;
}

/** The named connection that leads to a volume: its own, else the stack's. */
function connectionOf(backend: BackendName, config: StackConfig, args: object): string | undefined {
  const of = (values: object) => (values as Record<string, { connection?: string } | undefined>)[backend]?.connection;
  return of(args) ?? of(config);
}

function takeFromUseless(backend: BackendName | undefined, importId: string | undefined): Problem {
  const because =
    importId === undefined ? "the volume isn't imported" : `volumes on backend ${backend} are imported without it`;
  return problem("setting-not-applicable", "takeFrom", undefined, {
    setting: "takeFrom",
    because,
    ways: ["remove it"],
  });
}

// The engine takes an empty id for none, and would create a new volume: without the data that is expected on it.
function importEmpty(): Problem {
  const why = "the id of the volume to import is empty";
  const fix = "set the id, or remove `import` to create a new volume";
  return problem("value-invalid", "import", "", { why, allowed: "the id of an existing volume", fix });
}

const argumentTypes: Record<keyof AnyVolumeArgs, string | undefined> = {
  // These are the request's own, and checked with it; they may be outputs.
  profile: undefined,
  sizeGiB: undefined,
  size: undefined,
  tags: undefined,
  backend: "string",
  deletionProtection: "boolean",
  physicalName: "string",
  import: "string",
  takeFrom: "string",
  transform: "object",
};

function wrongArguments(args: AnyVolumeArgs): Problem[] {
  const overrides = backendNames.filter((name) => backends[name].own);
  const keys = [...Object.keys(argumentTypes), ...overrides];
  const problems = Object.keys(args.transform ?? {})
    .filter((key) => !backendNames.some((each) => each === key))
    .map((key) => unknownKey(`transform.${key}`, undefined, key, backendNames));
  return [...problems, ...wrongTypes(args, keys, overrides)];
}

function wrongTypes(args: AnyVolumeArgs, keys: readonly string[], overrides: readonly string[]): Problem[] {
  return Object.entries(args).flatMap(([key, value]): Problem[] => {
    if (!keys.includes(key)) return [unknownKey(key, value, key, keys)];
    const expected = overrides.includes(key) ? "object" : argumentTypes[key as keyof AnyVolumeArgs];
    if (expected === undefined || value === undefined || typeof value === expected) return [];
    return [wrongType(key, value, expected)];
  });
}

// A reference that is wrong is shown as it is; its problems come with those of all volumes.
function nameOf(reference: unknown, volumes: readonly DeclaredVolume[]): string {
  const text = typeof reference === "string" ? reference : "";
  const { reference: parsed } = parseReference(text);
  return parsed?.name ?? (text.trim() === "" ? `volume ${volumes.length + 1} of the program` : text);
}

function isPlain<T>(input: pulumi.Input<T> | undefined): input is T | undefined {
  return !pulumi.Output.isInstance(input) && !(input instanceof Promise);
}

function isPlainDeep(input: unknown): boolean {
  if (!isPlain(input)) return false;
  return typeof input !== "object" || input === null || Object.values(input).every(isPlainDeep);
}

function unknown<T>(): pulumi.Output<T> {
  return pulumi.output(pulumi.unknown) as unknown as pulumi.Output<T>;
}

// What the volume says itself counts first; then that it, or what it is a part of, is protected as any resource may be;
// then the stack's config. Pulumi lets an explicit `false` take a parent's protection away: a stack's config must not.
function isProtected(
  component: pulumi.ComponentResource,
  args: AnyVolumeArgs,
  opts: pulumi.ComponentResourceOptions,
  config: StackConfig,
): boolean {
  const { protect: inherited } = registered(component);
  const ofStack = config.deletionProtection ?? true;
  return args.deletionProtection ?? opts.protect ?? (inherited === true ? true : ofStack);
}
