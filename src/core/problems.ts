// Problems and notes: each has a code, a meaning, and one wording that the component, the commands and the HTTP service all
// use. Here are those of the core, and those that several backends have; each room defines its own in its problems.ts.
// docs/problems.md is generated from all of them.

/** Why a request can't be met, and how to fix it. */
export interface Problem {
  /** Which problem it is: stable, for programs to compare. */
  code: ProblemCode;
  /** Where it is: a key in the stack's config (`storage-profiles:profiles.gold.aws.iops`) or an argument (`sizeGiB`). */
  path: string;
  /** What was given there. Absent where nothing was given. */
  given?: unknown;
  /** What is wrong, in one sentence. */
  message: string;
  /** What would be allowed instead. Empty where the message says it all. */
  allowed: string;
  /** What to do about it. Empty where it would only repeat the message. */
  fix: string;
}

/** What the user should know though nothing is wrong. */
export interface Note {
  /** Which note it is: stable, for programs to compare. */
  code: NoteCode;
  /** What it is about: a setting or an argument. */
  path: string;
  /** What happened, and why. */
  message: string;
}

/** What a problem is called and how it is worded. */
export interface ProblemKind<P> extends NoteKind<P> {
  /** Left out where the message says it all. */
  allowed?(params: P): string;
  /** Left out where it would only repeat the message. */
  fix?(params: P): string;
}

/** What a note is called and how it is worded. */
export interface NoteKind<P> {
  /** For the docs: what the code means. */
  meaning: string;
  message(params: P): string;
}

/** The parameters of a kind of problem or note. */
export type ParamsOf<Kind> = Kind extends { message(params: infer P): string } ? P : never;

/** A problem by its parameters: `problemKind<{ name: string }>({ … })`. */
export const problemKind = <P>(kind: ProblemKind<P>): ProblemKind<P> => kind;
/** A note by its parameters. */
export const noteKind = <P>(kind: NoteKind<P>): NoteKind<P> => kind;

/** The problems and notes of one room, and what makes them: also those of the room that it builds on. */
export interface DefinedProblems<Own, OwnNotes, All = Own, AllNotes = OwnNotes> {
  problemKinds: Own;
  noteKinds: OwnNotes;
  /** Makes a problem: its kind gives the words. */
  problem: <C extends keyof All>(code: C, path: string, given: unknown, params: ParamsOf<All[C]>) => Problem;
  /** Makes a note: its kind gives the words. */
  note: <C extends keyof AllNotes>(code: C, path: string, params: ParamsOf<AllNotes[C]>) => Note;
}

/** What makes problems and notes of any code of a room. */
interface Maker<All, AllNotes> {
  problem: (code: keyof All, path: string, given: unknown, params: never) => Problem;
  note: (code: keyof AllNotes, path: string, params: never) => Note;
}

/** Defines the problems and notes of a room, which also raises those of the room that it builds on. */
/* eslint-disable @typescript-eslint/no-generated-empty-object-type -- a room without kinds of its own has none: {} */
export function defineProblems<
  Own extends Record<string, ProblemKind<never>> = Record<never, never>,
  OwnNotes extends Record<string, NoteKind<never>> = Record<never, never>,
  Base = Record<never, never>,
  BaseNotes = Record<never, never>,
>(
  /* eslint-enable @typescript-eslint/no-generated-empty-object-type */
  { problems, notes }: { problems?: Own; notes?: OwnNotes },
  base?: DefinedProblems<unknown, unknown, Base, BaseNotes>,
): DefinedProblems<Own, OwnNotes, Base & Own, BaseNotes & OwnNotes> {
  const problemKinds = problems ?? ({} as Own);
  const noteKinds = notes ?? ({} as OwnNotes);
  const below = base as unknown as Maker<Base, BaseNotes> | undefined;
  const maker: Maker<Base & Own, BaseNotes & OwnNotes> = {
    problem(code, path, given, params) {
      const kind = problemKinds[code as string];
      if (kind === undefined && below) return below.problem(code as keyof Base, path, given, params);
      if (kind === undefined) throw new Error(`no problem "${String(code)}" is defined`);
      return {
        code: code as ProblemCode,
        path,
        ...(given === undefined ? {} : { given }),
        message: kind.message(params),
        allowed: kind.allowed?.(params) ?? "",
        fix: kind.fix?.(params) ?? "",
      };
    },
    note(code, path, params) {
      const kind = noteKinds[code as string];
      if (kind === undefined && below) return below.note(code as keyof BaseNotes, path, params);
      if (kind === undefined) throw new Error(`no note "${String(code)}" is defined`);
      return { code: code as NoteCode, path, message: kind.message(params) };
    },
  };
  return { problemKinds, noteKinds, ...maker } as unknown as DefinedProblems<
    Own,
    OwnNotes,
    Base & Own,
    BaseNotes & OwnNotes
  >;
}

