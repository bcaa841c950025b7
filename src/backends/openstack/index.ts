// OpenStack Cinder: a profile is a volume type. The type's own limits live in Cinder and are asked there.

import { z } from "zod";

import { partialRange, rangeSchema, refused, sizeProblems, type Answer, type Asked, type Backend } from "../backend";
import { flatCost, flatPrices, type FlatPrice } from "../flat-price";

const section = z
  .strictObject({
    volumeType: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe("Name of the Cinder volume type. Default: the cloud's default type"),
  })
  .describe("What the profile means on OpenStack Cinder");
type Section = z.infer<typeof section>;

const placement = z.strictObject({});
type Placement = z.infer<typeof placement>;

const limitsSchema = z.strictObject({
  sizeGiB: rangeSchema,
});
type Limits = z.infer<typeof limitsSchema>;

/** The complete settings of a Cinder volume. */
export interface OpenstackSettings {
  /** The volume type; `null` for the cloud's default type. */
  volumeType: string | null;
}

export const openstack: Backend<"openstack", Section, OpenstackSettings, Placement, Limits, FlatPrice> = {
  name: "openstack",
  title: "OpenStack Cinder",
  section,
  placement,
  limits: {
    // Cinder takes any size that its database holds (a signed 32-bit number of GiB); types and quotas set the real limits.
    // Source: cinder/api/schemas/volumes.py and cinder/db models, 29.0. Read 2026-08-21.
    data: { sizeGiB: { min: 1, max: 2_147_483_647 } },
    override: z
      .strictObject({ sizeGiB: partialRange.optional() })
      .describe("Limits of OpenStack Cinder, laid over those that ship"),
    whole: limitsSchema,
  },
  prices: flatPrices("OpenStack Cinder"),
  resolve(asked: Asked<Section, Placement, Limits>): Answer<OpenstackSettings> {
    const { section, sizeGiB, limits } = asked;
    const problems = sizeProblems("a Cinder volume", asked, limits.sizeGiB);
    if (problems.length > 0) return { sizeGiB, problems, notes: [] };
    return { settings: { volumeType: section.volumeType ?? null }, sizeGiB, problems, notes: [] };
  },
  change: {
    volumeType: (_from, to) =>
      to === null
        ? refused("Cinder can't take a volume's type away", "name the volume type that it shall have")()
        : { verdict: "migrates", because: "a retype moves it where the types are on different storage" },
  },
  monthlyCost: flatCost,
};
