// Finds a Pulumi project and its stacks.

import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";

import { z } from "zod";

import { isObject } from "../core/overlay";
import { joinPath, validate } from "../core/validate";
import { namespaced, PROJECT_FILES, readText, tagOf, valueKey } from "./read-config";
import { engineError, parseJson, runEngine, type Engine } from "./engine";
import { StackError, stackError } from "./errors";
import { keepReady, type ReadyEngines, type RuntimeSettings } from "./ready/keeper";
import { withoutCredentials } from "./redact";
import { makeStack } from "./stack";
import type { OpenOptions, Project, Stack, StateBackend } from "./types";
import { parseYaml } from "./patch-yaml";

const settingsSchema = z.object({
  name: z.string().min(1),
  stackConfigDir: z.string().optional(),
  runtime: z.union([z.string(), z.looseObject({ name: z.string() })]),
  main: z.string().optional(),
  config: z.union([z.record(z.string(), z.unknown()), z.string()]).nullish(),
});

/** What Pulumi.yaml says, as far as it matters here. */
export interface ProjectSettings extends RuntimeSettings {
  name: string;
  stackConfigDir?: string | undefined;
  config: Record<string, unknown>;
  /** Returns the file and line of one of our keys: "Pulumi.yaml:12". */
  placeOf: (path: string) => string;
  /** Changes with the file. */
  tag: string;
}

/** What everything of a project shares. */
export interface ProjectContext {
  project: Project;
  engine: Engine;
  journalDirectory: string;
  /** How Pulumi.yaml ends, and with it the stacks' files: `.yaml` or `.yml`. */
  ending: string;
  /** Reads Pulumi.yaml as it is now. */
  settings(): Promise<ProjectSettings>;
  /** The engines that are kept ready, if any are. */
  ready: ReadyEngines | undefined;
}

/** Finds the project whose Pulumi.yaml is in a directory or above it. Errors: `project-missing`, `project-not-readable`. */
export async function openProject(options: OpenOptions = {}): Promise<Project> {
  const { env = process.env, pulumi = "pulumi" } = options;
  const start = resolve(options.directory ?? process.cwd());
  const file = await findProject(start);
  if (file === undefined) throw stackError("project-missing", "Pulumi.yaml", undefined, { directory: start });
  const directory = dirname(file);
  const { name, stackConfigDir } = await readSettings(file);
  const configDirectory = stackConfigDir === undefined ? directory : resolve(directory, stackConfigDir);
  const stacks = new Map<string, Stack>();
  const engine: Engine = { pulumi, directory, env };
  const ending = extname(file);
  const stackNames = () => namesIn(configDirectory, ending);

  const project: Project = {
    name,
    directory,
    configDirectory,
    stackNames,
    async defaultStackName() {
      const named = env["PULUMI_STACK"];
      if (named !== undefined && named !== "") return named;
      const names = await stackNames();
      const selected = await selectedStack(engine).catch((error: unknown) => {
        if (names.length === 1) return undefined;
        throw error;
      });
      const only = names.length === 1 ? names[0] : undefined;
      const found = selected ?? only;
      if (found === undefined) throw stackError("stack-not-named", "stack", undefined, { stacks: names });
      return found;
    },
    stack(stackName) {
      const known = stacks.get(stackName);
      if (known) return known;
      if (!STACK_NAME.test(stackName)) throw stackError("stack-name-invalid", "stack", stackName, {});
      const made = makeStack(stackName, context);
      stacks.set(stackName, made);
      return made;
    },
    stateBackend: () => stateBackend(engine),
    keepReady({ log = () => undefined } = {}) {
      const kept = (context.ready ??= keepReady({ engine, settings: () => context.settings(), log }));
      kept.prepare();
      return {
        close() {
          kept.close();
          if (context.ready === kept) context.ready = undefined;
        },
      };
    },
  };
  const context: ProjectContext = {
    project,
    engine,
    ending,
    journalDirectory: options.journalDirectory ?? journalDirectoryOf(env),
    settings: () => readSettings(file),
    ready: undefined,
  };
  return project;
}