/**
 * The rooms that define problems. Each adds its own by declaration merging, also one that isn't part of this package:
 * `declare module "storage-profiles/core" { interface ProblemRooms { zfs: typeof zfsProblems } }`.
 */
export interface ProblemRooms {
  core: typeof coreProblems;
}

/** The code of a problem: docs/problems.md lists them. */
export type ProblemCode = {
  [Room in keyof ProblemRooms]: keyof ProblemRooms[Room]["problemKinds"] & string;
}[keyof ProblemRooms];

/** The code of a note: docs/problems.md lists them. */
export type NoteCode = {
  [Room in keyof ProblemRooms]: keyof ProblemRooms[Room]["noteKinds"] & string;
}[keyof ProblemRooms];

/** The names of volumes and profiles: what the pattern says, in words. */
export const NAME_RULE = "1 to 64 characters: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit";

export const problemKinds = {
  // References and names
  "reference-blank": problemKind<{ what: string }>({
    meaning: "A reference is empty: the volume has no name.",
    message: ({ what }) => `the ${what} is empty`,
    allowed: () => "`name` or `name@profile`",
    fix: () => 'give the volume a name, for example "data" or "data@gold"',
  }),
  "reference-without-profile": problemKind<{ name: string }>({
    meaning: "A reference ends in `@`, without a profile name.",
    message: () => "the profile after `@` is missing",
    allowed: () => "`name` (which means `name@default`) or `name@profile`",
    fix: ({ name }) => `write "${name}" for the default profile, or "${name}@gold"`,
  }),
  "reference-without-name": problemKind<{ profile: string }>({
    meaning: "A reference begins with `@`, without a volume name.",
    message: () => "the volume name before `@` is missing",
    allowed: () => "`name@profile`",
    fix: ({ profile }) => `add the volume name, for example "data@${profile}"`,
  }),
  "reference-many-ats": problemKind<{ count: number }>({
    meaning: "A reference contains more than one `@`.",
    message: ({ count }) => `the reference contains ${count} \`@\``,
    allowed: () => "one `@`, between volume name and profile name",
    fix: () => 'use "name@profile"; names can\'t contain `@`',
  }),
  "name-invalid": problemKind<{
    what: "volume" | "profile" | "physical" | "token";
    why: string;
    name?: string | undefined;
  }>({
    meaning: "The name of a volume, a profile or a token doesn't match the allowed pattern.",
    message: ({ what, why }) => `${what} name ${why}`,
    allowed: () => NAME_RULE,
    fix: ({ what, name = "" }) => {
      const [, plain, profile] = /^([^@]+)@([^@]+)$/.exec(name) ?? [];
      return what !== "volume" || plain === undefined || profile === undefined
        ? `rename the ${what === "physical" ? "volume" : what}`
        : `name it "${plain}", with \`profile: ${profile}\``;
    },
  }),
  "profile-conflict": problemKind<{ reference: string; profile: string }>({
    meaning: "The reference and the argument `profile` name different profiles.",
    message: ({ reference, profile }) => `the reference names profile "${reference}", the argument names "${profile}"`,
    fix: () => "name the profile only once: in the reference or in `profile`",
  }),
  "volume-twice": problemKind<{ physicalName: string; other: string }>({
    meaning: "Two volumes of one program map to the same volume on the backend.",
    message: ({ physicalName, other }) => `"${physicalName}" is already used by ${other}`,
    allowed: () => "one declaration per volume",
    fix: () => "give one of them a different name or a different `physicalName`",
  }),
  "physical-name-too-long": problemKind<{ what: string; length: number; max: number }>({
    meaning: "`physicalName` is longer than the backend allows. A requested name is never shortened.",
    message: ({ what, length, max }) => `${what} name is ${length} characters long (max ${max})`,
    allowed: ({ max }) => `at most ${max} characters`,
    fix: () => "shorten `physicalName`, or omit it to generate the name from project, stack and volume",
  }),
  "physical-name-taken": problemKind<{ name: string; by: string; id: string }>({
    meaning: "Another volume on the backend already has this name.",
    message: ({ name, by }) => `"${name}" is already in use: ${by}`,
    allowed: () => "a name that is unused on the backend",
    fix: ({ id }) =>
      `to import that volume with its data, set \`import: "${id}"\`; otherwise choose a different \`physicalName\``,
  }),

  // Sizes
  "size-missing": problemKind<Record<string, never>>({
    meaning: "A volume was declared without a size.",
    message: () => "size is missing",
    allowed: () => 'sizeGiB: 100, or size: "100GiB"',
    fix: () => "set the size of the volume; there is no default",
  }),
  "size-conflict": problemKind<{ sizeGiB: number; size: string }>({
    meaning: "`size` and `sizeGiB` are both set, to different sizes.",
    message: ({ sizeGiB, size }) => `sizeGiB is ${count(sizeGiB)} GiB, but size is "${size}"`,
    fix: () => "set either `sizeGiB` or `size`",
  }),
  "size-invalid": problemKind<{ why: string; fix?: string | undefined; isOption?: boolean | undefined }>({
    meaning: "A size isn't valid.",
    message: ({ why }) => why,
    allowed: ({ isOption }) =>
      isOption === true
        ? "a size with a unit: -o size=100GiB, 1.5TiB or 500GB"
        : 'a positive number of GiB (sizeGiB: 100), or text with a unit (size: "100GiB", "1.5TiB", "500GB")',
    fix: ({ fix }) => fix ?? "use one of the units MiB, GiB, TiB, PiB, MB, GB, TB or PB",
  }),
  "size-beyond-limit": problemKind<{
    what: string;
    sizeGiB: number;
    min: number;
    max: number;
    ways?: string[];
    /** Whether the nearest size in the range would do. Default: true. */
    nearestFits?: boolean;
  }>({
    meaning: "The backend doesn't support volumes of this size with this profile.",
    message: ({ what, sizeGiB, min, max }) =>
      `${what} must be ${sizeGiB < min ? `at least ${count(min)}` : `at most ${count(max)}`} GiB, not ${count(sizeGiB)} GiB`,
    allowed: ({ sizeGiB, min, max }) => (sizeGiB < min ? sizesText(min, max) : `${count(min)} to ${count(max)} GiB`),
    fix: ({ sizeGiB, min, max, ways = [], nearestFits = true }) => {
      const size =
        sizeGiB < min ? `set the size to ${count(min)} GiB or more` : `set the size to ${count(max)} GiB or less`;
      if (nearestFits && ways.length === 0) return "";
      const all = nearestFits ? [...ways, size] : ways;
      return either(all.length > 0 ? all : ["change the size or the profile's settings"]);
    },
  }),

  // The stack's config
  "unknown-key": problemKind<{ key: string; keys: string[]; nearest: string | undefined }>({
    meaning: "The stack's config contains an unknown key.",
    message: ({ key }) => `unknown key "${key}"`,
    allowed: ({ keys }) => keys.join(", ") || "no keys",
    fix: ({ key, nearest }) => (nearest ? `did you mean "${nearest}"?` : `remove "${key}"`),
  }),
  "wrong-type": problemKind<{ expected: string; found: string; way?: string | undefined }>({
    meaning: "A value in the stack's config has the wrong type.",
    message: ({ expected, found }) => `expected ${expected}, got ${found}`,
    allowed: ({ expected }) => expected,
    fix: ({ expected, found, way }) =>
      way ??
      ((/^text \("-?[\d.]+"\)/.test(found) && expected.includes("number")) ||
      (/^text \("(true|false)"\)/.test(found) && expected.includes("true"))
        ? "remove the quotes"
        : ""),
  }),
  "value-not-allowed": problemKind<{ given: string; values: string[]; nearest: string | undefined }>({
    meaning: "A value in the stack's config is not one of the allowed values.",
    message: ({ given }) => `${given} is not allowed`,
    allowed: ({ values }) => values.join(", "),
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : ""),
  }),
  "value-out-of-range": problemKind<{ given: string; range: string }>({
    meaning: "A number in the stack's config is out of range, or a text is too short or too long.",
    message: ({ given }) => `${given} is out of range`,
    allowed: ({ range }) => range,
  }),
  "value-invalid": problemKind<{ why: string; allowed: string; fix?: string | undefined }>({
    meaning: "A value in the stack's config has an invalid format.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
    fix: ({ fix }) => fix ?? "",
  }),
  "config-not-readable": problemKind<{ why: string; allowed: string }>({
    meaning: "The value of a config key can't be parsed.",
    message: ({ why }) => `can't be parsed: ${why}`,
    allowed: ({ allowed }) => allowed,
    fix: () => "correct the value, or set it with `pulumi config set --path`",
  }),
  "file-not-readable": problemKind<{ file: string; why: string; allowed: string }>({
    meaning: "A file named in the stack's config can't be read.",
    message: ({ file, why }) => `${file} can't be read: ${why}`,
    allowed: ({ allowed }) => allowed,
    fix: () => "correct the path (relative to the directory of Pulumi.yaml) or the file",
  }),
  "catalog-not-readable": problemKind<{ file: string; why: string; fix: string | undefined }>({
    meaning: "A file of shared profiles, which `storage-profiles:catalog` names, can't be found or read.",
    message: ({ file, why }) => `${file} can't be read: ${why}`,
    allowed: () =>
      "a YAML file: `./profiles/prod.yaml`, relative to the directory of Pulumi.yaml, or `@acme/profiles/prod.yaml`, of an installed package",
    fix: ({ fix }) => fix ?? "correct the path or the file",
  }),
  "config-secret": problemKind<{ key: string }>({
    meaning:
      "A config key is a secret where secrets aren't allowed: profiles are shown at preview and stored in the state.",
    message: ({ key }) => `"${key}" contains a secret`,
    allowed: () => "plain values: profiles, volumes, limits and prices are shown to everyone who runs a preview",
    fix: ({ key }) =>
      `set "${key}" without \`secure:\`; credentials belong in the provider's config (for example aws:secretKey)`,
  }),

  // Profiles and backends
  "backend-missing": problemKind<{ backends: readonly string[] }>({
    meaning: "Neither the stack nor the volume sets a backend.",
    message: () => "no backend selected",
    allowed: ({ backends }) => backends.join(", "),
    fix: () => "run `pulumi config set storage-profiles:backend local`, or set `backend` on the volume",
  }),
  "backend-unknown": problemKind<{ backend: string; backends: readonly string[]; nearest: string | undefined }>({
    meaning: "The backend doesn't exist.",
    message: ({ backend }) => `unknown backend "${backend}"`,
    allowed: ({ backends }) => backends.join(", "),
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : ""),
  }),
  "profile-unknown": problemKind<{ profile: string; profiles: string[]; nearest: string | undefined }>({
    meaning: "The profile doesn't exist.",
    message: ({ profile }) => `unknown profile "${profile}"`,
    allowed: ({ profiles }) => profiles.join(", "),
    fix: ({ profile, nearest }) =>
      nearest
        ? `did you mean "${nearest}"?`
        : `define "${profile}" in storage-profiles:profiles, or use one of the above`,
  }),
  "profile-parent-unknown": problemKind<{ parent: string; profiles: string[]; nearest: string | undefined }>({
    meaning: "A profile extends a profile that doesn't exist.",
    message: ({ parent }) => `the profile extends "${parent}", which doesn't exist`,
    allowed: ({ profiles }) => profiles.join(", "),
    fix: ({ parent, nearest }) =>
      nearest ? `did you mean "${nearest}"?` : `define "${parent}", or extend one of the above`,
  }),
  "profile-cycle": problemKind<{ cycle: string[] }>({
    meaning: "Profiles extend each other in a cycle.",
    message: ({ cycle }) => `the profile extends itself: ${cycle.join(" -> ")}`,
    fix: ({ cycle }) => `remove \`extends\` from ${either(cycle.slice(0, -1).map((name) => `"${name}"`))}`,
  }),
  "package-missing": problemKind<{ backend: string; name: string; version: string }>({
    meaning: "The Pulumi package for this backend is not installed.",
    message: ({ backend, name, version }) =>
      `backend ${backend} requires the package ${name}, version ${version}, which is not installed`,
    allowed: ({ name, version }) => `${name}@${version} in the program's directory`,
    fix: ({ name, version }) => `run: npm install ${name}@${version}`,
  }),
  "pin-without-backend": problemKind<{ pin: string; profile: string; backend: string }>({
    meaning: "The pinned definition of the profile has no section for this backend.",
    message: ({ pin, backend }) => `the pin "${pin}" has no settings for ${backend}`,
    fix: ({ pin }) => `unpin "${pin}", and pin it again on this backend`,
  }),
  "profile-without-backend": problemKind<{ profile: string; backend: string; having: string[] }>({
    meaning: "The profile has no section for this backend.",
    message: ({ profile, backend }) => `profile "${profile}" has no settings for ${backend}`,
    allowed: ({ having, backend }) =>
      having.length > 0
        ? `profiles with a section for ${backend}: ${having.join(", ")}`
        : `no profile has a section for ${backend}`,
    fix: ({ profile, backend }) => `add \`${backend}:\` to "${profile}", or use another profile`,
  }),

  // Settings
  "setting-required": problemKind<{ setting: string; because: string; example: string; way?: string }>({
    meaning: "The profile lacks a setting that the backend requires.",
    message: ({ setting, because }) => `"${setting}" is missing: ${because}`,
    allowed: ({ example }) => example,
    fix: ({ example, way }) => either([`add \`${example}\``, ...(way ? [way] : [])]),
  }),
  "setting-not-applicable": problemKind<{ setting: string; because: string; ways: string[] }>({
    meaning: "The profile has a setting that can't be combined with its other settings.",
    message: ({ setting, because }) => `"${setting}" can't be set: ${because}`,
    fix: ({ ways }) => either(ways),
  }),
  "iops-range-empty": problemKind<{ min: number; max: number }>({
    meaning: "`iops.min` is greater than `iops.max`.",
    message: ({ min, max }) => `min (${count(min)} IOPS) is greater than max (${count(max)} IOPS)`,
    fix: () => "lower `min` or raise `max`",
  }),
  "iops-beyond-limit": problemKind<{ what: string; wants: string; min: number; max: number; ways: string[] }>({
    meaning: "The profile asks for more or fewer IOPS than the backend supports for this type and size.",
    message: ({ what, wants, min, max }) => `${wants}; ${what} ${beyond(min, max, "IOPS")}`,
    allowed: ({ min, max }) => `${count(min)} to ${count(max)} IOPS`,
    fix: ({ ways }) => either(ways),
  }),
  "throughput-range-empty": problemKind<{ min: number; max: number }>({
    meaning: "`throughputMiBps.min` is greater than `throughputMiBps.max`.",
    message: ({ min, max }) => `min (${count(min)} MiB/s) is greater than max (${count(max)} MiB/s)`,
    fix: () => "lower `min` or raise `max`",
  }),
  "throughput-beyond-limit": problemKind<{ what: string; wants: string; min: number; max: number; ways: string[] }>({
    meaning: "The profile asks for more or less throughput than the backend supports for this type, size and IOPS.",
    message: ({ what, wants, min, max }) => `${wants}; ${what} ${beyond(min, max, "MiB/s")}`,
    allowed: ({ min, max }) => `${count(min)} to ${count(max)} MiB/s`,
    fix: ({ ways }) => either(ways),
  }),

  // What only the backend knows
  "place-unknown": problemKind<{ what: string; name: string; where: string; known: string[]; nearest?: string }>({
    meaning: "The backend has no such protection domain, storage pool, host, volume type or zone.",
    message: ({ what, name, where }) => `unknown ${what} "${name}" ${where}`,
    allowed: ({ known }) => known.join(", ") || "none exist",
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : ""),
  }),
  "place-cannot": problemKind<{ place: string; because: string; ways: string[] }>({
    meaning: "The storage pool doesn't support what the profile asks for.",
    message: ({ place, because }) => `not supported by ${place}: ${because}`,
    fix: ({ ways }) => either(ways),
  }),
  "place-full": problemKind<{ place: string; wants: string; roomGiB: number }>({
    meaning: "The storage pool has not enough free space for the volume.",
    message: ({ place, wants, roomGiB }) => `${place} has ${count(roomGiB)} GiB free; ${wants}`,
    allowed: ({ roomGiB }) => `up to ${count(roomGiB)} GiB`,
    fix: () => "reduce the size, use another pool, or have the pool extended",
  }),
  "import-not-possible": problemKind<{ id: string; because: string; way: string }>({
    meaning: "The volume can't be imported.",
    message: ({ id, because }) => `${id} can't be imported: ${because}`,
    allowed: () => "the id of a volume that matches the declaration",
    fix: ({ way }) => way,
  }),

  // Changes of a volume that exists
  "change-shrinks": problemKind<{ from: number; to: number }>({
    meaning: "The volume would shrink. This is always refused, because it would destroy data.",
    message: ({ from, to }) => `the volume can't shrink from ${count(from)} GiB to ${count(to)} GiB`,
    allowed: ({ from }) => `${count(from)} GiB or more`,
    fix: ({ from }) =>
      `set the size to ${count(from)} GiB or more; for a smaller volume, declare a new one, copy the data, and destroy this one`,
  }),
  "change-of-backend": problemKind<{ from: string; to: string }>({
    meaning: "The volume would move to another backend.",
    message: ({ from, to }) => `the volume is on ${from} and can't be moved to ${to} with its data`,
    allowed: ({ from }) => from,
    fix: ({ to }) => `declare a new volume with backend "${to}", copy the data, and destroy this one`,
  }),
  "change-not-possible": problemKind<{ setting: string; from: string; to: string; because: string; way: string }>({
    meaning: "The backend can't change this setting of an existing volume.",
    message: ({ setting, from, to, because }) => {
      const what =
        from === NOT_SET
          ? `set to ${to}`
          : to === NOT_SET
            ? `removed (it is ${from})`
            : `changed from ${from} to ${to}`;
      return `"${setting}" can't be ${what}: ${because}`;
    },
    allowed: ({ from }) => from,
    fix: ({ way }) => way,
  }),
  "attached-twice": problemKind<{ volume: string; other: string; because: string; ways: string[] }>({
    meaning: "A volume would be attached to a second host, but doesn't support that.",
    message: ({ volume, other, because }) => `"${volume}" is already attached by "${other}": ${because}`,
    allowed: () => "one attachment per volume",
    fix: ({ ways }) => either(ways),
  }),

  "file-not-parsed": problemKind<{ why: string; allowed?: string; isUnread?: boolean }>({
    meaning:
      "A stack's config file, or a shared file, isn't valid YAML, or can't be read at all. It is neither used nor changed.",
    message: ({ why, isUnread }) => `${isUnread === true ? "can't be read" : "not valid YAML"}: ${why}`,
    allowed: ({ allowed }) => allowed ?? "a YAML file with a mapping under `config`",
  }),
  "volume-not-in-state": problemKind<{ volume: string; id: string; component: string }>({
    meaning: "The volume exists, but its resource was removed from the state. No empty one is created in its place.",
    message: ({ volume, id }) => `"${volume}" is ${id}, which exists, but its resource is no longer in the state`,
    fix: ({ id, component }) =>
      `import the volume with its data: \`import: "${id}"\`; to create an empty one instead, remove the component from the state as well: pulumi state delete '${component}'`,
  }),
  "deletion-not-requested": problemKind<{
    volume: string;
    isReplaced: boolean;
    separated?: string[];
    keptBy?: string | undefined;
  }>({
    meaning: "The operation would delete or replace a volume whose deletion wasn't requested. Nothing is applied.",
    message: ({ volume, isReplaced, separated }) =>
      separated
        ? `Pulumi would create "${volume}" empty and delete what the state has under another name than its component: ${separated.join(", ")}`
        : isReplaced
          ? `Pulumi would replace "${volume}" with an empty volume`
          : `Pulumi would delete "${volume}" with its data: it is no longer declared`,
    allowed: () => "deleting volumes that are explicitly named for deletion",
    fix: ({ volume, isReplaced, separated, keptBy }) =>
      separated
        ? `if that is "${volume}", rename it in the state as well: ${separated.map((urn) => `pulumi state rename '${urn}' ${volume}`).join(" && ")}; ` +
          `to delete it with its data first: pulumi destroy ${separated.map((urn) => `--target '${urn}'`).join(" ")}`
        : isReplaced
          ? `run pulumi preview --diff to see what replaces it; to keep "${volume}", revert that change${keptBy === undefined ? "" : `, or, ${keptBy}`}; to start with an empty volume, delete it first: pulumi destroy --target <its URN>`
          : `declare "${volume}" again; to delete it with its data, run: npx storage-profiles apply --remove ${volume}`,
  }),
} as const;

