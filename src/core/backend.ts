// What a backend is to the core: a section of settings in a profile, and pure answers about it; and which backends are registered.

import type { z } from "zod";

import type { Catalog } from "./catalog";
import type { MonthlyCost } from "./cost";
import type { DefinedProblems, Note, Problem } from "./problems";

/** What a backend is told about one volume. */
export interface Asked<Section, Placement, Limits> {
  /** The volume's name on the backend. */
  name: string;
  /** The profile's name, for messages. */
  profile: string;
  /** What the profile says for this backend, with `extends` done. */
  section: Section;
  /** The path of that section, for problems: `storage-profiles:profiles.gold.aws`. */
  path: string;
  /** How a setting, or a part of it, is taken away from the profile, in words: `remove \`iops\``, `remove \`iops.min\``. */
  without: (setting: string, part?: string) => string;
  /** The path of the size, for problems. */
  sizePath: string;
  /** The size that is asked for, in whole GiB. */
  sizeGiB: number;
  /** Where the volume goes: region, zone, what the machine can do. */
  placement: Placement;
  /** The path of what the volume itself says of its place, for problems. */
  placementPath: string;
  /** The tags that the stack and the volume set for whichever backend, checked by the backend's own `tags`. */
  tags: Tags;
  /** The limits in force. */
  limits: Limits;
  /** Whether who asks for storage of this backend, as a claim does, can have this instead: only then it is a way out. Default: always */
  accepts?: ((changed: { section: Section; sizeGiB: number }) => boolean) | undefined;
  /** What the backend is asked that this one is based on; absent where it is based on none. */
  base?: AskedOfBase | undefined;
}

/** Tags by key, by who sets them. Those that a profile, or the volume for its backend alone, sets are beside these. */
export interface Tags {
  /** For all volumes of the stack. They give way to those of a profile. */
  ofStack: Readonly<Record<string, string>>;
  /** For this volume. They give way to those that it sets for the backend alone. */
  ofVolume: Readonly<Record<string, string>>;
}

/** How a backend keeps the tags of its volumes. Changing one must be possible in place. */
export interface Tagging<Limits> {
  /** The setting that has them: `labels`. A profile's section may have some by this name, and the placement takes those of a volume by it. */
  setting: string;
  /** What one of them is, for people: "a label of a Kubernetes claim". */
  is: string;
  /** What tags may be there. */
  rules(limits: Limits): TagRules;
}

/** What tags may be on a backend. */
export interface TagRules {
  key: TagText;
  value: TagText;
  /** How many there may be. */
  most: number;
  /** Keys that the backend adds itself, with the volume's name there, where nobody sets them. */
  added?: readonly string[];
  /** Keys that somebody else needs, with the reason, and with the way out where that isn't another key. */
  reserved?: readonly { key: RegExp; because: string; way?: string }[];
}

/** What the key or the value of a tag may be: its length in characters, its pattern, and both in words. */
export interface TagText {
  min?: number;
  max?: number;
  pattern?: RegExp;
  allowed: string;
}

/** What one backend asks another, whose storage its volumes are. */
export interface AskedOfBase {
  backend: BackendName;
  /** With the other's section of the profile, its limits, and the paths of both. */
  asked: Asked<unknown, unknown, unknown>;
  prices: unknown;
}

/** What a backend makes of it. `settings` is there exactly when there are no problems. */
export interface Answer<Settings> {
  settings?: Settings;
  /** The size as the backend makes it, in GiB. */
  sizeGiB: number;
  problems: Problem[];
  notes: Note[];
}

/** What became, or would become, of a setting of a volume that exists. */
export type SettingRule =
  | { verdict: "in-place" }
  | { verdict: "migrates"; because: string }
  | { verdict: "refused"; because: string; way: string };

/** A volume's settings with its size, for prices. */
export interface Made<Settings> {
  sizeGiB: number;
  settings: Settings;
}

/** Sizes that a backend can make with a profile, or that one of its types can. */
export interface Admitted {
  /** What makes them: a type of the backend ("io1"), or the backend itself. */
  what: string;
  /** The sizes, in whole GiB, both ends included, in order; none where no size is possible. */
  ranges: { fromGiB: number; toGiB: number }[];
  /** Why the next smaller size is not possible; absent where 1 GiB is. */
  below?: Problem | undefined;
  /** Why the next bigger size is not possible; the reason as such where no size is. */
  above?: Problem | undefined;
}

/** Dated data that ships, and that a stack may lay its own over. */
export interface Overridable<Data> {
  /** What ships. */
  data: Data;
  /** What a stack may lay over it: any part. */
  override: z.ZodType;
  /** What must come out: the whole. */
  whole: z.ZodType<Data>;
}

/** What could be read of a volume's size and settings. */
export interface ReadBack<Settings> {
  sizeGiB?: number | undefined;
  settings?: Partial<Settings> | undefined;
}

/** How a setting that is a number reads. */
export interface Quantity {
  /** The unit: "IOPS", "MiB/s". */
  unit: string;
  /** Whether 0 means that there is no limit. */
  isUnlimitedAtZero?: boolean;
}

