// What goes wrong with a stack as a whole: no project, a file that doesn't parse, a lock that another holds. Every error is
// one or more problems of the registry, so that all faces say the same words.

import {
  formatProblems,
  problem,
  type Note,
  type Problem,
  type ProblemCode,
  type ProblemParams,
} from "../core/problems";

/** Who holds a lock on a stack, as the engine's backend tells. */
export interface LockHolder {
  /** "root@host (pid 123)". */
  who: string;
  /** Since when, where it is told. */
  since?: string | undefined;
}

/** An error of a stack: what is wrong, what is allowed, what to do. */
export class StackError extends Error {
  /** Every problem; the first one is what the error is called after. */
  readonly problems: readonly [Problem, ...Problem[]];
  /** Who holds the lock, where that is what is wrong. */
  readonly holder: LockHolder | undefined;
  /** What else may be behind it. */
  readonly notes: readonly Note[];

  constructor(
    problems: readonly [Problem, ...Problem[]],
    options: { cause?: unknown; holder?: LockHolder; notes?: readonly Note[] } = {},
  ) {
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

/** An error of one problem of the registry. */
export function stackError<C extends ProblemCode>(
  code: C,
  path: string,
  given: unknown,
  params: ProblemParams<C>,
  options: { cause?: unknown; holder?: LockHolder } = {},
): StackError {
  return new StackError([problem(code, path, given, params)], options);
}
