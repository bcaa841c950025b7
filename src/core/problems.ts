// Every problem and every note there is, in one registry: its code, its meaning, and the one wording that the
// component, the commands and the HTTP service all use. docs/problems.md is generated from here.

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

interface ProblemKind<P> {
  /** For the docs: what the code means. */
  meaning: string;
  message(params: P): string;
  /** Left out where the message says it all. */
  allowed?(params: P): string;
  /** Left out where it would only repeat the message. */
  fix?(params: P): string;
}

interface NoteKind<P> {
  /** For the docs: what the code means. */
  meaning: string;
  message(params: P): string;
}

const problemKind = <P>(kind: ProblemKind<P>): ProblemKind<P> => kind;
const noteKind = <P>(kind: NoteKind<P>): NoteKind<P> => kind;

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
  "name-invalid": problemKind<{ what: "volume" | "profile" | "physical"; why: string }>({
    meaning: "A volume or profile name doesn't match the allowed pattern.",
    message: ({ what, why }) => `${what} name ${why}`,
    allowed: () => NAME_RULE,
    fix: ({ what }) => `rename the ${what === "profile" ? "profile" : "volume"}`,
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

  // The Docker plugin as a service
  "install-not-ours": problemKind<{ file: string; why: string }>({
    meaning:
      "A file that `docker-plugin install` would write, or `uninstall` would remove, was created or changed by someone else.",
    message: ({ file, why }) => `${file} is left unchanged: ${why}`,
    allowed: () => "no file, or the file that `docker-plugin install` wrote",
    fix: ({ file }) =>
      `move ${file} away and try again; put changes of your own in a drop-in (\`systemctl edit\`), which is kept`,
  }),
  "install-not-possible": problemKind<{ what: string; why: string }>({
    meaning: "The Docker plugin's service can't be installed, started or removed.",
    message: ({ what, why }) => `${what}: ${why}`,
    allowed: () => "Linux with systemd, as root; or `--root` with a writable directory",
    fix: () => "run with `--dry-run` to see what would be done",
  }),

  // Compose files
  "compose-not-readable": problemKind<{ why: string }>({
    meaning: "A Compose file is missing, isn't valid YAML, or isn't a mapping.",
    message: ({ why }) => `the Compose file can't be read: ${why}`,
    allowed: () => "a Compose file: YAML with a mapping of `services`, `volumes` and so on",
    fix: () => "correct the file or its path (relative to the project directory)",
  }),
  "compose-env-invalid": problemKind<{ why: string }>({
    meaning: "A `.env` file contains a line that Compose can't parse.",
    message: ({ why }) => `the file can't be parsed: ${why}`,
    allowed: () => "lines of the form `NAME=value`, with or without quotes",
  }),
  "compose-variable-invalid": problemKind<{ why: string }>({
    meaning: "A variable in a Compose file, or its substitution, has a form that Compose doesn't support.",
    message: ({ why }) => why,
    allowed: () => "`$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, and `$$` for a dollar sign",
    fix: () => "correct it, and check with `docker-compose config`",
  }),
  "compose-variable-required": problemKind<{ variable: string; message: string }>({
    meaning: "A Compose file requires a variable (`${NAME:?message}`) that is not set.",
    message: ({ variable, message }) => `${variable} is not set${message === "" ? "" : `: ${message}`}`,
    fix: ({ variable }) => `set ${variable} in the environment, or in the file .env next to the Compose file`,
  }),
  "compose-project-invalid": problemKind<{ name: string }>({
    meaning: "The name of a Compose project is missing or invalid.",
    message: ({ name }) => (name === "" ? "the Compose project has no name" : `invalid Compose project name "${name}"`),
    allowed: () => "lowercase letters, digits, `-` and `_`, beginning with a letter or a digit",
    fix: () => "set the project name with `projectName`, COMPOSE_PROJECT_NAME, or `name:` in the Compose file",
  }),
  "compose-refuses": problemKind<{ because: string; way: string }>({
    meaning: "Compose itself would reject the file because of a volume's definition.",
    message: ({ because }) => `Compose rejects this: ${because}`,
    fix: ({ way }) => way,
  }),
  "compose-not-supported": problemKind<{ what: string; way: string }>({
    meaning: "A Compose file includes a remote file (from a registry or a Git repository), which isn't fetched.",
    message: ({ what }) => `${what} is remote; remote files aren't fetched`,
    allowed: () => "Compose files on this machine",
    fix: ({ way }) => way,
  }),
  "compose-include-missing": problemKind<{ file: string; why: string }>({
    meaning: "A file that a Compose file includes, or its `env_file`, can't be read.",
    message: ({ file, why }) => `the included file ${file} can't be read: ${why}`,
    allowed: () =>
      "an existing file; `path` is relative to the project directory of the including file, `env_file` to where Compose looks for it",
    fix: ({ file }) => `correct the path, or put the file at ${file}`,
  }),
  "compose-include-cycle": problemKind<{ chain: string[] }>({
    meaning: "A Compose file includes itself, directly or through others.",
    message: ({ chain }) => `include cycle: ${chain.join(" includes ")}`,
    fix: ({ chain }) => `remove the \`include\` of ${chain.at(-1) ?? ""} from ${chain.at(-2) ?? ""}`,
  }),
  "compose-said-twice": problemKind<{ what: string; first: unknown; where: string }>({
    meaning: "A Compose file sets a volume's profile or size in two places, to different values.",
    message: ({ what, first, where }) => `the ${what} is already set to ${show(first)} by ${where}`,
    fix: ({ what }) => `set the ${what} only once`,
  }),
  "compose-volume-unknown": problemKind<{ name: string; volumes: string[]; nearest: string | undefined }>({
    meaning: "`x-storage-profiles` in a Compose file names a volume that isn't listed under `volumes`.",
    message: ({ name }) => `unknown volume "${name}"`,
    allowed: ({ volumes }) => listed(volumes) || "none: the Compose file has no volumes",
    fix: ({ name, nearest }) => (nearest ? `did you mean "${nearest}"?` : `add "${name}" to \`volumes\``),
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
  "pin-unknown": problemKind<{ pin: string; pins: string[] }>({
    meaning: "Nothing is pinned under this name.",
    message: ({ pin }) => `"${pin}" isn't pinned`,
    allowed: ({ pins }) => (pins.length > 0 ? listed(pins) : "nothing is pinned in this stack"),
  }),
  "pin-out-of-date": problemKind<{ volume: string; profile: string }>({
    meaning: "The volume doesn't have the profile's present definition, and only that one can be pinned.",
    message: ({ volume, profile }) =>
      `"${volume}" is out of date: pinning would keep the present definition of "${profile}", not the one that the volume has`,
    allowed: () => "volumes that have the present definition, or aren't created yet",
    fix: ({ volume }) => `apply "${volume}" first, or restore the former definition and pin it then`,
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
  "not-in-release": problemKind<{ product: string; because: string; allowed: string; way: string }>({
    meaning:
      "The release of the backend's product, which the stack's config names, doesn't have what the profile asks for.",
    message: ({ product, because }) => `${product} can't do that: ${because}`,
    allowed: ({ allowed }) => allowed,
    fix: ({ way }) => way,
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
  "no-type-admits": problemKind<{ reasons: string[] }>({
    meaning: "`cheapest` is set, but no volume type of the backend fits the request.",
    message: ({ reasons }) => `no volume type fits: ${reasons.join("; ")}`,
    fix: () => "change the size or the profile's settings",
  }),

  "specs-differ": problemKind<{ type: string; profile: string; other: string }>({
    meaning: "Two profiles define the same volume type differently.",
    message: ({ type, profile, other }) => `"${profile}" and "${other}" define volume type "${type}" differently`,
    allowed: () => "one definition per volume type",
    fix: ({ profile }) =>
      `give "${profile}" its own \`volumeType\` or the same \`specs\`; set \`specs: null\` if it only uses the type`,
  }),

  // What only the backend knows
  "place-unknown": problemKind<{ what: string; name: string; where: string; known: string[]; nearest?: string }>({
    meaning: "The backend has no such protection domain, storage pool, host, volume type or zone.",
    message: ({ what, name, where }) => `unknown ${what} "${name}" ${where}`,
    allowed: ({ known }) => known.join(", ") || "none exist",
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : ""),
  }),
  "place-ambiguous": problemKind<{ what: string; name: string; known: string[] }>({
    meaning: "More than one host on the array has this name.",
    message: ({ what, name }) => `more than one ${what} is named "${name}"`,
    allowed: ({ known }) => known.join(", "),
    fix: () => "use its id instead of the name",
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
  "type-in-use": problemKind<{ type: string; goes: boolean; volumes: string[]; total: number }>({
    meaning: "A volume type that is in use by volumes would be changed or deleted, which Cinder refuses.",
    message: ({ type, goes, volumes, total }) =>
      `${count(total)} ${total === 1 ? "volume uses" : "volumes use"} type "${type}", and Cinder doesn't ` +
      `${goes ? "delete a type" : "change the extra specs of a type"} that is in use: ` +
      `${listed(volumes)}${total > volumes.length ? ", …" : ""}`,
    allowed: () => "changes of its description, access and QoS",
    fix: ({ type, goes }) =>
      goes
        ? `first retype its volumes, or keep a profile that defines "${type}"`
        : "keep them, and define a new type: a new profile with these `specs`; then move the volumes to it one by one",
  }),
  "quota-exceeded": problemKind<{
    quota: string;
    unit: string;
    limit: number;
    used: number;
    asked: number;
    own: number;
    others: string[];
  }>({
    meaning: "A project quota has no room for the volume, or for all volumes of this run.",
    message: ({ quota, unit, limit, used, asked, own, others }) =>
      `quota "${quota}" has ${count(Math.max(0, limit - used))} of ${count(limit)} ${unit} left; ` +
      (others.length === 0
        ? `${count(own)} more are required`
        : `this run requires ${count(asked)} more: ${count(own)} here, the rest for ${listed(others)}`),
    allowed: ({ limit, used, unit }) => `up to ${count(Math.max(0, limit - used))} ${unit} more`,
    fix: () => "reduce the request, delete unused volumes, or have an administrator raise the quota",
  }),
  "retype-not-possible": problemKind<{ from: string | null; to: string; because: string; ways: string[] }>({
    meaning: "Cinder would refuse to retype the volume, or accept the request and do nothing.",
    message: ({ from, to, because }) => `the volume can't be retyped from ${show(from)} to ${show(to)}: ${because}`,
    allowed: () => "a type that Cinder can give this volume in its present state",
    fix: ({ ways }) => either(ways),
  }),
  "left-over": problemKind<{ id: string; because: string }>({
    meaning: "A volume created for this declaration exists on the backend, but isn't in the state.",
    message: ({ id, because }) =>
      `volume ${id} was created for this declaration but isn't in the state; it isn't adopted automatically: ${because}`,
    allowed: () => "one volume per declaration",
    fix: ({ id }) => `import it with its data (\`import: "${id}"\`), or delete it if it isn't needed`,
  }),
  "backend-refuses": problemKind<{ because: string; way: string }>({
    meaning:
      "The backend can't be queried: the connection isn't set up, or the backend rejected the login or the request.",
    message: ({ because }) => because,
    allowed: () => "a working connection, and a user with access to volumes",
    fix: ({ way }) => way,
  }),
  "volume-taken": problemKind<{ id: string; owner: string }>({
    meaning: "Another stack has imported the volume, which can no longer be changed or deleted from here.",
    message: ({ id, owner }) =>
      `volume ${id} now belongs to ${owner}, which imported it; it can't be changed or deleted from here`,
    allowed: () => "a volume of this stack",
    fix: ({ owner }) =>
      `remove it from this stack's state (\`pulumi state delete\`) and from the program, or import it back with takeFrom: "${owner}"`,
  }),
  "claim-refused": problemKind<{ because: string; way: string }>({
    meaning: "The Kubernetes API server refused a claim.",
    message: ({ because }) => because,
    fix: ({ way }) => way,
  }),
  "import-not-possible": problemKind<{ id: string; because: string; way: string }>({
    meaning: "The volume can't be imported.",
    message: ({ id, because }) => `${id} can't be imported: ${because}`,
    allowed: () => "the id of a volume that matches the declaration",
    fix: ({ way }) => way,
  }),

  "state-directory-missing": problemKind<{ directory: string; volumes: string[] }>({
    meaning: "The state directory doesn't contain the stack's local volumes: its disk isn't mounted.",
    message: ({ directory, volumes }) =>
      `${directory} is not the state directory that contains ${volumes.map((each) => `"${each}"`).join(", ")}`,
    allowed: () => "the state directory that contains this stack's volumes",
    fix: () => "mount its disk; if the disk is lost for good, remove its volumes from the state: `pulumi state delete`",
  }),

  // Docker
  "option-unknown": problemKind<{ option: string; options: string[]; nearest: string | undefined }>({
    meaning: "Docker passed an option that volumes don't support.",
    message: ({ option }) => `unknown option "${option}"`,
    allowed: ({ options }) => options.join(", "),
    fix: ({ option, nearest }) => (nearest ? `did you mean "${nearest}"?` : `remove "${option}"`),
  }),
  "volume-differs": problemKind<{ name: string; what: string; has: string; asked: string; command: string }>({
    meaning: "Docker asks for a volume with another profile or size than the volume has. A mismatch is never ignored.",
    message: ({ name, what, has, asked }) => `the ${what} of "${name}" is ${has}, not ${asked}`,
    allowed: ({ name, what, has }) => (what === "profile" ? `"${name}" or "${name}@${has}"` : has),
    fix: ({ what, command }) =>
      what === "profile"
        ? `to change it, run \`${command}\`, or start the plugin with --on-profile-change=apply`
        : `to change it, ${command}`,
  }),
  "volume-in-use": problemKind<{ name: string; users: string[] }>({
    meaning: "A volume can't be removed while containers use it.",
    message: ({ name, users }) => `"${name}" is in use by ${listed(users)}`,
    fix: () => "stop those containers first",
  }),
  "volume-not-made": problemKind<{ name: string; because: string }>({
    meaning: "The `up` finished, but the requested volume doesn't exist.",
    message: ({ name, because }) => `volume "${name}" doesn't exist after the \`up\`: ${because}`,
    allowed: () => "a program that declares the volumes in the stack's config (`volumesOfStack()`)",
    fix: () => "declare them in the program, as stacks/index.ts does",
  }),
  "removal-unfinished": problemKind<{ name: string }>({
    meaning: "The volume that Docker asks for is being deleted: its removal was interrupted.",
    message: ({ name }) => `the removal of "${name}" was interrupted; the next \`up\` deletes it`,
    fix: ({ name }) =>
      `run \`docker volume rm ${name}\` again; to keep the volume and its data, declare it in the stack's config`,
  }),
  "not-on-this-machine": problemKind<{ name: string; backend: string; because: string }>({
    meaning: "The backend's volumes aren't available on the Docker host.",
    message: ({ name, backend, because }) => `"${name}" on backend ${backend} can't be mounted here: ${because}`,
    allowed: () => "a backend whose volumes this machine can mount",
    fix: () => "see docs/docker.md",
  }),
  "time-is-up": problemKind<{ seconds: number; waitsFor: string }>({
    meaning: "A Docker call timed out. The work continues, and the next call picks it up.",
    message: ({ seconds, waitsFor }) => `not done after ${seconds} s: still waiting for ${waitsFor}`,
    fix: () => "try again when that is done; see the plugin's log for progress",
  }),
  "call-broken-off": problemKind<Record<string, never>>({
    meaning: "The plugin was stopped during a call. Docker repeats the call, but without its parameters.",
    message: () =>
      "the plugin was stopped during the call, and Docker's repeated call doesn't include the volume's name",
    fix: () => "run the command again; it completes what was started",
  }),
  "socket-in-use": problemKind<{ socket: string }>({
    meaning: "Another plugin is already listening on the socket.",
    message: ({ socket }) => `another plugin is listening on ${socket}`,
    allowed: () => "one plugin per name on a machine",
    fix: () => "stop the other plugin, or choose another --name",
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
    message: ({ setting, from, to, because }) => `"${setting}" can't be changed from ${from} to ${to}: ${because}`,
    allowed: ({ from }) => from,
    fix: ({ way }) => way,
  }),
  "modification-too-early": problemKind<{ id: string; because: string }>({
    meaning:
      "EC2 doesn't accept another modification of the volume yet. Size, type, IOPS and throughput are unchanged.",
    message: ({ id, because }) => `EC2 doesn't accept another modification of ${id} yet: ${because}`,
    allowed: () => "four modifications in 24 hours, each after the previous one is completed",
    fix: ({ id }) =>
      `check its progress (aws ec2 describe-volumes-modifications --volume-ids ${id}), and run \`pulumi up --refresh\` later`,
  }),
  "creation-unanswered": problemKind<{ name: string }>({
    meaning:
      "EC2 didn't respond to the request to create a volume, or waiting for the volume was interrupted. A volume may exist that isn't in the state.",
    message: () =>
      "EC2 may have created the volume without responding; it isn't in the state, and the next `up` would create another",
    fix: ({ name }) =>
      `look for it (aws ec2 describe-volumes --filters Name=tag:Name,Values=${name} Name=status,Values=available); if it exists, ` +
      "import it with `import`, or delete it, before the next `pulumi up`",
  }),
  "attached-twice": problemKind<{ volume: string; other: string; because: string; ways: string[] }>({
    meaning: "A volume would be attached to a second host, but doesn't support that.",
    message: ({ volume, other, because }) => `"${volume}" is already attached by "${other}": ${because}`,
    allowed: () => "one attachment per volume",
    fix: ({ ways }) => either(ways),
  }),

  // A stack from outside its program
  "project-missing": problemKind<{ directory: string }>({
    meaning: "No Pulumi project was found.",
    message: ({ directory }) => `no Pulumi.yaml in ${directory} or its parent directories`,
    allowed: () => "a directory inside a Pulumi project",
    fix: () =>
      "change to the project's directory, or pass --cwd; `storage-profiles init` creates a project in an empty directory",
  }),
  "project-not-readable": problemKind<{ why: string }>({
    meaning: "Pulumi.yaml can't be read.",
    message: ({ why }) => `can't be read: ${why}`,
    allowed: () => "a Pulumi project: YAML with `name` and `runtime`",
  }),
  "folder-not-readable": problemKind<{ why: string }>({
    meaning:
      "A folder can't be listed, so the projects in it are unknown, and with them the stacks that the command is about.",
    message: ({ why }) => `can't be listed: ${why}`,
    fix: () => "make the folder readable, or run the command in a folder that has only the projects that are meant",
  }),
  "project-in-other-language": problemKind<{ runtime: string; language: string }>({
    meaning: "`init --language` names another language than the folder's project has.",
    message: ({ runtime, language }) =>
      `the project's runtime is ${runtime}, which doesn't run programs in ${language}`,
    fix: () => "omit --language, or run the command in an empty directory",
  }),
  "stack-not-named": problemKind<{ stacks: string[] }>({
    meaning: "No stack is specified, and none is selected.",
    message: () => "no stack selected",
    allowed: ({ stacks }) => (stacks.length > 0 ? listed(stacks) : "a stack of the project"),
    fix: () => "pass --stack, set PULUMI_STACK, or run `pulumi stack select`",
  }),
  "stack-name-invalid": problemKind<Record<string, never>>({
    meaning: "The stack name isn't valid in Pulumi.",
    message: () => "invalid stack name",
    allowed: () =>
      "`stack`, `organization/stack` or `organization/project/stack`, of letters, digits, `.`, `_` and `-`",
  }),
  "stack-unknown": problemKind<{ stack: string; stacks: string[]; nearest: string | undefined }>({
    meaning: "The stack doesn't exist.",
    message: ({ stack }) => `unknown stack "${stack}"`,
    allowed: ({ stacks }) => (stacks.length > 0 ? listed(stacks) : "a stack created with `pulumi stack init`"),
    fix: ({ stack, nearest }) =>
      nearest === undefined ? `create it: \`pulumi stack init ${stack}\`` : `did you mean "${nearest}"?`,
  }),
  "stack-unmatched": problemKind<{ pattern: string; stacks: string[]; total: number }>({
    meaning: "A pattern matches no stack that has a config file.",
    message: ({ pattern }) => `no stack matches "${pattern}"`,
    allowed: ({ stacks, total }) =>
      total === 0
        ? "none: no project in this directory or below has a stack's config file"
        : `${listed(stacks)}${total > stacks.length ? ` and ${total - stacks.length} more` : ""}`,
    fix: () => "correct the pattern (`*` and `?`; project/stack where it contains a slash), or change --cwd",
  }),
  "file-not-parsed": problemKind<{ why: string; allowed?: string }>({
    meaning: "A stack's config file, or a shared file, isn't valid YAML. It is neither used nor changed.",
    message: ({ why }) => `not valid YAML: ${why}`,
    allowed: ({ allowed }) => allowed ?? "a YAML file with a mapping under `config`",
  }),
  "config-changed": problemKind<Record<string, never>>({
    meaning: "The stack's config file has changed since it was read.",
    message: () => "the file has changed since it was read",
    allowed: () => "the current tag of the file",
    fix: () => "read the file again, and repeat the edit",
  }),
  "config-busy": problemKind<{ seconds: number; lock: string }>({
    meaning: "The stack's config file was locked by other edits for too long.",
    message: ({ seconds }) => `the file was locked by other edits for ${count(seconds)} seconds`,
    allowed: () => "one edit at a time",
    fix: ({ lock }) => `try again; if nothing is editing the file, remove ${lock}`,
  }),
  "config-not-written": problemKind<{ why: string }>({
    meaning: "The stack's config file can't be written. It is unchanged.",
    message: ({ why }) => `can't be written: ${why}`,
    allowed: () => "a writable file in a writable directory",
    fix: () => "check permissions and free disk space",
  }),
  "edited-twice": problemKind<{ what: string }>({
    meaning: "One request contains two edits of the same profile or volume.",
    message: ({ what }) => `two edits of ${what} in one request`,
    allowed: () => "one edit per profile or volume",
    fix: () => "combine the edits, or make them one after the other",
  }),
  "edit-not-possible": problemKind<{ why: string; fix?: string }>({
    meaning:
      "The stack's config file is written in a way in which one value can't be changed without affecting others.",
    message: ({ why }) => `can't be edited automatically: ${why}`,
    allowed: () => "plain keys with their own values",
    fix: ({ fix }) => fix ?? "edit the file by hand",
  }),
  "profile-in-use": problemKind<{ profile: string; volumes: string[]; profiles: string[] }>({
    meaning: "A profile can't be removed while volumes use it or other profiles extend it.",
    message: ({ profile, volumes, profiles }) =>
      `"${profile}" is used by ${[
        volumes.length > 0 ? `${volumes.length === 1 ? "volume" : "volumes"} ${listed(volumes)}` : "",
        profiles.length > 0 ? `${profiles.length === 1 ? "profile" : "profiles"} ${listed(profiles)}` : "",
      ]
        .filter((each) => each !== "")
        .join(" and by ")}`,
    fix: ({ volumes }) =>
      volumes.length > 0
        ? "first give those volumes another profile, and apply"
        : "first let those profiles extend another profile",
  }),
  "profile-shared": problemKind<{ profile: string; file: string }>({
    meaning:
      "An edit is about a profile of a shared file (`storage-profiles:catalog`), and doesn't say where to make it.",
    message: ({ profile, file }) => `"${profile}" is defined in ${file}, which other stacks may use too`,
    allowed: () =>
      "`stack`: override it in this stack's file; `catalog`: change it in the shared file, for all its stacks",
    fix: () => "with commands, add --in stack or --in catalog; over HTTP, ?in=stack or ?in=catalog",
  }),
  "profile-read-only": problemKind<{ profile: string; file: string }>({
    meaning: "A profile of a package's file can't be edited: the next installation would undo it.",
    message: ({ profile, file }) => `"${profile}" is defined in ${file}, a file of a package, which is read-only`,
    fix: () => "override it in this stack (--in stack), or publish a new version of the package and install it",
  }),
  "profile-not-shared": problemKind<{ profile: string; files: string[] }>({
    meaning: "The profile to edit in a shared file isn't defined in any.",
    message: ({ profile, files }) =>
      files.length === 0
        ? `"${profile}" can't be edited in a shared file: the config names none`
        : `"${profile}" isn't defined in ${listed(files)}`,
    fix: () => "edit it in the stack (--in stack), or add it to the shared file by hand",
  }),
  "profile-in-many-files": problemKind<{ profile: string; files: string[] }>({
    meaning: "An edit with `--in catalog` is about several shared files; each is saved on its own, or not at all.",
    message: ({ profile, files }) => `"${profile}" would be edited in several shared files: ${listed(files)}`,
    fix: () => "run the command once for each file, with --stack for the stacks that use it",
  }),
  "rollout-unknown": problemKind<{ id: string }>({
    meaning: "The rollout to resume or to revert isn't known on this machine.",
    message: ({ id }) => `unknown rollout "${id}"`,
    allowed: () => "the name that `apply --waves` printed, on the machine and for the user that ran it",
    fix: () => "edit the profile, and apply it without --waves",
  }),
  "rollout-reverted": problemKind<{ id: string }>({
    meaning: "The rollout was reverted, and can't be resumed or reverted again.",
    message: ({ id }) => `rollout ${id} is reverted`,
    fix: () => "begin a new one with --waves",
  }),
  "rollout-changed": problemKind<{ profile: string }>({
    meaning: "Someone else changed the profile since the rollout began.",
    message: ({ profile }) => `"${profile}" has changed since the rollout began`,
    fix: () => "check the definition, and apply it without --resume or --revert",
  }),
  "rollout-elsewhere": problemKind<{ id: string; isReverted: boolean }>({
    meaning: "Another process resumed or reverted the rollout, so this one stopped.",
    message: ({ id, isReverted }) => `another process has ${isReverted ? "reverted" : "gone on with"} rollout ${id}`,
    fix: () => "wait until that process has ended, and look at its result",
  }),
  "rollout-busy": problemKind<{ id: string; holder: string | undefined }>({
    meaning: "Another process is carrying out, resuming or reverting the rollout.",
    message: ({ id, holder }) => `rollout ${id} is in use by ${holder ?? "another process"}`,
    allowed: () => "one process at a time per rollout",
    fix: () => "wait until that process has ended, or stop it with Ctrl-C",
  }),
  "rollout-not-compliant": problemKind<{ volume: string; status: string; because: string }>({
    meaning: "A rollout stopped, because a volume isn't compliant after its wave.",
    message: ({ volume, status, because }) =>
      `"${volume}" is ${status} after its wave${because === "" ? "" : `: ${because}`}`,
    fix: () => "correct the cause and resume the rollout, or revert it",
  }),
  "rollout-not-recorded": problemKind<{ why: string }>({
    meaning: "A rollout can't be recorded, so it could be neither resumed nor reverted; it doesn't begin.",
    message: ({ why }) => `the rollout can't be recorded: ${why}`,
    fix: () => "make ~/.local/state (or $XDG_STATE_HOME) writable",
  }),
  "profile-not-own": problemKind<{
    profile: string;
    profiles: string[];
    isBuiltIn: boolean;
    file?: string | undefined;
    nearest: string | undefined;
  }>({
    meaning: "The profile to remove isn't defined in the stack's file.",
    message: ({ profile, isBuiltIn, file }) =>
      file !== undefined
        ? `"${profile}" is defined in ${file}, and the stack's file doesn't override it`
        : isBuiltIn
          ? `"${profile}" is built in, and the stack's file doesn't override it`
          : `unknown profile "${profile}"`,
    allowed: ({ profiles }) => (profiles.length > 0 ? listed(profiles) : "none: the stack's file defines no profiles"),
    fix: ({ nearest }) =>
      nearest === undefined ? "use a profile that the stack's file defines" : `did you mean "${nearest}"?`,
  }),
  "volume-unknown": problemKind<{ volume: string; volumes: string[]; nearest: string | undefined }>({
    meaning: "The volume doesn't exist.",
    message: ({ volume }) => `unknown volume "${volume}"`,
    allowed: ({ volumes }) => (volumes.length > 0 ? listed(volumes) : "none: the stack has no volumes"),
    fix: ({ nearest }) => (nearest === undefined ? "" : `did you mean "${nearest}"?`),
  }),
  "volume-ambiguous": problemKind<{ volume: string; urns: string[] }>({
    meaning: "Several volumes in the stack have this name.",
    message: ({ volume, urns }) => `${urns.length} volumes are named "${volume}"`,
    allowed: ({ urns }) => urns.join(", "),
    fix: () => "use the URN instead of the name",
  }),
  "deletion-not-requested": problemKind<{ volume: string; isReplaced: boolean }>({
    meaning: "The operation would delete or replace a volume whose deletion wasn't requested. Nothing is applied.",
    message: ({ volume, isReplaced }) =>
      isReplaced
        ? `Pulumi would replace "${volume}" with an empty volume`
        : `Pulumi would delete "${volume}" with its data: it is no longer declared`,
    allowed: () => "deleting volumes that are explicitly named for deletion",
    fix: ({ volume, isReplaced }) =>
      isReplaced
        ? `run pulumi preview --diff to see what replaces it; to keep "${volume}", revert that change; to start with an empty volume, delete it first: pulumi destroy --target <its URN>`
        : `declare "${volume}" again; to delete it with its data, run: npx storage-profiles apply --remove ${volume}`,
  }),
  "volume-protected": problemKind<{ volume: string }>({
    meaning: "The volume to remove is protected against deletion.",
    message: ({ volume }) => `"${volume}" is protected against deletion`,
    fix: ({ volume }) =>
      `to delete it with its data, set \`deletionProtection: false\` for "${volume}", apply, then remove it`,
  }),
  "volume-declared": problemKind<{ volume: string; by: string }>({
    meaning: "The volume to delete is still declared.",
    message: ({ volume, by }) => `"${volume}" is still declared in ${by}`,
    fix: ({ by }) => `remove it from ${by} first`,
  }),
  "volume-of-program": problemKind<{ volume: string }>({
    meaning: "The profile of a volume can't be changed in the config when the program sets it.",
    message: ({ volume }) => `the program sets the profile and the size of "${volume}"`,
    allowed: () => "a volume listed in the stack's config",
    fix: ({ volume }) =>
      `change \`new ProfiledVolume("${volume}@…")\` in the program; the profile's definition can be changed in the config`,
  }),
  "engine-missing": problemKind<{ why: string }>({
    meaning: "The Pulumi CLI can't be started.",
    message: ({ why }) => `the Pulumi CLI can't be started: ${why}`,
    allowed: () => "the Pulumi CLI on PATH",
    fix: () => "install it: https://www.pulumi.com/docs/install/",
  }),
  "engine-failed": problemKind<{ command: string; why: string }>({
    meaning: "The Pulumi CLI failed. The message includes its own error.",
    message: ({ command, why }) => `\`pulumi ${command}\` failed: ${why}`,
  }),
  "state-not-readable": problemKind<{ why: string }>({
    meaning: "The format of the Pulumi state isn't supported.",
    message: ({ why }) => `the state can't be read: ${why}`,
    allowed: () => "the format of `pulumi stack export`",
    fix: () => "use a release of storage-profiles that supports this version of Pulumi",
  }),
  "stack-locked": problemKind<{ stack: string; holder: string; deadOn: string | undefined }>({
    meaning: "Another run holds the stack's lock, or a killed run left its lock behind.",
    message: ({ holder, deadOn }) =>
      deadOn === undefined
        ? `the stack is locked by another run: ${holder}`
        : `the stack is locked by a run that isn't running here: ${holder}`,
    allowed: () => "one run at a time per stack",
    fix: ({ stack, deadOn }) =>
      deadOn === undefined
        ? `wait until it finishes; only if it was killed, remove its lock: pulumi cancel ${stack}`
        : `if no other machine or container is named ${deadOn}, the run was killed: remove its lock (pulumi cancel ${stack}) and run the command again; it completes what was started`,
  }),
  "operation-unknown": problemKind<Record<string, never>>({
    meaning: "The operation doesn't exist.",
    message: () => "unknown operation",
    allowed: () => "the id of an operation of this stack",
    fix: () => "list the operations; old ones are removed",
  }),
  "operation-not-resumable": problemKind<{ state: string }>({
    meaning: "Only an operation that was interrupted, failed or was cancelled can be run again.",
    message: ({ state }) => `the operation is ${state}`,
    allowed: () => "an operation that was interrupted, failed or was cancelled",
  }),
  "operation-cancelled": problemKind<Record<string, never>>({
    meaning: "The operation was cancelled before it finished.",
    message: () => "the operation was cancelled",
    fix: () => "apply again: this completes what was started and creates nothing twice",
  }),

  // The HTTP service
  "route-unknown": problemKind<{ method: string; methods: string[] }>({
    meaning: "The HTTP service has no such route, or the route doesn't support the method.",
    message: ({ method, methods }) => (methods.length > 0 ? `${method} isn't supported here` : "route not found"),
    allowed: ({ methods }) => (methods.length > 0 ? listed(methods) : "the routes in the OpenAPI document"),
    fix: () => "see /docs for all routes",
  }),
  "request-not-readable": problemKind<{ why: string; allowed: string }>({
    meaning: "An HTTP request can't be read: it is too large, not JSON, or incomplete.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
  }),
  "request-unauthenticated": problemKind<{ ways: string[] }>({
    meaning: "An HTTP request has no credentials, or invalid ones.",
    message: () => "missing or invalid credentials",
    allowed: ({ ways }) => either(ways),
    fix: () => "send a valid credential; create a token with `storage-profiles token`",
  }),
  "request-forbidden": problemKind<{ role: string; needed: string }>({
    meaning: "The caller doesn't have the role that the request requires.",
    message: ({ role, needed }) => `role "${needed}" required; your role is ${role === "" ? "none" : `"${role}"`}`,
    allowed: ({ needed }) => `the role "${needed}"`,
    fix: () => "ask the operator of the service for a token or a certificate with that role",
  }),
  "request-foreign": problemKind<{ why: string; allowed: string }>({
    meaning: "An HTTP request seems to come from a web page on another site.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
    fix: () => "use the service's own page, or a client other than a browser",
  }),
  "request-too-many": problemKind<{ max: number; seconds: number; what: string }>({
    meaning: "One client sent too many HTTP requests.",
    message: ({ what, max, seconds }) => `more than ${count(max)} ${what} in ${count(seconds)} seconds`,
    allowed: ({ what, max, seconds }) => `${count(max)} ${what} in ${count(seconds)} seconds`,
    fix: () => "wait for the time given in Retry-After",
  }),
  "stack-not-served": problemKind<{ stack: string; stacks: string[]; nearest: string | undefined }>({
    meaning: "The HTTP service doesn't serve this stack.",
    message: ({ stack }) => `stack "${stack}" isn't served here`,
    allowed: ({ stacks }) => listed(stacks),
    fix: ({ nearest }) => (nearest === undefined ? "" : `did you mean "${nearest}"?`),
  }),
  "volume-exists": problemKind<{ volume: string }>({
    meaning: "A volume with this name already exists.",
    message: ({ volume }) => `volume "${volume}" already exists`,
    allowed: () => "an unused name",
    fix: ({ volume }) => `choose another name, or change the existing volume: POST …/volumes/${volume}`,
  }),
  "operation-not-cancellable": problemKind<{ state: string }>({
    meaning: "The operation has finished, or another process runs it.",
    message: ({ state }) => `the operation is ${state}, or another process runs it`,
    allowed: () => "an operation of this service that is queued or running",
  }),
  "operations-too-many": problemKind<{ max: number }>({
    meaning: "Too many operations are queued for the stack.",
    message: ({ max }) => `${count(max)} operations are already queued`,
    allowed: ({ max }) => `${count(max)} queued operations`,
    fix: () => "wait for them, or write with apply=false and apply everything at once",
  }),
  "service-failed": problemKind<{ id: string }>({
    meaning: "An internal error of the HTTP service.",
    message: ({ id }) => `internal error; see the service's log for request ${id}`,
    fix: () => "report it to the operator of the service",
  }),
  "service-stopping": problemKind<Record<string, never>>({
    meaning: "The HTTP service is shutting down.",
    message: () => "the service is shutting down and accepts no new requests",
    fix: () => "try again after its restart",
  }),
  "audit-not-written": problemKind<{ why: string }>({
    meaning: "The audit log can't be written, so the request was rejected.",
    message: ({ why }) => `the audit log can't be written: ${why}`,
    fix: () => "free disk space, or give the service write access to its audit log",
  }),
  "listen-unsafe": problemKind<{ address: string; missing: string[] }>({
    meaning: "The HTTP service would be reachable from other machines without TLS or without authentication.",
    message: ({ address, missing }) =>
      `${address} is reachable from other machines, but ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not configured`,
    allowed: () => "loopback or a Unix socket; any other address requires TLS with tokens or client certificates",
    fix: () => "pass --tls-cert and --tls-key, and --tokens or --client-ca; or listen on 127.0.0.1",
  }),
  "service-option-invalid": problemKind<{ why: string; allowed: string }>({
    meaning: "An option of the HTTP service, or a file that it names, is invalid.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
  }),

  // Policies of an organisation
  "volume-without-profile": problemKind<{ type: string }>({
    meaning: "A policy requires profiles, but the program declares a backend's own volume.",
    message: ({ type }) => `${type} is declared without a profile`,
    allowed: () => "volumes that a `ProfiledVolume` creates",
    fix: () => "declare it as a `ProfiledVolume`; its argument `import` takes an existing volume over with its data",
  }),
  "profile-not-permitted": problemKind<{ profile: string; stack: string; permitted: readonly string[] }>({
    meaning: "A policy doesn't permit the profile in this stack.",
    message: ({ profile, stack }) => `profile "${profile}" isn't permitted in stack ${stack}`,
    allowed: ({ permitted }) => (permitted.length > 0 ? permitted.join(", ") : "no profile at all"),
    fix: () => "choose a permitted profile",
  }),
  "cost-beyond-limit": problemKind<{ cost: string; limit: string; dearest: string }>({
    meaning: "The volumes of a stack cost more per month than a policy permits.",
    message: ({ cost, limit }) => `the volumes cost ${cost} per month, and the limit is ${limit}`,
    allowed: ({ limit }) => `at most ${limit} per month for all volumes of the stack`,
    fix: ({ dearest }) => `choose cheaper profiles or smaller sizes, first for ${dearest}`,
  }),
  "cost-unknown": problemKind<Record<string, never>>({
    meaning: "A policy limits the monthly cost of the stack, and the cost of a volume isn't known.",
    message: () => "the monthly cost isn't known",
    fix: () => "set prices in the stack's config, or let the policy ignore volumes of unknown cost",
  }),
  "volume-not-encrypted": problemKind<{ backend: string; isKnown: boolean }>({
    meaning: "A policy requires encryption, and the volume isn't encrypted, or its settings don't tell.",
    message: ({ backend, isKnown }) =>
      isKnown ? "the volume isn't encrypted" : `settings on ${backend} don't tell whether a volume is encrypted`,
    allowed: () => "encrypted volumes",
    fix: ({ backend, isKnown }) =>
      isKnown
        ? "choose a profile that encrypts"
        : `if the storage encrypts by itself, add "${backend}" to \`exempt\` in the policy's config`,
  }),
  "volume-transformed": problemKind<Record<string, never>>({
    meaning: "A policy forbids `transform`, and one changes the volume's own resource.",
    message: () => "a `transform` changes the volume's own resource",
    allowed: () => "what the profile and the volume's overrides say",
    fix: () => "remove the `transform`, and set what it does in a profile or in the volume's overrides",
  }),
} as const;

export const noteKinds = {
  "profile-pinned": noteKind<{ profile: string; revision: string; pin: string }>({
    meaning: "The volume keeps a pinned definition of its profile; edits of the profile don't reach it.",
    message: ({ profile, revision, pin }) => `${profile} is pinned at revision ${revision} (pins: ${pin})`,
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
    message: ({ setting, profile, from, to }) => `${setting}: ${show(to)} overrides ${show(from)} of "${profile}"`,
  }),
  "value-rounded-up": noteKind<{ from: number; to: number; unit: string; because: string }>({
    meaning: "A setting was rounded up to a value that the backend supports.",
    message: ({ from, to, unit, because }) => `${count(from)} ${unit} rounded up to ${count(to)} ${unit}: ${because}`,
  }),
  "type-chosen": noteKind<{ type: string; because: string }>({
    meaning: "`cheapest` chose a volume type.",
    message: ({ type, because }) => `chose "${type}": ${because}`,
  }),
  "limits-not-enforced": noteKind<{ what: string; because: string }>({
    meaning: "A setting of the profile or the volume is recorded, but not enforced.",
    message: ({ what, because }) => `${what} not enforced: ${because}`,
  }),
  "limits-need-mapping": noteKind<{ what: string }>({
    meaning: "ScaleIO limits belong to the mapping of a volume to a host: without a mapping they have no effect.",
    message: ({ what }) =>
      `${what} take effect when the volume is mapped to an SDC: on ScaleIO, limits belong to the mapping`,
  }),
  "price-unknown": noteKind<{ because: string }>({
    meaning: "The monthly cost is unknown.",
    message: ({ because }) => `monthly cost unknown: ${because}`,
  }),
  "price-without-requests": noteKind<{ what: string }>({
    meaning: "The monthly cost doesn't include usage-based charges.",
    message: ({ what }) => `the monthly cost doesn't include ${what}`,
  }),
  "limit-unsure": noteKind<{ what: string; because: string }>({
    meaning: "Sources disagree on whether the backend supports this. It is attempted rather than refused in advance.",
    message: ({ what, because }) => `${what} may be rejected: ${because}`,
  }),
  "modification-limit": noteKind<{ what: string }>({
    meaning: "The backend limits how often a volume can be modified.",
    message: ({ what }) => what,
  }),
  "hard-to-change": noteKind<{ because: string }>({
    meaning: "It may not be possible to change the volume later.",
    message: ({ because }) => because,
  }),
  "not-checked": noteKind<{ what: string; because: string }>({
    meaning: "Something wasn't checked in advance, because the backend didn't respond, or isn't asked.",
    message: ({ what, because }) => `${what} not checked in advance: ${because}`,
  }),
  "left-over-adopted": noteKind<{ id: string }>({
    meaning: "A volume created for this declaration by an unfinished run is adopted.",
    message: ({ id }) => `volume ${id} was created by an unfinished run; it is adopted instead of created again`,
  }),
  "left-over-deleted": noteKind<{ id: string; isDone: boolean }>({
    meaning: "The remains of a failed creation are deleted, and the volume is created again.",
    message: ({ id, isDone }) =>
      `volume ${id}, left in status "error" by a failed creation, ${isDone ? "was" : "will be"} deleted and created again`,
  }),
  "tags-ignored": noteKind<{ tags: string[]; backend: string }>({
    meaning: "The stack or the volume sets tags, and the volume's backend has none.",
    message: ({ tags, backend }) =>
      `${tags.length === 1 ? "tag" : "tags"} ${listed(tags)} ${tags.length === 1 ? "is" : "are"} ignored: volumes on ${backend} have no tags`,
  }),
  "tags-kept": noteKind<{ tags: string[] }>({
    meaning: "On Kubernetes, a change of class adds and overwrites tags, and never removes one.",
    message: ({ tags }) =>
      `the volume keeps ${tags.length === 1 ? "tag" : "tags"} ${listed(tags)}: a class can't remove tags`,
  }),
  "class-missing": noteKind<{ name: string }>({
    meaning: "On Kubernetes, the class that a volume changes to doesn't exist in the cluster.",
    message: ({ name }) =>
      `VolumeAttributesClass ${name} doesn't exist in the cluster yet; the change waits until it does`,
  }),
  "class-left-out": noteKind<{ name: string; because: string }>({
    meaning: "On Kubernetes, a profile has no StorageClass of its own name.",
    message: ({ name, because }) => `no StorageClass "${name}": ${because}`,
  }),
  "retype-unsure": noteKind<{ because: string }>({
    meaning: "Cinder accepts the type change, but may not carry it out.",
    message: ({ because }) => `the type may not change: ${because}`,
  }),
  "specs-not-reapplied": noteKind<{ type: string; volumes: string[]; total: number }>({
    meaning: "A volume type changes, but Cinder doesn't apply the change to existing volumes of that type.",
    message: ({ type, volumes, total }) =>
      `${count(total)} ${total === 1 ? "volume has" : "volumes have"} type "${type}" and won't get the change until retyped to another type and back ` +
      `(front-end QoS: until reattached): ${listed(volumes)}${total > volumes.length ? ", …" : ""}`,
  }),
  "compose-variable-unset": noteKind<{ variables: string[] }>({
    meaning: "A Compose file uses variables that are not set; Compose replaces them with an empty string.",
    message: ({ variables }) => `not set, replaced with an empty string: ${listed(variables)}`,
  }),
  "compose-options-refused": noteKind<{ volume: string }>({
    meaning: "docker-compose 1 rejects an existing volume that declares `driver_opts`.",
    message: ({ volume }) =>
      `docker-compose 1 will reject volume "${volume}" once it exists, because of its \`driver_opts\`; use \`x-storage-profiles\` instead`,
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

  // How a volume stands
  "status-not-made": noteKind<Record<string, never>>({
    meaning: "The volume is declared, but not created yet.",
    message: () => "not created yet",
  }),
  "status-profile-changed": noteKind<{ from: string; to: string }>({
    meaning: "The volume is declared with a different profile than the one last applied.",
    message: ({ from, to }) => `profile changed from "${from}" to "${to}", not applied yet`,
  }),
  "status-revision-changed": noteKind<{ profile: string; from: string; to: string; file?: string | undefined }>({
    meaning: "The volume's profile changed since the volume was last applied.",
    message: ({ profile, file }) =>
      `profile "${profile}"${file === undefined ? "" : ` (${file})`} changed since this volume was last applied`,
  }),
  "status-declaration-changed": noteKind<{ what: string }>({
    meaning: "Another part of the declaration changed since the volume was last applied: its size, location or limits.",
    message: ({ what }) => `${what}, not applied yet`,
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
  "status-taken-over": noteKind<{ owner: string }>({
    meaning: "Another stack or resource has imported the volume.",
    message: ({ owner }) => `now owned by ${owner}, which imported it`,
  }),
  "status-drifted": noteKind<{ what: string }>({
    meaning: "The volume has drifted: it was changed on the backend.",
    message: ({ what }) => `drifted: ${what}`,
  }),
  "environments-unseen": noteKind<{ environments: string[] }>({
    meaning:
      "The stack's file imports environments (Pulumi ESC). Only Pulumi can resolve their values, so results don't include them.",
    message: ({ environments }) =>
      `values from ${listed(environments)} (\`environment\` in the stack's file) aren't included; run \`pulumi preview\` to see results with them`,
  }),
  "status-follower-differs": noteKind<{ what: string }>({
    meaning:
      "A mapping of the volume has different limits than the volume: it was changed on the backend, or the last `up` didn't update it.",
    message: ({ what }) => `${what}: changed on the backend, or not updated by the last \`up\``,
  }),
  "status-not-possible": noteKind<{ what: string }>({
    meaning: "The volume's declaration is invalid.",
    message: ({ what }) => `invalid declaration: ${what}`,
  }),
  "status-incomplete": noteKind<{ what: string }>({
    meaning: "The backend accepted the last change of the volume, and hasn't carried it out.",
    message: ({ what }) => `the last change isn't complete: ${what}`,
  }),
  "status-unfinished": noteKind<Record<string, never>>({
    meaning: "The last `up` didn't complete the volume, so its status is unknown.",
    message: () => "not completed by the last `up`",
  }),
  "status-gone": noteKind<Record<string, never>>({
    meaning: "The volume no longer exists on the backend, according to a refresh.",
    message: () => "the volume is missing on the backend: it was deleted, or never created",
  }),
  "status-not-readable": noteKind<Record<string, never>>({
    meaning: "The volume's entry in the state has an unsupported format.",
    message: () => "its entry in the state can't be read",
  }),
} as const;

/** The code of a problem: docs/problems.md lists them. */
export type ProblemCode = keyof typeof problemKinds;
/** The code of a note: docs/problems.md lists them. */
export type NoteCode = keyof typeof noteKinds;

/** What a problem is told with. */
export type ProblemParams<C extends ProblemCode> = (typeof problemKinds)[C] extends ProblemKind<infer P> ? P : never;
type NoteParams<C extends NoteCode> = (typeof noteKinds)[C] extends NoteKind<infer P> ? P : never;

/** Makes a problem: the registry gives the words. */
export function problem<C extends ProblemCode>(
  code: C,
  path: string,
  given: unknown,
  params: ProblemParams<C>,
): Problem {
  const kind = problemKinds[code] as unknown as ProblemKind<ProblemParams<C>>;
  return {
    code,
    path,
    ...(given === undefined ? {} : { given }),
    message: kind.message(params),
    allowed: kind.allowed?.(params) ?? "",
    fix: kind.fix?.(params) ?? "",
  };
}

/** Makes a note: the registry gives the words. */
export function note<C extends NoteCode>(code: C, path: string, params: NoteParams<C>): Note {
  const kind = noteKinds[code] as unknown as NoteKind<NoteParams<C>>;
  return { code, path, message: kind.message(params) };
}

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
  return code === "wrong-type" && typeof given === "number" ? String(given) : show(given);
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
  return max >= 2 ** 31 - 1 ? `${count(min)} GiB or more` : `${count(min)} to ${count(max)} GiB`;
}

/** Any value as short text for a message. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const text =
    typeof value === "number" ? count(value) : ((JSON.stringify(value) as string | undefined) ?? typeof value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function listed(names: readonly string[]): string {
  return names.length <= 20
    ? names.join(", ")
    : `${names.slice(0, 20).join(", ")} and ${count(names.length - 20)} more`;
}

function either(ways: readonly string[]): string {
  if (ways.length <= 1) return ways[0] ?? "";
  return `${ways.slice(0, -1).join(", ")}, or ${ways[ways.length - 1]}`;
}

function beyond(min: number, max: number, unit: string): string {
  return `allows ${count(min)} to ${count(max)} ${unit}`;
}
