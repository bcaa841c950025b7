// The words for statuses, verdicts and states of operations, with the shape that stands beside each.

import { badge } from "./dom.js";

/** @typedef {import("./dom.js").Tone} Tone */

/** @type {Record<string, { tone: Tone, rank: number }>} The statuses, those first that need somebody. */
export const STATUSES = {
  "non-compliant": { tone: "bad", rank: 0 },
  "out-of-date": { tone: "change", rank: 1 },
  "not-created": { tone: "change", rank: 2 },
  unknown: { tone: "unknown", rank: 3 },
  compliant: { tone: "good", rank: 4 },
};

/** @type {Record<string, { tone: Tone, text: string }>} */
const VERDICTS = {
  create: { tone: "change", text: "is made" },
  delete: { tone: "bad", text: "is deleted" },
  none: { tone: "good", text: "nothing" },
  "in-place": { tone: "change", text: "changes in place" },
  migrates: { tone: "change", text: "its data is moved" },
  refused: { tone: "bad", text: "refused" },
};

/** @type {Record<string, Tone>} */
const STATES = {
  queued: "waiting",
  running: "running",
  succeeded: "good",
  failed: "bad",
  cancelled: "unknown",
  interrupted: "bad",
};

/** @param {string} status */
export function statusBadge(status) {
  return badge(STATUSES[status]?.tone ?? "unknown", status);
}

/** @param {string | undefined} verdict */
export function verdictBadge(verdict) {
  const word = VERDICTS[verdict ?? ""];
  return badge(word?.tone ?? "unknown", word?.text ?? verdict ?? "not known");
}

/** @param {string | undefined} verdict */
export function verdictText(verdict) {
  return VERDICTS[verdict ?? ""]?.text ?? verdict ?? "not known";
}

/** @param {string} state */
export function stateBadge(state) {
  return badge(STATES[state] ?? "unknown", state);
}
