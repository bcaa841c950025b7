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
  timeoutSeconds: "timeout of a command that doesn't copy data, in seconds. Default: 60",
} as const;

/** All keys of the namespace. */
export const configKeys = { ...connectionKeys, ...CONNECTIONS_KEY };

export type ConnectionKey = keyof typeof connectionKeys;

/** How to reach a cluster. */
export interface Connection {
  /** Its name, where it is a named one. */
  name?: string | undefined;
  configFile?: string | undefined;
  user?: string | undefined;
  keyringFile?: string | undefined;
  commandsDirectory?: string | undefined;
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
  // Without one, the commands would take the machine's own cluster for it.
  if (name !== undefined && reader.value("configFile") === undefined)
    reader.missing("configFile", `/etc/ceph/${name}.conf`);
  const connection = {
    name,
    configFile: path("configFile", constants.R_OK),
    user,
    keyringFile: path("keyringFile", constants.R_OK),
    commandsDirectory: path("commandsDirectory", constants.X_OK),
    timeoutMs,
    passphrase: () => readPassphrase(newReader()),
  };
  reader.end("the connection to the Ceph cluster");
  return connection;
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
