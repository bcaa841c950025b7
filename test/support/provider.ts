// A Pulumi project of a test's own whose volumes a provider's plugin makes: the plugin, and the ways in which its engine is driven.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import { Project, succeeded, type Surroundings } from "./engine";

const root = resolve(__dirname, "../..");

/** Builds a plugin, if need be, in a process of its own: a test file must know before its first test what there is to run. */
export function findPlugin(name: string): { path: string; env?: Record<string, string> } | { missing: string } {
  const script = resolve(root, `tools/engine/${name}-plugin.js`);
  const { status, stdout } = spawnSync(process.execPath, [script], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`The ${name} plugin could not be built; the lines above say why.`);
  return JSON.parse(stdout) as ReturnType<typeof findPlugin>;
}

/** A project whose volumes a provider's plugin makes, which waits 10 s for each: so many at once. */
export class ProviderProject extends Project {
  constructor(name: string, program: string, { env, ...surroundings }: Surroundings) {
    super(name, program, { surroundings: { ...surroundings, env: { PULUMI_PARALLEL: "64", ...env } } });
  }

  /** Writes a program that declares volumes, by reference, and puts out id, settings, size and monthly cost of each, by name. */
  declare(volumes: Record<string, object>, rest = ""): void {
    this.program(`
      const { VolumeAttachment, VolumeTypes } = require("storage-profiles");
      const volumes = {};
      Object.assign(exports, { ids: {}, settings: {}, sizes: {}, costs: {} });
      for (const [reference, args] of Object.entries(${JSON.stringify(volumes)})) {
        const name = reference.split("@")[0];
        const volume = (volumes[name] = new ProfiledVolume(reference, args));
        exports.ids[name] = volume.volumeId;
        exports.settings[name] = volume.settings;
        exports.sizes[name] = volume.sizeGiB;
        exports.costs[name] = volume.monthlyCost.apply((cost) => cost?.amount ?? "unknown");
      }
      ${rest}`);
  }

  /** A line for `declare`: a preview then tells which of these outputs of a volume it knows. */
  static tells(volume: string, ...outputs: string[]): string {
    return outputs
      .map(
        (output) =>
          `volumes[${JSON.stringify(volume)}].${output}.apply(() => pulumi.runtime.isDryRun() && pulumi.log.info("a known ${output}"));`,
      )
      .join("\n");
  }

  /** Of these outputs, those that a preview doesn't know. */
  async unknownAtPreview(...outputs: string[]): Promise<string[]> {
    return ProviderProject.untold(succeeded(await this.run(["preview"])), ...outputs);
  }

  /** Of these outputs, those that the text of a preview doesn't tell as known. */
  static untold(text: string, ...outputs: string[]): string[] {
    return outputs.filter((output) => !text.includes(`a known ${output}\n`));
  }

  /** The ids of the volumes, by name. */
  async ids(): Promise<Record<string, string>> {
    return (await this.outputs())["ids"] as Record<string, string>;
  }
}
