// Sizes: `sizeGiB: 100`, or text with a unit. Volumes are made in whole GiB, so a size is rounded up, with a note.

import { note, problem, type Note, type Problem } from "./problems";

/** A size as it is asked for: one of the two, or both when they say the same. */
export interface SizeRequest {
  /** The size in GiB (2^30 bytes). */
  sizeGiB?: number | undefined;
  /** The size as text with a unit: binary (MiB, GiB, TiB, PiB) or decimal (MB, GB, TB, PB). */
  size?: string | undefined;
}

/** What was made of a size: whole GiB, or the problems with it. */
export type ParsedSize =
  { sizeGiB: number; problems: []; notes: Note[] } | { sizeGiB?: undefined; problems: Problem[]; notes: [] };

const GIB = 2 ** 30;
const BYTES: Readonly<Record<string, number>> = {
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
};

/** The largest size that is read at all, in GiB (1 ZiB): beyond it numbers lose their precision. Backends allow far less. */
const MAX_SIZE_GIB = 2 ** 40;

/** Reads a size. Problems: `size-missing`, `size-conflict`, `size-invalid`. Note: `size-rounded-up`. */
export function parseSize({ sizeGiB, size }: SizeRequest, pathPrefix = ""): ParsedSize {
  const numberPath = `${pathPrefix}sizeGiB`;
  const textPath = `${pathPrefix}size`;
  const failed = (...problems: Problem[]): ParsedSize => ({ problems, notes: [] });
  const fromText = size === undefined ? undefined : gibOf(size);
  if (typeof fromText === "object") return failed(problem("size-invalid", textPath, size, fromText));
  const wrong = sizeGiB === undefined ? undefined : whyNotASize(sizeGiB);
  if (wrong) return failed(problem("size-invalid", numberPath, sizeGiB, wrong));
  if (sizeGiB !== undefined && size !== undefined && fromText !== sizeGiB) {
    return failed(problem("size-conflict", textPath, size, { sizeGiB, size }));
  }
  const exact = sizeGiB ?? fromText;
  if (exact === undefined) return failed(problem("size-missing", numberPath, undefined, {}));

  const whole = Math.ceil(exact);
  if (whole === exact) return { sizeGiB: whole, problems: [], notes: [] };
  const asked = size ?? `${sizeGiB} GiB`;
  const because = /^[^a-z]*[kmgtp]b\s*$/i.test(asked)
    ? `its unit is decimal (1 GB is 0.931 GiB), and volume sizes are whole GiB`
    : "volume sizes are whole GiB";
  const path = size === undefined ? numberPath : textPath;
  return { sizeGiB: whole, problems: [], notes: [note("size-rounded-up", path, { asked, sizeGiB: whole, because })] };
}

/** Why something is no size, and what to do where another way of writing it doesn't help. */
interface NoSize {
  why: string;
  fix?: string;
}

function gibOf(text: string): number | NoSize {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (!match) {
    const why = "not a number with a unit";
    return /[mgtp]i?b\s*$/i.test(text) ? { why, fix: 'write the number in digits, with a point: "1.5TiB"' } : { why };
  }
  const [, digits = "", unit = ""] = match;
  if (unit === "") return whyNotASize(Number(digits)) ?? { why: "the unit is missing" };
  // Gb is the sign of a gigabit.
  const bytes = /^[A-Z]b$/.test(unit) ? undefined : BYTES[unit.toLowerCase()];
  if (bytes === undefined) return { why: `unknown unit "${unit}"` };
  const gib = (Number(digits) * bytes) / GIB;
  return whyNotASize(gib) ?? (isWhole(digits, bytes, Math.round(gib)) ? Math.round(gib) : gib);
}

// 65.498251264GB is 61 GiB, and as floating-point numbers a little more, which would be rounded up.
function isWhole(digits: string, bytes: number, gib: number): boolean {
  const [whole = "", fraction = ""] = digits.split(".");
  return BigInt(whole + fraction) * BigInt(bytes) === BigInt(gib) * BigInt(GIB) * 10n ** BigInt(fraction.length);
}

/** Why a number of GiB is no size; nothing where it is one. */
export function whyNotASize(gib: number): NoSize | undefined {
  if (typeof gib !== "number" || Number.isNaN(gib))
    return {
      why: "the size is not a number",
      fix: "use a number of GiB; NaN results from a calculation with a missing value",
    };
  if (gib <= 0) return { why: "the size must be greater than zero", fix: "set the size to 1 GiB or more" };
  if (gib > MAX_SIZE_GIB)
    return { why: "the size is larger than any backend supports", fix: "use a size that the backend supports" };
  return undefined;
}
