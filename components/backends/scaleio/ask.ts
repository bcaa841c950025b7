// What is asked at preview before a volume on an array is taken over.

import { note } from "../../../src";
import type { ScaleioSettings } from "../../../src/backends/scaleio";
import { askOfImport } from "../../asks-of-import";
import { ScaleioArray } from "./array";
import { readConnection } from "./connection";
import { ScaleioError } from "./errors";
import { volumeToImport } from "./lifecycle";
import { GatewaySession } from "./session";

export const askScaleio = askOfImport({
  errorClass: ScaleioError,
  connect: (config, name) => new ScaleioArray(new GatewaySession(readConnection(config, process.env, name))),
  // The array writes ids in lower case.
  find: (array, id, { to }) => volumeToImport(array, id.toLowerCase(), to.settings as ScaleioSettings),
  notes: (id) => [note("owner-unknown", "import", { id, keeper: "the array" })],
});
