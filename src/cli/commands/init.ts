// `init`: a first config for a stack, by a few questions or by flags; and what the folder lacks besides: Pulumi.yaml, a program.

import { backendNames, backends, isBackend, type BackendName } from "../../core/backend";
import { parseReference } from "../../core/reference";
import {
  createMissingFiles,
  findProject,
  hasPackage,
  lacksSdk,
  languages,
  packageManifest,
  type ConfigEdit,
  type Language,
  type Project,
  type Stack,
} from "../../stack";
import { sizeOf, textOf, UsageError, type CommandSpec, type Context } from "../context";
import { diffText, volumePlanText } from "./plan-text";

interface Choices {
  backend: BackendName;
  /** What the backend must know of the place. */
  place: Record<string, string>;
  volume?: string | undefined;
  size?: string | undefined;
}

// What the backends have to be told before they can make a volume; one option for what several of them call the same.
const flags = new Map<string, { backends: string[]; description: string; choices?: readonly string[] | undefined }>();
for (const backend of backendNames)
  for (const { option, description, choices } of backends[backend].questions) {
    const flag = flags.get(option) ?? { backends: [], description, choices };
    flag.backends.push(backend);
    flags.set(option, flag);
  }

export const init: CommandSpec = {
  name: "init",
  summary: "Create a stack's config, interactively or from flags; in an empty folder a project and its program too",
  description:
    "Writes Pulumi.yaml and a program where the folder has none. In a stack's file only keys of storage-profiles are written; " +
    "existing keys and files stay unchanged. Never asks for credentials.",
  options: [
    { flags: "-b, --backend <name>", description: "backend of the volumes", choices: backendNames },
    {
      flags: "--volume <reference>",
      description: "first volume, for programs that declare the volumes listed in the config",
    },
    { flags: "--size <size>", description: "size of the first volume: a number of GiB, or with a unit" },
    ...[...flags].map(([option, { backends: whose, description, choices }]) => ({
      flags: `--${option} <name>`,
      description: `${whose.join(", ")}: ${description}`,
      ...(choices && { choices }),
    })),
    {
      flags: "--language <name>",
      description:
        "language of the program that is written where the folder has none; default: TypeScript or JavaScript, as the folder has it",
      choices: languages,
    },
    { flags: "-y, --yes", description: "skip questions and use only the flags" },
  ],
  examples: [
    ["init", "answer a few questions"],
    ["init --stack dev --backend local --volume data@gold --size 10 --yes", "without questions"],
    ["init --stack dev --language python --backend local --yes", "with a program in Python; also: yaml, go"],
    ["init --stack prod --backend scaleio --domain domain1 --pool pool1 --yes", "for a ScaleIO array"],
  ],
  async run(context) {
    const isAsking = context.io.isTerminal && context.options["yes"] !== true && !context.json;
    // A wrong call creates nothing.
    const flagged = isAsking ? undefined : given(context);
    const early = flagged && editsOf(flagged);
    const create = async () => {
      const created = await createMissingFiles(context.io.cwd, textOf(context, "language") as Language | undefined);
      for (const file of created) if (!context.json) context.io.out(`Created ${file}\n`);
      return created;
    };
    const created = (await findProject(context.io.cwd)) === undefined ? await create() : [];
    const stack = await stackToInit(context, isAsking);
    const { config, tag, unreadable } = await stack.readConfig();
    const unread = unreadable.keys["backend"];
    if (unread) return { code: "problems", json: { problems: unread }, problems: unread };
    if (config.backend !== undefined && tag !== "none") {
      throw new UsageError(
        `${stack.configFile} already has a config (backend ${config.backend}); edit it, or use \`plan\` and \`apply\``,
      );
    }
    created.push(...(await create()));
    const choices = flagged ?? (await ask(context));
    const edits = early ?? editsOf(choices);
    const result = await stack.edit(edits, { ifTag: tag });
    if (result.problems.length > 0) return { code: "problems", json: { ...result }, problems: result.problems };
    const next = await nextSteps(await context.project(), stack, choices.backend, context);
    return {
      json: { stack: stack.name, file: stack.configFile, created, ...result, next },
      text: [
        ...diffText(result.diff, context.colours),
        ...result.touched.map((each) => volumePlanText(each, context.colours)),
        [`Written to ${stack.configFile}. Next:`, ...next.map((line) => `  ${line}`)].join("\n"),
      ].join("\n\n"),
    };
  },
};

