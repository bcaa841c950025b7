// Where the gateway is and how to log in: read from Pulumi's config and the environment when it is used, never kept in a
// state, and never part of a message.

import { ConnectionReader, variableFor } from "../../connection-reader";
import { connectionKey, CONNECTIONS_KEY } from "../../named-connections";
import { ScaleioError } from "./errors";

/** The namespace of the connection's config: `scaleio:endpoint` and so on. */
export const CONNECTION_NAMESPACE = "scaleio";

/** The keys of the connection, with what they mean. Each may also come from the environment: `SCALEIO_ENDPOINT`, ... */
export const connectionKeys = {
  endpoint: "URL of the gateway: https://gateway.example:443",
  username: "user name for the login",
  password: "password of that user; a secret",
  passwordFile: "file with the password, instead of `password`; relative to the program",
  caFile: "PEM file with the CA that signed the gateway's certificate; relative to the program",
  insecure: "true: don't verify the gateway's certificate. Default: false",
  systemId:
    "id of the array that the gateway must belong to, 16 hex digits. Default: the array with the stack's volumes",
  timeoutSeconds: "timeout of a request, in seconds. Default: 60",
} as const;

/** All keys of the namespace. */
export const configKeys = { ...connectionKeys, ...CONNECTIONS_KEY };

export type ConnectionKey = keyof typeof connectionKeys;

/** How to reach a gateway. */
export interface Connection {
  /** Its name, where it is a named one. */
  name?: string | undefined;
  /** `https://host:port`, without a path. */
  endpoint: string;
  username: string;
  password: string;
  /** The CA that is trusted, as PEM; those that Node.js trusts where there is none. */
  ca?: string | undefined;
  insecure: boolean;
  /** The id of the array that it must belong to. */
  systemId?: string | undefined;
  timeoutMs: number;
}

/** The path of a key of the connection in the config, for messages. */
export function keyOf({ name }: Pick<Connection, "name">, key: ConnectionKey): string {
  return connectionKey(CONNECTION_NAMESPACE, name, key);
}

/** The name of the environment's variable that stands for a key. */
export const variableOf = (key: ConnectionKey): string => variableFor(CONNECTION_NAMESPACE, key);

/**
 * Reads the connection, or one by its name; the config takes precedence over the environment. One error lists everything that is wrong.
 * @throws {ScaleioError} `not-configured`
 */
export function readConnection(
  stackConfig: (key: string) => string | undefined,
  stackEnvironment: NodeJS.ProcessEnv,
  name?: string,
): Connection {
  const notConfigured = (message: string) => new ScaleioError("not-configured", message);
  const from = { config: stackConfig, environment: stackEnvironment, name };
  const reader = new ConnectionReader<ConnectionKey>({ namespace: CONNECTION_NAMESPACE, ...from, notConfigured });
  const { wrong } = reader;
  const endpointText = reader.required("endpoint", "https://gateway.example");
  const username = reader.required("username", "admin");
  const password = reader.secret("password", "passwordFile");
  const insecure = reader.insecure();
  const timeoutMs = reader.timeoutMs();

  const systemId = reader.value("systemId")?.toLowerCase();
  if (systemId !== undefined && !/^[0-9a-f]{16}$/.test(systemId)) {
    wrong.push("systemId must be the 16 hex digits of an array's id");
  }

  let endpoint = "";
  if (endpointText) {
    const url = parseUrl(endpointText);
    if (!url) wrong.push("endpoint isn't a URL: use https://gateway.example, or https://gateway.example:8443");
    else if (url.username || url.password) wrong.push("endpoint contains a user or a password: use the keys for them");
    else if (url.protocol === "http:" && !insecure) {
      wrong.push("endpoint begins with http: the password would be sent unencrypted. Use https://, or set insecure");
    } else if (/[^/]/.test(url.pathname) || url.search || url.hash) {
      wrong.push(`endpoint contains more than an address: use ${url.origin}. The API paths are added automatically`);
    } else endpoint = url.origin;
  }

  const ca = reader.ca("contains no PEM certificate");
  reader.end("the connection to the ScaleIO gateway");
  return { name, endpoint, username, password, ca, insecure, systemId, timeoutMs };
}

function parseUrl(text: string): URL | undefined {
  // A host alone is what the original's config held.
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
  try {
    const url = new URL(withScheme);
    return /^https?:$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
  } catch {
    return undefined;
  }
}
