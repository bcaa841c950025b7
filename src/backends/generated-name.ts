// The name of a volume where names are unique: readable, and the same on every run.

import { createHash } from "node:crypto";

/** The longest name; ScaleIO has the lowest limit of the backends that use it. Source: the gateway's error 226. */
export const MAX_NAME_LENGTH = 31;

/** Who declares a volume. */
export interface VolumeOwner {
  /** Pulumi's organization; "organization" on self-managed backends. */
  organization: string;
  project: string;
  stack: string;
  /** The volume's name in the program. */
  volume: string;
  /** What only the state of this stack has: it keeps its names apart from those of every other state. */
  token?: string | undefined;
  /** Whose stack it is, where that is configured. */
  owner?: string | undefined;
}

const HASH_LENGTH = 9;
const SEPARATOR = "-";

/**
 * The name of a volume, from who declares it: `shop-prod-orders-4k7q0c9xv`. Names are short, so long parts are shortened, the longest first; the 45 bits at the end keep apart what would then be the same.
 */
export function generatedName(owner: VolumeOwner): string {
  const parts = [owner.project, owner.stack, owner.volume].map((part) => part.replace(/[^A-Za-z0-9._-]/g, SEPARATOR));
  const separators = SEPARATOR.length * parts.length;
  let room = MAX_NAME_LENGTH - HASH_LENGTH - separators;
  // The shortest first: what it leaves over is there for the others.
  const shares = new Map<number, number>();
  const byLength = parts.map((part, index) => ({ index, length: part.length })).sort((a, b) => a.length - b.length);
  byLength.forEach(({ index, length }, done) => {
    const share = Math.min(length, Math.floor(room / (byLength.length - done)));
    shares.set(index, share);
    room -= share;
  });
  const readable = parts.map((part, index) => part.slice(0, shares.get(index)));
  return [...readable, hash(owner)].join(SEPARATOR);
}

function hash({ organization, project, stack, volume, token, owner }: VolumeOwner): string {
  const digits = "0123456789abcdefghjkmnpqrstvwxyz";
  const own = [...(owner === undefined ? [] : [owner]), ...(token === undefined ? [] : [{ token }])];
  const bytes = createHash("sha256")
    .update(JSON.stringify([organization, project, stack, volume, ...own]))
    .digest();
  return [...bytes.subarray(0, HASH_LENGTH)].map((byte) => digits[byte % digits.length]).join("");
}
