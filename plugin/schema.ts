// The package's schema in Pulumi's format, from which `pulumi package add` generates an SDK, and by which Pulumi YAML checks programs. Derived from
// the zod schemas of arguments.ts.

import { z } from "zod";

import { NAMESPACE, PROFILED_VOLUME } from "../src";
import { componentShapes, existingVolume, volumeReference } from "./arguments";
import { packageManifest } from "../src/system/manifest";

type Json = Record<string, unknown>;

/** The schema: https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/ */
export function schema(): Json {
  const types: Record<string, Json> = {};
  const resources = Object.fromEntries(
    Object.entries(componentShapes()).map(([type, { description, inputs, outputs, required }]) => {
      const name = type.split(":").at(-1) ?? "";
      const given = propertiesOf(inputs, name, types);
      const made = propertiesOf(outputs, `${name}Output`, types);
      const certain = Object.keys(outputs.shape).filter(
        (key) => !(outputs.shape[key] as z.ZodType).safeParse(undefined).success,
      );
      return [
        type,
        {
          isComponent: true,
          description,
          inputProperties: given,
          requiredInputs: required,
          properties: made,
          required: certain,
        },
      ];
    }),
  );
  const { version, description } = packageManifest();
  return {
    name: NAMESPACE,
    version,
    description,
    license: "Apache-2.0",
    // As `pulumi package add` has it: SDKs that are complete packages, with the version of this one.
    meta: { supportPack: true },
    keywords: ["pulumi", "storage", "category/infrastructure", "kind/component"],
    // Secrets of the backends are in the stack's config, below the backend's own namespace.
    config: {},
    provider: {
      description: "The provider of volumes declared by profile. It reads the stack's config.",
      inputProperties: {},
    },
    types,
    resources,
    language: {
      nodejs: { packageName: `${NAMESPACE}-sdk`, respectSchemaVersion: true },
      python: { packageName: "pulumi_storage_profiles", respectSchemaVersion: true, pyproject: { enabled: true } },
      go: { respectSchemaVersion: true },
      csharp: { respectSchemaVersion: true },
    },
  };
}

function propertiesOf(shape: z.ZodObject, name: string, types: Record<string, Json>): Record<string, Json> {
  const json = z.toJSONSchema(shape, { io: "input", unrepresentable: "any" }) as { properties: Record<string, Json> };
  return Object.fromEntries(
    Object.entries(json.properties).map(([key, each]) => {
      if (shape.shape[key] === volumeReference) {
        const existing = z.toJSONSchema(existingVolume, { io: "input" }) as Json;
        const { $ref } = typeOf(existing, "ExistingVolume", types);
        const oneOf = [{ $ref: `#/resources/${PROFILED_VOLUME}` }, { $ref }];
        return [key, { oneOf, description: each["description"] }];
      }
      return [key, typeOf(each, `${name}${capital(key)}`, types)];
    }),
  );
}

// A type of JSON Schema as one of Pulumi's; objects and enumerations get a name.
function typeOf(json: Json, name: string, types: Record<string, Json>): Json {
  const { description } = json;
  const told = description === undefined ? {} : { description };
  const named = (definition: Json) => {
    const token = `${NAMESPACE}:index:${name}`;
    types[token] = { ...told, ...definition };
    return { $ref: `#/types/${token}`, ...told };
  };
  const choices = (json["anyOf"] as Json[] | undefined)?.filter(({ type }) => type !== "null");
  if (choices) {
    const [only, ...others] = choices;
    return only && others.length === 0 ? { ...typeOf(only, name, types), ...told } : { ...ANY, ...told };
  }
  if (json["enum"]) return named({ type: "string", enum: (json["enum"] as string[]).map((value) => ({ value })) });
  switch (json["type"]) {
    case "string":
    case "boolean":
    case "integer":
    case "number":
      return { type: json["type"], ...told, ...(json["default"] !== undefined && { default: json["default"] }) };
    case "array":
      return { type: "array", items: typeOf((json["items"] ?? {}) as Json, `${name}Item`, types), ...told };
    case "object": {
      const properties = json["properties"] as Record<string, Json> | undefined;
      if (!properties) {
        const values = (json["additionalProperties"] ?? {}) as Json;
        return { type: "object", additionalProperties: typeOf(values, `${name}Value`, types), ...told };
      }
      const made = Object.entries(properties).map(([key, each]) => [
        key,
        typeOf(each, `${name}${capital(key)}`, types),
      ]);
      const required = (json["required"] ?? []) as string[];
      return named({
        type: "object",
        properties: Object.fromEntries(made) as Json,
        required: required.filter((key) => properties[key]?.["type"]),
      });
    }
    default:
      return { ...ANY, ...told };
  }
}

const ANY = { $ref: "pulumi.json#/Any" };

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);
