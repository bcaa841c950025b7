// Shared profiles (`storage-profiles:catalog`), for a program: the same files, found and read in the same way as the commands do.

import type { StackConfig } from "../src";
import type { CatalogFile } from "../src/core/catalog";

/** The files that the config names, read. Paths are relative to `directory`. Only a stack that has any pays for loading what reads them. */
export function catalogFiles(config: StackConfig, directory: string): CatalogFile[] {
  if (config.catalog === undefined) return [];
  /* eslint-disable @typescript-eslint/no-require-imports -- loaded when they are needed */
  const { readCatalog } = require("../src/core/catalog-file") as typeof import("../src/core/catalog-file");
  const { readCatalogSources } =
    require("../src/system/catalog-source") as typeof import("../src/system/catalog-source");
  /* eslint-enable @typescript-eslint/no-require-imports */
  return readCatalog(config, (names) => readCatalogSources(names, directory));
}
