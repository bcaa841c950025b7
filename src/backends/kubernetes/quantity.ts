// Quantities of storage, as the API writes them.
// Source: apimachinery, resource.Quantity. Read 2026-11-29.

const UNITS: Record<string, number> = {
  ...Object.fromEntries(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((unit, index) => [unit, 1024 ** (index + 1)])),
  ...Object.fromEntries(["k", "M", "G", "T", "P", "E"].map((unit, index) => [unit, 1000 ** (index + 1)])),
  "": 1,
};

/** A quantity of storage in bytes; nothing where it is none. */
export function bytes(quantity: unknown): number | undefined {
  const [, number, unit = ""] =
    /^(\d+(?:\.\d+)?(?:e\d+)?)([A-Za-z]*)$/.exec(typeof quantity === "string" ? quantity : "") ?? [];
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

/** A quantity of storage as whole GiB, rounded up; nothing where it is none. */
export function gibibytes(quantity: unknown): number | undefined {
  const exact = bytes(quantity);
  return exact === undefined ? undefined : Math.ceil(exact / 1024 ** 3);
}
