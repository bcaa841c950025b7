// How long something has taken, or may take: the clock that people read may be set while we wait.

/** A clock that nobody sets. On Linux all processes of one boot have the same. */
export const monotonic = {
  /** Milliseconds since some moment. */
  now: (): number => Number(process.hrtime.bigint()) / 1e6,
};
