// How fast a container writes, as it itself sees it.

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
