// The words for statuses, verdicts and states of operations, with the shape that stands beside each.

import { badge } from "./dom.js";

/** @typedef {import("./dom.js").Tone} Tone */

/** @type {Record<string, { tone: Tone, rank: number, text: string }>} The statuses, those needing attention first. */
export const STATUSES = {
  "non-compliant": { tone: "bad", rank: 0, text: "non-compliant" },
  "out-of-date": { tone: "change", rank: 1, text: "out of date" },
  "not-created": { tone: "change", rank: 2, text: "not created yet" },
  unknown: { tone: "unknown", rank: 3, text: "unknown" },
  compliant: { tone: "good", rank: 4, text: "compliant" },
};

/** @type {Record<string, { tone: Tone, text: string }>} */
const VERDICTS = {
  create: { tone: "change", text: "create" },
  delete: { tone: "bad", text: "delete" },
  none: { tone: "good", text: "no change" },
  "in-place": { tone: "change", text: "update in place" },
  migrates: { tone: "change", text: "update, data migrates" },
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
  return badge(STATUSES[status]?.tone ?? "unknown", STATUSES[status]?.text ?? status);
}

/** @param {string | undefined} verdict */
export function verdictBadge(verdict) {
  const word = VERDICTS[verdict ?? ""];
  return badge(word?.tone ?? "unknown", word?.text ?? verdict ?? "unknown");
}

/** @param {string | undefined} verdict */
export function verdictText(verdict) {
  return VERDICTS[verdict ?? ""]?.text ?? verdict ?? "unknown";
}

/** @param {string} state */
export function stateBadge(state) {
  return badge(STATES[state] ?? "unknown", state);
}
