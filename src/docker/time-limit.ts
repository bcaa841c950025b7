// Time limits: no call waits for ever, and one whose time is up says what it was waiting for.

import type { Waiting } from "../../components/host/contract";
import { stackError } from "./problems";

/**
 * Does something within a time. What goes on after that is not broken off: a volume that is half made gets finished, and the next call
 * finds it. Error: `time-is-up`.
 */
export async function withinLimit<T>(
  call: string,
  seconds: number,
  work: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  let waitsFor: string | (() => string) = "the plugin";
  const controller = new AbortController();
  const waiting: Waiting = {
    for: (what) => void (waitsFor = what),
    signal: controller.signal,
  };
  let timer: NodeJS.Timeout | undefined;
  const isUp = new Promise<never>((_, failed) => {
    timer = setTimeout(() => {
      controller.abort();
      failed(
        stackError("time-is-up", call, undefined, {
          seconds,
          waitsFor: typeof waitsFor === "string" ? waitsFor : waitsFor(),
        }),
      );
    }, seconds * 1000);
  });
  const done = work(waiting);
  // Nobody may be left to hear of it.
  done.catch(() => undefined);
  try {
    return await Promise.race([done, isUp]);
  } finally {
    clearTimeout(timer);
  }
}
