// Several connections of one backend in a stack: each has a name below `<backend>:connections`, and the keys that the backend's own connection
// has. Read where they are used, as that one is.

import { containsUnknown } from "./provider-checks";

/** What a connection is read from. */
export interface ConnectionSource {
  /** The value of a key: "scaleio:endpoint". */
  config: (key: string) => string | undefined;
  environment: NodeJS.ProcessEnv;
  /** What precedes a key in messages: "scaleio:", "scaleio:connections.east.". */
  prefix: string;
  /** How a missing key is set, in words. `variable` is that of the environment; `example` a value, where the key is no secret. */
  howToSet: (key: string, variable: string, example?: string) => string;
}

type Config = ConnectionSource["config"];

/** The key below a backend's namespace that has its named connections. */
export const CONNECTIONS = "connections";

/** What the key is for, for the list of a connection's keys. */
export const CONNECTIONS_KEY = { [CONNECTIONS]: "other connections by name, each with the keys of this one" } as const;

/** The variable of the environment that has the named connections as JSON: SCALEIO_CONNECTIONS. */
export function connectionsVariable(namespace: string): string {
  return `${namespace.toUpperCase()}_CONNECTIONS`;
}

/** The path of a connection's key in the config, for messages: `scaleio:endpoint`, `scaleio:connections.west.endpoint`. */
export function connectionKey(namespace: string, name: string | undefined, key: string): string {
  return `${namespace}:${name === undefined ? "" : `${CONNECTIONS}.${name}.`}${key}`;
}

/** The command that sets such a key; to a secret, where there is no value to show. */
export function setCommand(path: string, value?: string): string {
  const flags = `${value === undefined ? "--secret " : ""}${path.includes(".") ? "--path " : ""}`;
  return `pulumi config set ${flags}${path}${value === undefined ? "" : ` ${value}`}`;
}

/** The named connections of a backend; nothing where there are none, or they can't be read. */
export function namedConnections(
  namespace: string,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Record<string, Record<string, unknown>> | undefined {
  const text = config(`${namespace}:${CONNECTIONS}`) ?? environment[connectionsVariable(namespace)];
  if (text === undefined || text.trim() === "") return {};
  try {
    const read: unknown = JSON.parse(text);
    return isMap(read) && Object.values(read).every(isMap)
      ? (read as Record<string, Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where a connection is read: one by its name, to which nothing of the environment applies, or the backend's own. Where there is none of that
 * name, its reason, without what the connections contain.
 */
export function connectionSource(
  namespace: string,
  config: Config,
  environment: NodeJS.ProcessEnv,
  name: string | undefined,
): ConnectionSource | { missing: string } {
  if (name === undefined) {
    const prefix = connectionKey(namespace, name, "");
    return {
      ...{ config, environment, prefix },
      howToSet: (key, variable, example) => `${setCommand(prefix + key, example)}, or set ${variable}`,
    };
  }
  const all = namedConnections(namespace, config, environment);
  const from = `${namespace}:${CONNECTIONS}`;
  if (!all) return { missing: `${from} isn't a map of connections by name` };
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (!found) {
    const names = Object.keys(all).join(", ") || "none";
    return { missing: `connection "${name}" isn't in ${from} (or ${connectionsVariable(namespace)}); there: ${names}` };
  }
  const value = (key: string): string | undefined => {
    const given = key.startsWith(`${namespace}:`) ? found[key.slice(namespace.length + 1)] : undefined;
    return ["string", "number", "boolean"].includes(typeof given) ? String(given) : undefined;
  };
  const prefix = connectionKey(namespace, name, "");
  return {
    ...{ config: value, environment: {}, prefix },
    howToSet: (key, _variable, example) => setCommand(prefix + key, example),
  };
}

/** What a run makes of each connection once, by its name. */
export class PerConnection<T> {
  private readonly made = new Map<string | undefined, T>();

  constructor(private readonly make: (connection: string | undefined) => T) {}

  of(connection: string | undefined): T {
    const known = this.made.get(connection);
    if (known !== undefined) return known;
    const made = this.make(connection);
    this.made.set(connection, made);
    return made;
  }
}

/**
 * What a connection leads to, as far as its config tells that without a call: two names of one address are one. Else its name. `key` is the one
 * that has the address.
 */
export function leadsTo(
  namespace: string,
  { key, variable }: { key: string; variable: string },
  connection: string | undefined,
  config: Readonly<Record<string, string>>,
): string | undefined {
  const source = connectionSource(namespace, (each) => config[each], process.env, connection);
  if ("missing" in source) return connection;
  const address = source.config(`${namespace}:${key}`) ?? source.environment[variable];
  return address?.replace(/^https?:\/\//i, "").replace(/\/+$/, "") ?? connection;
}

/** A key for what is one thing on one connection: the ids of two arrays may be the same. */
export function onConnection(id: string, connection: string | undefined): string {
  return connection === undefined ? id : `${connection}: ${id}`;
}

/**
 * Why a volume can't be what a program asks for: it isn't on what another connection leads to. Nothing where it is the same one. A hook refuses
 * that before; this is for whatever goes past hooks. Settings that aren't known yet, as at preview, are compared when they are.
 */
export function otherConnection(
  id: string,
  { settings: from }: { settings: { connection?: string | undefined } },
  { settings: to }: { settings: { connection?: string | undefined } },
): string | undefined {
  if (containsUnknown(to) || from.connection === to.connection) return undefined;
  const name = (connection: string | undefined) => (connection === undefined ? "the stack's own" : `"${connection}"`);
  return (
    `volume ${id} is reached by connection ${name(from.connection)}, and can't be moved to ${name(to.connection)}. ` +
    "Restore the connection, or declare a new volume and copy the data. " +
    "(A default of the stack that was set since: unset it, and name that connection on the new volumes.)"
  );
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
