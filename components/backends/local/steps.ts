// An operation on a volume is a list of named steps. Each can be repeated, so that whatever was killed between or inside two of
// them is finished by the next operation.
import type { Lock } from "./lock";

/** Called after each step of an operation with the step's name. */
export type Observer = (step: string) => void | Promise<void>;

/** Runs one step of an operation. */
export type Steps = <T>(name: string, action: () => Promise<T>) => Promise<T>;

/** Steps that are only taken as long as the volume's lock is ours. */
export function steps(lock: Lock, observe: Observer | undefined): Steps {
  return async (name, action) => {
    await lock.assertHeld();
    const result = await action();
    await observe?.(name);
    return result;
  };
}