// Each part as Pulumi allows it; so nothing of a name is ever a path.
const PART = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}";
const STACK_NAME = new RegExp(`^(${PART}/){0,2}${PART}$`);

/** The Pulumi.yaml in a directory or above it. */
export async function findProject(start: string): Promise<string | undefined> {
  for (let at = start; ; at = dirname(at)) {
    const here = await readdir(at).catch((): string[] => []);
    const found = PROJECT_FILES.find((each) => here.includes(each));
    if (found !== undefined) return join(at, found);
    if (dirname(at) === at) return undefined;
  }
}

async function readSettings(file: string): Promise<ProjectSettings> {
  const refused = (why: string) => stackError("project-not-readable", file, undefined, { why });
  const text = (await readText(file)) ?? "";
  const { value, errors, lineOf } = parseYaml(text);
  const [wrong] = errors;
  if (wrong) throw refused(`line ${wrong.line}: ${wrong.message}`);
  const read = validate(settingsSchema, value, "");
  if (!read.value)
    throw refused(read.problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; "));
  const { config, name, ...rest } = read.value;
  // As a text it is the older name of `stackConfigDir`.
  const older = typeof config === "string" && { stackConfigDir: config };
  const given = isObject(config) ? config : {};
  const placeOf = (path: string) => {
    const [whole = "", own = ""] = /^[^:]+:([^.[]+)/.exec(path) ?? [];
    const key = [whole, own].find((each) => Object.hasOwn(given, each)) ?? whole;
    const below = valueKey(given[key]);
    return `${basename(file)}:${lineOf(joinPath("config", [key, ...(below ? [below] : [])]) + path.slice(whole.length))}`;
  };
  return { ...older, ...rest, name, config: namespaced(given, name), placeOf, tag: tagOf(text) };
}

async function namesIn(directory: string, ending: string): Promise<string[]> {
  const files = await readdir(directory).catch((): string[] => []);
  return (
    files
      .filter((file) => file.startsWith("Pulumi.") && file.endsWith(ending))
      .map((file) => file.slice("Pulumi.".length, -ending.length))
      // `Pulumi.<stack>.deploy.yaml` has the settings of Pulumi Deployments.
      .filter((name) => STACK_NAME.test(name) && !name.endsWith(".deploy"))
      .sort()
  );
}

async function selectedStack(engine: Engine): Promise<string | undefined> {
  const { code, stdout, stderr } = await runEngine(engine, ["stack", "--show-name"]);
  if (code === 0) return stdout.trim() || undefined;
  if (/no stack selected|no current stack|please select a stack|no stacks? /i.test(stderr)) return undefined;
  throw engineError("", "stack --show-name", stderr || stdout, []);
}

async function stateBackend(engine: Engine): Promise<StateBackend> {
  const ask = async (args: string[]): Promise<unknown> => {
    const { code, stdout } = await runEngine(engine, [...args, "--json"]);
    return code === 0 ? parseJson(stdout) : undefined;
  };
  try {
    const who = z.object({ url: z.string() }).safeParse(await ask(["whoami"]));
    if (!who.success) return { stacks: [], isMissing: false };
    const stacks = z.array(z.object({ name: z.string() })).safeParse(await ask(["stack", "ls"]));
    return {
      url: withoutCredentials(who.data.url),
      stacks: stacks.data?.map(({ name }) => name) ?? [],
      isMissing: false,
    };
  } catch (error) {
    if (error instanceof StackError && error.problems[0].code === "engine-missing")
      return { stacks: [], isMissing: true };
    throw error;
  }
}

/** The default folder for reports of operations. */
export function journalDirectoryOf(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_STATE_HOME"];
  return join(
    base !== undefined && base !== "" ? base : join(homedir(), ".local", "state"),
    "storage-profiles-operations",
  );
}
