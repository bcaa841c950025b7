// Operations: those that run, live; those that were interrupted, to be resumed; and the last ones that are over.

import { forgetOperation, noteEvent, noteOperation } from "./activity.js";
import { events, post } from "./api.js";
import { announce, byId, details, el, fill, problemList } from "./dom.js";
import { dateTime, plural, time } from "./format.js";
import { stateBadge } from "./words.js";

/**
 * @typedef {import("./api.js").OperationReport} OperationReport
 * @typedef {import("./api.js").OperationEvent} OperationEvent
 * @typedef {ReturnType<typeof makeCard>} Card
 */

/** How many that are over are shown, and of how many before them one line each. */
const OVER = 5;
const EARLIER = 20;
/** How many lines of one are kept. */
const LINES = 300;
/** How many are followed at once: a browser has six connections to a service, and one of a stack's operations runs at a time. */
const FOLLOWED = 3;
const OPEN = new Set(["queued", "running"]);
const RESUMABLE = new Set(["interrupted", "failed", "cancelled"]);

/** @type {Map<string, Card>} */
const cards = new Map();
/** @type {Parameters<typeof setUpOperations>[0]} */
let page;

/**
 * @param {object} given
 * @param {import("./api.js").Start} given.start starts an operation, and follows it
 * @param {() => Promise<void>} given.reread
 */
export function setUpOperations(given) {
  page = given;
}

/**
 * @param {OperationReport[]} operations newest first
 * @param {number} askedAt when it was asked for: what was started since can't be in it
 */
export function drawOperations(operations, askedAt) {
  const open = operations.filter(({ state }) => OPEN.has(state));
  const allOver = operations.filter(({ state }) => !OPEN.has(state));
  const over = allOver.slice(0, OVER);
  drawEarlier(allOver.slice(OVER, OVER + EARLIER));
  const listed = new Set(operations.map(({ id }) => id));
  const started = [...cards.values()].filter((card) => card.since > askedAt).map((card) => card.report());
  const shown = [...started.filter(({ id }) => !listed.has(id)).reverse(), ...open, ...over];
  for (const [id, card] of cards) {
    if (shown.some((each) => each.id === id)) continue;
    card.stop();
    cards.delete(id);
    forgetOperation(id);
  }
  const list = byId("operations-list");
  if (shown.length === 0) return fill(list, el("p", { class: "quiet" }, "No operations yet."));
  for (const report of shown) cardOf(report).update(report);
  const wanted = shown.map((report) => cardOf(report).root);
  if (wanted.some((each, index) => list.children[index] !== each) || list.children.length !== wanted.length) {
    fill(list, wanted);
  }
  follow();
}

/** @param {OperationReport[]} operations */
function drawEarlier(operations) {
  fill(
    byId("operations-earlier"),
    operations.length > 0 &&
      details(
        "earlier operations",
        `${plural(operations.length, "earlier operation")}`,
        "this stack",
        el(
          "ul",
          {},
          operations.map((report) =>
            el("li", {}, dateTime(report.createdAt), " ", title(report), " ", stateBadge(report.state)),
          ),
        ),
      ),
  );
}

/**
 * Shows an operation that was just started, and takes the reader there.
 *
 * @param {OperationReport} report
 */
export function showOperation(report) {
  const known = cards.has(report.id);
  const card = cardOf(report);
  card.update(report);
  if (!known) {
    const list = byId("operations-list");
    if (cards.size === 1) fill(list);
    list.prepend(card.root);
  }
  follow();
  document.getElementById(headingOf(report))?.focus();
}

/** @param {OperationReport} report */
function headingOf({ id }) {
  return `operation-${id}`;
}

/** @param {OperationReport} report */
function cardOf(report) {
  const card = cards.get(report.id) ?? makeCard(report);
  cards.set(report.id, card);
  return card;
}

// Running ones first; those that wait follow when one is done.
function follow() {
  const open = [...cards.values()].filter((card) => OPEN.has(card.report().state));
  open.sort((a, b) => Number(b.report().state === "running") - Number(a.report().state === "running"));
  for (const card of open.slice(0, FOLLOWED)) card.follow();
}

