// Monthly cost: what a volume costs by list price, and of which parts. Prices are dated data; unknown is said, never guessed.

/** One part of a volume's monthly cost. */
export interface CostPart {
  /** What is paid for: "storage", "IOPS", "throughput". */
  what: string;
  /** How much of it, in {@link unit}. */
  quantity: number;
  /** The unit: "GiB", "IOPS", "MiB/s". */
  unit: string;
  /** The price of one unit for a month. */
  unitPrice: number;
  /** quantity × unitPrice. */
  amount: number;
}

/** The list price of a volume per month of 730 hours, without taxes, requests, snapshots and discounts. */
export interface MonthlyCost {
  /** The sum of the parts, rounded to a hundredth. */
  amount: number;
  /** The currency's code: "USD". */
  currency: string;
  /** Where the price holds: an AWS region, or "any". */
  region: string;
  parts: CostPart[];
  /** Where the price comes from. */
  source: string;
  /** When the price was read, as YYYY-MM-DD. */
  date: string;
}

/** Makes a part: quantity × unitPrice. */
export function costPart(what: string, quantity: number, unit: string, unitPrice: number): CostPart {
  return { what, quantity, unit, unitPrice, amount: round(quantity * unitPrice) };
}

/** Adds parts up. */
export function monthlyCost(
  parts: CostPart[],
  price: { currency: string; region: string; source: string; date: string },
): MonthlyCost {
  const amount = round(parts.reduce((sum, part) => sum + part.quantity * part.unitPrice, 0));
  return { amount, ...price, date: price.date.slice(0, 10), parts };
}

/** A cost as text: "12.50 USD", or "unknown". */
export function formatCost(cost: Pick<MonthlyCost, "amount" | "currency"> | undefined): string {
  return cost === undefined ? "unknown" : `${cost.amount.toFixed(2)} ${cost.currency}`;
}

function round(amount: number): number {
  return Math.round(amount * 100) / 100;
}
