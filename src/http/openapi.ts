// The OpenAPI 3.1 document, from the table of routes and the zod schemas.

import { z } from "zod";

import { routes } from "./routes";
import type { Answer, Route } from "./route";
import { components, errorSchema } from "./schemas";

type Json = Record<string, unknown>;

const HEADERS: Record<string, string> = {
  "X-Configuration-Tag": "Changes whenever the stack's file changes; send it back in X-If-Configuration-Matches",
  "X-State-Read-At": "When the state was read from Pulumi",
  Location: "URL of the operation",
};

const ref = (id: string) => `#/components/schemas/${id}`;

/** Makes the document. */
export function openapiDocument(version: string): Json {
  const { schemas } = z.toJSONSchema(components, { uri: ref, unrepresentable: "any", io: "output" });
  const named = Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutIds(schema)]));
  const paths: Record<string, Json> = {};
  for (const one of routes) (paths[one.path] ??= {})[one.method.toLowerCase()] = operationOf(one);
  return {
    openapi: "3.1.0",
    info: {
      title: "storage-profiles",
      version,
      description:
        "Profiles and volumes of a Pulumi stack. Changes accepted under /v1/configuration aren't applied yet: /v1/operations " +
        "shows their progress, and /v1/state what exists.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    tags: ["configuration", "state", "operations", "service"].map((name) => ({ name })),
    // Which one is needed is the service's choice: on loopback it may be none.
    security: [{}, { bearer: [] }, { basic: [] }, { certificate: [] }],
    paths,
    components: {
      schemas: named,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        basic: { type: "http", scheme: "basic", description: "Any name, the token as password" },
        certificate: { type: "mutualTLS" },
      },
    },
  };
}

function operationOf(one: Route): Json {
  const answers = Object.entries(one.answers).map(([status, answer]): [string, Json] => [status, answerOf(answer)]);
  const parameters = [
    ...parametersOf("path", one.params),
    ...parametersOf("query", one.query),
    ...(one.isConditional
      ? [
          {
            name: "X-If-Configuration-Matches",
            in: "header",
            required: false,
            description: "Write only if the file still has this tag; otherwise 412",
            schema: { type: "string", maxLength: 200 },
          },
        ]
      : []),
  ];
  return {
    operationId: one.id,
    tags: [one.tag],
    summary: one.summary,
    description: [one.description, `Role: ${one.role}.`, one.dryRunRole && `With dryRun: ${one.dryRunRole}.`]
      .filter(Boolean)
      .join(" "),
    ...(parameters.length > 0 && { parameters }),
    ...(one.body && {
      requestBody: {
        required: one.isBodyOptional !== true,
        content: { "application/json": { schema: jsonOf(one.body) } },
      },
    }),
    responses: {
      ...Object.fromEntries(answers),
      default: {
        description: "Why the request failed",
        content: { "application/json": { schema: jsonOf(errorSchema) } },
      },
    },
  };
}

function answerOf({ description, schema, type = "application/json", headers = [] }: Answer): Json {
  return {
    description,
    ...(headers.length > 0 && {
      headers: Object.fromEntries(
        headers.map((name) => [name, { description: HEADERS[name], schema: { type: "string" } }]),
      ),
    }),
    ...(schema && { content: { [type]: { schema: jsonOf(schema) } } }),
    ...(!schema && type !== "application/json" && { content: { [type]: { schema: { type: "string" } } } }),
  };
}

function parametersOf(where: "path" | "query", schema: z.ZodType | undefined): Json[] {
  if (!schema) return [];
  // What is in a URL is described as it is written there.
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property as Json;
    return {
      name,
      in: where,
      required: where === "path" || required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

// A schema by its name where it has one, else as it stands, with those that it is made of by their names.
function jsonOf(schema: z.ZodType): unknown {
  const id = components.get(schema)?.id;
  if (id !== undefined) return { $ref: ref(id) };
  const definition = schema._zod.def as { type: string; element?: z.ZodType };
  if (definition.type === "array" && definition.element) return { type: "array", items: jsonOf(definition.element) };
  return withoutIds(z.toJSONSchema(schema, { io: "output", unrepresentable: "any" }));
}

function withoutIds(schema: object): Json {
  const { $schema: _schema, $id: _id, id: _other, ...rest } = schema as Json;
  return rest;
}
