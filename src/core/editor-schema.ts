// The JSON Schemas for editors: of a stack's file, where only the keys of our namespace are described and others are left alone, and of a
// file with shared profiles.

import { NAMESPACE, schemas } from "./config-schema";

/** The schema, as JSON. */
export function editorSchema(): Record<string, unknown> {
  const { properties = {}, $defs } = schemas().toJSON();
  const keys = Object.entries(properties).map(([key, schema]) => [`${NAMESPACE}:${key}`, schema] as const);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A Pulumi stack's config, with the keys of storage-profiles",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(keys),
        // A key of our namespace that isn't listed is a mistake; other namespaces are none of our business.
        propertyNames: { anyOf: [{ enum: keys.map(([key]) => key) }, { not: { pattern: `^${NAMESPACE}:` } }] },
      },
    },
    ...($defs ? { $defs } : {}),
  };
}

/** The schema of a file that `storage-profiles:catalog` names, as JSON. */
export function catalogSchema(): Record<string, unknown> {
  return { ...schemas().catalogToJSON(), title: "Shared profiles of storage-profiles" };
}
