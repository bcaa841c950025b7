// `validate`: every problem of every stack's file.

import { relative } from "node:path";

import type { Problem } from "../../core/problems";
import { isInSharedFile } from "../../core/origin";
import { StackError, type Stack } from "../../stack";
import { PROJECT_FILES } from "../../stack/read-config";
import { environmentNotes } from "../../stack/status";
import { textOf, type CommandSpec } from "../context";
import { runMany, type Part } from "../many";
import { distinct } from "../text";

export const validate: CommandSpec = {
  name: "validate",
  summary: "Check the config of all stacks, or of one stack",
  description: "Runs the same checks as preview, without Pulumi: keys, profiles, and each volume listed in the config.",
  examples: [
    ["validate", "check all stacks that have a config file"],
    ["validate --all", "check all stacks of the projects below this directory"],
    ["validate --stack prod --json", "check one stack, with JSON output"],
  ],
  async run(context) {
    const project = await context.project();
    const named = textOf(context, "stack");
    const names = named === undefined ? await project.stackNames() : [named];
    if (named !== undefined) await project.stack(named).checkKnown();
    const stacks = await Promise.all(names.map((name) => checked(project.stack(name))));
    const { bold, green, red, dim } = context.colours;
    const text = stacks.map(({ file, problems, volumes, notes }) => {
      const count = problems.length;
      const found = count === 0 ? green("no problems") : red(count === 1 ? "1 problem" : `${count} problems`);
      const line = `${bold(file)}: ${found} ${dim(`(${volumes} ${volumes === 1 ? "volume" : "volumes"})`)}`;
      return [line, ...notes.map(({ message }) => `  note: ${message}`)].join("\n");
    });
    // Report the problems of a shared file once.
    const problems = distinct(
      stacks.flatMap((each) =>
        each.problems.map((one) => ({
          ...one,
          path: names.length > 1 && !isPlaced(one) ? `${each.file}: ${one.path}` : one.path,
        })),
      ),
    );
    return {
      code: problems.length > 0 ? "problems" : "done",
      json: { stacks },
      text: stacks.length > 0 ? text.join("\n") : `No stack config file in ${project.configDirectory}.`,
      problems,
    };
  },
  many: (context) => runMany({ head: ["FILE", "VOLUMES", "RESULT"], each: partOf }, context),
};

// Every problem of a stack's file; also why it can't be read.
async function checked({ name, project, configFile, ...stack }: Stack) {
  const file = relative(project.directory, configFile);
  try {
    const read = await stack.readConfig();
    const { problems, tag, config } = read;
    const volumes = Object.keys(config.volumes ?? {}).length;
    return { stack: name, file, tag, problems, volumes, notes: environmentNotes(read) };
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    return { stack: name, file, problems: [...error.problems], volumes: 0, notes: [] };
  }
}

async function partOf(stack: Stack): Promise<Part> {
  const json = await checked(stack);
  const { file, volumes, problems } = json;
  const found = problems.length === 0 ? "no problems" : `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  return { code: problems.length > 0 ? "problems" : "done", json, rows: [[file, `${volumes}`, found]], problems };
}

const isPlaced = ({ path }: Problem) =>
  isInSharedFile(path) || PROJECT_FILES.some((file) => path.startsWith(`${file}:`));
