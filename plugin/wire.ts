// Secrets in the properties that the engine sends, and gets. The providers of our resources work on plain values.

import * as pulumi from "@pulumi/pulumi";

type Properties = Record<string, unknown>;

const { specialSigKey: KIND, specialSecretSig: SECRET } = pulumi.runtime;

/** Properties without the marks of secrets. */
export function plain(properties: Properties): Properties {
  return unmarked(properties) as Properties;
}

/** Properties, of which those are secret whose namesakes in `given` are. */
export function marked(properties: object, given: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [
      key,
      value !== undefined && containsSecret(given[key]) ? { [KIND]: SECRET, value: value as unknown } : value,
    ]),
  );
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
