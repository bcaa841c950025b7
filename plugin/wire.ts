// Secrets in the properties that the engine sends, and gets. The providers of our resources work on plain values.

import * as pulumi from "@pulumi/pulumi";

type Properties = Record<string, unknown>;

const { specialSigKey: KIND, specialSecretSig: SECRET } = pulumi.runtime;

/** Properties without the marks of secrets. */
export function plain(properties: Properties): Properties {
  return unmarked(properties) as Properties;
}

/** Properties, of which those are secret whose namesakes in `given` are. What is undefined is left out: the wire has no value for it. */
export function marked(properties: object, given: Properties): Properties {
  const defined = JSON.parse(JSON.stringify(properties)) as Properties;
  return Object.fromEntries(
    Object.entries(defined).map(([key, value]) => [
      key,
      containsSecret(given[key]) ? { [KIND]: SECRET, value } : value,
    ]),
  );
}

/**
 * Throws an error again, with properties that can be sent where it has some: those of a resource that is made or changed only in part, and `also`.
 * With others the SDK fails while it packs the error, and never answers the engine.
 */
export function markedFailure(given: Properties, also: Properties = {}): (error: unknown) => never {
  return (error) => {
    const { properties } = (error ?? {}) as { properties?: object };
    if (properties === undefined) throw error;
    throw Object.assign(error as Error, { properties: { ...marked(properties, given), ...also } });
  };
}

function unmarked(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(unmarked);
  if (isSecret(value)) return unmarked(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unmarked(each)]));
}

function containsSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isSecret(value) || Object.values(value).some(containsSecret);
}

function isSecret(value: object): value is { value: unknown } {
  return (value as Properties)[KIND] === SECRET;
}