/** @param {OperationReport} first */
function makeCard(first) {
  let report = first;
  let last = -1;
  /** @type {AbortController | undefined} */
  let following;
  const headingId = headingOf(report);
  const heading = el("span", {});
  const state = el("span", {});
  const facts = el("p", { class: "quiet" });
  const problems = el("div", {});
  const log = el("ol", { class: "log", role: "log", tabindex: "0", "aria-labelledby": headingId, hidden: true });
  const actions = el("div", { class: "actions" });
  const root = el(
    "article",
    { class: "operation", "aria-labelledby": headingId, "data-operation": report.id },
    el("h3", { id: headingId, tabindex: "-1" }, heading, state),
    facts,
    problems,
    log,
    actions,
  );

  function update(/** @type {OperationReport} */ next) {
    // A list that was asked for before it ended may arrive after its end.
    if (!OPEN.has(report.state) && OPEN.has(next.state)) return;
    const before = report.state;
    report = next;
    noteOperation(report);
    root.dataset["state"] = report.state;
    heading.textContent = title(report);
    fill(state, stateBadge(report.state));
    facts.textContent = told(report);
    fill(problems, problemList(report.problems));
    drawActions();
    if (before !== report.state) announce(`${title(report)}: ${report.state}${summaryText(report)}`);
  }

  function drawActions() {
    const button = (/** @type {string} */ verb, /** @type {string} */ path) =>
      el(
        "button",
        {
          type: "button",
          class: "writes",
          "data-key": `${verb} ${report.id}`,
          onclick: () => void page.start(() => post(`v1/operations/${encodeURIComponent(report.id)}/${path}`)),
        },
        verb,
        el("span", { class: "unseen" }, ` ${title(report)} of ${dateTime(report.createdAt)}`),
      );
    fill(
      actions,
      OPEN.has(report.state) && button("Cancel", "cancel"),
      RESUMABLE.has(report.state) && button("Resume", "resume"),
    );
  }

  function add(/** @type {OperationEvent} */ event) {
    if (event.sequence <= last) return; // told again after a connection was lost
    last = event.sequence;
    if (event.type === "state") update({ ...report, state: event.state, volumes: event.volumes ?? report.volumes });
    noteEvent(report.id, event);
    const line = lineOf(event);
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.hidden = false;
    log.append(el("li", { class: line.tone }, el("time", { datetime: event.at }, time(event.at)), " ", line.text));
    while (log.children.length > LINES) log.firstChild?.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  async function watch(/** @type {AbortSignal} */ signal) {
    try {
      for await (const event of events(report.id, signal)) add(event);
      // The list says the rest: what was done, and what went wrong.
      if (!signal.aborted) await page.reread();
    } catch {
      // It is not to be had any more: the list of operations says how it ended.
    } finally {
      following = undefined;
      if (!signal.aborted) follow();
    }
  }

  return {
    root,
    since: performance.now(),
    update,
    report: () => report,
    follow() {
      if (following) return;
      following = new AbortController();
      void watch(following.signal);
    },
    stop: () => following?.abort(),
  };
}

/** @param {OperationReport} report */
function title({ kind, volumes, destroy }) {
  const what = kind === "refresh" ? "Refresh from backends" : "Apply";
  const names = [...volumes, ...destroy];
  if (names.length === 0) return what;
  return `${what}: ${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${plural(names.length - 3, "other")}` : ""}`;
}

/** @param {OperationReport} report */
function told(report) {
  const { createdAt, startedAt, finishedAt, state, engineRunning, destroy } = report;
  const from = startedAt ?? createdAt;
  const seconds = finishedAt ? Math.round((Date.parse(finishedAt) - Date.parse(from)) / 1000) : undefined;
  return [
    state === "queued" ? `Queued ${dateTime(createdAt)}` : `Started ${dateTime(from)}`,
    seconds === undefined ? "" : `, took ${plural(seconds, "second")}`,
    summaryText(report),
    destroy.length > 0 ? `, deletes ${destroy.join(", ")}` : "",
    state === "interrupted"
      ? ". The service that ran it has stopped, and the outcome is unknown. Resuming completes what was started and creates nothing twice"
      : "",
    engineRunning ? ". Pulumi is still running" : "",
    ".",
  ].join("");
}

/** @param {OperationReport} report */
function summaryText({ summary }) {
  const parts = Object.entries(summary ?? {}).filter(([, number]) => number > 0);
  return parts.length === 0 ? "" : `, ${parts.map(([what, number]) => `${number} ${what}`).join(", ")}`;
}

/** @param {OperationEvent} event */
function lineOf(event) {
  switch (event.type) {
    case "state":
      return { tone: "quiet", text: event.state };
    case "resource":
      return {
        tone: event.phase === "failed" ? "bad" : "",
        text: `${event.volume ? `${event.volume}: ` : ""}${event.operation} of ${event.resource} ${event.phase}`,
      };
    case "message":
      return {
        tone: event.severity === "error" ? "bad" : "",
        text: `${event.severity === "info" ? "" : `${event.severity}: `}${event.volume ? `${event.volume}: ` : ""}${event.text}`,
      };
    case "summary":
      return { tone: "quiet", text: `done in ${plural(Math.round(event.seconds), "second")}` };
    default:
      return { tone: "quiet", text: JSON.stringify(event) };
  }
}
