// Pulumi projects of a test's own whose programs aren't written for Node.js: the language's host, and the package beside them as a plugin.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import { stringify } from "yaml";

import { Project } from "./engine";
import { describeIf } from "./machine";

type Host = { path: string } | { missing: string };

let host: Host | undefined;

// Built, if need be, in a process of its own: a test file must know before its first test what there is to run.
function yamlHost(): Host {
  if (host) return host;
  const script = resolve(__dirname, "../../tools/engine/yaml-host.js");
  const { status, stdout } = spawnSync(process.execPath, [script], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error("The language host of Pulumi YAML could not be built; the lines above say why.");
  return (host = JSON.parse(stdout) as Host);
}

/** A group of tests of programs in YAML. */
export function describeYaml(name: string, tests: () => void): void {
  const found = yamlHost();
  describeIf("path" in found, name, "missing" in found ? found.missing : undefined, tests);
}

/** A project in YAML. */
export class YamlProject extends Project {
  constructor(name: string) {
    const found = yamlHost();
    super(name, "", { surroundings: { hosts: "path" in found ? [found.path] : [] } });
  }

  /** Writes the program: `Pulumi.yaml`. */
  declare(resources: Record<string, object>, rest: object = {}): void {
    const packages = { "storage-profiles": "./node_modules/storage-profiles" };
    this.write("Pulumi.yaml", stringify({ name: this.name, runtime: "yaml", packages, resources, ...rest }));
  }
}
