// How fast something writes: as a container itself sees it; and whether a limit shows on this machine at all.

/** A shell's direct writes of 4 KiB, and when they began and ended: after some that use up what a throttle lets through at first. */
export const timedWrites = (writes: number): string => `
  dd if=/dev/zero of=/data/rate bs=4k count=20 oflag=direct 2>/dev/null
  read before _ < /proc/uptime
  dd if=/dev/zero of=/data/rate bs=4k count=${writes} oflag=direct 2>/dev/null
  read after _ < /proc/uptime
  echo rate $before $after`;

/** How many of these writes were done in a second. */
export function rateOf(text: string, writes: number): number {
  const [, before, after] = /rate (\S+) (\S+)/.exec(text) ?? [];
  // /proc/uptime has hundredths.
  return writes / Math.max(Number(after) - Number(before), 0.01);
}

/**
 * Whether writes without a limit are so much faster than with it that the two can be told apart. A test compares them as a ratio, within one
 * run; where this machine is too slow for that, the test claims nothing, and this prints so.
 */
export function canTell(what: string, unlimited: number, limit: number): boolean {
  if (unlimited >= 5 * limit) return true;
  const ratio = (unlimited / limit).toFixed(1);
  process.stderr.write(
    `Too slow to tell: ${what}: without a limit they are ${ratio} times as fast, and 5 times are needed\n`,
  );
  return false;
}
