// From problems to HTTP answers: one table says which status goes with which code; the body is
// `{description, errors: [problem, …]}`, the original's form with our codes and paths.

import type { Note, Problem, ProblemCode } from "../core/problems";
import { errorsOf, StackError } from "../stack/errors";
import { httpProblems, problem } from "./problems";

/** An answer that isn't what was asked for. */
export class HttpError extends StackError {
  constructor(
    readonly status: number,
    problems: readonly [Problem, ...Problem[]],
    readonly headers: Readonly<Record<string, string | string[]>> = {},
    notes: readonly Note[] = [],
  ) {
    super(problems, { notes });
    this.name = "HttpError";
  }
}

/** An answer of one problem. */
export const httpError = errorsOf(
  httpProblems,
  (one, headers: Record<string, string | string[]> = {}) => new HttpError(statusOf([one]), [one], headers),
);

/** What is said of a request that went wrong. */
export interface ErrorBody {
  description: string;
  errors: readonly Problem[];
  notes?: readonly Note[];
}

/** How many problems an answer has. */
const MOST_PROBLEMS = 100;

/** How long a text in a problem is: what was sent comes back in several of them. */
const LONGEST_TEXT = 2_000;

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

/** The body of an answer with problems. Files of the project are called by their paths below its `directory`. */
export function errorBody(problems: readonly Problem[], notes: readonly Note[], directory: string): ErrorBody {
  const text = (long: string) => cut(long.replaceAll(`${directory}/`, ""));
  const shortened = ({ code, given, path, message, allowed, fix }: Problem): Problem => {
    const isShort = given !== undefined && JSON.stringify(given).length <= LONGEST_TEXT;
    return {
      ...{ code, path: text(path), ...(isShort && { given }) },
      ...{ message: text(message), allowed: text(allowed), fix: text(fix) },
    };
  };
  const [first] = problems;
  const count = `${problems.length} problems`;
  const description =
    problems.length === 1 && first
      ? `${first.path}: ${first.message}`
      : problems.length > MOST_PROBLEMS
        ? `${count}; the first ${MOST_PROBLEMS} are listed`
        : count;
  const errors = problems.slice(0, MOST_PROBLEMS).map(shortened);
  return { description: text(description), errors, ...(notes.length > 0 && { notes }) };
}

// What isn't here is the request's own mistake: 400.
const statuses: Partial<Record<ProblemCode, number>> = {
  "route-unknown": 404,
  "request-unauthenticated": 401,
  "request-forbidden": 403,
  "request-foreign": 403,
  "request-too-many": 429,
  "operations-too-many": 429,
  "stack-not-served": 404,
  "operation-unknown": 404,
  "volume-unknown": 404,
  "volume-exists": 409,
  "volume-of-program": 409,
  "volume-ambiguous": 409,
  "deletion-not-requested": 409,
  "volume-protected": 409,
  "volume-declared": 409,
  "profile-in-use": 409,
  "pin-unknown": 404,
  "pin-out-of-date": 409,
  "profile-not-own": 404,
  "profile-shared": 409,
  "profile-read-only": 409,
  "profile-not-shared": 409,
  "catalog-not-readable": 409,
  "operation-not-cancellable": 409,
  "operation-not-resumable": 409,
  "operation-cancelled": 409,
  "stack-locked": 409,
  "edit-not-possible": 409,
  "file-not-parsed": 409,
  "stack-unknown": 409,
  "providers-changed": 409,
  "config-changed": 412,
  "config-busy": 503,
  "git-missing": 503,
  "git-not-ready": 503,
  "git-file-not-clean": 409,
  "git-failed": 503,
  "config-not-written": 503,
  "engine-missing": 503,
  "engine-failed": 503,
  "state-not-readable": 503,
  "service-failed": 500,
  "service-stopping": 503,
  "audit-not-written": 503,
};

/** The status that goes with problems: that of the gravest. */
export function statusOf(problems: readonly Problem[]): number {
  const all = problems.map(({ code }) => statuses[code] ?? (code.startsWith("change-") ? 409 : 400));
  // What is wrong with the request itself comes before what stands in its way.
  return all.find((status) => status >= 500) ?? all.find((status) => status === 400) ?? all[0] ?? 500;
}

/** Throws what an edit told as its problems; nothing where there are none. */
export function throwProblems(problems: readonly Problem[], notes: readonly Note[] = []): void {
  const [first, ...others] = problems;
  if (first) throw new HttpError(statusOf(problems), [first, ...others], {}, notes);
}

/** What is known of an error: an answer for those who may read it, or nothing for a mistake of ours. */
export function asHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof StackError) return new HttpError(statusOf(error.problems), error.problems);
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  // fastify's own: a body that is too big, no JSON, of another type.
  const { statusCode, message } = error as { statusCode: number; message?: string };
  if (statusCode < 400 || statusCode >= 500) return undefined;
  const why = message ?? "the request can't be read";
  const one = problem("request-not-readable", "request", undefined, { why, allowed: ALLOWED[statusCode] ?? "JSON" });
  return new HttpError(statusCode, [one]);
}

const ALLOWED: Record<number, string> = {
  408: "a complete request, sent in time",
  413: "a body of at most 256 KiB",
  415: "a body of type application/json",
};
