// `init`: a first config for a stack, by a few questions or by flags.

import { backendNames, backends, isBackend, type BackendName } from "../../core/backend";
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
  summary: "Create a stack's config, interactively or from flags",
  description: "Only keys of storage-profiles are written; existing keys stay unchanged. Never asks for credentials.",
  options: [
    { flags: "-b, --backend <name>", description: "backend of the volumes", choices: backendNames },
    {
      flags: "--volume <reference>",
      description: "first volume, for programs that declare the volumes listed in the config",
    },
    { flags: "--size <size>", description: "its size: a number of GiB, or with a unit" },
    ...[...flags].map(([option, { backends: whose, description, choices }]) => ({
      flags: `--${option} <name>`,
      description: `${whose.join(", ")}: ${description}`,
      ...(choices && { choices }),
    })),
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
  for (const { option, key, message, isNeeded, choices } of backends[backend].questions) {
    const asked = async (): Promise<string> =>
      choices ? select<string>({ message, choices: [...choices] }) : input({ message, required: isNeeded });
    const answer = textOf(context, option) ?? (await asked());
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
  for (const { option, key, isNeeded } of backends[backend].questions) {
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
