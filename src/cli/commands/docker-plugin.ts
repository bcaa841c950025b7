// `docker-plugin`: serves Docker's volume driver protocol over a stack until it is stopped; `install` and `uninstall` have systemd do that.

import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";

import { checkName, problem } from "../..";
import { passedSocket } from "../../docker/socket";
import { missingVariables } from "../../docker/unit";
import { StackError } from "../../stack";
import { textOf, UsageError, type Answer, type CommandSpec, type Context } from "../context";

const whats = ["serve", "install", "uninstall"] as const;

export const dockerPlugin: CommandSpec = {
  name: "docker-plugin",
  summary: "Serve a stack's volumes to Docker: `docker run --volume-driver storage-profiles -v data@gold:/data`",
  description:
    "Logs JSON lines to standard error. SIGINT and SIGTERM stop it after running calls are finished. `install` sets it up on this machine as a systemd service " +
    "with a socket unit; `uninstall` removes exactly what install wrote.",
  arguments: [{ name: "[what]", description: "serve (default), install or uninstall", completes: whats }],
  options: [
    { flags: "--name <name>", description: "name of the volume driver in Docker", default: "storage-profiles" },
    {
      flags: "--socket <path>",
      description: "socket to listen on. Default: the one passed by systemd, else /run/docker/plugins/<name>.sock",
    },
    {
      flags: "--state-directory <path>",
      description: "directory for the plugin's own state. Default: /var/lib/storage-profiles-docker",
    },
    {
      flags: "--on-profile-change <what>",
      description: "what to do if Docker asks for a volume with a different profile",
      choices: ["refuse", "apply"],
      default: "refuse",
    },
    { flags: "--time-limit <seconds>", description: "time limit for each call. Docker itself waits 120 s" },
    {
      flags: "--no-keep-ready",
      description:
        "don't keep Pulumi loaded: saves about 200 MiB of memory, but the first use of a volume takes a second longer",
    },
    { flags: "--environment-file <path>", description: "install: file with environment variables, for secrets" },
    {
      flags: "--user <name>",
      description: "install: user to run as instead of root; volumes are then plain directories",
    },
    {
      flags: "--root <directory>",
      description: "install, uninstall: root directory to write to; if it isn't /, nothing is started",
      default: "/",
    },
    { flags: "--dry-run", description: "install, uninstall: only show what would be done" },
  ],
  examples: [
    ["docker-plugin --stack dev", "serve the stack dev until Ctrl-C"],
    ["docker-plugin install --stack dev --dry-run", "show the units that install would write and start"],
  ],
  run(context) {
    const [what = "serve", ...rest] = context.args;
    if (rest.length > 0) throw new UsageError("too many arguments; choose one of serve, install or uninstall");
    if (what === "serve") return serve(context);
    if (what === "install") return install(context);
    if (what === "uninstall") return uninstall(context);
    throw new UsageError(`unknown action "${what}"; choose serve, install or uninstall`);
  },
};

async function serve(context: Context): Promise<Answer> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- no other command needs the server
  const { startPlugin } = require("../../docker/plugin") as typeof import("../../docker/plugin");
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the same
  const { logTo } = require("../../docker/log") as typeof import("../../docker/log");
  const { io } = context;
  if (passedSocket(io.env) && context.options["socket"] !== undefined)
    throw new UsageError(
      "--socket can't be used when systemd passes the socket; change ListenStream= in the socket unit",
    );
  const log = logTo((line) => io.err(line));
  const stack = await context.stack();
  const plugin = await startPlugin({
    stack,
    name: nameOf(context),
    socket: pathOf(context, "socket"),
    stateDirectory: pathOf(context, "stateDirectory"),
    onProfileChange: textOf(context, "onProfileChange") === "apply" ? "apply" : "refuse",
    timeLimitSeconds: secondsOf(textOf(context, "timeLimit")),
    env: io.env,
    keepReady: context.options["keepReady"] !== false,
    log,
  });
  log(`serving stack ${stack.name} of project ${stack.project.name} at ${plugin.socket}`);
  void plugin.ready.then(() => log("ready"));
  await new Promise<void>((done) => {
    const end = io.onInterrupt?.(() => {
      end?.();
      done();
    });
  });
  log("stopping after running calls are finished");
  await plugin.stop();
  return {};
}

async function install(context: Context): Promise<Answer> {
  const { io, options } = context;
  const name = nameOf(context);
  const stack = await context.stack();
  const { project } = stack;
  const [environmentFile, user] = [pathOf(context, "environmentFile"), textOf(context, "user")];
  const own = ["socket", "stateDirectory", "timeLimit"].find((each) => options[each] !== undefined);
  if (own !== undefined) throw new UsageError(`--${dashed(own)} can't be used with install, which sets it itself`);
  const args = ["--cwd", project.directory, "--stack", stack.name];
  args.push("--on-profile-change", textOf(context, "onProfileChange") ?? "refuse");
  if (options["keepReady"] === false) args.push("--no-keep-ready");
  const home: Record<string, string> = user === undefined ? { HOME: homedir() } : {};
  const unit = {
    name,
    command: [process.execPath, realpathSync(process.argv[1] ?? "")],
    args,
    what: `stack ${stack.name} of project ${project.name}`,
    environment: { PATH: installer().servicePath(io.env["PATH"] ?? "", process.execPath), ...home },
    environmentFile,
    user,
  };
  await installer().install(unit, places(context));
  const text = environmentFile === undefined ? "" : await readFile(environmentFile, "utf8").catch(() => "");
  const missing = missingVariables(io.env, text);
  if (missing.length > 0) {
    const way = `add ${missing.length === 1 ? "it" : "them"} to ${environmentFile ?? "a file for --environment-file"}`;
    io.err(`warning: the service doesn't have ${missing.join(", ")}, set here: ${way}\n`);
  }
  return {};
}

async function uninstall(context: Context): Promise<Answer> {
  await installer().uninstall(nameOf(context), places(context));
  return {};
}

function installer(): typeof import("../../docker/install") {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- no other command needs it
  return require("../../docker/install") as typeof import("../../docker/install");
}

function places(context: Context) {
  const log = (line: string) => context.io.out(`${line}\n`);
  return { root: pathOf(context, "root"), dryRun: context.options["dryRun"] === true, log };
}

function nameOf(context: Context): string {
  const name = textOf(context, "name") ?? "";
  const [wrong] = checkName("volume", name, "--name");
  if (wrong) {
    const { message: why, allowed } = wrong;
    throw new StackError([problem("value-invalid", "--name", name, { why, allowed })]);
  }
  return name;
}

function pathOf(context: Context, option: string): string | undefined {
  const path = textOf(context, option);
  return path === undefined ? undefined : resolve(context.io.cwd, path);
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0) || seconds > 86_400)
    throw new UsageError("--time-limit must be a number of seconds greater than 0");
  return seconds;
}

function dashed(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
