// Prices from a file of their own (`storage-profiles:pricesFile`): the component reads it, the pure core checks it.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { NAMESPACE, problem, withPricesOf, type Problem, type StackConfig } from "../src";

/** Lays the stack's own prices over those of the file that it names, if it names one. The path is relative to `directory`. */
export function withPricesFile(config: StackConfig, directory: string): { config: StackConfig; problems: Problem[] } {
  const file = config.pricesFile;
  if (file === undefined) return { config, problems: [] };
  try {
    return withPricesOf(config, parseYaml(readFileSync(resolve(directory, file), "utf8")), file);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    const params = { file, why, allowed: "a YAML file with prices, in the format of `storage-profiles:prices`" };
    return { config, problems: [problem("file-not-readable", `${NAMESPACE}:pricesFile`, file, params)] };
  }
}

// Only a stack that has such a file pays for loading what reads it.
function parseYaml(text: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
  const { readYaml } = require("../src/core/yaml-values") as typeof import("../src/core/yaml-values");
  const doc = readYaml(text);
  const [wrong] = doc.errors;
  if (wrong) throw wrong;
  return doc.toJS() as unknown;
}
