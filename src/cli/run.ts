// Runs a command line: parses it, runs the command, writes its answer as text or JSON, and gives the exit code.

import "../backends/registry";

import { basename } from "node:path";

import { Argument, Command, CommanderError, Option } from "commander";

import { formatProblems } from "../core/problems";
import { openProject, packageManifest, StackError, type Project } from "../stack";
import {
  exitCodeOf,
  exitCodes,
  textOf,
  UsageError,
  type Answer,
  type CommandSpec,
  type Context,
  type ExitCode,
  type Io,
} from "./context";
import { commands } from "./commands";
import { environmentNotes } from "../stack/status";
import { suggest } from "./completion";
import { isForMany, manyOptions } from "./many";
import { coloursFor, problemsText } from "./text";

export const NAME = "storage-profiles";

/** Runs a command line. Never throws for a user's mistake: that has an exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv[0] === "complete")
    return suggest(
      makeProgram(io, () => undefined),
      commands,
      argv.slice(argv[1] === "--" ? 2 : 1),
      io,
    );
  let code: ExitCode = "done";
  const program = makeProgram(io, (answered) => (code = answered));
  try {
    await program.parseAsync(withoutHelp(argv), { from: "user" });
    return exitCodes[code][0];
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : exitCodes.usage[0];
  }
}

/** The commands, as commander has them. */
export function makeProgram(io: Io, answered: (code: ExitCode) => void): Command {
  const program = new Command(NAME)
    .description(
      "Inspect, plan and apply the storage profiles and volumes of a Pulumi stack, from outside its program.",
    )
    .version(packageManifest().version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "Show the help of a command")
    .showHelpAfterError("Run with --help for usage.")
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, getOutHasColors: () => false, getErrHasColors: () => false })
    .addHelpText("after", `\nExit codes:\n${exitCodeLines().join("\n")}`);
  for (const spec of commands) program.addCommand(commandOf(spec, io, answered).copyInheritedSettings(program));
  return program;
}

// commander shows the general help for `help nope`; as a command of its own, `nope` is an error that names the nearest one.
function withoutHelp(argv: readonly string[]): string[] {
  const [first, name = ""] = argv;
  const isUnknown =
    first === "help" && /^\w/.test(name) && ![...commands, { name: "help" }].some((each) => each.name === name);
  return isUnknown ? [name] : [...argv];
}

/** The exit codes, a line each. */
export function exitCodeLines(): string[] {
  return Object.values(exitCodes).map(([code, what]) => `  ${String(code).padEnd(4)} ${what}`);
}

function commandOf(spec: CommandSpec, io: Io, answered: (code: ExitCode) => void): Command {
  const command = new Command(spec.name)
    .summary(spec.summary)
    .description(
      spec.description === undefined ? `${sentence(spec.summary)}.` : `${sentence(spec.summary)}. ${spec.description}`,
    );
  for (const { name, description } of spec.arguments ?? []) command.addArgument(new Argument(name, description));
  const options = [...(spec.options ?? []), ...(spec.many ? manyOptions : [])];
  for (const { flags, description, default: preset, choices, many } of options) {
    const option = new Option(flags, description);
    if (preset !== undefined) option.default(preset);
    if (choices) option.choices([...choices]);
    if (many) option.argParser(repeated);
    command.addOption(option);
  }
  if (spec.many)
    command.addOption(
      new Option(
        "-s, --stack <name>",
        "stack name, or a pattern ('prod-*', 'web/*'); may be repeated. Default: PULUMI_STACK, or the selected stack",
      ).argParser(repeated),
    );
  else if (spec.ofStack !== false)
    command.option("-s, --stack <name>", "stack name. Default: PULUMI_STACK, or the selected stack");
  command
    .option("--cwd <directory>", "run as if started in this directory")
    .option("--json", "print JSON")
    .option("--no-color", "disable colours, like NO_COLOR in the environment");
  const examples = spec.examples.map(([line, what]) => `  $ ${NAME} ${line}\n      ${what}`);
  command.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
  command.action(async () => {
    const context = contextOf(command, io);
    answered(await carryOut(spec, context, command));
  });
  return command;
}

const repeated = (value: string, before: string[] | undefined) => [...(before ?? []), value];

/** A context that knows whether the command has looked at a stack. */
interface RunContext extends Context {
  isOpen: () => boolean;
}

function contextOf(command: Command, io: Io): RunContext {
  const options = command.opts<Record<string, string | boolean | string[] | undefined>>();
  const cwd = typeof options["cwd"] === "string" ? options["cwd"] : io.cwd;
  let opened: Promise<Project> | undefined;
  let chosen: string | undefined;
  let isOpen = false;
  const project = () => {
    const { env, pulumi, journalDirectory } = io;
    opened ??= openProject({ directory: cwd, env, pulumi, journalDirectory });
    return opened;
  };
  return {
    args: command.args,
    options,
    io: { ...io, cwd },
    json: options["json"] === true,
    colours: coloursFor(io.isTerminal, io.env, options["color"] !== false),
    project,
    isOpen: () => isOpen,
    async stack() {
      const found = await project();
      chosen ??= textOf({ options }, "stack") ?? (await found.defaultStackName());
      const one = found.stack(chosen);
      isOpen = true;
      return one;
    },
  };
}

async function carryOut(spec: CommandSpec, context: RunContext, command: Command): Promise<ExitCode> {
  const { io, json, colours } = context;
  const write = ({ code = "done", text = "", problems = [], last = "", ...answer }: Answer): ExitCode => {
    if (json && answer.json !== undefined) {
      io.out(`${JSON.stringify(answer.json, null, 2)}\n`);
      return code;
    }
    if (text !== "") io.out(`${text}\n`);
    if (problems.length > 0) io.err(`${problemsText(problems, colours)}\n`);
    if (last !== "") io.out(`${last}\n`);
    return code;
  };
  try {
    const code = write(await (spec.many && isForMany(context) ? spec.many(context) : spec.run(context)));
    for (const line of await unseen(context)) io.err(`${line}\n`);
    return code;
  } catch (error) {
    if (error instanceof UsageError) return command.error(`error: ${error.message}`, { exitCode: 2 });
    if (error instanceof StackError) {
      const { code, problems } = error;
      const told = write({
        code: exitCodeOf(code),
        json: { error: { code, message: formatProblems(code, problems) }, problems },
        problems,
      });
      for (const line of await unseen(context)) io.err(`${line}\n`);
      return told;
    }
    if (error instanceof Error && error.name === "ServicePackageMissing") {
      io.err(`error: ${error.message}\n`);
      return "engine";
    }
    // A question that was answered with Ctrl-C.
    if (error instanceof Error && error.name === "ExitPromptError") return write({ code: "interrupted" });
    throw error;
  }
}

// What a command doesn't know: what environments set, and a config that isn't there. Whatever it has said holds without that.
async function unseen(context: RunContext): Promise<string[]> {
  if (!context.isOpen()) return [];
  const stack = await context.stack();
  const read = await stack.readConfig().catch(() => undefined);
  if (!read) return [];
  // Everything would look as if the program declared it, or nothing did.
  const isEmpty = read.tag === "none" && Object.keys(read.config).length === 0;
  const none = isEmpty ? [`stack ${stack.name} has no config file (${basename(stack.configFile)})`] : [];
  return [...none, ...environmentNotes(read).map(({ message }) => message)].map((message) => `note: ${message}`);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