export const noteKinds = {
  "profile-pinned": noteKind<{ profile: string; pin: string }>({
    meaning: "The volume keeps a pinned definition of its profile; edits of the profile don't reach it.",
    message: ({ profile, pin }) => `${profile} is pinned: edits of it don't reach this volume (pins: ${pin})`,
  }),
  "size-rounded-up": noteKind<{ asked: string; sizeGiB: number; because: string }>({
    meaning: "The size was rounded up to a size that the backend supports.",
    message: ({ asked, sizeGiB, because }) => `${asked} rounded up to ${count(sizeGiB)} GiB: ${because}`,
  }),
  "iops-raised": noteKind<{ wanted: number; min: number; profile: string }>({
    meaning: "The IOPS were raised to the profile's `iops.min`.",
    message: ({ wanted, min, profile }) =>
      `${count(wanted)} IOPS raised to ${count(min)} IOPS: iops.min of "${profile}"`,
  }),
  "iops-capped": noteKind<{ wanted: number; max: number; profile: string }>({
    meaning: "The IOPS were capped at the profile's `iops.max`.",
    message: ({ wanted, max, profile }) =>
      `${count(wanted)} IOPS capped at ${count(max)} IOPS: iops.max of "${profile}"`,
  }),
  "throughput-raised": noteKind<{ wanted: number; min: number; profile: string }>({
    meaning: "The throughput was raised to the profile's `throughputMiBps.min`.",
    message: ({ wanted, min, profile }) =>
      `${count(wanted)} MiB/s raised to ${count(min)} MiB/s: throughputMiBps.min of "${profile}"`,
  }),
  "throughput-capped": noteKind<{ wanted: number; max: number; profile: string }>({
    meaning: "The throughput was capped at the profile's `throughputMiBps.max`.",
    message: ({ wanted, max, profile }) =>
      `${count(wanted)} MiB/s capped at ${count(max)} MiB/s: throughputMiBps.max of "${profile}"`,
  }),
  "value-overridden": noteKind<{ setting: string; profile: string; from: unknown; to: unknown }>({
    meaning: "The volume overrides a setting of its profile.",
    message: ({ setting, profile, from, to }) =>
      `${setting}: ${showWritten(to)} overrides ${showWritten(from)} of "${profile}"`,
  }),
  "limits-not-enforced": noteKind<{ what: string; because: string }>({
    meaning: "A setting of the profile or the volume is recorded, but not enforced.",
    message: ({ what, because }) => `${what} not enforced: ${because}`,
  }),
  "price-unknown": noteKind<{ because: string }>({
    meaning: "The monthly cost is unknown.",
    message: ({ because }) => `monthly cost unknown: ${because}`,
  }),
  "limit-unsure": noteKind<{ what: string; because: string }>({
    meaning: "Sources disagree on whether the backend supports this. It is attempted rather than refused in advance.",
    message: ({ what, because }) => `${what} may be rejected: ${because}`,
  }),
  "not-checked": noteKind<{ what: string; because: string }>({
    meaning: "Something wasn't checked in advance, because the backend didn't respond, or isn't asked.",
    message: ({ what, because }) => `${what} not checked in advance: ${because}`,
  }),
  "tags-ignored": noteKind<{ tags: string[]; backend: string }>({
    meaning: "The stack or the volume sets tags, and the volume's backend has none.",
    message: ({ tags, backend }) =>
      `${tags.length === 1 ? "tag" : "tags"} ${listed(tags)} ${tags.length === 1 ? "is" : "are"} ignored: volumes on ${backend} have no tags`,
  }),
  "change-in-place": noteKind<{ setting: string; from: string; to: string }>({
    meaning: "A setting of an existing volume is updated in place; its data is kept.",
    message: ({ setting, from, to }) => `${setting}: ${from} → ${to}, in place`,
  }),
  "change-migrates": noteKind<{ setting: string; from: string; to: string; because: string }>({
    meaning: "A setting changes, and the backend migrates the data.",
    message: ({ setting, from, to, because }) =>
      `${setting}: ${from} → ${to}, the backend migrates the data: ${because}`,
  }),
  "change-of-cost": noteKind<{ from: string; to: string; difference: string }>({
    meaning: "How a change affects the monthly cost.",
    message: ({ from, to, difference }) => `monthly cost: ${from} → ${to} (${difference})`,
  }),

  "taken-over": noteKind<{ id: string; from: string | undefined; what: string[] }>({
    meaning: "An existing volume is imported with its data.",
    message: ({ id, from, what }) => {
      const whose = from === undefined ? "" : ` from ${from}, which can then no longer change or delete it`;
      return `imports ${id}${whose}: ${what.length > 0 ? what.join(", ") : "nothing else changes"}`;
    },
  }),
  "owner-unknown": noteKind<{ id: string; keeper: string }>({
    meaning: "The backend doesn't report whether another stack manages an imported volume.",
    message: ({ id, keeper }) =>
      `${keeper} doesn't report whether another stack manages ${id}, which could then still change or delete it: ` +
      "remove it from that stack's state first (pulumi state delete)",
  }),
} as const;