/** How a volume of the backend stands in Pulumi's state. */
export interface Recorded<Settings> {
  /** The type of the resource that has its size and its settings. */
  type: string;
  /** That resource's type where the plugin makes it, for programs in other languages than TypeScript. Default: the same */
  pluginType?: string;
  /** The type of the resource that creates the volume, where that is another one. Default: the same */
  createdBy?: string;
  /**
   * The component that makes what profiles of the backend need, and how the names of what it makes begin, after its own: an `apply` of a volume
   * runs these as well. Only what outlives its declaration, since a run deletes what the program no longer declares. Default: there is none
   */
  preparedBy?: { type: string; prefix: string };
  /**
   * Reads them from that resource's inputs or outputs; what isn't known there is left out. What inputs leave to the provider is as
   * the volume `has` it: the resource's outputs.
   */
  read(properties: Record<string, unknown>, has?: Record<string, unknown>): ReadBack<Settings>;
  /** Settings that say where the volume is, and that were found out when it was made where nobody said them. */
  decided: readonly string[];
  /** Settings that a program may have said of this volume alone, beside its profile. */
  own: readonly string[];
}

/** What may happen to each setting of a volume that exists. */
export type ChangeRules<Settings> = {
  [K in keyof Required<Settings>]: (from: Settings[K], to: Settings[K]) => SettingRule | undefined;
};

type NumericKeys<Settings> = { [K in keyof Settings]-?: number extends Settings[K] ? K : never }[keyof Settings];

/** For which profiles, and which volumes of them, {@link Manifests} are asked for. */
export interface AskedManifests {
  /** Default: all profiles for the backend. */
  profiles?: readonly string[] | undefined;
  /** The sizes of the volumes, in GiB, for what depends on the size. */
  sizesGiB?: readonly number[] | undefined;
  /** Whether each profile also has an object of its own name, for what people write by hand. Default: true */
  aliases?: boolean | undefined;
  /** What is known of the place. */
  placement: object;
}

/** Objects that an administrator makes, as a tool like kubectl takes them. Empty where there are problems. */
export interface Manifests {
  objects: object[];
  problems: Problem[];
  notes: Note[];
}

/** A backend, as the pure core sees it. */
export interface Backend<
  Name extends string = string,
  Section = unknown,
  Settings extends object = object,
  Placement = unknown,
  Limits = unknown,
  Prices = unknown,
  Stack = unknown,
  Own = unknown,
> {
  name: Name;
  /** Its name for people: "Amazon EBS". */
  title: string;
  /** What a profile may say for it. Every key is optional (a profile may be a part that another extends) and may be null. */
  section: z.ZodType<Section>;
  /** The sections of the built-in profiles, by the profile's name; `default` is the cheapest that any application can live with. */
  builtIn: Readonly<Record<string, Section>>;
  /** What is known of the place of a volume: said by the stack, by the volume itself, or found out. */
  placement: z.ZodType<Placement>;
  /** The stack's config below the backend's name. */
  stack: z.ZodType<Stack>;
  /** What of it is about the place. Default: all of it. */
  place?(stack: Record<string, unknown>): object;
  /** What a volume may say for the backend beside its profile, below the backend's name. Default: nothing */
  own?: z.ZodType<Own>;
  /** How it keeps the tags of a volume. Default: it keeps none, and a note says so */
  tags?: Tagging<NoInfer<Limits>>;
  /**
   * For a backend whose volumes are another's storage, as a claim on Kubernetes is a volume on EBS: the others that it may be based on, and
   * on which of them it is at a place. Then that one's section of a profile, its limits and its prices hold, a section of its own is
   * optional, and its placement has `bases`: what is known of the place on each of the others. Default: none
   */
  basedOn?: { any: readonly BackendName[]; at(placement: Placement): BackendName | undefined };
  /** What must exist before volumes of profiles can be made, for whoever makes it without Pulumi. Default: nothing */
  manifests?(catalog: Catalog, asked: AskedManifests): Manifests;
  /** What the provider's config (`aws:region`) and the environment say of the place. Default: nothing */
  environment?(
    providerConfig: (key: string) => string | undefined,
    env: Readonly<Record<string, string | undefined>>,
  ): object;
  /** What `init` has to ask before the backend can make a volume. */
  questions: readonly Question[];
  /** Whether its volumes are resources of a dynamic provider of ours, published as `storage-profiles/provider/<name>`. */
  hasProvider: boolean;
  recorded: Recorded<NoInfer<Settings>>;
  /** How each setting that is a number reads. */
  quantities: Readonly<Record<NumericKeys<NoInfer<Settings>>, Quantity>>;
  limits: Overridable<Limits>;
  prices: Overridable<Prices>;
  /** Settings, problems and notes for one volume. Never throws. */
  resolve(asked: Asked<Section, Placement, Limits>, prices: Prices): Answer<Settings>;
  /** The problems and notes that it alone has. Default: none */
  problems?: Pick<DefinedProblems<object, object>, "problemKinds" | "noteKinds">;
  /** What may happen to each setting of a volume that exists; nothing, where the difference means no change. */
  change: ChangeRules<NoInfer<Settings>>;
  /** Why a change can't be made that each setting by itself allows: what one of them says about others, or about the size. */
  wholeChange?(from: Made<Settings>, to: Made<Settings>): Problem[];
  /** What is to be known of a change as a whole, beyond what becomes of each setting. */
  noteChange?(from: Made<Settings>, to: Made<Settings>): Note[];
  /** Whether these settings encrypt the volume; absent where settings of the backend don't tell. */
  isEncrypted?(settings: NoInfer<Settings>): boolean | undefined;
  /** The sizes that the profile's type can make, or each that it may have; absent where there are no types, and one range of sizes. */
  admitted?(asked: Omit<Asked<Section, Placement, Limits>, "sizeGiB">, prices: Prices): Admitted[];
  /** The monthly cost; or why it isn't known; or nothing, on a backend that has no list prices and got none. */
  monthlyCost(
    made: Made<Settings>,
    placement: NoInfer<Placement>,
    prices: Prices,
  ): { cost: MonthlyCost } | { unknown: string } | undefined;
}

