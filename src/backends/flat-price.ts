// Backends without a price list of their own: a stack may say what a GiB costs there, else the cost is unknown.

import { z } from "zod";

import { costPart, monthlyCost, type MonthlyCost } from "../core/cost";

/** A day. Unquoted, YAML makes a point in time of it, which Pulumi writes with its hours; the day is what counts. */
export const dateSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}( |T|$)/)
  .describe("a date, as YYYY-MM-DD");

const flatPrice = z.strictObject({
  perGiB: z.number().nonnegative().optional().describe("Price per GiB and month"),
  currency: z.string().optional().describe('Currency code. Default: "USD"'),
  source: z.string().optional().describe("Source of the price"),
  date: dateSchema.optional(),
});

/** The price of a GiB per month; empty where the stack sets none. */
export type FlatPrice = z.infer<typeof flatPrice>;

/** No price ships: what a GiB costs on somebody's own hardware only they know. */
export const flatPrices = (title: string) => ({
  data: {} as FlatPrice,
  override: flatPrice.describe(`Price per GiB on ${title}`),
  whole: flatPrice,
});

/** The monthly cost by the GiB; nothing where nobody has said. */
export function flatCost(
  { sizeGiB }: { sizeGiB: number },
  _placement: unknown,
  price: FlatPrice,
): { cost: MonthlyCost } | undefined {
  if (price.perGiB === undefined) return undefined;
  const { currency = "USD", source = "the stack's config", date = "unknown" } = price;
  return {
    cost: monthlyCost([costPart("storage", sizeGiB, "GiB", price.perGiB)], { currency, region: "any", source, date }),
  };
}
