// OpenStack Cinder: a profile is a volume type. What only a cloud knows of its types is asked there (facts.ts judges the answer).

import { z } from "zod";

import { note, problem, type Note } from "../../core/problems";
import {
  defineBackend,
  inPlace,
  mergeTags,
  partialRange,
  rangeSchema,
  refused,
  sizeProblems,
  type Answer,
  type Asked,
} from "../contract";
import { flatCost, flatPrices } from "../flat-price";
import {
  openstackPlacement,
  openstackStackSchema,
  openstackTagRules,
  openstackVolumeSchema,
  type OpenstackPlacement,
} from "./placement";
import { openstackSection, type OpenstackSection, type OpenstackSettings } from "./settings";
import { sizesOf, volumeTypeToMake } from "./specs";
import { openstackProblems } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";

export type { OpenstackSettings } from "./settings";

const limitsSchema = z.strictObject({
  sizeGiB: rangeSchema,
});
type Limits = z.infer<typeof limitsSchema>;

const MADE_FROM = ["snapshotId", "imageId", "sourceVolumeId"] as const;

const COPY_WAY = "declare a new volume there, copy the data, then destroy this one";

// What a volume was made from may be forgotten: nothing changes in Cinder.
const madeFrom = (_from: string | null, to: string | null) =>
  to === null
    ? inPlace()
    : refused(
        "it is only used when the volume is created",
        "restore the previous value, or remove it; to use its data, declare a new volume, switch the application to it, then destroy this one",
      )();

export const openstack = defineBackend({
  name: "openstack",
  title: "OpenStack Cinder",
  section: openstackSection,
  builtIn: {
    default: { migrationPolicy: "on-demand" },
    gold: { volumeType: "gold", migrationPolicy: "on-demand" },
    silver: { volumeType: "silver", migrationPolicy: "on-demand" },
    bronze: { volumeType: "bronze", migrationPolicy: "on-demand" },
  },
  placement: openstackPlacement,
  stack: openstackStackSchema,
  own: openstackVolumeSchema,
  tags: { setting: "metadata", is: "an entry of Cinder's metadata", rules: () => openstackTagRules },
  questions: [
    {
      option: "zone",
      key: "availabilityZone",
      message: "Availability zone (empty: chosen by Cinder)",
      description: "the availability zone",
      isNeeded: false,
    },
  ],
  hasProvider: true,
  limits: {
    // Cinder takes any size that its database holds (a signed 32-bit number of GiB); types and quotas set the real limits.
    // Source: cinder/api/schemas/volumes.py and cinder/db models, 29.0. Read 2026-08-21.
    data: { sizeGiB: { min: 1, max: 2_147_483_647 } },
    override: z
      .strictObject({ sizeGiB: partialRange.optional() })
      .describe("Limits of OpenStack Cinder; override the shipped limits"),
    whole: limitsSchema,
  },
  prices: flatPrices("OpenStack Cinder"),
  problems: openstackProblems,
  resolve(asked: Asked<OpenstackSection, OpenstackPlacement, Limits>): Answer<OpenstackSettings> {
    const { section, placement, profile, path, placementPath, sizeGiB, limits } = asked;
    const problems = sizeProblems("a Cinder volume", asked, limits.sizeGiB);
    const notes: Note[] = [];
    const volumeType = typeOf(profile, section);
    if (section.specs) {
      const made = volumeTypeToMake(volumeType ?? profile, section.specs, `${path}.specs`);
      problems.push(...made.problems);
      if (problems.length === 0) {
        const { min = limits.sizeGiB.min, max = limits.sizeGiB.max } = sizesOf(made.type.extraSpecs);
        const ways = () => ["change the type's extra specs"];
        const fits = (sizeGiB: number) => sizeProblems("", { ...asked, sizeGiB }, limits.sizeGiB).length === 0;
        problems.push(...sizeProblems(`a volume of type "${volumeType}"`, asked, { min, max }, { ways, fits }));
      }
    }
    const sources = MADE_FROM.filter((key) => placement[key] !== undefined);
    for (const setting of sources.slice(1)) {
      const because = `a volume has only one source, and \`${sources[0]}\` is also set`;
      const ways = sources.map((key) => `remove \`${key}\``);
      const params = { setting, because, ways };
      problems.push(problem("setting-not-applicable", `${placementPath}.${setting}`, placement[setting], params));
    }
    const overridden = (setting: string, from: unknown, to: unknown) => {
      if (from == null || to === undefined || from === to) return;
      notes.push(note("value-overridden", `${path}.${setting}`, { setting, profile, from, to }));
    };
    overridden("description", section.description, placement.description);
    const tags = mergeTags(asked, "metadata", { ofProfile: section.metadata, ofBackend: placement.metadata });
    notes.push(...tags.notes);
    if (problems.length > 0) return { sizeGiB, problems, notes: [] };

    const settings: OpenstackSettings = {
      volumeType,
      migrationPolicy: section.migrationPolicy ?? "never",
      availabilityZone: placement.availabilityZone ?? null,
      snapshotId: placement.snapshotId ?? null,
      imageId: placement.imageId ?? null,
      sourceVolumeId: placement.sourceVolumeId ?? null,
      description: placement.description ?? section.description ?? null,
      metadata: tags.tags,
    };
    return { settings, sizeGiB, problems, notes };
  },
  change: {
    volumeType: (_from, to) => ({
      verdict: "migrates",
      because:
        to === null
          ? "it gets the cloud's default type, and a retype moves the data if the types are on different storage"
          : "a retype moves the data if the types are on different storage",
    }),
    migrationPolicy: inPlace,
    // Who no longer names the zone leaves the volume where it is.
    availabilityZone: (_from, to) =>
      to === null ? undefined : refused("a volume can't be moved to another zone", COPY_WAY)(),
    snapshotId: madeFrom,
    imageId: madeFrom,
    sourceVolumeId: madeFrom,
    description: inPlace,
    metadata: inPlace,
  },
  monthlyCost: flatCost,
  quantities: {},
  place: ({ availabilityZone }) => (availabilityZone === undefined ? {} : { availabilityZone }),
  recorded: {
    type: "pulumi-nodejs:dynamic/storage-profiles:CinderVolume",
    pluginType: "storage-profiles:openstack:CinderVolume",
    createdBy: "openstack:blockstorage/volume:Volume",
    // Where nobody asks for a type, the volume's is the one that it has, unless another was asked for before.
    read({ sizeGiB, volumeType, migrationPolicy }, has = {}) {
      if (typeof sizeGiB !== "number") return {};
      const asksNothing = volumeType === undefined && has["askedType"] === undefined;
      const type = asksNothing ? has["volumeType"] : volumeType;
      return { sizeGiB, settings: { volumeType: type ?? null, migrationPolicy } as Partial<OpenstackSettings> };
    },
    decided: ["availabilityZone"],
    own: ["availabilityZone", ...MADE_FROM, "description"],
  },
});

/** The volume type that a profile asks for; `null` for the cloud's default type. */
function typeOf(profile: string, section: OpenstackSection): string | null {
  return section.volumeType ?? (section.specs ? profile : null);
}
