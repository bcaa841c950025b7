// `schema`: the JSON Schema of a stack's file.

import { catalogSchema, editorSchema } from "../../core/editor-schema";
import type { CommandSpec } from "../context";

export const schema: CommandSpec = {
  name: "schema",
  summary: "Print the JSON Schema of a stack's config, or of a file with shared profiles, for editors",
  ofStack: false,
  options: [
    { flags: "--catalog", description: "print the schema of files with shared profiles (storage-profiles:catalog)" },
  ],
  examples: [
    [
      "schema > config.schema.json",
      "then add this first line to the stack's file: # yaml-language-server: $schema=./config.schema.json",
    ],
    [
      "schema --catalog > profiles/schema.json",
      "then add this first line to profiles/prod.yaml: # yaml-language-server: $schema=./schema.json",
    ],
  ],
  run({ options }) {
    const schema = options["catalog"] === true ? catalogSchema() : editorSchema();
    return Promise.resolve({ json: schema, text: JSON.stringify(schema, null, 2) });
  },
};
