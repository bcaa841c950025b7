// API versions, "2.0" to "5.0": what the gateway answers to /api/version, and what its behaviour depends on.

const pattern = /^\d+(\.\d+)*$/;

export class Version {
  readonly #parts: readonly number[];

  constructor(readonly text: string) {
    if (!pattern.test(text)) throw new RangeError(`${JSON.stringify(text)} isn't an API version such as "4.5"`);
    this.#parts = text.split(".").map(Number);
  }

  /** Numerically, part by part: 3.10 is after 3.5, and 4 is 4.0. */
  atLeast(other: string): boolean {
    const others = other.split(".").map(Number);
    for (let at = 0; at < Math.max(this.#parts.length, others.length); at++) {
      const difference = (this.#parts[at] ?? 0) - (others[at] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return true;
  }

  /** As in `systemVersionName`: R3_6.0.0. */
  get release(): string {
    const [major = 0, minor = 0, patch = 0] = this.#parts;
    return `R${major}_${minor}.${patch}.0`;
  }
}