// What is left to do before the stack's volumes are there, as commands.
async function nextSteps(project: Project, stack: Stack, backend: BackendName, { io }: Context): Promise<string[]> {
  const steps: string[] = [];
  const missing = packagesFor(backend).filter(({ name }) => !hasPackage(project.directory, name));
  if (missing.length > 0) steps.push(`npm install ${missing.map(({ spec }) => spec).join(" ")}`);
  if (await lacksSdk(project.directory)) {
    steps.push(
      `pulumi package add ./node_modules/${packageManifest().name}   # generates its SDK for the program`,
      "pulumi install",
    );
  }
  const state = await project.stateBackend();
  if (state.isMissing) steps.push("install the Pulumi CLI: https://www.pulumi.com/docs/install");
  if (state.url === undefined)
    steps.push("pulumi login          # or, with the state in files on this machine: pulumi login --local");
  const isSelfManaged = state.url === undefined || !/^https?:/.test(state.url);
  const hasPassphrase = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"].some(
    (each) => io.env[each] !== undefined,
  );
  if (isSelfManaged && !hasPassphrase)
    steps.push(
      "export PULUMI_CONFIG_PASSPHRASE=…   # encrypts the stack's secrets; only for state in files or buckets",
    );
  if (!state.stacks.includes(stack.name)) {
    steps.push(`pulumi stack init ${stack.name}${state.url === undefined ? "" : `   # state: ${state.url}`}`);
  }
  return [...steps, `pulumi up --stack ${stack.name}`];
}

// This package, the SDK, and the provider's package, where the backend has one.
function packagesFor(backend: BackendName): { name: string; spec: string }[] {
  const { peerDependencies } = packageManifest();
  return ["storage-profiles", "@pulumi/pulumi", `@pulumi/${backend}`].flatMap((name) => {
    const range = name === "storage-profiles" ? "" : peerDependencies[name];
    if (range === undefined) return [];
    const major = /\d+/.exec(range)?.[0];
    return { name, spec: major === undefined ? name : `${name}@${major}` };
  });
}

async function stackToInit(context: Context, isAsking: boolean): Promise<Stack> {
  if (textOf(context, "stack") !== undefined) return context.stack();
  const project = await context.project();
  const preset = await project.defaultStackName().catch(() => "dev");
  if (!isAsking) return project.stack(preset);
  const { input } = await import("@inquirer/prompts");
  return project.stack(await input({ message: "Stack", default: preset }));
}

async function ask(context: Context): Promise<Choices> {
  const { input, select } = await import("@inquirer/prompts");
  const backend = (textOf(context, "backend") ??
    (await select({ message: "Backend", choices: [...backendNames] }))) as BackendName;
  const place: Record<string, string> = {};
  for (const { option, key, message, isNeeded, choices } of backends[backend].questions) {
    const asked = async (): Promise<string> =>
      choices ? select<string>({ message, choices: [...choices] }) : input({ message, required: isNeeded });
    const answer = textOf(context, option) ?? (await asked());
    if (answer !== "") place[key] = answer;
  }
  const volume =
    textOf(context, "volume") ??
    (await input({ message: "First volume, as name@profile (empty for none)", validate: isReference }));
  if (volume === "") return { backend, place };
  const size =
    textOf(context, "size") ??
    (await input({ message: "Size in GiB, or with a unit (1.5TiB)", default: "4", required: true }));
  return { backend, place, volume, size };
}

function isReference(text: string): true | string {
  const [first] = text === "" ? [] : parseReference(text).problems;
  return first ? [first.message, first.fix].filter((text) => text !== "").join("; ") : true;
}

function given(context: Context): Choices {
  const backend = textOf(context, "backend");
  if (backend === undefined || !isBackend(backend))
    throw new UsageError(`no backend selected; pass --backend ${backendNames.join("|")}`);
  const place: Record<string, string> = {};
  for (const { option, key, isNeeded } of backends[backend].questions) {
    const value = textOf(context, option);
    if (value !== undefined) place[key] = value;
    else if (isNeeded) throw new UsageError(`backend ${backend} requires --${option}`);
  }
  const own = new Set(backends[backend].questions.map(({ option }) => option));
  const others = backendNames.flatMap((each) => backends[each].questions.map(({ option }) => option));
  const foreign = others.find((option) => !own.has(option) && textOf(context, option) !== undefined);
  if (foreign !== undefined) throw new UsageError(`--${foreign} doesn't apply to backend ${backend}`);
  const [volume, size] = [textOf(context, "volume"), textOf(context, "size")];
  if (size !== undefined && volume === undefined) throw new UsageError("--size requires --volume");
  return { backend, place, volume, size };
}

function editsOf({ backend, place, volume, size }: Choices): ConfigEdit[] {
  const edits: ConfigEdit[] = [{ kind: "set-value", name: "backend", value: backend }];
  if (Object.keys(place).length > 0) edits.push({ kind: "set-value", name: backend, value: place });
  if (volume === undefined) return edits;
  const { reference, problems } = parseReference(volume);
  if (!reference) throw new UsageError(`--volume ${volume}: ${problems[0]?.message ?? "invalid reference"}`);
  const profile = volume.includes("@") ? { profile: reference.profile } : {};
  return [...edits, { kind: "set-volume", name: reference.name, volume: { ...profile, ...sizeOf(size) } }];
}
