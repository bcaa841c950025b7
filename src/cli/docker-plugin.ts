// `storage-profiles docker-plugin`: serves Docker's volume driver protocol over a stack, until it is stopped.

import { Command, InvalidArgumentError, Option } from "commander";

import { DEFAULT_NAME, startPlugin } from "../docker/plugin";
import { openProject } from "../stack";
import { installCommands } from "./docker-plugin-install";

interface Options {
  cwd?: string;
  stack?: string;
  name: string;
  socket?: string;
  stateDirectory?: string;
  onProfileChange: "refuse" | "apply";
  timeLimit?: number;
}

export function dockerPluginCommand(): Command {
  const command = new Command("docker-plugin")
    .description("serves Docker's volume driver protocol: volumes of a stack for `docker run --volume-driver`")
    .option("-C, --cwd <directory>", "the project's directory. Default: the working directory")
    .option("-s, --stack <name>", "the stack. Default: PULUMI_STACK, or the one that is selected")
    .option("--name <name>", "what Docker calls the driver", DEFAULT_NAME)
    .option("--socket <path>", "the socket. Default: where Docker looks for it, /run/docker/plugins/<name>.sock")
    .option("--state-directory <path>", "where the plugin keeps what Docker told it")
    .addOption(
      new Option("--on-profile-change <what>", "what becomes of a volume that is asked for with another profile")
        .choices(["refuse", "apply"])
        .default("refuse"),
    )
    .option("--time-limit <seconds>", "the longest that any call may take. Docker itself waits 120 s", seconds)
    .addHelpText("after", "\nIt logs to standard error, and ends with SIGINT or SIGTERM, after what it has begun.")
    .action((options: Options) => run(options));
  for (const each of installCommands()) command.addCommand(each);
  return command;
}

async function run(options: Options): Promise<void> {
  const log = (line: string) => console.error(`${new Date().toISOString()} ${line}`);
  const project = await openProject({ directory: options.cwd });
  const stack = project.stack(options.stack ?? (await project.defaultStackName()));
  const plugin = await startPlugin({
    stack,
    name: options.name,
    socket: options.socket,
    stateDirectory: options.stateDirectory,
    onProfileChange: options.onProfileChange,
    timeLimitSeconds: options.timeLimit,
    log,
  });
  log(`serving stack ${stack.name} of project ${project.name} at ${plugin.socket}`);
  void plugin.ready.then(() => log("ready"));
  const signal = await new Promise<NodeJS.Signals>((done) => {
    for (const each of ["SIGINT", "SIGTERM"] as const) process.once(each, done);
  });
  log(`${signal}: stopping after what was begun`);
  await plugin.stop();
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0) || value > 86_400) throw new InvalidArgumentError("a time limit is a number of seconds above 0");
  return value;
}
