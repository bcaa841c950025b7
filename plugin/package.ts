// What the package says about itself.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Manifest {
  version: string;
  description: string;
}

// Above this file, compiled or not.
function manifest(): Manifest {
  for (let directory = __dirname; ; directory = dirname(directory)) {
    const file = join(directory, "package.json");
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  }
}

export const packageVersion = () => manifest().version;
export const packageDescription = () => manifest().description;
