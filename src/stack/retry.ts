// Does again what was made of a config that somebody changed meanwhile.

import { StackError } from "./errors";

const ATTEMPTS = 10;

/** Makes an attempt, and another one where the config's file was changed between its reading and its writing; several times at most. */
export async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !(error instanceof StackError) || error.code !== "config-changed") throw error;
    }
  }
}
