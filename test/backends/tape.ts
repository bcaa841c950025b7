// A backend that isn't part of the package: two definitions, each registered by one line. Tapes are made by the `random` package's kind of
// resource, a custom resource without a provider of ours.

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { defineBackend as defineResources, type TypesOfResources } from "../../components/backends/contract";
import { registerBackendResources } from "../../components/backends/registry";
import { coreProblems, defineProblems, problemKind } from "../../src/core/problems";
import { registerBackends, type TypesOf } from "../../src/core/backend";
import {
  defineBackend,
  inPlace,
  partialRange,
  rangeSchema,
  readAsRecorded,
  refused,
  sizeProblems,
} from "../../src/backends/contract";
import { flatCost, flatPrices } from "../../src/backends/flat-price";

export interface TapeSettings {
  speedMBps: number;
  library: string;
}

// A problem that only tapes have.
const tapeProblems = defineProblems(
  {
    problems: {
      "tape-too-slow": problemKind<{ speedMBps: number }>({
        meaning: "A tape is written more slowly than the drive can wind.",
        message: ({ speedMBps }) => `${speedMBps} MB/s is too slow`,
        allowed: () => "40 MB/s or more",
      }),
    },
  },
  coreProblems,
);

const limits = z.strictObject({ sizeGiB: rangeSchema });
const library = z.string().min(1).optional().describe("The library that has the tape");

const tape = defineBackend({
  name: "tape",
  title: "Tape library",
  section: z.strictObject({ speedMBps: z.int().positive().nullish().describe("MB/s") }),
  builtIn: { default: {}, gold: { speedMBps: 400 } },
  placement: z.strictObject({ library }),
  stack: z.strictObject({ library }).describe("Where tapes are"),
  own: z.strictObject({ library }).describe("What a volume says itself on tape"),
  questions: [
    { option: "library", key: "library", message: "Library", description: "the tape library", isNeeded: true },
  ],
  hasProvider: false,
  limits: {
    data: { sizeGiB: { min: 1, max: 18_000 } },
    override: z.strictObject({ sizeGiB: partialRange.optional() }),
    whole: limits,
  },
  prices: flatPrices("tape"),
  resolve(asked) {
    const problems = sizeProblems("a tape", asked, asked.limits.sizeGiB);
    const { speedMBps } = asked.section;
    if (typeof speedMBps === "number" && speedMBps < 40)
      problems.push(tapeProblems.problem("tape-too-slow", `${asked.path}.speedMBps`, speedMBps, { speedMBps }));
    if (problems.length > 0) return { sizeGiB: asked.sizeGiB, problems, notes: [] };
    const settings: TapeSettings = {
      speedMBps: asked.section.speedMBps ?? 100,
      library: asked.placement.library ?? "main",
    };
    return { settings, sizeGiB: asked.sizeGiB, problems, notes: [] };
  },
  problems: tapeProblems,
  change: { speedMBps: inPlace, library: refused("tapes don't travel", "declare a new volume, and copy the data") },
  monthlyCost: flatCost,
  quantities: { speedMBps: { unit: "MB/s" } },
  recorded: { type: "tape:index:Tape", read: readAsRecorded, decided: [], own: ["library"] },
});

export interface TapeArgs {
  sizeGiB: pulumi.Input<number>;
  settings: pulumi.Input<TapeSettings>;
  label?: pulumi.Input<string>;
}

export class Tape extends pulumi.CustomResource {
  declare public readonly sizeGiB: pulumi.Output<number>;
  declare public readonly settings: pulumi.Output<TapeSettings>;
  declare public readonly label: pulumi.Output<string>;
  constructor(name: string, args: TapeArgs, opts?: pulumi.CustomResourceOptions) {
    super("tape:index:Tape", name, args, opts);
  }
}

const tapeResources = defineResources<{
  overrides: { library?: pulumi.Input<string> };
  resource: Tape;
  args: TapeArgs;
  attachment: { drive: pulumi.Input<number> };
}>({
  volumes: () => ({
    placement: ({ tape: stack }) => stack ?? {},
    make({ name, volume, opts, transform }) {
      const own = { sizeGiB: volume.sizeGiB, settings: volume.settings as pulumi.Input<TapeSettings> };
      const args = transform?.(own, opts, name)?.args ?? own;
      const resource = new Tape(name, args as TapeArgs, opts);
      return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
    },
  }),
  attachments: () => ({
    host: "the robot",
    options: z.strictObject({ drive: z.number().describe("The drive's number") }),
    problems: () => [],
    attach: ({ name, volume, opts }) => ({
      resource: new Tape(name, { sizeGiB: 1, settings: volume.settings as pulumi.Output<TapeSettings> }, opts),
      devicePath: pulumi.output("/dev/nst0"),
    }),
  }),
});

declare module "../../src/core/backend" {
  interface BackendTypes {
    tape: TypesOf<typeof tape>;
  }
}
declare module "../../src/core/problems" {
  interface ProblemRooms {
    tape: typeof tapeProblems;
  }
}
declare module "../../components/backends/contract" {
  interface BackendResources {
    tape: TypesOfResources<typeof tapeResources>;
  }
}

registerBackends({ tape: () => tape });
registerBackendResources("tape", () => tapeResources);
