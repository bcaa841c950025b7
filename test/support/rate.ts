// How fast a container writes, as it itself sees it; compared with what the same machine does without a limit, never with a clock.

/**
 * A shell's direct writes of 4 KiB, and when they began and ended: after some that use up what a throttle lets through at first.
 *
 * @param writes how many, or the shell's word for it
 * @param file where to; what it has stays as long as it is
 */
export const timedWrites = (writes: number | string, file = "/data/rate"): string => `
  dd if=/dev/zero of=${file} bs=4k count=20 oflag=direct conv=notrunc 2>/dev/null
  read before _ < /proc/uptime
  dd if=/dev/zero of=${file} bs=4k count=${writes} oflag=direct conv=notrunc 2>/dev/null
  read after _ < /proc/uptime
  echo rate $before $after`;

/** How many of these writes were done in a second. */
export function rateOf(text: string, writes: number): number {
  const [, before, after] = /rate (\S+) (\S+)/.exec(text) ?? [];
  if (after === undefined) throw new Error(`no rate in: ${text}`);
  // /proc/uptime has hundredths.
  return writes / Math.max(Number(after) - Number(before), 0.01);
}

/** Rates of one run, in writes of 4 KiB a second. */
export interface Measured {
  /** The limit that was set. */
  limit: number;
  limited: number;
  unlimited: number;
}

/** That a limit holds: limited writes take at least twice as long as unlimited ones, where this machine is fast enough to show it. */
export function expectLimited(what: string, { limit, limited, unlimited }: Measured): void {
  if (!canTell(what, unlimited, limit)) return;
  expect(limited / unlimited).toBeLessThan(1 / 2);
}

/** That a higher limit lets more through, at least half of what it should, and still holds. */
export function expectRaised(what: string, before: Measured, after: Measured): void {
  if (!canTell(what, after.unlimited, after.limit)) return;
  expectLimited(what, after);
  expect(after.limited / before.limited).toBeGreaterThan(after.limit / before.limit / 2);
}

/** A limit above a quarter of what the machine does without any is too near to that: the test says so, and claims nothing. */
export function canTell(what: string, unlimited: number, limit: number): boolean {
  if (unlimited >= 4 * limit) return true;
  console.warn(`too slow to tell: ${what}: ${Math.round(unlimited)} writes a second without a limit, ${limit} with it`);
  return false;
}
