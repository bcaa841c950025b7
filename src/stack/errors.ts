// What goes wrong with a stack as a whole: no project, a file that doesn't parse, a lock that another holds. Every error is
// one or more problems of the registry, so that all faces say the same words.

import {
  formatProblems,
  type DefinedProblems,
  type Note,
  type ParamsOf,
  type Problem,
  type ProblemCode,
} from "../core/problems";
import { stackProblems } from "./problems";

/** Who holds a lock on a stack, as the engine's backend tells. */
export interface LockHolder {
  /** "root@host (pid 123)". */
  who: string;
  /** Since when, where it is told. */
  since?: string | undefined;
}

/** What is known of an error beside its problems. */
export interface StackErrorOptions {
  cause?: unknown;
  holder?: LockHolder;
  notes?: readonly Note[];
}

/** An error of a stack: what is wrong, what is allowed, what to do. */
export class StackError extends Error {
  /** Every problem; the first one is what the error is called after. */
  readonly problems: readonly [Problem, ...Problem[]];
  /** Who holds the lock, where that is what is wrong. */
  readonly holder: LockHolder | undefined;
  /** What else may be behind it. */
  readonly notes: readonly Note[];

  constructor(problems: readonly [Problem, ...Problem[]], options: StackErrorOptions = {}) {
    const { cause, notes = [] } = options;
    const told = notes.map(({ message }) => `\nnote: ${message}`).join("");
    super(`${formatProblems(problems[0].message, problems)}${told}`, cause === undefined ? {} : { cause });
    this.notes = notes;
    this.name = "StackError";
    this.problems = problems;
    this.holder = options.holder;
  }

  /** The code of the first problem. */
  get code(): ProblemCode {
    return this.problems[0].code;
  }
}

/** What makes an error of one problem, of those that a room has. */
export function errorsOf<All, Rest extends unknown[], E>(
  { problem }: DefinedProblems<unknown, unknown, All, unknown>,
  make: (one: Problem, ...rest: Rest) => E,
) {
  return <C extends keyof All>(code: C, path: string, given: unknown, params: ParamsOf<All[C]>, ...rest: Rest): E =>
    make(problem(code, path, given, params), ...rest);
}

/** An error of a stack that is one problem. */
export const oneProblem = (one: Problem, options?: StackErrorOptions): StackError => new StackError([one], options);

/** The same by its code, of those that a stack has. */
export const stackError = errorsOf(stackProblems, oneProblem);
