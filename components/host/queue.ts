// Calls that change something come one after the other for one volume. What a crash or a time limit leaves unfinished is thereby
// finished before the next call looks.

import type { Waiting } from "./contract";

export type OneAtATime = <T>(name: string, waiting: Waiting, work: () => Promise<T>) => Promise<T>;

export function oneAtATime(): OneAtATime {
  const last = new Map<string, Promise<unknown>>();
  return async (name, waiting, work) => {
    const before = last.get(name);
    if (before) waiting.for(`an earlier call for ${name} to be done`);
    const current = (before ?? Promise.resolve()).then(work, work);
    last.set(name, current);
    try {
      return await current;
    } finally {
      if (last.get(name) === current) last.delete(name);
    }
  };
}
