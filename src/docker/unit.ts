// The systemd unit of the Docker plugin, and the file by which Docker finds it where it doesn't run as root. Pure.

/** What the service is to run, and as whom. */
export interface UnitOptions {
  /** What Docker calls the driver. */
  name: string;
  /** The command and its arguments, up to `docker-plugin`, each an absolute path where it is one. */
  command: readonly string[];
  /** Further arguments of `docker-plugin`: the project, the stack. */
  args: readonly string[];
  /** What it runs for, for people: "stack dev of project shop". */
  what: string;
  /** The variables that it needs and that are no secrets: PATH (`servicePath`), HOME. */
  environment: Readonly<Record<string, string>>;
  /** A file of variables with what is secret: passphrase, credentials of backends. */
  environmentFile?: string | undefined;
  /** Who runs it, in place of root. Then nothing can be mounted: only local volumes that are directories can be served. */
  user?: string | undefined;
}

/** A file that the installation consists of. */
export interface InstalledFile {
  path: string;
  text: string;
}

/** The name of the unit. */
export function unitName(name: string): string {
  return name === "storage-profiles" ? "storage-profiles-docker.service" : `storage-profiles-docker-${name}.service`;
}

// Root that can do only what mounting volumes takes. A namespace of mounts of its own (ProtectSystem=, PrivateTmp= and the like) it
// can't have: Docker would not see what is mounted in it.
const CAPABILITIES = {
  CAP_SYS_ADMIN: "mounts, loop devices, cgroups",
  CAP_SYS_RESOURCE: "growing a file system that is mounted",
  CAP_DAC_OVERRIDE: "Docker's directory of sockets, volumes whatever their owner",
  CAP_DAC_READ_SEARCH: "the same, to read",
  CAP_CHOWN: "volumes' own files",
  CAP_FOWNER: "the same",
  CAP_SYS_PTRACE: "which containers use a volume",
};

const HARDENING = [
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "SystemCallArchitectures=native",
  "KeyringMode=private",
];

const AS_ROOT = [
  ...Object.entries(CAPABILITIES).flatMap(([name, why]) => [`# ${name}: ${why}.`, `CapabilityBoundingSet=${name}`]),
  "SystemCallFilter=@system-service @mount",
  "SystemCallErrorNumber=EPERM",
  "DevicePolicy=closed",
  "DeviceAllow=/dev/loop-control rw",
  "DeviceAllow=block-* rwm",
];

const AS_USER = [
  "CapabilityBoundingSet=",
  "AmbientCapabilities=",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
  "ProtectSystem=full",
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectControlGroups=yes",
  "ProtectClock=yes",
  "PrivateDevices=yes",
  "PrivateTmp=yes",
];

// By which the engine reaches the stack's state and its secrets.
const OF_ENGINE = [
  "PULUMI_BACKEND_URL",
  "PULUMI_ACCESS_TOKEN",
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_CONFIG_PASSPHRASE_FILE",
];

/** The engine's variables that the caller has and the service won't have: those that aren't in its environment file. */
export function missingVariables(
  callers: Readonly<Record<string, string | undefined>>,
  environmentFile: string,
): string[] {
  const given = [...environmentFile.matchAll(/^[ \t]*(\w+)[ \t]*=/gm)].map(([, name]) => name);
  return OF_ENGINE.filter((name) => callers[name] !== undefined && !given.includes(name));
}

/** The files of an installation. */
export function installedFiles(options: UnitOptions): InstalledFile[] {
  const unit = { path: `/etc/systemd/system/${unitName(options.name)}`, text: unitText(options) };
  if (options.user === undefined) return [unit];
  // Only root may make a socket where Docker looks by itself; this tells it of another place.
  return [unit, { path: `/etc/docker/plugins/${options.name}.spec`, text: `unix://${socketOfUser(options.name)}\n` }];
}

function socketOfUser(name: string): string {
  return `/run/storage-profiles-docker-${name}/plugin.sock`;
}

function unitText(options: UnitOptions): string {
  const { name, command, args, what, environment, environmentFile, user } = options;
  const listening = user === undefined ? [] : ["--socket", socketOfUser(name)];
  const line = [...command, "docker-plugin", "--name", name, ...listening, ...args];
  const socket = user === undefined ? `/run/docker/plugins/${name}.sock` : socketOfUser(name);
  const isServed = `until [ -S ${socket} ] || ! kill -0 $MAINPID; do sleep 0.1; done`;
  const directory = unitName(name).replace(/\.service$/, "");
  return [
    "[Unit]",
    `Description=Docker volumes of ${plain(what)}`,
    "Wants=network-online.target",
    "After=network-online.target",
    "# Containers that start with Docker find their volumes.",
    "Before=docker.service",
    "",
    "[Service]",
    `ExecStart=${line.map((word) => quoted(word)).join(" ")}`,
    "# Started means served: dockerd looks for a driver for 30 s only when it starts its containers again.",
    `ExecStartPost=${["/bin/sh", "-c", isServed].map((word) => quoted(word)).join(" ")}`,
    "TimeoutStartSec=180",
    ...Object.entries(environment).map(([key, value]) => `Environment=${quoted(`${key}=${value}`, false)}`),
    ...(environmentFile === undefined ? [] : [`EnvironmentFile=${plain(environmentFile)}`]),
    ...(user === undefined ? [] : [`User=${plain(user)}`, `RuntimeDirectory=storage-profiles-docker-${name}`]),
    `StateDirectory=${directory}`,
    "StateDirectoryMode=0700",
    "Restart=on-failure",
    "RestartSec=1",
    "# An `up` that has begun is finished first.",
    "TimeoutStopSec=180",
    "KillMode=mixed",
    "",
    ...HARDENING,
    ...(user === undefined ? AS_ROOT : AS_USER),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** A word as systemd reads it back: quotes, `%` and, in a command, `$` have a meaning there. */
export function quoted(word: string, isCommand = true): string {
  const escaped = word
    .replace(/[\\"]/g, "\\$&")
    .replace(/%/g, "%%")
    .replace(/\$/g, isCommand ? "$$$$" : "$&")
    .replace(/\n/g, "\\n");
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

// Where systemd reads no quotes.
function plain(text: string): string {
  return text.replace(/\s+/g, " ").replace(/%/g, "%%");
}
