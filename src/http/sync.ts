// Keeps the checkouts of a service that commits its edits up to date: what other instances push is seen without an edit here.

import { setTimeout as sleep } from "node:timers/promises";

import { StackError } from "../stack";
import { syncCheckouts } from "../stack/checkout";
import type { ServedStack } from "./served";

/** How often the upstream is asked, in milliseconds. */
const EVERY = 30_000;

/** Starts fetching; the result stops it, after the fetch in progress. Each new error is passed to `warn` once. */
export function keepInSync(stacks: readonly ServedStack[], warn: (message: string) => void): () => Promise<void> {
  const end = new AbortController();
  let last = "";
  const running = (async () => {
    while (!end.signal.aborted) {
      const message = await syncCheckouts(stacks.map(({ stack }) => stack)).then(
        () => "",
        (error: unknown) => (error instanceof StackError ? error.message : String(error)),
      );
      if (message !== "" && message !== last) warn(message);
      last = message;
      await sleep(EVERY, undefined, { signal: end.signal, ref: false }).catch(() => undefined);
    }
  })();
  return async () => {
    end.abort();
    await running;
  };
}
