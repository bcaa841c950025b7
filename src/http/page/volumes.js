// The volumes with their status: what is wrong with each, and what the next apply does to it. Thousands are drawn a hundred at a time.

import { activityOf, onActivity, openOperation } from "./activity.js";
import { post } from "./api.js";
import { changesTable, costOfChanges } from "./changes.js";
import { badge, byId, confirmed, details, el, fill, noteList, problemList, table, wordsIn } from "./dom.js";
import { change, cost, count, differences, plural, size } from "./format.js";
import { STATUSES, statusBadge, verdictBadge, verdictText } from "./words.js";

/** @typedef {import("./api.js").VolumeStatus} VolumeStatus */

const STEP = 100;

/** @type {VolumeStatus[]} */
let volumes = [];
/** @type {string | undefined} the status that alone is shown */
let only;
let shown = STEP;

/**
 * @param {object} page
 * @param {import("./api.js").Start} page.start starts an operation, and follows it
 */
export function setUpVolumes({ start }) {
  byId("volumes-filter").addEventListener("input", () => {
    shown = STEP;
    draw();
  });
  byId("ask-backends").addEventListener("click", () => void start(() => post("v1/operations", { kind: "refresh" })));
  onActivity(draw);
  byId("apply-all").addEventListener("click", () => void applyAll(start));
}

/** @param {VolumeStatus[]} read */
export function drawVolumes(read) {
  volumes = [...read].sort(
    (a, b) =>
      (STATUSES[a.status]?.rank ?? 9) - (STATUSES[b.status]?.rank ?? 9) ||
      a.name.localeCompare(b.name, "en", { numeric: true }),
  );
  if (only !== undefined && !volumes.some(({ status }) => status === only)) only = undefined;
  draw();
}

function draw() {
  const words = wordsIn("volumes-filter");
  const found = volumes.filter((volume) => {
    if (only !== undefined && volume.status !== only) return false;
    const text = [volume.name, volume.profile, volume.backend, volume.status, volume.volumeId].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const rows = found.slice(0, shown);
  drawChips();
  byId("volumes-count").textContent =
    found.length === volumes.length ? "" : `${count(found.length)} of ${plural(volumes.length, "volume")}`;
  const work = pending();
  const { going } = work;
  drawSummary(work);
  byId("apply-all").textContent = going.length === 0 ? "Apply…" : `Apply to ${plural(going.length, "volume")}…`;
  byId("apply-all").toggleAttribute("disabled", going.length === 0);
  byId("ask-backends").toggleAttribute("disabled", openOperation()?.report.kind === "refresh");
  if (found.length === 0) {
    return fill(
      byId("volumes-table"),
      el("p", { class: "quiet" }, volumes.length === 0 ? "The stack has no volumes." : "No matching volumes."),
    );
  }
  fill(
    byId("volumes-table"),
    table({
      caption: "Volumes (needing attention first)",
      kind: "volumes",
      columns: [
        { label: "Volume" },
        { label: "Status" },
        { label: "Profile" },
        { label: "Size", numeric: true },
        { label: "Backend" },
        { label: "Next apply" },
        { label: "Monthly cost", numeric: true },
      ],
      rows: rows.map((volume) => ({
        key: volume.name,
        cells: [
          [el("span", { class: "name" }, volume.name), more(volume)],
          [activity(volume), statusBadge(volume.status), noteList(causesOf(volume))],
          [volume.profile ?? "unknown", volume.pin && el("span", { class: "line quiet" }, "pinned")],
          size(volume.sizeGiB ?? volume.recorded?.sizeGiB),
          volume.backend ?? "unknown",
          [
            volume.verdict === "none"
              ? el("span", { class: "quiet nothing" }, verdictText("none"))
              : verdictBadge(volume.verdict),
            next(volume),
            problemList(volume.problems),
          ],
          [
            cost(volume.monthlyCost),
            !volume.recorded && volume.monthlyCost && el("span", { class: "line quiet" }, "once created"),
          ],
        ],
      })),
    }),
    found.length > rows.length &&
      el(
        "p",
        { class: "more" },
        el(
          "button",
          { type: "button", "data-key": "more-volumes", onclick: showMore },
          `Show ${count(Math.min(STEP, found.length - rows.length))} more`,
        ),
        el("span", { class: "quiet" }, ` Showing ${count(rows.length)} of ${count(found.length)}`),
      ),
  );
}

/**
 * Why it stands as it does, where that says more than the status.
 *
 * @param {VolumeStatus} volume
 */
function causesOf({ causes }) {
  return causes.filter(({ code }) => code !== "status-not-made");
}

/** @param {VolumeStatus} volume */
function activity({ name }) {
  const going = activityOf(name);
  return going && [badge(going.tone, going.text), " "];
}

// The one question that brings most people here: is all as it is declared, and if not, what would it take?
/** @param {ReturnType<typeof pending>} work */
function drawSummary({ going, staying }) {
  const running = openOperation();
  const busy = volumes.filter(({ name }) => activityOf(name) !== undefined);
  const broken = volumes.filter(({ status }) => status === "non-compliant").length;
  const there = volumes.filter(({ recorded }) => recorded !== undefined);
  const changing = new Set([...going, ...busy]);
  const money = change(
    there.map(({ monthlyCost }) => monthlyCost),
    [...new Set([...there, ...changing])].map((volume) =>
      changing.has(volume) ? volume.declaredMonthlyCost : volume.monthlyCost,
    ),
  );
  const work =
    going.length > 0
      ? `${count(going.length)} of ${plural(volumes.length, "volume")} ${going.length === 1 ? "needs" : "need"} an apply`
      : staying.length > 0
        ? `${count(staying.length)} of ${plural(volumes.length, "volume")} can't be brought up to date`
        : busy.length > 0
          ? `${count(busy.length)} of ${plural(volumes.length, "volume")} in progress`
          : volumes.length === 0
            ? "No volumes"
            : volumes.length === 1
              ? "The volume is compliant"
              : `All ${count(volumes.length)} volumes are compliant`;
  const doing = running && `${running.report.kind} ${running.report.state}`;
  const parts = [
    doing && badge(running.report.state === "running" ? "running" : "waiting", doing),
    el("strong", {}, work),
    money,
    broken > 0 && `${count(broken)} non-compliant`,
    going.length > 0 && staying.length > 0 && `${count(staying.length)} blocked`,
  ].filter(Boolean);
  fill(
    byId("summary"),
    parts.map((part) => el("span", { class: "part" }, part)),
  );
}

function showMore() {
  shown += STEP;
  draw();
}

function drawChips() {
  const chip = (/** @type {string | undefined} */ status) => {
    const number = volumes.filter((volume) => status === undefined || volume.status === status).length;
    return el(
      "button",
      {
        type: "button",
        class: "chip",
        "data-key": `chip ${status}`,
        "aria-pressed": String(only === status),
        hidden: number === 0 && only !== status && status !== undefined,
        onclick: () => {
          only = only === status ? undefined : status;
          shown = STEP;
          draw();
        },
      },
      status === undefined ? "all" : statusBadge(status),
      el("span", { class: "tally" }, ` ${count(number)}`),
    );
  };
  fill(byId("volumes-status"), [undefined, ...Object.keys(STATUSES)].map(chip));
}

/** @param {VolumeStatus} volume */
function next(volume) {
  const changes =
    volume.verdict === "none" || volume.verdict === "create" ? [] : differences(volume.recorded, volume.declared);
  return (
    changes.length > 0 &&
    el(
      "ul",
      { class: "changes" },
      changes.map((change) => el("li", {}, change)),
    )
  );
}

/** @param {VolumeStatus} volume */
function more(volume) {
  const facts = Object.entries({
    "id on the backend": volume.volumeId,
    "mounted at": volume.mountPath,
    "declared in": volume.declaredBy === "config" ? "the stack's config" : "the program",
    "current profile revision": volume.revision,
    "applied profile revision": volume.recorded?.revision,
    "protected against deletion": volume.protected === undefined ? undefined : volume.protected ? "yes" : "no",
    "price date": volume.monthlyCost?.date,
  }).filter(([, value]) => value !== undefined);
  return details(
    `volume ${volume.name}`,
    "details",
    volume.name,
    el(
      "dl",
      {},
      facts.map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, value))),
    ),
  );
}

