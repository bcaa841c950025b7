// `completion`: the script for a shell; and what a shell then asks for while one types: commands, options, and the names of
// profiles, volumes and stacks.

import type { Command } from "commander";

import { openProject } from "../stack";
import { makeCatalog } from "../core/catalog";
import { UsageError, type Completes, type CommandSpec, type Io } from "./context";

const shells = ["bash", "zsh", "fish", "powershell"] as const;

export const completion: CommandSpec = {
  name: "completion",
  summary: "Print the shell completion script for commands, options and names",
  ofStack: false,
  arguments: [{ name: "<shell>", description: shells.join(", "), completes: shells }],
  examples: [
    [
      "completion bash > ~/.local/share/bash-completion/completions/storage-profiles",
      "install it for bash, where storage-profiles is on PATH; for zsh: source <(storage-profiles completion zsh)",
    ],
  ],
  async run(context) {
    const [shell = ""] = context.args;
    if (!shells.some((each) => each === shell))
      throw new UsageError(
        `unknown shell "${shell}"; choose ${shells.slice(0, -1).join(", ")} or ${shells.at(-1) ?? ""}`,
      );
    if (shell === "bash") return { text: BASH };
    const { RootCommand } = await import("@bomb.sh/tab");
    // It prints for itself.
    new RootCommand().setup("storage-profiles", "storage-profiles", shell);
    return {};
  },
};

// The library's script for bash needs the package bash-completion, and is lost at the "@" of a reference, where bash begins another word: bash
// then replaces only what follows it, its second argument.
const BASH = `# bash completion for storage-profiles
_storage_profiles() {
  local line=\${COMP_LINE:0:COMP_POINT} words word value
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  word=\${words[\${#words[@]} - 1]}
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    [[ $value != :* && $value == "$word"* ]] && COMPREPLY+=("\${value:\${#word} - \${#2}}")
  done < <(storage-profiles complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -o bashdefault -o default -F _storage_profiles storage-profiles`;

/** Prints what may stand where one types. Never fails: then nothing is suggested. */
export async function suggest(
  program: Command,
  specs: readonly CommandSpec[],
  words: readonly string[],
  io: Io,
): Promise<number> {
  const { RootCommand } = await import("@bomb.sh/tab");
  const names = await namesHere(words, io);
  const root = new RootCommand();
  const give = (completes: Completes) => (complete: (value: string, description: string) => void) => {
    for (const each of typeof completes === "string" ? names[completes] : completes) complete(each, "");
  };
  for (const command of program.commands) {
    const spec = specs.find(({ name }) => name === command.name());
    const added = root.command(command.name(), command.summary());
    for (const option of command.options) {
      const long = option.long?.slice(2) ?? "";
      const own = spec?.options?.find(({ flags }) => flags.includes(`--${long} `));
      const completes = long === "stack" ? "stack" : (own?.completes ?? own?.choices);
      if (option.required || option.optional)
        added.option(long, option.description, completes ? give(completes) : () => undefined);
      else added.option(long, option.description);
    }
    for (const { name, completes } of spec?.arguments ?? []) {
      if (completes) added.argument(name, give(completes), name.includes("..."));
    }
  }
  root.parse([...words]);
  return 0;
}

type Names = Record<"profile" | "volume" | "reference" | "stack", string[]>;

async function namesHere(words: readonly string[], { cwd, env, pulumi }: Io): Promise<Names> {
  const after = (...flags: string[]) => words.find((_, index) => flags.includes(words[index - 1] ?? ""));
  const names: Names = { profile: Object.keys(makeCatalog().profiles), volume: [], reference: [], stack: [] };
  try {
    const project = await openProject({ directory: after("--cwd") ?? cwd, env, pulumi });
    names.stack = await project.stackNames();
    const stack = project.stack(after("--stack", "-s") ?? (await project.defaultStackName()));
    const { catalog, config } = await stack.readConfig();
    names.profile = Object.keys(catalog.profiles);
    names.volume = Object.keys(config.volumes ?? {});
  } catch {
    // Without a stack there are the built-in profiles, and whatever was found until then.
  }
  const word = words.at(-1) ?? "";
  const volume = /^([^@]*)@/.exec(word)?.[1];
  names.reference = volume === undefined ? names.volume : names.profile.map((profile) => `${volume}@${profile}`);
  return names;
}
