// Bounds on the number of entries in a profile or a volume: more than a backend accepts are refused before anything else is done with them.

import type { z } from "zod";

/** A record of at most so many entries. */
export function bounded<T extends z.ZodType<Record<string, unknown>>>(record: T, most: number): T {
  return record.refine((entries) => Object.keys(entries).length <= most, {
    error: ({ input }) => `too many entries (${Object.keys(input as object).length})`,
    params: { allowed: `at most ${most} entries`, fix: "remove some of them" },
    abort: true,
  });
}