/** @param {VolumeStatus} volume */
function whyStaying({ problems, verdict }) {
  return problems[0]?.message ?? (verdict === undefined ? "what the program declares is unknown" : "refused");
}

/** The volumes that an apply has something to do for, and those that are left alone; without those that an operation is at. */
function pending() {
  const open = volumes.filter(
    (volume) =>
      activityOf(volume.name) === undefined &&
      (volume.status !== "compliant" || (volume.verdict !== undefined && volume.verdict !== "none")),
  );
  const goes = (/** @type {VolumeStatus} */ volume) =>
    volume.problems.length === 0 && ["create", "in-place", "migrates", "none"].includes(volume.verdict ?? "");
  return { going: open.filter(goes), staying: open.filter((volume) => !goes(volume)) };
}

/** @param {import("./api.js").Start} start */
async function applyAll(start) {
  const { going, staying } = pending();
  // Drift is put right only when the backends are asked what is there.
  const refresh = going.some(({ status }) => status === "non-compliant");
  const plans = going.map((volume) => ({
    name: volume.name,
    verdict: volume.verdict ?? "none",
    from: volume.recorded,
    to: volume.declared ?? volume.recorded,
    problems: [],
    notes: causesOf(volume),
    costBefore: volume.monthlyCost,
    costAfter: volume.declaredMonthlyCost ?? volume.monthlyCost,
  }));
  const yes = await confirmed(
    `Apply to ${plural(going.length, "volume")}?`,
    "Apply",
    changesTable("Changes", plans),
    costOfChanges(plans),
    refresh && el("p", {}, "The state is refreshed from the backends first, so that drift is corrected."),
    staying.length > 0 && [
      el("p", {}, "Not included:"),
      el(
        "ul",
        { class: "scroll" },
        staying.slice(0, 200).map((volume) => el("li", {}, el("strong", {}, volume.name), `: ${whyStaying(volume)}`)),
        staying.length > 200 && el("li", {}, `and ${plural(staying.length - 200, "other")}`),
      ),
    ],
  );
  if (yes) await start(() => post("v1/operations", { kind: "apply", volumes: going.map(({ name }) => name), refresh }));
}