// Interfaces, so that the declarations of the rooms that build on these refer to them: written out in each, they were a quarter of all declarations.
type ProblemKinds = typeof problemKinds;
type NoteKinds = typeof noteKinds;
export interface CoreProblemKinds extends ProblemKinds {}
export interface CoreNoteKinds extends NoteKinds {}

export const coreProblems: DefinedProblems<CoreProblemKinds, CoreNoteKinds> = defineProblems({
  problems: problemKinds,
  notes: noteKinds,
});
export const { problem, note } = coreProblems;

/** One problem as text of a few lines: what is wrong and where, what is allowed, what to do. */
export function formatProblem(p: Problem): string {
  const given = p.given === undefined ? "" : `\n      given:   ${givenText(p)}`;
  const lines = advice(p).map(([label, text]) => `\n      ${label.padEnd(8)} ${text}`);
  return `  - ${p.path}: ${p.message} [${p.code}]${given}${lines.join("")}`;
}

/** What is allowed and what to do, each with its label; empty ones are left out. */
export function advice({ allowed, fix }: Problem): [label: "allowed:" | "fix:", text: string][] {
  const all: [label: "allowed:" | "fix:", text: string][] = [
    ["allowed:", allowed],
    ["fix:", fix],
  ];
  return all.filter(([, text]) => text !== "");
}

