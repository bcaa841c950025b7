// Time that a test moves itself, for code that waits longer than a test should.

import { monotonic } from "../../src/system/monotonic";

/** What `useFakeClock` leaves as it is. Input and output need it, and so does `until` (tools/test/time.js). */
const REAL = [
  "hrtime",
  "nextTick",
  "performance",
  "queueMicrotask",
  "setImmediate",
  "clearImmediate",
  "setInterval",
  "clearInterval",
] as const;

let elapsed: jest.SpyInstance | undefined;
afterEach(() => elapsed?.mockRestore());

/**
 * Stops the monotonic clock, `Date` and `setTimeout` of the code under test until the test moves them on, or ends with `jest.useRealTimers()`. The returned
 * function moves them on by so many milliseconds: what is due by then is called. `setTimeout` of node:timers/promises stays real.
 */
export function useFakeClock(): (milliseconds: number) => void {
  jest.useFakeTimers({ doNotFake: [...REAL] });
  let now = monotonic.now();
  elapsed = jest.spyOn(monotonic, "now").mockImplementation(() => now);
  return (milliseconds) => {
    now += milliseconds;
    jest.advanceTimersByTime(milliseconds);
  };
}
