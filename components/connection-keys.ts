// The keys in Pulumi's config by which a backend's own connection is set up. They are below the backend's namespace, not ours.

import * as pulumi from "@pulumi/pulumi";

import { nearest, problem, unknownKey, type Problem, type StackConfig } from "../src";
import { joinPath } from "../src/core/validate";
import { stackFile } from "./engine";
import { connectionKey, CONNECTIONS, connectionsVariable, namedConnections, setCommand } from "./named-connections";
import { isConfigSecret } from "./pulumi-internals";

/**
 * A check, once a run, of the keys that are set below a namespace: a misspelt one would be as if it weren't there. The same holds for those of
 * each named connection, where the backend has any. Warns of `secrets` that are in the config as plain text. Problems: `unknown-key`,
 * `value-invalid`.
 */
export function connectionKeyCheck(
  namespace: string,
  known: Readonly<Record<string, string>>,
  ...secrets: readonly string[]
): (config: StackConfig) => Problem[] {
  const checked = new WeakSet<StackConfig>();
  const prefix = `${namespace}:`;
  const keys = Object.keys(known);
  const unknown = (path: string, key: string, allowed: readonly string[]) =>
    allowed.includes(key) ? [] : [unknownKey(path, undefined, key, allowed)];
  return (config) => {
    if (checked.has(config)) return [];
    checked.add(config);
    const all = pulumi.runtime.allConfig();
    const given = Object.keys(all).filter((key) => key.startsWith(prefix));
    for (const secret of secrets) warnOfPlainText(namespace, secret);
    const own = given.map((key) => key.slice(prefix.length)).flatMap((key) => unknown(prefix + key, key, keys));
    if (!keys.includes(CONNECTIONS)) return own;
    const at = prefix + CONNECTIONS;
    const named = namedConnections(namespace, (key) => all[key], process.env);
    if (!named) {
      const params = {
        why: "it isn't a map of connections by name",
        allowed: `${at}.east.${keys[0] ?? "key"}, and so on`,
      };
      return [...own, problem("value-invalid", at, undefined, params)];
    }
    const ofNamed = Object.entries(named).flatMap(([name, values]) =>
      Object.keys(values).flatMap((key) =>
        unknown(
          joinPath(at, [name, key]),
          key,
          keys.filter((each) => each !== CONNECTIONS),
        ),
      ),
    );
    // Messages and commands have a connection's keys as paths, which a dot would part.
    const dotted = Object.keys(named)
      .filter((name) => name.includes("."))
      .map((name) => {
        const params = {
          why: "the name of a connection contains a dot",
          allowed: "names without a dot",
          fix: "rename it",
        };
        return problem("value-invalid", joinPath(at, [name]), undefined, params);
      });
    return [...own, ...dotted, ...ofNamed];
  };
}

function warnOfPlainText(namespace: string, secret: string): void {
  const all = pulumi.runtime.allConfig();
  // What comes from the environment isn't in the config.
  const named = isConfigSecret(`${namespace}:${CONNECTIONS}`) ? {} : namedConnections(namespace, (key) => all[key], {});
  const own = connectionKey(namespace, undefined, secret);
  const plain = [
    ...(own in all && !isConfigSecret(own) ? [own] : []),
    ...Object.entries(named ?? {})
      .filter(([, values]) => values[secret] !== undefined)
      .map(([name]) => connectionKey(namespace, name, secret)),
  ];
  for (const path of plain)
    void pulumi.log.warn(`${path} is stored in ${stackFile()} as plain text: ${setCommand(path)}`);
}

/** The problem that a volume's connection has no entry in the config. */
export function missingConnection(namespace: string, name: string | undefined, config: StackConfig): Problem[] {
  if (name === undefined) return [];
  const all = pulumi.runtime.allConfig();
  const named = namedConnections(namespace, (key) => all[key], process.env);
  // What is wrong with the whole is a problem of its own.
  if (!named || Object.hasOwn(named, name)) return [];
  const ofStack = (config as Record<string, { connection?: string } | undefined>)[namespace]?.connection === name;
  const path = ofStack ? `storage-profiles:${namespace}.connection` : `${namespace}.connection`;
  const values = Object.keys(named);
  const where = `${namespace}:${CONNECTIONS} or ${connectionsVariable(namespace)}`;
  const way = `pulumi config set --path ${namespace}:${CONNECTIONS}.${name}.…`;
  return values.length > 0
    ? [problem("value-not-allowed", path, name, { given: `"${name}"`, values, nearest: nearest(name, values) })]
    : [
        problem("setting-required", path, name, {
          ...{ setting: name, because: `the connection isn't in ${where}`, example: way },
        }),
      ];
}
