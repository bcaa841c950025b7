// The systemd units of the Docker plugin: the service, and the socket that systemd holds for it. Pure.

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

/** The name of a unit. */
export function unitName(name: string, type: "service" | "socket" = "service"): string {
  return `${baseName(name)}.${type}`;
}

function baseName(name: string): string {
  return name === "storage-profiles" ? "storage-profiles-docker" : `storage-profiles-docker-${name}`;
}

/** Where Docker looks for the driver. */
export function socketPath(name: string): string {
  return `/run/docker/plugins/${name}.sock`;
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
  const { name } = options;
  return [
    { path: `/etc/systemd/system/${unitName(name)}`, text: serviceText(options) },
    { path: `/etc/systemd/system/${unitName(name, "socket")}`, text: socketText(name) },
  ];
}

function serviceText(options: UnitOptions): string {
  const { name, command, args, what, environment, environmentFile, user } = options;
  const line = [...command, "docker-plugin", "--name", name, ...args];
  return [
    "[Unit]",
    `Description=Docker volumes of ${plain(what)}`,
    "# The service never listens by itself: systemd passes it the socket.",
    `Requires=${unitName(name, "socket")}`,
    "Wants=network-online.target",
    "After=network-online.target",
    "# Docker stops first, and with it the containers that use volumes.",
    "Before=docker.service",
    "",
    "[Service]",
    `ExecStart=${line.map((word) => quoted(word)).join(" ")}`,
    ...Object.entries(environment).map(([key, value]) => `Environment=${quoted(`${key}=${value}`, false)}`),
    ...(environmentFile === undefined ? [] : [`EnvironmentFile=${plain(environmentFile)}`]),
    ...(user === undefined ? [] : [`User=${plain(user)}`]),
    `StateDirectory=${baseName(name)}`,
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

// It is there before Docker starts, and while the service starts or restarts: calls wait in it instead of being refused.
function socketText(name: string): string {
  return [
    "[Unit]",
    `Description=Socket of the Docker volume driver ${plain(name)}`,
    "Before=docker.service",
    "",
    "[Socket]",
    `ListenStream=${socketPath(name)}`,
    "# Write access allows creating and removing volumes: for dockerd only, which is root.",
    "SocketMode=0600",
    "DirectoryMode=0755",
    "RemoveOnStop=yes",
    "",
    "[Install]",
    "WantedBy=sockets.target",
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
