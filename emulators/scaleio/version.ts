// API versions, "2.0" to "5.0": what the gateway answers to /api/version, and what its behaviour depends on.

import { coerce, gte, type SemVer } from "semver";

const pattern = /^\d+(\.\d+){0,2}$/;

export class Version {
  readonly #version: SemVer;

  constructor(readonly text: string) {
    const version = pattern.test(text) ? coerce(text) : null;
    if (!version) throw new RangeError(`${JSON.stringify(text)} isn't an API version such as "4.5"`);
    this.#version = version;
  }

  /** 3.10 is after 3.5, and 4 is 4.0. */
  atLeast(other: string): boolean {
    return gte(this.#version, coerce(other) ?? other);
  }

  /** As in `systemVersionName`: R3_6.0.0. */
  get release(): string {
    const { major, minor, patch } = this.#version;
    return `R${major}_${minor}.${patch}.0`;
  }
}
