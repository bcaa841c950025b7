// How the cluster is reached: read from Pulumi's config and the environment when it is used. The key of a user stays in its keyring file: it is
// never read here, and never part of a state, a log or a command line.

import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";

import { ConnectionReader, variableFor } from "../../connection-reader";
import { connectionKey, CONNECTIONS_KEY } from "../../named-connections";
import { CephError } from "./errors";

/** The namespace of the connection's config: `ceph:configFile` and so on. */
export const CONNECTION_NAMESPACE = "ceph";

/** The keys of the connection, with what they mean. Each may also come from the environment: `CEPH_CONFIG_FILE`, ... */
export const connectionKeys = {
  configFile:
    "the cluster's ceph.conf; relative to the program. Default: /etc/ceph/ceph.conf, or that in CEPH_CONF; a named connection has none",
  user: "the user, without `client.`. Default: admin",
  keyringFile: "the keyring file with the user's key; relative to the program. Default: the one in /etc/ceph",
  commandsDirectory: "the directory with the commands `rbd` and `ceph`. Default: they are found by PATH",
  encryptionPassphrase: "passphrase of images that are created encrypted; a secret",
  encryptionPassphraseFile: "file with that passphrase, instead of `encryptionPassphrase`; relative to the program",
  dashboardUrl:
    "URL of the dashboard, whose REST API is used in place of the commands: https://mgr1.example:8443. Default: none",
  dashboardUser: "user of the dashboard, with the roles `block-manager` and `read-only`",
  dashboardPassword: "password of that user; a secret",
  dashboardPasswordFile: "file with the password, instead of `dashboardPassword`; relative to the program",
  caFile: "PEM file with the CA that signed the dashboard's certificate; relative to the program",
  insecure: "true: don't verify the dashboard's certificate. Default: false",
  timeoutSeconds: "timeout of a request, or of a command that doesn't copy data, in seconds. Default: 60",
} as const;

/** All keys of the namespace. */
export const configKeys = { ...connectionKeys, ...CONNECTIONS_KEY };

export type ConnectionKey = keyof typeof connectionKeys;

/** The keys that are passwords. */
export const secretKeys = ["encryptionPassphrase", "dashboardPassword"] as const satisfies readonly ConnectionKey[];

/** How to reach a dashboard. */
export interface Dashboard {
  /** `https://host:port`, with the dashboard's prefix where it has one. */
  url: string;
  username: string;
  password: string;
  /** The CA that is trusted, as PEM; those that Node.js trusts where there is none. */
  ca?: string | undefined;
  insecure: boolean;
}

/** How to reach a cluster. */
export interface Connection {
  /** Its name, where it is a named one. */
  name?: string | undefined;
  configFile?: string | undefined;
  user?: string | undefined;
  keyringFile?: string | undefined;
  commandsDirectory?: string | undefined;
  /** Where the dashboard is used in place of the commands. */
  dashboard?: Dashboard | undefined;
  timeoutMs: number;
  /**
   * Reads the passphrase of images that are created encrypted: only then, since nothing else needs it.
   * @throws {CephError} `not-configured`
   */
  passphrase: () => string;
}

/** The path of a key of the connection in the config, for messages. */
export function keyOf({ name }: Pick<Connection, "name">, key: ConnectionKey): string {
  return connectionKey(CONNECTION_NAMESPACE, name, key);
}

/** The name of the environment's variable that stands for a key. */
export const variableOf = (key: ConnectionKey): string => variableFor(CONNECTION_NAMESPACE, key);

/**
 * Reads the connection, or one by its name; the config takes precedence over the environment. One error lists everything that is wrong.
 * @throws {CephError} `not-configured`
 */
