// Where the cluster's REST API is, and its command: read from Pulumi's config and the environment when it is used. There is no login:
// ContainerIO has none, and whoever reaches the port may do everything.

import { ConnectionReader, variableFor } from "../../connection-reader";
import { connectionKey, CONNECTIONS_KEY } from "../../named-connections";
import { CioError } from "./errors";

/** The namespace of the connection's config: `cio:endpoint` and so on. */
export const CONNECTION_NAMESPACE = "cio";

/** The keys of the connection, with what they mean. Each may also come from the environment: `CIO_ENDPOINT`, ... */
export const connectionKeys = {
  endpoint: "URL of the REST API on any node: http://node1.example:8282",
  caFile: "PEM file with the CA that signed the API's certificate (cio-api --tls); relative to the program",
  insecure: "true: the API's certificate is not verified. Default: false",
  cliPath: "path of the command `cio` on this machine, for what the REST API lacks. Default: none",
  timeoutSeconds: "how long a request or a command may take, in seconds. Default: 60",
} as const;

/** All keys of the namespace. */
export const configKeys = { ...connectionKeys, ...CONNECTIONS_KEY };

export type ConnectionKey = keyof typeof connectionKeys;

/** The port of the API. Source: prerequisites/ports.md. */
const API_PORT = "8282";

/** How to reach a cluster. */
export interface Connection {
  /** Its name, where it is a named one. */
  name?: string | undefined;
  /** `http://host:port`, without a path. */
  endpoint: string;
  /** The CA that is trusted, as PEM; those that Node.js trusts where there is none. */
  ca?: string | undefined;
  insecure: boolean;
  cliPath?: string | undefined;
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
 * @throws {CioError} `not-configured`
 */
export function readConnection(
  stackConfig: (key: string) => string | undefined,
  stackEnvironment: NodeJS.ProcessEnv,
  name?: string,
): Connection {
  const notConfigured = (message: string) => new CioError("not-configured", message);
  const from = { config: stackConfig, environment: stackEnvironment, name };
  const reader = new ConnectionReader<ConnectionKey>({ namespace: CONNECTION_NAMESPACE, ...from, notConfigured });
  const endpoint = readEndpoint(reader.required("endpoint", `http://node1.example:${API_PORT}`), reader.wrong);
  const insecure = reader.insecure();
  const timeoutMs = reader.timeoutMs();
  const ca = reader.ca("is not a PEM certificate");
  reader.end("the connection to the ContainerIO cluster");
  return { name, endpoint, ca, insecure, cliPath: reader.value("cliPath"), timeoutMs };
}

function readEndpoint(text: string, wrong: string[]): string {
  if (text === "") return "";
  let url: URL | undefined;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    // Told below.
  }
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    wrong.push(`endpoint is not a URL: use http://node1.example:${API_PORT}`);
    return "";
  }
  if (url.username || url.password) wrong.push("endpoint contains a user or a password; ContainerIO has no login");
  else if (/[^/]/.test(url.pathname) || url.search || url.hash)
    wrong.push(`endpoint must be an address without a path: use ${url.origin}. The API's own paths are added to it`);
  if (url.port === "" && !/:\d+\/?$/.test(text)) url.port = API_PORT;
  return url.origin;
}
