// The gateway's clock: the machine's, moved forward on command, so that tests don't wait for a token to expire.

export class Clock {
  #aheadMs = 0;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Whole seconds since 1970, the unit of `creationTime`. */
  seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  advance(milliseconds: number): void {
    if (!Number.isFinite(milliseconds) || milliseconds < 0) throw new RangeError("the clock only moves forward");
    this.#aheadMs += milliseconds;
  }
}
