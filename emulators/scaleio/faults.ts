// Faults on command: what goes wrong, with which requests, and how often.
import { z } from "zod";

import type { RequestSubject } from "./requests";

const expression = z.string().refine(isExpression, "a regular expression");

const matchSchema = z.strictObject({
  method: z.string().min(1).optional(),
  /** From "/" on, the beginning of a path; otherwise the name of an action, such as "addMappedSdc" or "createVolume". */
  path: z
    .union(
      [
        z.string().min(1),
        z.instanceof(RegExp),
        z.strictObject({ pattern: expression }).transform(({ pattern }) => new RegExp(pattern)),
      ],
      'Expected a path, the name of an action, or {"pattern": "a regular expression"}',
    )
    .optional(),
});

/** What becomes of the answer after the request was carried out. */
export const spoilings = [
  "cut-after-commit",
  "truncated-after-commit",
  "empty-after-commit",
  "html-200-after-commit",
  "html-500-after-commit",
] as const;
export type Spoiling = (typeof spoilings)[number];

const effects = ["unauthorized", "unauthorized-html", "cut", ...spoilings, "restart", "hang"] as const;

const effectSchema = z.union(
  [
    z.enum(effects),
    z.strictObject({
      error: z.strictObject({
        status: z.int().min(400).max(599),
        errorCode: z.int(),
        message: z.string(),
      }),
    }),
    z.strictObject({ latencyMs: z.number().min(0).max(3_600_000) }),
  ],
  `Expected one of ${effects.join(", ")}, {"latencyMs"}, or {"error": {"status", "errorCode", "message"}}`,
);

export const faultSchema = z.strictObject({
  match: matchSchema.default({}),
  /** How many requests it hits; 1 when left out. */
  times: z.union([z.int().min(1), z.literal("always")]).default(1),
  /** How many matching requests pass before. */
  skip: z.int().min(0).default(0),
  do: effectSchema,
});

/**
 * A fault. `unauthorized`: 401, with JSON or as HTML. `cut`: the connection ends before anything is done; `cut-after-commit`:
 * after it was done, without an answer. `truncated-after-commit`: it is done, and half of the answer's text comes as if it were all;
 * `empty-after-commit`: an answer without text; `html-200-after-commit`, `html-500-after-commit`: a page as of a proxy. `restart`: all tokens are forgotten before this request is judged. `hang`: no answer.
 */
export type Fault = z.input<typeof faultSchema>;
export type FaultEffect = z.output<typeof effectSchema>;

/** A fault that was asked for. */
export interface FaultHandle {
  readonly id: number;
  /** How many requests it has hit. */
  readonly hits: number;
  /** How many it will still hit; Infinity: all. */
  readonly remaining: number;
  remove(): void;
}

interface ActiveFault {
  readonly id: number;
  readonly fault: z.output<typeof faultSchema>;
  skip: number;
  remaining: number;
  hits: number;
}

export class Faults {
  readonly #active: ActiveFault[] = [];
  #lastId = 0;

  add(asked: Fault): FaultHandle {
    const fault = faultSchema.parse(asked);
    const active = {
      id: ++this.#lastId,
      fault,
      skip: fault.skip,
      remaining: fault.times === "always" ? Infinity : fault.times,
      hits: 0,
    };
    this.#active.push(active);
    return {
      id: active.id,
      get hits() {
        return active.hits;
      },
      get remaining() {
        return active.remaining;
      },
      remove: () => this.#remove(active),
    };
  }

  /** What is to go wrong with this request: of the faults that match, the oldest one that doesn't let it pass. */
  take(method: string, path: string, subject: RequestSubject): FaultEffect | undefined {
    const matching = this.#active.filter(({ fault }) => matches(fault.match, method, path, subject));
    const hitting = matching.find(({ skip }) => skip === 0);
    for (const active of matching) if (active.skip > 0) active.skip--;
    if (!hitting) return undefined;
    hitting.hits++;
    hitting.remaining--;
    if (hitting.remaining === 0) this.#remove(hitting);
    return hitting.fault.do;
  }

  list() {
    return this.#active.map(({ id, fault, skip, remaining, hits }) => ({
      id,
      match: {
        ...fault.match,
        ...(fault.match.path instanceof RegExp && { path: { pattern: fault.match.path.source } }),
      },
      do: fault.do,
      skip,
      remaining: Number.isFinite(remaining) ? remaining : "always",
      hits,
    }));
  }

  clear(): void {
    this.#active.length = 0;
  }

  #remove(active: ActiveFault): void {
    const at = this.#active.indexOf(active);
    if (at >= 0) this.#active.splice(at, 1);
  }
}

function matches(
  match: z.output<typeof matchSchema>,
  method: string,
  path: string,
  { action }: RequestSubject,
): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== method) return false;
  if (match.path === undefined) return true;
  // A pattern with the flag g or y remembers where it was.
  if (match.path instanceof RegExp)
    return new RegExp(match.path.source, match.path.flags.replace(/[gy]/g, "")).test(path);
  return match.path.startsWith("/") ? path.startsWith(match.path) : action === match.path;
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