export function readConnection(
  stackConfig: (key: string) => string | undefined,
  stackEnvironment: NodeJS.ProcessEnv,
  name?: string,
): Connection {
  const notConfigured = (message: string) => new CephError("not-configured", message);
  const from = { config: stackConfig, environment: stackEnvironment, name };
  const newReader = () =>
    new ConnectionReader<ConnectionKey>({ namespace: CONNECTION_NAMESPACE, ...from, notConfigured });
  const reader = newReader();
  const { wrong } = reader;
  const path = (key: ConnectionKey, mode: number) => {
    const given = reader.value(key);
    if (given === undefined) return undefined;
    try {
      accessSync(resolve(given), mode);
    } catch (error) {
      wrong.push(`${key}: ${(error as Error).message}`);
    }
    return resolve(given);
  };
  const user = reader.value("user");
  if (user !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(user)) wrong.push("user isn't the name of a user");
  else if (user?.startsWith("client.") === true) wrong.push("user must be given without `client.`");
  const timeoutMs = reader.timeoutMs();
  const dashboard = readDashboard(reader);
  // Without one, the commands would take the machine's own cluster for it.
  if (name !== undefined && !dashboard && reader.value("configFile") === undefined)
    reader.missing("configFile", `/etc/ceph/${name}.conf`);
  const connection = {
    name,
    configFile: path("configFile", constants.R_OK),
    user,
    keyringFile: path("keyringFile", constants.R_OK),
    commandsDirectory: path("commandsDirectory", constants.X_OK),
    dashboard,
    timeoutMs,
    passphrase: () => readPassphrase(newReader()),
  };
  reader.end("the connection to the Ceph cluster");
  return connection;
}

const OF_COMMANDS = [
  ...(["configFile", "user", "keyringFile", "commandsDirectory"] as const),
  ...(["encryptionPassphrase", "encryptionPassphraseFile"] as const),
];
const OF_DASHBOARD = ["dashboardUser", "dashboardPassword", "dashboardPasswordFile", "caFile", "insecure"] as const;

// A key in the config that isn't used would be taken for one that is. The environment may be shared by several stacks.
function readDashboard(reader: ConnectionReader<ConnectionKey>): Dashboard | undefined {
  const { wrong } = reader;
  const given = reader.value("dashboardUrl");
  for (const key of given === undefined ? OF_DASHBOARD : OF_COMMANDS) {
    if (reader.inConfig(key) === undefined) continue;
    const why = given === undefined ? "without dashboardUrl, the commands are" : "with dashboardUrl, the dashboard is";
    wrong.push(
      `${key} is set, and not used: ${why} used. Remove ${key}, or ${given === undefined ? "set" : "remove"} dashboardUrl`,
    );
  }
  if (given === undefined) return undefined;
  const username = reader.required("dashboardUser", "storage-profiles");
  const password = reader.secret("dashboardPassword", "dashboardPasswordFile");
  const insecure = reader.insecure();
  return {
    url: readUrl(given, insecure, wrong),
    username,
    password,
    ca: reader.ca("contains no PEM certificate"),
    insecure,
  };
}

function readUrl(given: string, insecure: boolean, wrong: string[]): string {
  const EXAMPLE = "https://mgr1.example:8443";
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    wrong.push(`dashboardUrl isn't a URL: use ${EXAMPLE}`);
    return "";
  }
  if (!/^https?:$/.test(url.protocol) || url.hostname === "") wrong.push(`dashboardUrl isn't a URL: use ${EXAMPLE}`);
  else if (url.username || url.password)
    wrong.push("dashboardUrl contains a user or a password: use the keys for them");
  else if (url.protocol === "http:" && !insecure)
    wrong.push("dashboardUrl begins with http: the password would be sent unencrypted. Use https://, or set insecure");
  // The dashboard may have a prefix of its own (mgr/dashboard/url_prefix).
  else if (url.search || url.hash || /\/api(\/|$)/.test(url.pathname))
    wrong.push("dashboardUrl must be the address of the dashboard, without `#/…`, `?…` and `/api`");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function readPassphrase(reader: ConnectionReader<ConnectionKey>): string {
  const { wrong } = reader;
  const text = reader.secret("encryptionPassphrase", "encryptionPassphraseFile");
  // Clients read a passphrase to the end of a line, or to that of a file.
  if (/[\r\n\0]/.test(text))
    wrong.push("encryptionPassphrase or its file has more than one line: a passphrase is one line");
  reader.end("the passphrase of encrypted images");
  return text;
}