/** What was given, as text; where text belongs, as it was written. */
export function givenText({ code, given }: Problem): string {
  return code === "wrong-type" && typeof given === "number" ? String(given) : showWritten(given);
}

/** Problems as one text, under a headline that counts them. */
export function formatProblems(headline: string, problems: readonly Problem[]): string {
  const counted = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [`${headline}: ${counted}`, ...problems.map(formatProblem)].join("\n");
}

// One for all, and only for what isn't a plain whole number: messages have many of those, and this takes longer than the rest of a message.
const numbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });

/** A number with thousands separators, as in "64,500". */
export function count(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) return numbers.format(value);
  if (value < 1_000) return String(value);
  const digits = String(value);
  let text = digits.slice(0, digits.length % 3 || 3);
  for (let at = text.length; at < digits.length; at += 3) text += `,${digits.slice(at, at + 3)}`;
  return text;
}

/** Sizes from one to another. A limit that only numbers of 32 bits have is none that anybody meets. */
export function sizesText(min: number, max: number): string {
  if (min === max) return `${count(min)} GiB`;
  return max >= 2 ** 31 - 1 ? `${count(min)} GiB or more` : `${count(min)} to ${count(max)} GiB`;
}

/** What stands for the value of a setting that a volume doesn't have. */
export const NOT_SET = "not set";

/** Any value as short text for a message: "its snapshotId is not set", never "is nothing". */
export function show(value: unknown): string {
  if (value === undefined || value === null) return NOT_SET;
  const text =
    typeof value === "number" ? count(value) : ((JSON.stringify(value) as string | undefined) ?? typeof value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** The same of a value as somebody wrote it: `null` is one. */
export function showWritten(value: unknown): string {
  return value === null ? "null" : show(value);
}

export function listed(names: readonly string[]): string {
  return names.length <= 20
    ? names.join(", ")
    : `${names.slice(0, 20).join(", ")} and ${count(names.length - 20)} more`;
}

export function either(ways: readonly string[]): string {
  if (ways.length <= 1) return ways[0] ?? "";
  return `${ways.slice(0, -1).join(", ")}, or ${ways[ways.length - 1]}`;
}

export function beyond(min: number, max: number, unit: string): string {
  return `allows ${count(min)} to ${count(max)} ${unit}`;
}
