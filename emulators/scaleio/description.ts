// The description of an array: what is there before the first request. Given by tests and, as a JSON file, to the CLI.
import { isIP } from "node:net";

import { z } from "zod";

const name = z.string().regex(/^[\x21-\x7e]{1,31}$/, "1 to 31 letters, digits or punctuation characters");

const poolSchema = z.strictObject({
  name,
  /** Net: what fits into it, in GiB, of thick volumes. */
  capacityGiB: z.int().min(8).max(1_048_576),
  dataLayout: z.enum(["MediumGranularity", "FineGranularity"]).default("MediumGranularity"),
  mediaType: z.enum(["HDD", "SSD"]).default("SSD"),
  /** Always on in a fine granularity pool. */
  zeroPadding: z.boolean().default(true),
  /** Never on in a fine granularity pool. */
  useRmcache: z.boolean().default(false),
  /** Of new volumes in a fine granularity pool that don't say. */
  compressionMethod: z.enum(["None", "Normal"]).default("None"),
  /** How many times the capacity may be promised to volumes; 1 allows no more than is there. */
  oversubscription: z.number().min(1).max(100).default(5),
  /** The part of the raw capacity, in percent, that is kept for a failed server. */
  sparePercentage: z.int().min(0).max(90).default(10),
});

const sdcSchema = z.strictObject({
  name: name.nullable().default(null),
  /** Left out, one is made up. */
  guid: z.guid().optional(),
  ips: z.array(z.string().refine((text) => isIP(text) > 0, "an IP address")).min(1),
  approved: z.boolean().default(true),
  connected: z.boolean().default(true),
});

export const arrayDescriptionSchema = z
  .strictObject({
    system: z
      .strictObject({
        /** Left out, a new one is made up: two arrays are never the same. */
        id: z
          .string()
          .regex(/^[0-9a-f]{16}$/, "16 hexadecimal digits, lower case")
          .optional(),
        name: name.nullable().default("lab"),
        restrictedSdcMode: z.enum(["None", "Guid", "ApprovedIp"]).default("None"),
      })
      .prefault({}),
    protectionDomains: z.array(z.strictObject({ name, storagePools: z.array(poolSchema) })).min(1),
    sdcs: z.array(sdcSchema).default([]),
  })
  .superRefine((array, context) => {
    const unique = (what: string, values: readonly string[]) => {
      const twice = values.find((value, at) => values.indexOf(value) !== at);
      if (twice !== undefined) context.addIssue({ code: "custom", message: `${what} ${twice} is there twice` });
    };
    unique(
      "the protection domain",
      array.protectionDomains.map((domain) => domain.name),
    );
    for (const domain of array.protectionDomains) {
      unique(
        `in ${domain.name} the storage pool`,
        domain.storagePools.map((pool) => pool.name),
      );
    }
    unique(
      "the SDC's name",
      array.sdcs.flatMap((sdc) => sdc.name ?? []),
    );
    unique(
      "the SDC's GUID",
      array.sdcs.flatMap((sdc) => sdc.guid?.toUpperCase() ?? []),
    );
    unique(
      "the SDC's IP address",
      array.sdcs.flatMap((sdc) => sdc.ips),
    );
  });

/** An array as it is described; what has a default may be left out. */
export type ArrayDescription = z.input<typeof arrayDescriptionSchema>;
export type SdcDescription = z.output<typeof sdcSchema>;

/** Two domains that both have a pool "pool1", and pools for each rule that a pool can have. */
export const defaultArray: ArrayDescription = {
  protectionDomains: [
    {
      name: "domain1",
      storagePools: [
        { name: "pool1", capacityGiB: 100 * 1024 },
        { name: "fine", capacityGiB: 10 * 1024, dataLayout: "FineGranularity" },
        { name: "small", capacityGiB: 64, oversubscription: 2 },
        { name: "unpadded", capacityGiB: 1024, zeroPadding: false },
      ],
    },
    { name: "domain2", storagePools: [{ name: "pool1", capacityGiB: 1024 }] },
  ],
  sdcs: [
    { name: "node1", guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC01", ips: ["192.0.2.11"] },
    { name: "node2", guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC02", ips: ["192.0.2.12"] },
    { name: "node3", guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC03", ips: ["192.0.2.13"] },
    { name: null, guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC04", ips: ["192.0.2.14"] },
  ],
};