/** Defines a backend. The compiler holds it to the contract, and keeps its precise types. */
export function defineBackend<
  const Name extends string,
  Section,
  Settings extends object,
  Placement,
  Limits,
  Prices,
  Stack,
  Own = never,
>(
  backend: Backend<Name, Section, Settings, Placement, Limits, Prices, Stack, Own>,
): Backend<Name, Section, Settings, Placement, Limits, Prices, Stack, Own> {
  return backend;
}

/** A question about the place of volumes, for `init` and as an option of commands. */
export interface Question {
  /** The option: "zone". Backends that ask for the same thing share it. */
  option: string;
  /** The key below the backend's name in the stack's config. */
  key: string;
  /** The prompt. */
  message: string;
  /** What the option is, for `--help`. */
  description: string;
  isNeeded: boolean;
  /** Whether prices depend on it, so that `explain` takes it as well. */
  decidesPrice?: true;
  /** The answers that are possible; any text where they are absent. Where a stack gives none, `explain` compares all. */
  choices?: readonly string[];
}

/**
 * The types of each backend. Each backend adds its own by declaration merging, also one that isn't part of this package:
 * `declare module "storage-profiles/core" { interface BackendTypes { zfs: TypesOf<typeof zfs> } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface BackendTypes {}

/** The types of a backend, out of its definition. */
export type TypesOf<B> =
  B extends Backend<
    infer _Name,
    infer Section,
    infer Settings,
    infer _Placement,
    infer _Limits,
    infer _Prices,
    infer Stack,
    infer Own
  >
    ? { section: Section; settings: Settings; stack: Stack; own: Own }
    : never;

/** The name of a backend: `aws`, `openstack`, `scaleio` or `local`. */
export type BackendName = keyof BackendTypes;

/** The complete settings of a volume on a backend. */
export type SettingsOf<B extends BackendName> = BackendTypes[B]["settings"];

/** The complete settings of a volume, of whichever backend. */
export type Settings = { [B in BackendName]: SettingsOf<B> }[BackendName];

/** What a profile says for a backend. */
export type SectionOf<B extends BackendName> = BackendTypes[B]["section"];

/** The backends, by name. Inside, a backend is called through its general shape: what it is given was checked by its own schemas. */
export const backends = {} as Readonly<Record<BackendName, Backend>>;

/** The names of the backends, in the order in which they are listed. */
export const backendNames: readonly BackendName[] = [];

/** Registers backends, each of which is loaded when it is first used. Throws where the name is taken. */
export function registerBackends(loaders: Readonly<Record<string, () => unknown>>): void {
  for (const [name, load] of Object.entries(loaders)) {
    if (Object.hasOwn(backends, name)) throw new Error(`backend "${name}" is registered already`);
    let loaded: Backend | undefined;
    Object.defineProperty(backends, name, { enumerable: true, get: () => (loaded ??= load() as Backend) });
    (backendNames as string[]).push(name);
  }
}

/** Whether a type in a state is that of the resource that has a volume's size and settings, however it was made. */
export function isRecordedType(
  { type, pluginType }: Pick<Recorded<object>, "type" | "pluginType">,
  given: string,
): boolean {
  return given === type || given === pluginType;
}

/** Whether a text names a backend. */
export function isBackend(name: string): name is BackendName {
  return Object.hasOwn(backends, name);
}

/** The backend whose settings these are, by their keys: the one that knows most of them; nothing where none does. */
export function backendOfSettings(settings: object): BackendName | undefined {
  const known = (name: BackendName) =>
    Object.keys(settings).filter((key) => Object.hasOwn(backends[name].change, key)).length;
  const [best] = [...backendNames].sort((a, b) => known(b) - known(a));
  return best !== undefined && known(best) > 0 ? best : undefined;
}
