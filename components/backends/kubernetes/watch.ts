// Waits until the cluster has carried out what the API server accepted, or shows that it won't.

import { setTimeout as sleep } from "node:timers/promises";

import { outcomeOf, type Outcome, type RequestedChange } from "../../../src/backends/kubernetes/outcome";
import { monotonic } from "../../../src/system/monotonic";
import { isPassing, KubernetesError } from "./cluster-errors";
import type { ClusterSession } from "./session";

/** What is waited for. */
export interface Watched extends RequestedChange {
  /** `namespace/name`. */
  claim: string;
  uid: string | undefined;
  timeoutSeconds: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const PROGRESS_MS = 10_000;
/** A resizer marks a claim within seconds; after this long without a mark most likely nobody is there. */
const NO_ANSWER_MS = 120_000;
/**
 * The external-resizer loses changes in two ways, and any update of the claim has it look again. It drops a change that reaches it before its cache
 * has the PersistentVolume (pkg/modifycontroller/controller.go, updatePVC), until its next resync, 10 minutes later. And its two controllers, for the
 * size and for the class, write what their patches return into the cache that they share: an older answer replaces a newer claim there, and
 * every patch of theirs is a conflict from then on (pkg/controller/resize_status.go). Source: external-resizer 2.3.0, both seen there; without this,
 * two of 50 claims whose size and class changed together never got their size. 2026-11-30.
 */
const TOUCH_AFTER_MS = 30_000;
/** A driver that takes long leaves a claim unchanged, too. */
const TOUCH_AGAIN_MS = 300_000;
/** How long a server is tried that hasn't answered at all: it may be that of another cluster, which is gone. */
const FIRST_ANSWER_MS = 60_000;
const REASONS = ["VolumeModifyFailed", "VolumeResizeFailed"];

/** Reads how far the change of a claim has come. Nothing where the cluster doesn't have the claim. */
export async function look(session: ClusterSession, watched: Watched): Promise<Outcome | undefined> {
  return (await see(session, watched))?.outcome;
}

async function see(session: ClusterSession, watched: Watched) {
  const claim = await session.readClaim(watched.claim, watched.uid);
  if (!claim) return undefined;
  const outcome = outcomeOf(claim, watched);
  const version = claim.metadata?.resourceVersion;
  if (outcome.state !== "infeasible") return { outcome, version };
  return { outcome: outcomeOf(claim, watched, await session.warnings(claim, REASONS)), version };
}

/** What a wait has come to. */
export interface Awaited {
  outcome: Outcome;
  /** Why the outcome, which is open, couldn't be read any more. */
  unread?: string;
}

/**
 * Waits for the outcome of a change; what isn't done then stays as it is, and is returned. `report` takes a line of progress now and then.
 * Nothing where the cluster doesn't have the claim.
 * @throws {KubernetesError} where the claim can't be read, not even once
 */
export async function waitFor(
  session: ClusterSession,
  watched: Watched,
  report: (line: string) => void,
): Promise<Awaited | undefined> {
  const start = monotonic.now();
  const limit = watched.timeoutSeconds * 1_000;
  let pause = FIRST_PAUSE_MS;
  let reported = start;
  let answered = start;
  let outcome: Outcome | undefined;
  let version: string | undefined;
  let touchAt = start + TOUCH_AFTER_MS;
  for (;;) {
    try {
      const seen = await see(session, watched);
      if (!seen) return outcome && { outcome, unread: `the cluster no longer has claim ${watched.claim}` };
      if (seen.outcome.state === "done" || "way" in seen.outcome) return { outcome: seen.outcome };
      outcome = seen.outcome;
      const now = monotonic.now();
      if (seen.version !== version) touchAt = Math.max(touchAt, now + TOUCH_AFTER_MS);
      version = seen.version;
      if (now >= touchAt) {
        // What it changes is no progress.
        touchAt = now + TOUCH_AGAIN_MS;
        await session.touch(watched.claim);
      }
      if (outcome.state !== "no-answer") answered = now;
      if (now - start >= limit || now - answered >= NO_ANSWER_MS) return { outcome };
      if (now - reported >= PROGRESS_MS) {
        reported = now;
        report(`${outcome.what}, ${Math.round((now - start) / 1_000)} s so far`);
      }
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      const { message } = error;
      // An API server that is away for a while, as during an upgrade, goes on when it is back.
      const patience = outcome ? limit : Math.min(limit, FIRST_ANSWER_MS);
      if (!isPassing(error) || monotonic.now() - start >= patience) {
        if (!outcome) throw error;
        return { outcome, unread: message };
      }
      report(`${message}; retrying ${outcome ? "until the time limit" : "for a minute"}`);
      pause = LONGEST_PAUSE_MS;
      // Nobody could answer meanwhile.
      answered = monotonic.now();
    }
    await sleep(Math.max(0, Math.min(pause, limit - (monotonic.now() - start))));
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
  }
}
