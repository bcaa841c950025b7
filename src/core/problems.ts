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
  /** What would be allowed instead. */
  allowed: string;
  /** What to do about it. */
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
  allowed(params: P): string;
  fix(params: P): string;
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
    meaning: "A volume was declared without a name.",
    message: ({ what }) => `the ${what} is blank`,
    allowed: () => "`name` or `name@profile`",
    fix: () => 'give the volume a name, for example "data" or "data@gold"',
  }),
  "reference-without-profile": problemKind<{ name: string }>({
    meaning: "A reference ends in `@`: the profile's name is missing.",
    message: () => "nothing follows the `@`",
    allowed: () => "`name` (which means `name@default`) or `name@profile`",
    fix: ({ name }) => `write "${name}" for the default profile, or "${name}@gold"`,
  }),
  "reference-without-name": problemKind<{ profile: string }>({
    meaning: "A reference begins with `@`: the volume's name is missing.",
    message: () => "nothing stands before the `@`",
    allowed: () => "`name@profile`",
    fix: ({ profile }) => `put the volume's name first, for example "data@${profile}"`,
  }),
  "reference-many-ats": problemKind<{ count: number }>({
    meaning: "A reference has more than one `@`.",
    message: ({ count }) => `there are ${count} \`@\` in it`,
    allowed: () => "one `@`, between the volume's name and its profile",
    fix: () => 'write "name@profile"; neither name may contain an `@`',
  }),
  "name-invalid": problemKind<{ what: "volume" | "profile" | "physical"; why: string }>({
    meaning: "The name of a volume or a profile is not in the pattern.",
    message: ({ what, why }) => `${why} in the ${what === "physical" ? "physical name" : `name of the ${what}`}`,
    allowed: () => NAME_RULE,
    fix: ({ what }) => `rename the ${what === "profile" ? "profile" : "volume"}`,
  }),
  "profile-conflict": problemKind<{ reference: string; profile: string }>({
    meaning: "The reference names one profile and the argument `profile` another.",
    message: ({ reference, profile }) => `the reference says profile "${reference}", the argument says "${profile}"`,
    allowed: () => "one profile",
    fix: () => "name the profile once: in the reference or in `profile`",
  }),
  "volume-twice": problemKind<{ physicalName: string; other: string }>({
    meaning: "Two volumes of one program would be the same volume on the backend.",
    message: ({ physicalName, other }) => `"${physicalName}" is already the volume of ${other}`,
    allowed: () => "one declaration for each volume",
    fix: () => "give one of them another name, or another `physicalName`",
  }),

  "physical-name-too-long": problemKind<{ what: string; length: number; max: number }>({
    meaning: "`physicalName` is longer than the backend's names may be. A name that was asked for is never cut.",
    message: ({ what, length }) => `${what} can't have a name of ${length} characters`,
    allowed: ({ max }) => `at most ${max} characters`,
    fix: () => "shorten `physicalName`, or leave it out: then the name is made from project, stack and volume",
  }),
  "physical-name-taken": problemKind<{ name: string; by: string; id: string }>({
    meaning: "Another volume on the backend has the name.",
    message: ({ name, by }) => `"${name}" is taken: ${by}`,
    allowed: () => "a name that nothing on the backend has",
    fix: ({ id }) =>
      `to take that volume over with its data set \`import: "${id}"\`; else choose another \`physicalName\``,
  }),

  // Sizes
  "size-missing": problemKind<Record<string, never>>({
    meaning: "A volume was declared without a size.",
    message: () => "no size is given",
    allowed: () => 'sizeGiB: 100, or size: "100GiB"',
    fix: () => "say how big the volume must be; there is no default size",
  }),
  "size-conflict": problemKind<{ sizeGiB: number; size: string }>({
    meaning: "`size` and `sizeGiB` are both given and differ.",
    message: ({ sizeGiB, size }) => `sizeGiB says ${sizeGiB} GiB, size says "${size}"`,
    allowed: () => "one size",
    fix: () => "give `sizeGiB` or `size`, not both",
  }),
  "size-invalid": problemKind<{ why: string; fix?: string | undefined; isOption?: boolean | undefined }>({
    meaning: "A size can't be read.",
    message: ({ why }) => why,
    allowed: ({ isOption }) =>
      isOption === true
        ? "a size with a unit: -o size=100GiB, 1.5TiB or 500GB"
        : 'a positive number of GiB (sizeGiB: 100), or text with a unit (size: "100GiB", "1.5TiB", "500GB")',
    fix: ({ fix }) => fix ?? "write the size with one of the units MiB, GiB, TiB, PiB or MB, GB, TB, PB",
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
    meaning: "The backend can't make a volume of this size with this profile.",
    message: ({ what, sizeGiB }) => `${what} can't have ${count(sizeGiB)} GiB`,
    allowed: ({ sizeGiB, min, max }) => (sizeGiB < min ? sizesText(min, max) : `${count(min)} to ${count(max)} GiB`),
    fix: ({ sizeGiB, min, max, ways = [], nearestFits = true }) => {
      const size = sizeGiB < min ? `ask for ${count(min)} GiB or more` : `ask for at most ${count(max)} GiB`;
      const all = nearestFits ? [...ways, size] : ways;
      return either(all.length > 0 ? all : ["change the size", "what the profile asks for"]);
    },
  }),

  // The stack's config
  "unknown-key": problemKind<{ key: string; keys: string[]; nearest: string | undefined }>({
    meaning: "The stack's config has a key that nobody reads.",
    message: ({ key }) => `unknown key "${key}"`,
    allowed: ({ keys }) => keys.join(", ") || "no key at all",
    fix: ({ key, nearest }) => (nearest ? `did you mean "${nearest}"?` : `remove "${key}"`),
  }),
  "wrong-type": problemKind<{ expected: string; found: string; way?: string | undefined }>({
    meaning: "A value in the stack's config has the wrong type.",
    message: ({ expected, found }) => `${found} where ${expected} belongs`,
    allowed: ({ expected }) => expected,
    fix: ({ expected, found, way }) =>
      way ??
      ((/^text \("-?[\d.]+"\)/.test(found) && expected.includes("number")) ||
      (/^text \("(true|false)"\)/.test(found) && expected.includes("true"))
        ? "remove the quotes"
        : `write ${expected} there`),
  }),
  "value-not-allowed": problemKind<{ given: string; values: string[]; nearest: string | undefined }>({
    meaning: "A value in the stack's config is not one of those allowed.",
    message: ({ given }) => `${given} is not allowed`,
    allowed: ({ values }) => values.join(", "),
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : "take one of those"),
  }),
  "value-out-of-range": problemKind<{ given: string; range: string }>({
    meaning: "A number in the stack's config is out of its range, or text is too short or too long.",
    message: ({ given }) => `${given} is out of range`,
    allowed: ({ range }) => range,
    fix: ({ range }) => `give ${range}`,
  }),
  "value-invalid": problemKind<{ why: string; allowed: string; fix?: string | undefined }>({
    meaning: "A value in the stack's config is not in the right form.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
    fix: ({ allowed, fix }) => fix ?? `write ${allowed}`,
  }),
  "config-not-readable": problemKind<{ why: string; allowed: string }>({
    meaning: "A key of the stack's config holds text that is not what the key is for.",
    message: ({ why }) => `can't be read: ${why}`,
    allowed: ({ allowed }) => allowed,
    fix: ({ allowed }) => `write ${allowed} there, or set it with \`pulumi config set --path\``,
  }),
  "file-not-readable": problemKind<{ file: string; why: string; allowed: string }>({
    meaning: "A file that the stack's config names can't be read.",
    message: ({ file, why }) => `${file} can't be read: ${why}`,
    allowed: ({ allowed }) => allowed,
    fix: () => "correct the path (it is relative to the directory of Pulumi.yaml) or the file",
  }),
  "config-secret": problemKind<{ key: string }>({
    meaning:
      "A key of the stack's config is a secret where none belongs: profiles are shown at preview and kept in state.",
    message: ({ key }) => `"${key}" holds a secret`,
    allowed: () => "plain values: profiles, volumes, limits and prices are shown to everybody who runs a preview",
    fix: ({ key }) =>
      `write "${key}" without \`secure:\`; credentials belong in the config of the backend's provider (for example aws:secretKey)`,
  }),

  // The Docker plugin as a service
  "install-not-ours": problemKind<{ file: string; why: string }>({
    meaning:
      "A file that `docker-plugin install` would write, or `uninstall` remove, was written or changed by somebody else.",
    message: ({ file, why }) => `${file} is left alone: ${why}`,
    allowed: () => "no file there, or one as `docker-plugin install` wrote it",
    fix: ({ file }) =>
      `move ${file} away and try again; for changes of your own use a drop-in (\`systemctl edit\`), which is kept`,
  }),
  "install-not-possible": problemKind<{ what: string; why: string }>({
    meaning: "The service of the Docker plugin can't be written, started or taken back.",
    message: ({ what, why }) => `${what}: ${why}`,
    allowed: () => "Linux with systemd, as root; or `--root` with a directory that can be written to",
    fix: () => "see what it says; `--dry-run` shows what would be done",
  }),

  // Compose files
  "compose-not-readable": problemKind<{ why: string }>({
    meaning: "A Compose file can't be read: it isn't there, is no YAML, or holds no mapping.",
    message: ({ why }) => `the Compose file can't be read: ${why}`,
    allowed: () => "a Compose file: YAML with a mapping of `services`, `volumes` and so on",
    fix: () => "correct the file, or its path (it is relative to the project's directory)",
  }),
  "compose-env-invalid": problemKind<{ why: string }>({
    meaning: "A `.env` file has a line that Compose doesn't read.",
    message: ({ why }) => `the file can't be read: ${why}`,
    allowed: () => "lines of `NAME=value`, the value in quotes or without",
    fix: () => "correct the line",
  }),
  "compose-variable-invalid": problemKind<{ why: string }>({
    meaning: "A variable in a Compose file, or what stands for one, is written in a form that Compose doesn't read.",
    message: ({ why }) => why,
    allowed: () => "`$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, and `$$` for a dollar sign",
    fix: () => "correct it; try it with `docker-compose config`",
  }),
  "compose-variable-required": problemKind<{ variable: string; message: string }>({
    meaning: "A Compose file says that a variable must be set (`${NAME:?message}`), and it is not.",
    message: ({ variable, message }) => `${variable} is not set${message === "" ? "" : `: ${message}`}`,
    allowed: ({ variable }) => `a value for ${variable}`,
    fix: ({ variable }) => `set ${variable} in the environment, or in the file .env beside the Compose file`,
  }),
  "compose-project-invalid": problemKind<{ name: string }>({
    meaning: "The name of a Compose project is not one that Compose takes.",
    message: ({ name }) =>
      name === "" ? "the Compose project has no name" : `"${name}" is no name of a Compose project`,
    allowed: () => "small letters, digits, `-` and `_`, beginning with a letter or a digit",
    fix: () => "name the project by `projectName`, COMPOSE_PROJECT_NAME, or `name:` in the Compose file",
  }),
  "compose-refuses": problemKind<{ because: string; way: string }>({
    meaning: "Compose itself would reject the file because of a volume's definition.",
    message: ({ because }) => `Compose refuses this: ${because}`,
    allowed: () => "what Compose reads; `docker-compose config` tells",
    fix: ({ way }) => way,
  }),
  "compose-not-supported": problemKind<{ what: string; way: string }>({
    meaning: "A Compose file includes one from elsewhere (a registry, a Git repository), which is not fetched here.",
    message: ({ what }) => `${what} is elsewhere, and is not fetched here`,
    allowed: () => "Compose files on this machine",
    fix: ({ way }) => way,
  }),
  "compose-include-missing": problemKind<{ file: string; why: string }>({
    meaning: "A file that a Compose file includes, or the `env_file` for it, can't be read.",
    message: ({ file, why }) => `${file} is included and can't be read: ${why}`,
    allowed: () =>
      "a file; `path` starts from the project directory of the file that includes it, `env_file` from where Compose looks for it",
    fix: ({ file }) => `correct the path, or put the file at ${file}`,
  }),
  "compose-include-cycle": problemKind<{ chain: string[] }>({
    meaning: "A Compose file includes itself, perhaps by way of others.",
    message: ({ chain }) => `the files include each other: ${chain.join(" includes ")}`,
    allowed: () => "files that don't include themselves, neither directly nor by others",
    fix: ({ chain }) => `take the \`include\` of ${chain.at(-1) ?? ""} out of ${chain.at(-2) ?? ""}`,
  }),
  "compose-said-twice": problemKind<{ what: string; first: unknown; where: string }>({
    meaning: "A Compose file says a volume's profile or size in two places, differently.",
    message: ({ what, first, where }) => `the ${what} is already ${show(first)}, by ${where}`,
    allowed: ({ what }) => `one ${what}`,
    fix: ({ what }) => `say the ${what} once`,
  }),
  "compose-volume-unknown": problemKind<{ name: string; volumes: string[]; nearest: string | undefined }>({
    meaning: "`x-storage-profiles` in a Compose file names a volume that isn't below `volumes`.",
    message: ({ name }) => `there is no volume "${name}"`,
    allowed: ({ volumes }) => listed(volumes) || "none: the Compose file has no volumes",
    fix: ({ name, nearest }) => (nearest ? `did you mean "${nearest}"?` : `add "${name}" below \`volumes\``),
  }),

  // Profiles and backends
  "backend-missing": problemKind<{ backends: readonly string[] }>({
    meaning: "Neither the stack nor the volume says which backend to use.",
    message: () => "no backend is chosen",
    allowed: ({ backends }) => backends.join(", "),
    fix: () => "run `pulumi config set storage-profiles:backend local`, or give the volume `backend`",
  }),
  "backend-unknown": problemKind<{ backend: string; backends: readonly string[]; nearest: string | undefined }>({
    meaning: "There is no backend of this name.",
    message: ({ backend }) => `there is no backend "${backend}"`,
    allowed: ({ backends }) => backends.join(", "),
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : "take one of those"),
  }),
  "profile-unknown": problemKind<{ profile: string; profiles: string[]; nearest: string | undefined }>({
    meaning: "There is no profile of this name.",
    message: ({ profile }) => `there is no profile "${profile}"`,
    allowed: ({ profiles }) => profiles.join(", "),
    fix: ({ profile, nearest }) =>
      nearest
        ? `did you mean "${nearest}"?`
        : `define "${profile}" below storage-profiles:profiles, or take one of those`,
  }),
  "profile-parent-unknown": problemKind<{ parent: string; profiles: string[]; nearest: string | undefined }>({
    meaning: "A profile extends one that doesn't exist.",
    message: ({ parent }) => `it extends "${parent}", which does not exist`,
    allowed: ({ profiles }) => profiles.join(", "),
    fix: ({ parent, nearest }) =>
      nearest ? `did you mean "${nearest}"?` : `define "${parent}", or extend one of those`,
  }),
  "profile-cycle": problemKind<{ cycle: string[] }>({
    meaning: "Profiles extend each other in a circle.",
    message: ({ cycle }) => `it extends itself: ${cycle.join(" -> ")}`,
    allowed: () => "a chain of `extends` that ends",
    fix: ({ cycle }) => `remove \`extends\` from ${either(cycle.slice(0, -1).map((name) => `"${name}"`))}`,
  }),
  "package-missing": problemKind<{ backend: string; name: string; version: string }>({
    meaning: "The Pulumi package that makes the backend's volumes is not installed.",
    message: ({ backend, name, version }) =>
      `volumes on backend ${backend} need the package ${name}, version ${version}, which is not installed`,
    allowed: ({ name, version }) => `${name}@${version} in the program's directory`,
    fix: ({ name, version }) => `Run: npm install ${name}@${version}`,
  }),
  "profile-without-backend": problemKind<{ profile: string; backend: string; having: string[] }>({
    meaning: "The profile has no section for the backend.",
    message: ({ profile, backend }) => `profile "${profile}" says nothing about ${backend}`,
    allowed: ({ having, backend }) =>
      having.length > 0
        ? `the profiles with a section for ${backend}: ${having.join(", ")}`
        : `no profile has a section for ${backend}`,
    fix: ({ profile, backend }) => `add \`${backend}:\` to "${profile}", or take one of those`,
  }),

  // Settings
  "setting-required": problemKind<{ setting: string; because: string; example: string; way?: string }>({
    meaning: "The profile leaves out a setting that the backend needs.",
    message: ({ setting, because }) => `"${setting}" is missing: ${because}`,
    allowed: ({ example }) => example,
    fix: ({ example, way }) => either([`add \`${example}\``, ...(way ? [way] : [])]),
  }),
  "setting-not-applicable": problemKind<{ setting: string; because: string; ways: string[] }>({
    meaning: "The profile has a setting that doesn't go with its others.",
    message: ({ setting, because }) => `"${setting}" can't be set: ${because}`,
    allowed: ({ setting }) => `no "${setting}" here`,
    fix: ({ ways }) => either(ways),
  }),
  "iops-range-empty": problemKind<{ min: number; max: number }>({
    meaning: "`iops.min` is above `iops.max`.",
    message: ({ min, max }) => `min (${count(min)}) is above max (${count(max)})`,
    allowed: () => "min <= max",
    fix: () => "lower `min` or raise `max`",
  }),
  "iops-beyond-limit": problemKind<{ what: string; wants: string; min: number; max: number; ways: string[] }>({
    meaning: "The profile asks for IOPS that the backend doesn't have for this type and size.",
    message: ({ what, wants, min, max }) => `${wants}; ${what} ${beyond(min, max)}`,
    allowed: ({ min, max }) => `${count(min)} to ${count(max)} IOPS`,
    fix: ({ ways }) => either(ways),
  }),
  "throughput-range-empty": problemKind<{ min: number; max: number }>({
    meaning: "`throughputMiBps.min` is above `throughputMiBps.max`.",
    message: ({ min, max }) => `min (${count(min)}) is above max (${count(max)})`,
    allowed: () => "min <= max",
    fix: () => "lower `min` or raise `max`",
  }),
  "throughput-beyond-limit": problemKind<{ what: string; wants: string; min: number; max: number; ways: string[] }>({
    meaning: "The profile asks for a throughput that the backend doesn't have for this type, size and IOPS.",
    message: ({ what, wants, min, max }) => `${wants}; ${what} ${beyond(min, max)}`,
    allowed: ({ min, max }) => `${count(min)} to ${count(max)} MiB/s`,
    fix: ({ ways }) => either(ways),
  }),
  "no-type-admits": problemKind<{ reasons: string[] }>({
    meaning: "`cheapest` was asked for, and no type of the backend admits the request.",
    message: ({ reasons }) => `no volume type admits this: ${reasons.join("; ")}`,
    allowed: () => "a size and settings that at least one volume type has",
    fix: () => "change the size, or what the profile asks for",
  }),

  "specs-differ": problemKind<{ type: string; profile: string; other: string }>({
    meaning: "Two profiles make one volume type, and differ in what it consists of.",
    message: ({ type, profile, other }) => `"${profile}" and "${other}" both make volume type "${type}", differently`,
    allowed: () => "one definition for each volume type",
    fix: ({ profile }) =>
      `give "${profile}" a \`volumeType\` of its own, or the same \`specs\`; \`specs: null\` where it only uses the type`,
  }),

  // What only the backend knows
  "place-unknown": problemKind<{ what: string; name: string; where: string; known: string[]; nearest?: string }>({
    meaning: "There is no such protection domain, storage pool, host, volume type or zone on the backend.",
    message: ({ what, name, where }) => `there is no ${what} "${name}" ${where}`,
    allowed: ({ known }) => known.join(", ") || "none: there is none at all",
    fix: ({ nearest }) => (nearest ? `did you mean "${nearest}"?` : "take one of those"),
  }),
  "place-ambiguous": problemKind<{ what: string; name: string; known: string[] }>({
    meaning: "More than one host on the array answers to the name.",
    message: ({ what, name }) => `more than one ${what} is called "${name}"`,
    allowed: ({ known }) => known.join(", "),
    fix: () => "name it by its id",
  }),
  "place-cannot": problemKind<{ place: string; because: string; ways: string[] }>({
    meaning: "The storage pool can't do what the profile asks for.",
    message: ({ place, because }) => `${place} can't do that: ${because}`,
    allowed: () => "what the pool can do, or another pool",
    fix: ({ ways }) => either(ways),
  }),
  "place-full": problemKind<{ place: string; wants: string; roomGiB: number }>({
    meaning: "The storage pool has no room for the volume.",
    message: ({ place, wants, roomGiB }) => `${place} has room for ${count(roomGiB)} GiB more; ${wants}`,
    allowed: ({ roomGiB }) => `up to ${count(roomGiB)} GiB`,
    fix: () => "ask for less, take another pool, or have the pool grow",
  }),
  "type-in-use": problemKind<{ type: string; goes: boolean; volumes: string[]; total: number }>({
    meaning: "A volume type that volumes have is to be changed or deleted, which Cinder refuses.",
    message: ({ type, goes, volumes, total }) =>
      `${count(total)} ${total === 1 ? "volume has" : "volumes have"} type "${type}", and Cinder ` +
      `${goes ? "doesn't delete a type" : "doesn't change the extra specs of a type"} that volumes have: ` +
      `${listed(volumes)}${total > volumes.length ? ", …" : ""}`,
    allowed: () => "its description, its access and its QoS may change while volumes have it",
    fix: ({ type, goes }) =>
      goes
        ? `give its volumes another type before, or keep a profile that makes "${type}"`
        : `leave them as they are, and make another type: a new profile with these \`specs\`, to which the volumes change one by one`,
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
    meaning: "A quota of the project has no room for the volume, or for all that the run asks for.",
    message: ({ quota, unit, limit, used, asked, own, others }) =>
      `the quota "${quota}" has ${count(Math.max(0, limit - used))} of ${count(limit)} ${unit} left; ` +
      (others.length === 0
        ? `${count(own)} more would be needed`
        : `this run asks for ${count(asked)} more, ${count(own)} of them here, the others for ${listed(others)}`),
    allowed: ({ limit, used, unit }) => `up to ${count(Math.max(0, limit - used))} ${unit} more`,
    fix: () => "ask for less, remove volumes that nobody needs, or have an administrator raise the quota",
  }),
  "retype-not-possible": problemKind<{ from: string | null; to: string; because: string; ways: string[] }>({
    meaning: "Cinder would refuse to give the volume another type, or take the request and do nothing.",
    message: ({ from, to, because }) => `the volume can't go from type ${show(from)} to ${show(to)}: ${because}`,
    allowed: () => "a type that Cinder can give this volume as it is now",
    fix: ({ ways }) => either(ways),
  }),
  "left-over": problemKind<{ id: string; because: string }>({
    meaning: "A volume that was made for this declaration is on the backend, and the state doesn't know it.",
    message: ({ id, because }) =>
      `volume ${id} was made for this declaration, and the state doesn't know it; it isn't taken up by itself: ${because}`,
    allowed: () => "one volume for each declaration",
    fix: ({ id }) => `take it over with its data by \`import: "${id}"\`, or delete it if nobody needs it`,
  }),
  "backend-refuses": problemKind<{ because: string; way: string }>({
    meaning:
      "The backend can't be asked, because the connection isn't set up, or it refuses the login or the question.",
    message: ({ because }) => because,
    allowed: () => "a connection that works, and a user who may use volumes",
    fix: ({ way }) => way,
  }),
  "import-not-possible": problemKind<{ id: string; because: string; way: string }>({
    meaning: "The volume that is to be taken over can't be.",
    message: ({ id, because }) => `${id} can't be taken over: ${because}`,
    allowed: () => "the id of a volume that fits the declaration",
    fix: ({ way }) => way,
  }),

  "state-directory-missing": problemKind<{ directory: string; volumes: string[] }>({
    meaning: "The state directory of local volumes isn't the one that has the stack's volumes: its disk isn't mounted.",
    message: ({ directory, volumes }) =>
      `${directory} is another state directory than the one that has ${volumes.map((each) => `"${each}"`).join(", ")}`,
    allowed: () => "the state directory that has this stack's volumes",
    fix: () =>
      "mount the disk that has it; if it is gone for good, take its volumes out of the state: `pulumi state delete`",
  }),

  // Docker
  "option-unknown": problemKind<{ option: string; options: string[]; nearest: string | undefined }>({
    meaning: "Docker was given an option that volumes don't have.",
    message: ({ option }) => `there is no option "${option}"`,
    allowed: ({ options }) => options.join(", "),
    fix: ({ option, nearest }) => (nearest ? `did you mean "${nearest}"?` : `leave "${option}" out`),
  }),
  "volume-differs": problemKind<{ name: string; what: string; has: string; asked: string; command: string }>({
    meaning: "Docker asks for a volume with another profile or size than it has. That is never passed over.",
    message: ({ name, what, has, asked }) => `"${name}" has ${what} ${has}, and ${asked} was asked for`,
    allowed: ({ name, what, has }) => (what === "profile" ? `"${name}" or "${name}@${has}"` : has),
    fix: ({ what, command }) =>
      what === "profile"
        ? `to change it, run \`${command}\`, or start the plugin with --on-profile-change=apply`
        : `to change it, ${command}`,
  }),
  "volume-in-use": problemKind<{ name: string; users: string[] }>({
    meaning: "A volume can't be removed, because containers use it.",
    message: ({ name, users }) => `"${name}" is in use by ${listed(users)}`,
    allowed: () => "a volume that no container uses",
    fix: () => "stop those first",
  }),
  "volume-not-made": problemKind<{ name: string; because: string }>({
    meaning: "An `up` is over, and the volume that was asked for isn't there.",
    message: ({ name, because }) => `there is no volume "${name}" after the \`up\`: ${because}`,
    allowed: () => "a program that declares the volumes of the stack's config (`volumesOfStack()`)",
    fix: () => "have the program declare them, as stacks/index.ts does",
  }),
  "removal-unfinished": problemKind<{ name: string }>({
    meaning: "A volume that Docker asks for is about to be deleted: its removal was interrupted.",
    message: ({ name }) => `"${name}" is being removed: its removal was interrupted, and the next \`up\` deletes it`,
    allowed: () => "a volume that is declared",
    fix: ({ name }) =>
      `run \`docker volume rm ${name}\` again, or keep the volume and its data: declare it in the stack's config`,
  }),
  "not-on-this-machine": problemKind<{ name: string; backend: string; because: string }>({
    meaning: "The backend's volumes can't be had on the machine that Docker runs on.",
    message: ({ name, backend, because }) => `"${name}" can't be mounted here from backend ${backend}: ${because}`,
    allowed: () => "a backend whose volumes this machine can mount",
    fix: () => "see docs/docker.md",
  }),
  "time-is-up": problemKind<{ seconds: number; waitsFor: string }>({
    meaning: "A call of Docker took longer than it may. What it waits for goes on, and the next call finds it.",
    message: ({ seconds, waitsFor }) => `not done after ${seconds} s: still waiting for ${waitsFor}`,
    allowed: ({ seconds }) => `${seconds} s`,
    fix: () => "try again when that is done; the plugin's log says how it goes on",
  }),
  "call-broken-off": problemKind<Record<string, never>>({
    meaning:
      "The plugin was stopped or killed in the middle of a call. Docker calls again, but without saying what for.",
    message: () => "the plugin went away in the middle of the call, and Docker doesn't say any more what it asked for",
    allowed: () => "a call with the volume's name",
    fix: () => "do it again: what was begun is finished then",
  }),
  "socket-in-use": problemKind<{ socket: string }>({
    meaning: "Another plugin answers at the socket already.",
    message: ({ socket }) => `another plugin answers at ${socket}`,
    allowed: () => "one plugin of a name on a machine",
    fix: () => "stop the other one, or give this one another --name",
  }),

  // Changes of a volume that exists
  "change-shrinks": problemKind<{ from: number; to: number }>({
    meaning: "The volume would shrink. That is always refused: it would destroy data.",
    message: ({ from, to }) => `the volume has ${count(from)} GiB and would shrink to ${count(to)} GiB`,
    allowed: ({ from }) => `${count(from)} GiB or more`,
    fix: ({ from }) =>
      `ask for ${count(from)} GiB or more; for a smaller one declare a new volume, copy the data, and destroy this one`,
  }),
  "change-of-backend": problemKind<{ from: string; to: string }>({
    meaning: "The volume would move to another backend.",
    message: ({ from, to }) => `the volume lives on ${from} and would move to ${to}, without its data`,
    allowed: ({ from }) => from,
    fix: ({ to }) => `declare a new volume with backend "${to}", copy the data, and destroy this one`,
  }),
  "change-not-possible": problemKind<{ setting: string; from: string; to: string; because: string; way: string }>({
    meaning: "The backend can't change this setting of a volume that exists.",
    message: ({ setting, from, to, because }) => `"${setting}" can't go from ${from} to ${to}: ${because}`,
    allowed: ({ from }) => from,
    fix: ({ way }) => way,
  }),
  "modification-too-early": problemKind<{ id: string; because: string }>({
    meaning:
      "EC2 doesn't take another modification of the volume now. Size, type, IOPS and throughput are as they were.",
    message: ({ id, because }) => `EC2 doesn't take another modification of ${id} now: ${because}`,
    allowed: () => "at most four modifications in 24 hours, and none before the last one is completed",
    fix: ({ id }) =>
      `see how far it is (aws ec2 describe-volumes-modifications --volume-ids ${id}), and run \`pulumi up --refresh\` later`,
  }),
  "creation-unanswered": problemKind<{ name: string }>({
    meaning:
      "EC2 didn't answer a request to create a volume, or the wait for the volume broke off. There may be one that no state has.",
    message: () =>
      "EC2 may have created the volume, though no answer came: no state has it then, and the next `up` creates another",
    allowed: () => "a volume that the state has",
    fix: ({ name }) =>
      `look for it (aws ec2 describe-volumes --filters Name=tag:Name,Values=${name} Name=status,Values=available); if it is there, ` +
      "take it over with `import`, or delete it, before the next `pulumi up`",
  }),
  "attached-twice": problemKind<{ volume: string; other: string; because: string; ways: string[] }>({
    meaning: "A volume would be attached to a second host, which it isn't made for.",
    message: ({ volume, other, because }) => `"${volume}" is attached by "${other}" already: ${because}`,
    allowed: () => "one attachment of the volume",
    fix: ({ ways }) => either(ways),
  }),

  // A stack from outside its program
  "project-missing": problemKind<{ directory: string }>({
    meaning: "There is no Pulumi project where one is looked for.",
    message: ({ directory }) => `there is no Pulumi.yaml in ${directory} or above it`,
    allowed: () => "a directory of a Pulumi project",
    fix: () =>
      "go to the project's directory, or name it (--cwd); `storage-profiles init` makes a stack's config in one",
  }),
  "project-not-readable": problemKind<{ why: string }>({
    meaning: "Pulumi.yaml can't be read.",
    message: ({ why }) => `can't be read: ${why}`,
    allowed: () => "a Pulumi project: YAML with `name` and `runtime`",
    fix: () => "correct the file",
  }),
  "stack-not-named": problemKind<{ stacks: string[] }>({
    meaning: "No stack is named, and none is selected.",
    message: () => "it isn't said which stack is meant",
    allowed: ({ stacks }) => (stacks.length > 0 ? listed(stacks) : "a stack of the project"),
    fix: () => "name it (--stack), set PULUMI_STACK, or select it with `pulumi stack select`",
  }),
  "stack-name-invalid": problemKind<Record<string, never>>({
    meaning: "The name of a stack is not one that Pulumi allows.",
    message: () => "it is no name of a stack",
    allowed: () =>
      "`stack`, `organization/stack` or `organization/project/stack`, of letters, digits, `.`, `_` and `-`",
    fix: () => "correct the name",
  }),
  "stack-unknown": problemKind<{ stack: string; stacks: string[]; nearest: string | undefined }>({
    meaning: "The engine knows no stack of this name.",
    message: ({ stack }) => `there is no stack "${stack}"`,
    allowed: ({ stacks }) => (stacks.length > 0 ? listed(stacks) : "a stack that was made with `pulumi stack init`"),
    fix: ({ stack, nearest }) =>
      nearest === undefined ? `make it: \`pulumi stack init ${stack}\`` : `did you mean "${nearest}"?`,
  }),
  "file-not-parsed": problemKind<{ why: string }>({
    meaning: "A stack's config file is no YAML. Nothing of it is read, and it is not changed.",
    message: ({ why }) => `can't be read: ${why}`,
    allowed: () => "a YAML file with a map of keys below `config`",
    fix: () => "correct the line",
  }),
  "config-changed": problemKind<{ tag: string; ifTag: string }>({
    meaning: "The stack's config file is another than the one that the edit was made for.",
    message: ({ tag, ifTag }) => `the file was changed meanwhile: its tag is ${tag}, and no longer ${ifTag}`,
    allowed: () => "the tag of the file as it is",
    fix: () => "read it again, and make the edit on what it says now",
  }),
  "config-busy": problemKind<{ seconds: number; lock: string }>({
    meaning: "The stack's config file stayed locked by others who edit it.",
    message: ({ seconds }) => `others were editing the file for ${count(seconds)} seconds`,
    allowed: () => "one edit at a time",
    fix: ({ lock }) => `try again; where nobody edits it, remove ${lock}`,
  }),
  "config-not-written": problemKind<{ why: string }>({
    meaning: "The stack's config file can't be written. It is as it was.",
    message: ({ why }) => `can't be written: ${why}`,
    allowed: () => "a file that may be written, in a directory where files may be made",
    fix: () => "give the rights, or make room",
  }),
  "edited-twice": problemKind<{ what: string }>({
    meaning: "Two edits that are to be made together are of the same profile or volume.",
    message: ({ what }) => `there are two edits of ${what}`,
    allowed: () => "one edit of each profile and volume at a time",
    fix: () => "make it one edit, or make them one after the other",
  }),
  "edit-not-possible": problemKind<{ why: string }>({
    meaning: "The stack's config file is written in a way in which one value can't be changed without others.",
    message: ({ why }) => `can't be changed as it is written: ${why}`,
    allowed: () => "plain keys with values of their own",
    fix: () => "make this edit by hand",
  }),
  "profile-in-use": problemKind<{ profile: string; volumes: string[]; profiles: string[] }>({
    meaning: "A profile is to be removed that volumes have, or that other profiles extend.",
    message: ({ profile, volumes, profiles }) =>
      `"${profile}" is used by ${[
        volumes.length > 0 ? `${volumes.length === 1 ? "volume" : "volumes"} ${listed(volumes)}` : "",
        profiles.length > 0 ? `${profiles.length === 1 ? "profile" : "profiles"} ${listed(profiles)}` : "",
      ]
        .filter((each) => each !== "")
        .join(" and by ")}`,
    allowed: () => "a profile that no volume has and no profile extends",
    fix: ({ volumes }) =>
      volumes.length > 0
        ? "give those volumes another profile and apply that first"
        : "let those profiles extend another first",
  }),
  "profile-not-own": problemKind<{
    profile: string;
    profiles: string[];
    isBuiltIn: boolean;
    nearest: string | undefined;
  }>({
    meaning: "A profile is to be removed that the stack's file doesn't define.",
    message: ({ profile, isBuiltIn }) =>
      isBuiltIn
        ? `"${profile}" is built in, and the stack's file doesn't redefine it`
        : `there is no profile "${profile}"`,
    allowed: ({ profiles }) => (profiles.length > 0 ? listed(profiles) : "no profile: the stack's file defines none"),
    fix: ({ nearest }) =>
      nearest === undefined ? "name a profile that the stack's file defines" : `did you mean "${nearest}"?`,
  }),
  "volume-unknown": problemKind<{ volume: string; volumes: string[]; nearest: string | undefined }>({
    meaning: "There is no volume of this name.",
    message: ({ volume }) => `there is no volume "${volume}"`,
    allowed: ({ volumes }) => (volumes.length > 0 ? listed(volumes) : "no volume: the stack has none"),
    fix: ({ nearest }) => (nearest === undefined ? "name a volume of the stack" : `did you mean "${nearest}"?`),
  }),
  "volume-ambiguous": problemKind<{ volume: string; urns: string[] }>({
    meaning: "Several volumes of the stack have the name.",
    message: ({ volume, urns }) => `${urns.length} volumes are named "${volume}"`,
    allowed: ({ urns }) => urns.join(", "),
    fix: () => "select one by its URN, in place of the name",
  }),
  "deletion-not-requested": problemKind<{ volume: string; isReplaced: boolean }>({
    meaning: "The engine would delete or replace a volume that nobody asked to delete. Nothing is applied.",
    message: ({ volume, isReplaced }) =>
      isReplaced
        ? `the engine would replace "${volume}" with an empty volume`
        : `the engine would delete "${volume}" with its data: it is no longer declared`,
    allowed: () => "deleting volumes that are named for deletion",
    fix: ({ volume, isReplaced }) =>
      isReplaced
        ? `see what replaces it: pulumi preview --diff. To keep "${volume}", take that change back`
        : `declare "${volume}" again; if its data may go: npx storage-profiles apply --remove ${volume}`,
  }),
  "volume-protected": problemKind<{ volume: string }>({
    meaning: "A volume is to be removed that is protected against deletion.",
    message: ({ volume }) => `"${volume}" is protected against deletion`,
    allowed: () => "a volume whose protection was taken away",
    fix: ({ volume }) =>
      `if its data may go: set \`deletionProtection: false\` for "${volume}", apply that, then remove it`,
  }),
  "volume-declared": problemKind<{ volume: string; by: string }>({
    meaning: "A volume is to be deleted that is still declared.",
    message: ({ volume, by }) => `"${volume}" is declared by ${by}`,
    allowed: () => "a volume that nothing declares any more",
    fix: ({ by }) => `take it out of ${by} first`,
  }),
  "volume-of-program": problemKind<{ volume: string }>({
    meaning: "The profile of a volume is to be changed in the config, and the program says it.",
    message: ({ volume }) => `the program declares "${volume}" itself, with its profile and its size`,
    allowed: () => "a volume that the stack's config lists",
    fix: ({ volume }) =>
      `change \`new ProfiledVolume("${volume}@…")\` in the program; what its profile means is in the config`,
  }),
  "engine-missing": problemKind<{ why: string }>({
    meaning: "The Pulumi CLI can't be run.",
    message: ({ why }) => `the Pulumi CLI can't be run: ${why}`,
    allowed: () => "the Pulumi CLI on PATH",
    fix: () => "install it: https://www.pulumi.com/docs/install/",
  }),
  "engine-failed": problemKind<{ command: string; why: string }>({
    meaning: "The engine refused the operation or failed. The message includes its own error.",
    message: ({ command, why }) => `\`pulumi ${command}\` failed: ${why}`,
    allowed: () => "what the engine says",
    fix: () => "put right what it says, and try again",
  }),
  "state-not-readable": problemKind<{ why: string }>({
    meaning: "The engine's state is not in a form that is known here.",
    message: ({ why }) => `the state can't be read: ${why}`,
    allowed: () => "the form of `pulumi stack export`",
    fix: () => "use a release of storage-profiles that goes with this Pulumi",
  }),
  "stack-locked": problemKind<{ stack: string; holder: string; isDead: boolean }>({
    meaning: "Another run of the engine holds the stack's lock, or one that was killed has left it.",
    message: ({ holder, isDead }) =>
      isDead
        ? `a run that was killed has left its lock on the stack: ${holder}; no such process runs on this machine`
        : `another run holds the stack's lock: ${holder}`,
    allowed: () => "one run at a time for a stack",
    fix: ({ stack, isDead }) =>
      isDead
        ? `remove its lock (pulumi cancel ${stack}), and run it again: what was begun is finished`
        : `wait until it is done. If it was killed, remove its lock: pulumi cancel ${stack}`,
  }),
  "operation-unknown": problemKind<Record<string, never>>({
    meaning: "There is no operation with this id.",
    message: () => "there is no such operation",
    allowed: () => "the id of an operation of this stack",
    fix: () => "list the operations; those that are long over are forgotten",
  }),
  "operation-not-resumable": problemKind<{ state: string }>({
    meaning: "An operation is to be run again that isn't over, or that succeeded.",
    message: ({ state }) => `the operation is ${state}`,
    allowed: () => "an operation that was interrupted, failed or was cancelled",
    fix: () => "wait for its end; what succeeded needs no other run",
  }),
  "operation-cancelled": problemKind<Record<string, never>>({
    meaning: "An operation was cancelled before it was done.",
    message: () => "it was cancelled",
    allowed: () => "an operation that may come to its end",
    fix: () => "apply again: what was begun is finished, and nothing is made twice",
  }),

  // The HTTP service
  "route-unknown": problemKind<{ method: string; methods: string[] }>({
    meaning: "The HTTP service has nothing at this address, or not for this method.",
    message: ({ method, methods }) =>
      methods.length > 0 ? `${method} isn't possible here` : "there is nothing at this address",
    allowed: ({ methods }) => (methods.length > 0 ? listed(methods) : "the routes of the OpenAPI document"),
    fix: () => "see /docs for all routes",
  }),
  "request-not-readable": problemKind<{ why: string; allowed: string }>({
    meaning: "An HTTP request can't be read: it is too big, no JSON, or cut off.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
    fix: () => "correct the request",
  }),
  "request-unauthenticated": problemKind<{ ways: string[] }>({
    meaning: "An HTTP request doesn't say who makes it, or says it wrongly.",
    message: () => "no valid credentials came with the request",
    allowed: ({ ways }) => either(ways),
    fix: () => "send one; `storage-profiles token` makes a token",
  }),
  "request-forbidden": problemKind<{ role: string; needed: string }>({
    meaning: "Who makes an HTTP request may not do this.",
    message: ({ role, needed }) => `it takes the role "${needed}", and yours is ${role === "" ? "none" : `"${role}"`}`,
    allowed: ({ needed }) => `the role "${needed}"`,
    fix: () => "ask whoever runs the service for a token or a certificate of that role",
  }),
  "request-foreign": problemKind<{ why: string; allowed: string }>({
    meaning: "An HTTP request seems to be made by a web page of somebody else.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
    fix: () => "open the service's own page, or use a client that is no browser",
  }),
  "request-too-many": problemKind<{ max: number; seconds: number; what: string }>({
    meaning: "Too many HTTP requests came from one client.",
    message: ({ what, max, seconds }) => `more than ${count(max)} ${what} in ${count(seconds)} seconds`,
    allowed: ({ what, max, seconds }) => `${count(max)} ${what} in ${count(seconds)} seconds`,
    fix: () => "wait as long as Retry-After says",
  }),
  "stack-not-served": problemKind<{ stack: string; stacks: string[]; nearest: string | undefined }>({
    meaning: "The HTTP service doesn't serve this stack.",
    message: ({ stack }) => `the stack "${stack}" isn't served here`,
    allowed: ({ stacks }) => listed(stacks),
    fix: ({ nearest }) => (nearest === undefined ? "name one of these" : `did you mean "${nearest}"?`),
  }),
  "volume-exists": problemKind<{ volume: string }>({
    meaning: "A volume is to be made, and one of its name is there.",
    message: ({ volume }) => `there is a volume "${volume}" already`,
    allowed: () => "a name that is free",
    fix: ({ volume }) => `choose another name, or change the one that is there: POST …/volumes/${volume}`,
  }),
  "operation-not-cancellable": problemKind<{ state: string }>({
    meaning: "An operation is to be cancelled that is over, or that another process runs.",
    message: ({ state }) => `the operation is ${state}, or another process runs it`,
    allowed: () => "an operation of this service that is queued or running",
    fix: () => "nothing is left to be cancelled here",
  }),
  "operations-too-many": problemKind<{ max: number }>({
    meaning: "So many operations wait for a stack that no other is taken.",
    message: ({ max }) => `${count(max)} operations wait already`,
    allowed: ({ max }) => `${count(max)} operations that wait`,
    fix: () => "wait for them, or write with apply=false and apply all at once",
  }),
  "service-failed": problemKind<{ id: string }>({
    meaning: "The HTTP service failed at a request, by a mistake of its own.",
    message: ({ id }) => `the service failed; its log says why, under request ${id}`,
    allowed: () => "a request that can be answered",
    fix: () => "tell whoever runs the service",
  }),
  "service-stopping": problemKind<Record<string, never>>({
    meaning: "The HTTP service is stopping.",
    message: () => "the service is stopping, and takes nothing new",
    allowed: () => "a service that runs",
    fix: () => "try again when it runs anew",
  }),
  "audit-not-written": problemKind<{ why: string }>({
    meaning: "The audit log can't be written, so nothing else is.",
    message: ({ why }) => `the audit log can't be written: ${why}`,
    allowed: () => "writes that are recorded",
    fix: () => "make room, or give the service the right to write its audit log",
  }),
  "listen-unsafe": problemKind<{ address: string; missing: string[] }>({
    meaning: "The HTTP service would listen where others reach it, without TLS or without authentication.",
    message: ({ address, missing }) => `others reach ${address}, and there is no ${missing.join(" and no ")}`,
    allowed: () => "loopback or a Unix socket; elsewhere TLS with tokens or client certificates",
    fix: () => "give --tls-cert and --tls-key, and --tokens or --client-ca; or listen on 127.0.0.1",
  }),
  "service-option-invalid": problemKind<{ why: string; allowed: string }>({
    meaning: "An option of the HTTP service is wrong, or a file that it names.",
    message: ({ why }) => why,
    allowed: ({ allowed }) => allowed,
    fix: () => "correct the option, or the file",
  }),
} as const;

