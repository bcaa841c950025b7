// Keeps the checkouts of a service that commits its edits up to date: what other instances push is seen without an edit here.

import { setTimeout as sleep } from "node:timers/promises";

import { StackError } from "../stack";
import type { ServedStack } from "./served";

/** How often the upstream is asked, in milliseconds. */
const EVERY = 30_000;

/** Begins that; returns what ends it, and waits for what is under way. What goes wrong `warn` is told, once. */
export function keepInSync(stacks: readonly ServedStack[], warn: (message: string) => void): () => Promise<void> {
  const end = new AbortController();
  let last = "";
  const once = async () => {
    const done = new Set<string>();
    for (const { stack } of stacks) await stack.syncCheckout({ done });
  };
  const running = (async () => {
    while (!end.signal.aborted) {
      const message = await once().then(
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
