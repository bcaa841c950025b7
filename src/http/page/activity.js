// What the operations that are open do to each volume at this moment, for its row.

/** @typedef {import("./api.js").OperationReport} OperationReport */
/** @typedef {import("./dom.js").Tone} Tone */
/** @typedef {{ tone: Tone, text: string }} Activity */

/** @type {Map<string, { report: OperationReport, concerned: Set<string>, volumes: Map<string, Activity> }>} by the operation's id */
const open = new Map();
/** @type {() => void} */
let listener = () => {};
let isAsked = false;

/** @param {() => void} changed called once for all that happens before the next frame is drawn */
export function onActivity(changed) {
  listener = changed;
}

/** @param {OperationReport} report of an operation as it is now */
export function noteOperation(report) {
  const before = open.get(report.id);
  if (report.state !== "queued" && report.state !== "running") open.delete(report.id);
  else {
    const concerned = new Set([...report.volumes, ...report.destroy]);
    open.set(report.id, { report, concerned, volumes: before?.volumes ?? new Map() });
  }
  if (before?.report.state !== report.state || before?.report.volumes.length !== report.volumes.length) changed();
}

/** @param {string} id of an operation that is no longer shown */
export function forgetOperation(id) {
  if (open.delete(id)) changed();
}

/**
 * @param {string} id of an operation
 * @param {import("./api.js").OperationEvent} event
 */
export function noteEvent(id, event) {
  if (event.type !== "resource" || event.volume === undefined) return;
  const one = open.get(id);
  if (!one || one.volumes.get(event.volume)?.tone === "bad") return;
  const activity = {
    started: { tone: /** @type {Tone} */ ("running"), text: `${event.operation} in progress` },
    done: { tone: /** @type {Tone} */ ("good"), text: `${event.operation} done` },
    failed: { tone: /** @type {Tone} */ ("bad"), text: `${event.operation} failed` },
  }[event.phase];
  one.volumes.set(event.volume, activity);
  changed();
}

/**
 * What is being done to a volume, or is going to be; nothing where no open operation is about it.
 *
 * @param {string} volume
 * @returns {Activity | undefined}
 */
export function activityOf(volume) {
  for (const { report, concerned, volumes } of open.values()) {
    const activity = volumes.get(volume);
    if (activity) return activity;
    if (concerned.has(volume)) return { tone: "waiting", text: report.state === "queued" ? "queued" : "waiting" };
  }
  return undefined;
}

/** The operation that runs, or the first that waits. */
export function openOperation() {
  const all = [...open.values()];
  return all.find(({ report }) => report.state === "running") ?? all[0];
}

function changed() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    listener();
  });
}
