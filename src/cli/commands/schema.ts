// `schema`: the JSON Schema of a stack's file.

import { editorSchema } from "../../core/editor-schema";
import type { CommandSpec } from "../context";

export const schema: CommandSpec = {
  name: "schema",
  summary: "Print the JSON Schema of a stack's config, for editors",
  ofStack: false,
  examples: [
    [
      "schema > config.schema.json",
      "then add this first line to the stack's file: # yaml-language-server: $schema=./config.schema.json",
    ],
  ],
  run() {
    const schema = editorSchema();
    return Promise.resolve({ json: schema, text: JSON.stringify(schema, null, 2) });
  },
};
