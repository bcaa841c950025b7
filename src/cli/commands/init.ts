// `init`: a first config for a stack, by a few questions or by flags.

import { backendNames, isBackend, type BackendName } from "../../backends/registry";
import { parseReference } from "../../core/reference";
import type { ConfigEdit, Stack } from "../../stack";
import { sizeOf, textOf, UsageError, type CommandSpec, type Context } from "../context";
import { planText } from "./plan";

interface Choices {
  backend: BackendName;
  /** What the backend must know of the place. */
  place: Record<string, string>;
  volume?: string | undefined;
  size?: string | undefined;
}

interface Question {
  option: string;
  key: string;
  message: string;
  /** What the flag is called for. */
  description: string;
  isNeeded: boolean;
}

// What each backend has to be told before it can make a volume.
const questions: Record<BackendName, readonly Question[]> = {
  aws: [
    {
      option: "zone",
      key: "availabilityZone",
      message: "Availability Zone (empty: the first of the provider's region)",
      description: "aws, openstack: the availability zone",
      isNeeded: false,
    },
  ],
  openstack: [
    {
      option: "zone",
      key: "availabilityZone",
      message: "Availability zone (empty: Cinder's own choice)",
      description: "aws, openstack: the availability zone",
      isNeeded: false,
    },
  ],
  scaleio: [
    {
      option: "domain",
      key: "protectionDomain",
      message: "Protection domain",
      description: "scaleio: the protection domain",
      isNeeded: true,
    },
    {
      option: "pool",
      key: "storagePool",
      message: "Storage pool",
      description: "scaleio: the storage pool",
      isNeeded: true,
    },
  ],
  local: [],
};

const flags = [
  ...new Map(
    Object.values(questions)
      .flat()
      .map((each) => [each.option, each]),
  ).values(),
];

export const init: CommandSpec = {
  name: "init",
  summary: "Create a stack's config, interactively or from flags",
  description: "Only keys of storage-profiles are written; existing keys stay unchanged. Never asks for credentials.",
  options: [
    { flags: "-b, --backend <name>", description: "backend of the volumes", choices: backendNames },
    {
      flags: "--volume <reference>",
      description: "first volume, for programs that declare the volumes listed in the config",
    },
    { flags: "--size <size>", description: "its size: a number of GiB, or with a unit" },
    ...flags.map(({ option, description }) => ({ flags: `--${option} <name>`, description })),
    { flags: "-y, --yes", description: "skip questions and use only the flags" },
  ],
  examples: [
    ["init", "answer a few questions"],
    ["init --stack dev --backend local --volume data@gold --size 10 --yes", "without questions"],
    ["init --stack prod --backend scaleio --domain domain1 --pool pool1 --yes", "for a ScaleIO array"],
  ],
  async run(context) {
    const isAsking = context.io.isTerminal && context.options["yes"] !== true && !context.json;
    const stack = await stackToInit(context, isAsking);
    const { config, tag, unreadable } = await stack.readConfig();
    const unread = unreadable.keys["backend"];
    if (unread) return { code: "problems", json: { problems: unread }, problems: unread };
    if (config.backend !== undefined && tag !== "none") {
      throw new UsageError(
        `${stack.configFile} already has a config (backend ${config.backend}); edit it, or use \`plan\` and \`apply\``,
      );
    }
    const choices = isAsking ? await ask(context) : given(context);
    const edits = editsOf(choices);
    const result = await stack.edit(edits, { ifTag: tag });
    if (result.problems.length > 0) return { code: "problems", json: { ...result }, problems: result.problems };
    const next = `Written to ${stack.configFile}. Next: run npx storage-profiles validate, then pulumi up or npx storage-profiles apply.`;
    return {
      json: { stack: stack.name, file: stack.configFile, ...result },
      text: `${planText({ ...result, touched: [] }, context.colours)}\n\n${next}`,
    };
  },
};

async function stackToInit(context: Context, isAsking: boolean): Promise<Stack> {
  if (textOf(context, "stack") !== undefined || !isAsking) return context.stack();
  const project = await context.project();
  const { input } = await import("@inquirer/prompts");
  const preset = await project.defaultStackName().catch(() => "dev");
  return project.stack(await input({ message: "Stack", default: preset }));
}

async function ask(context: Context): Promise<Choices> {
  const { input, select } = await import("@inquirer/prompts");
  const backend = (textOf(context, "backend") ??
    (await select({ message: "Backend of the volumes", choices: [...backendNames] }))) as BackendName;
  const place: Record<string, string> = {};
  for (const { option, key, message, isNeeded } of questions[backend]) {
    const answer = textOf(context, option) ?? (await input({ message, required: isNeeded }));
    if (answer !== "") place[key] = answer;
  }
  const volume =
    textOf(context, "volume") ??
    (await input({ message: "First volume, as name@profile (empty: none)", validate: isReference }));
  if (volume === "") return { backend, place };
  const size = textOf(context, "size") ?? (await input({ message: "Size in GiB, or with a unit", required: true }));
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
  for (const { option, key, isNeeded } of questions[backend]) {
    const value = textOf(context, option);
    if (value !== undefined) place[key] = value;
    else if (isNeeded) throw new UsageError(`backend ${backend} requires --${option}`);
  }
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
