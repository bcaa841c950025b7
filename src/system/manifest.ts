// The package.json of this package, wherever in it the code runs from.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What package.json says. */
export interface Manifest {
  name: string;
  version: string;
  description: string;
  peerDependencies: Record<string, string>;
}

/** Reads it: the first one above `directory`, as this file is deeper in dist than in the tree. */
export function packageManifest(directory = __dirname): Manifest {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return packageManifest(dirname(directory));
  return JSON.parse(readFileSync(file, "utf8")) as Manifest;
}