export const noteKinds = {
  "size-rounded-up": noteKind<{ asked: string; sizeGiB: number; because: string }>({
    meaning: "The size was rounded up to what the backend can make.",
    message: ({ asked, sizeGiB, because }) => `${asked} is rounded up to ${count(sizeGiB)} GiB: ${because}`,
  }),
  "iops-raised": noteKind<{ wanted: number; min: number; profile: string }>({
    meaning: "The profile's own `iops.min` raised the IOPS.",
    message: ({ wanted, min, profile }) => `${count(wanted)} IOPS raised to ${count(min)}: iops.min of "${profile}"`,
  }),
  "iops-capped": noteKind<{ wanted: number; max: number; profile: string }>({
    meaning: "The profile's own `iops.max` capped the IOPS.",
    message: ({ wanted, max, profile }) => `${count(wanted)} IOPS capped at ${count(max)}: iops.max of "${profile}"`,
  }),
  "throughput-raised": noteKind<{ wanted: number; min: number; profile: string }>({
    meaning: "The profile's own `throughputMiBps.min` raised the throughput.",
    message: ({ wanted, min, profile }) =>
      `${count(wanted)} MiB/s raised to ${count(min)}: throughputMiBps.min of "${profile}"`,
  }),
  "throughput-capped": noteKind<{ wanted: number; max: number; profile: string }>({
    meaning: "The profile's own `throughputMiBps.max` capped the throughput.",
    message: ({ wanted, max, profile }) =>
      `${count(wanted)} MiB/s capped at ${count(max)}: throughputMiBps.max of "${profile}"`,
  }),
  "value-overridden": noteKind<{ setting: string; profile: string; from: unknown; to: unknown }>({
    meaning: "The profile and the volume both say a setting, and differ: the volume's counts.",
    message: ({ setting, profile, from, to }) =>
      `${setting}: ${show(to)} in place of ${show(from)}, which "${profile}" says`,
  }),
  "value-rounded-up": noteKind<{ from: number; to: number; unit: string; because: string }>({
    meaning: "A setting was rounded up to what the backend can do.",
    message: ({ from, to, unit, because }) =>
      `${count(from)} ${unit} is rounded up to ${count(to)} ${unit}: ${because}`,
  }),
  "type-chosen": noteKind<{ type: string; because: string }>({
    meaning: "`cheapest` chose a volume type.",
    message: ({ type, because }) => `"${type}" is chosen: ${because}`,
  }),
  "limits-not-enforced": noteKind<{ what: string; because: string }>({
    meaning: "Something that the profile or the volume asks for is recorded and not enforced.",
    message: ({ what, because }) => `${what} not enforced: ${because}`,
  }),
  "limits-need-mapping": noteKind<{ what: string }>({
    meaning: "ScaleIO keeps limits on the mapping of a volume to a host: without a mapping they are not in force.",
    message: ({ what }) =>
      `${what} come into force when the volume is mapped to an SDC: ScaleIO keeps them on the mapping`,
  }),
  "price-unknown": noteKind<{ because: string }>({
    meaning: "The monthly cost is not known.",
    message: ({ because }) => `the monthly cost is unknown: ${because}`,
  }),
  "price-without-requests": noteKind<{ what: string }>({
    meaning: "The monthly cost leaves out what is billed by use.",
    message: ({ what }) => `the monthly cost leaves out ${what}`,
  }),
  "limit-unsure": noteKind<{ what: string; because: string }>({
    meaning: "Sources disagree whether the backend makes this. It is tried, and not refused beforehand.",
    message: ({ what, because }) => `${what} may be refused: ${because}`,
  }),
  "modification-limit": noteKind<{ what: string }>({
    meaning: "The backend takes only so many changes of a volume in a time.",
    message: ({ what }) => what,
  }),
  "hard-to-change": noteKind<{ because: string }>({
    meaning: "The volume may not be changeable later.",
    message: ({ because }) => because,
  }),
  "not-checked": noteKind<{ what: string; because: string }>({
    meaning: "The backend didn't answer, so something was not checked beforehand.",
    message: ({ what, because }) => `${what} not checked beforehand: ${because}`,
  }),
  "left-over-adopted": noteKind<{ id: string }>({
    meaning: "A volume that was made for this declaration by a run that did not finish is taken up.",
    message: ({ id }) => `volume ${id} is of a run that did not finish; it is taken up, and not made anew`,
  }),
  "left-over-deleted": noteKind<{ id: string; isDone: boolean }>({
    meaning: "What is left of a creation that failed is deleted, and the volume made anew.",
    message: ({ id, isDone }) =>
      `volume ${id}, left in status "error" by a creation that failed, ${isDone ? "was" : "will be"} deleted, and the volume is made anew`,
  }),
  "retype-unsure": noteKind<{ because: string }>({
    meaning: "Cinder takes the change of type, and may not carry it out.",
    message: ({ because }) => `the type may stay as it is: ${because}`,
  }),
  "specs-not-reapplied": noteKind<{ type: string; volumes: string[]; total: number }>({
    meaning: "A volume type changes, and Cinder doesn't apply that to volumes that have the type already.",
    message: ({ type, volumes, total }) =>
      `${count(total)} ${total === 1 ? "volume has" : "volumes have"} type "${type}" and won't get the change until retyped to another type and back ` +
      `(front-end QoS: until attached anew): ${listed(volumes)}${total > volumes.length ? ", …" : ""}`,
  }),
  "compose-variable-unset": noteKind<{ variables: string[] }>({
    meaning: "A Compose file uses variables that are not set, and Compose takes as blank.",
    message: ({ variables }) => `not set, and taken as blank: ${listed(variables)}`,
  }),
  "compose-options-refused": noteKind<{ volume: string }>({
    meaning: "docker-compose 1 refuses a volume that exists already when its own declaration has `driver_opts`.",
    message: ({ volume }) =>
      `docker-compose 1 will refuse volume "${volume}" once it is made, because of its \`driver_opts\`; say the same by \`x-storage-profiles\``,
  }),
  "change-in-place": noteKind<{ setting: string; from: string; to: string }>({
    meaning: "A setting of a volume that exists changes in place; its data stays.",
    message: ({ setting, from, to }) => `${setting}: ${from} → ${to}, in place`,
  }),
  "change-migrates": noteKind<{ setting: string; from: string; to: string; because: string }>({
    meaning: "A setting changes, and the backend moves the data for it.",
    message: ({ setting, from, to, because }) => `${setting}: ${from} → ${to}, the backend moves the data: ${because}`,
  }),
  "change-of-cost": noteKind<{ from: string; to: string; difference: string }>({
    meaning: "What a change makes of the monthly cost.",
    message: ({ from, to, difference }) => `monthly cost: ${from} → ${to} (${difference})`,
  }),

  // How a volume stands
  "status-not-made": noteKind<Record<string, never>>({
    meaning: "A volume is declared, and isn't created yet.",
    message: () => "it is declared, and isn't created yet",
  }),
  "status-profile-changed": noteKind<{ from: string; to: string }>({
    meaning: "A volume is declared with another profile than the one that it last got.",
    message: ({ from, to }) => `its profile is "${to}" now, and it last got "${from}"`,
  }),
  "status-revision-changed": noteKind<{ profile: string; from: string; to: string }>({
    meaning: "The volume's profile was edited since the volume last got it.",
    message: ({ profile, from, to }) => `"${profile}" was edited since: it is ${to} now, and the volume got ${from}`,
  }),
  "status-declaration-changed": noteKind<{ what: string }>({
    meaning: "Something else about a volume is declared otherwise than it last got: its size, its place, a limit.",
    message: ({ what }) => `${what}, and not applied yet`,
  }),
  "taken-over": noteKind<{ id: string; from: string | undefined; then?: string; what: string[] }>({
    meaning: "A volume that exists is taken over with its data.",
    message: ({ id, from, then, what }) => {
      const whose = from === undefined ? "" : ` from ${from}, ${then ?? "which can then neither change nor delete it"}`;
      return `takes over ${id}${whose}: ${what.length > 0 ? what.join(", ") : "nothing else changes"}`;
    },
  }),
  "owner-unknown": noteKind<{ id: string; keeper: string }>({
    meaning: "The backend doesn't tell whether another stack has a volume that is taken over.",
    message: ({ id, keeper }) =>
      `${keeper} doesn't tell whether another stack has ${id}, which could then still change or delete it: ` +
      "take it out of that stack's state first (pulumi state delete)",
  }),
  "status-taken-over": noteKind<{ owner: string }>({
    meaning: "Another stack or resource has taken the volume over.",
    message: ({ owner }) => `it is now owned by ${owner}, which has taken it over`,
  }),
  "status-drifted": noteKind<{ what: string }>({
    meaning: "The volume isn't what it was made: somebody changed it on the backend.",
    message: ({ what }) => `it was changed on the backend: ${what}`,
  }),
  "environments-unseen": noteKind<{ environments: string[] }>({
    meaning:
      "The stack's file imports environments (Pulumi ESC). What they set only the engine knows, and answers hold without it.",
    message: ({ environments }) =>
      `what ${listed(environments)} sets (\`environment\` in the stack's file) isn't known here; \`pulumi preview\` shows what holds with it`,
  }),
  "status-follower-differs": noteKind<{ what: string }>({
    meaning:
      "A mapping of the volume has other limits than the volume: it was changed on the backend, or the last `up` did not get to it.",
    message: ({ what }) => `${what}: it was changed on the backend, or the last \`up\` did not get to it`,
  }),
  "status-not-possible": noteKind<{ what: string }>({
    meaning: "What is declared for the volume isn't possible.",
    message: ({ what }) => `what is declared isn't possible: ${what}`,
  }),
  "status-unfinished": noteKind<Record<string, never>>({
    meaning: "The last `up` did not finish the volume, so nobody knows how it stands.",
    message: () => "the last `up` did not finish it",
  }),
  "status-gone": noteKind<Record<string, never>>({
    meaning: "The volume is gone from the backend, as a refresh found.",
    message: () => "it is gone from the backend, or was never made there",
  }),
  "status-not-readable": noteKind<Record<string, never>>({
    meaning: "The state has a volume in a form that is not known here.",
    message: () => "what the state has of it can't be read",
  }),
} as const;

export type ProblemCode = keyof typeof problemKinds;
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
    allowed: kind.allowed(params),
    fix: kind.fix(params),
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
  return `  - ${p.path}: ${p.message} [${p.code}]${given}\n      allowed: ${p.allowed}\n      fix:     ${p.fix}`;
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

// One for all: to make one takes longer than everything else that resolving a volume does.
const numbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });

/** A number with thousands separators, as in "64,500". */
export function count(value: number): string {
  return numbers.format(value);
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

function beyond(min: number, max: number): string {
  return `allows ${count(min)} to ${count(max)}`;
}
