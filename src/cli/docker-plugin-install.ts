// `storage-profiles docker-plugin install` and `uninstall`: the plugin as a service of this machine.

import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

import { Command, Option } from "commander";

import { checkName, problem } from "..";
import { install, uninstall } from "../docker/install";
import { openProject } from "../stack";
import { StackError } from "../stack/errors";

interface Common {
  name: string;
  root: string;
  dryRun?: boolean;
}

interface Options extends Common {
  cwd?: string;
  stack?: string;
  environmentFile?: string;
  user?: string;
  onProfileChange: string;
}

const log = (line: string) => console.log(line);

/** The subcommands of `docker-plugin`. */
export function installCommands(): Command[] {
  const command = (name: string, description: string) =>
    new Command(name)
      .description(description)
      .option("--name <name>", "what Docker calls the driver", "storage-profiles")
      .option("--root <directory>", "writes below another directory than /; nothing is started then", "/")
      .option("--dry-run", "shows what would be done");
  return [
    command("install", "runs the plugin as a service of this machine (systemd)")
      .option("-C, --cwd <directory>", "the project's directory. Default: the working directory")
      .option("-s, --stack <name>", "the stack. Default: PULUMI_STACK, or the one that is selected")
      .option("--environment-file <path>", "a file of variables with what is secret: passphrase, credentials")
      .option("--user <name>", "who runs it, in place of root: then volumes can only be directories of this machine")
      .addOption(
        new Option("--on-profile-change <what>", "what becomes of a volume that is asked for with another profile")
          .choices(["refuse", "apply"])
          .default("refuse"),
      )
      .action((options: Options) => runInstall(options)),
    command("uninstall", "takes the service back: what install wrote, and nothing else").action((options: Common) =>
      uninstall(checked(options.name), { ...options, log }),
    ),
  ];
}

async function runInstall(options: Options): Promise<void> {
  const name = checked(options.name);
  const project = await openProject({ directory: options.cwd });
  const stack = project.stack(options.stack ?? (await project.defaultStackName()));
  const { environmentFile, user, onProfileChange } = options;
  const args = ["--cwd", project.directory, "--stack", stack.name, "--on-profile-change", onProfileChange];
  const home: Record<string, string> = user === undefined ? { HOME: homedir() } : {};
  const unit = {
    name,
    command: [process.execPath, realpathSync(process.argv[1] ?? "")],
    args,
    what: `stack ${stack.name} of project ${project.name}`,
    environment: { PATH: process.env["PATH"] ?? "", ...home },
    environmentFile: environmentFile === undefined ? undefined : path.resolve(environmentFile),
    user,
  };
  await install(unit, { ...options, log });
}

function checked(name: string): string {
  const [wrong] = checkName("volume", name, "--name");
  if (wrong)
    throw new StackError([problem("value-invalid", "--name", name, { why: wrong.message, allowed: wrong.allowed })]);
  return name;
}
