// The status page: reads the service, hands what it says to the sections, and reads again while somebody looks.

import { ApiError, get, stack } from "./api.js";
import { drawCost } from "./cost.js";
import { announce, byId, el, fill, refusal } from "./dom.js";
import { drawEdit, editProfile, setUpEdit } from "./edit.js";
import { time } from "./format.js";
import { drawOperations, setUpOperations, showOperation } from "./operations.js";
import { drawProfiles, setUpProfiles } from "./profiles.js";
import { drawVolumes, setUpVolumes } from "./volumes.js";

/** How long what is shown may be old while somebody looks. */
const EVERY_MS = 15_000;

/** What was drawn last, as text: what is the same is not drawn again. @type {Record<string, string>} */
const drawn = {};
let mayWrite = true;
let readAt = 0;
/** @type {Promise<void> | undefined} */
let reading;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

setUpVolumes({ start });
setUpProfiles({ edit: editProfile });
setUpEdit({ start, reread, refused, mayWrite: () => mayWrite });
setUpOperations({ start, reread });
byId("reread").addEventListener("click", () => void reread().then(() => announce("Reloaded.")));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && Date.now() - readAt >= EVERY_MS) void reread();
});
void get("v1/version").then(introduce, () => {});
void reread();

/** Reads all anew. One reading at a time; who asks during one gets another after it. */
async function reread() {
  while (reading) await reading;
  clearTimeout(timer);
  reading = read().finally(() => {
    reading = undefined;
    readAt = Date.now();
    clearTimeout(timer);
    timer = setTimeout(tick, EVERY_MS);
  });
  await reading;
}

function tick() {
  if (document.visibilityState === "visible") void reread();
}

async function read() {
  /** @type {{ what: string, error: unknown }[]} */
  const failures = [];
  const failed = (/** @type {string} */ what) => (/** @type {unknown} */ error) => void failures.push({ what, error });
  const askedAt = performance.now();
  /** @type {Promise<import("./api.js").Answer<import("./api.js").OperationReport[]>>} */
  const operations = get("v1/operations");
  /** @type {Promise<import("./api.js").Answer<import("./api.js").Profile[]>>} */
  const profiles = get("v1/configuration/profiles");
  /** @type {Promise<import("./api.js").Answer<import("./api.js").VolumeStatus[]>>} */
  const state = get("v1/state/volumes");
  await Promise.all([
    operations.then(
      ({ body }) => drawOnce("operations", body, (each) => drawOperations(each, askedAt)),
      failed("operations"),
    ),
    profiles.then(({ body, tag }) => {
      drawOnce("profiles", { profiles: body, tag }, (each) => {
        drawProfiles(each);
        drawEdit(each.profiles);
      });
    }, failed("profiles")),
    state.then(({ body, readAt: at }) => {
      drawOnce("state", body, (volumes) => {
        drawVolumes(volumes);
        drawCost(volumes);
      });
      byId("freshness").textContent = `Updated ${time(at)}`;
    }, failed("state")),
  ]);
  showTrouble(failures);
}

/**
 * @template T
 * @param {string} what
 * @param {T} answer
 * @param {(answer: T) => void} draw
 */
function drawOnce(what, answer, draw) {
  const text = JSON.stringify(answer);
  if (drawn[what] === text) return;
  drawn[what] = text;
  draw(answer);
}

/** @param {{ what: string, error: unknown }[]} failures */
function showTrouble(failures) {
  // What nothing can be told without is told of each section, and once is enough.
  const different = new Map(
    failures.map(({ error }) => [error instanceof Error ? error.message : String(error), error]),
  );
  const old = failures.some(({ what }) => drawn[what] !== undefined);
  drawOnce("trouble", [[...different.keys()], old], () =>
    fill(
      byId("trouble"),
      [...different.values()].map((error) => refusal(error)),
      old && el("p", {}, "The data below may be outdated."),
    ),
  );
  for (const section of document.querySelectorAll("[aria-busy]")) {
    if (failures.length === 0) continue;
    fill(section, el("p", { class: "quiet" }, "Loading failed."));
  }
}

/**
 * Starts an operation, or says why it can't be.
 *
 * @param {() => Promise<import("./api.js").Answer<import("./api.js").OperationReport>>} what
 */
async function start(what) {
  try {
    const { body: report } = await what();
    showOperation(report);
    announce(`${report.kind === "refresh" ? "Refresh from backends" : "Apply"}: ${report.state}`);
  } catch (error) {
    refused(error);
    delete drawn["trouble"];
    fill(byId("trouble"), refusal(error));
    byId("trouble").scrollIntoView({ block: "nearest" });
  }
}

/**
 * Who may only read is not offered what changes things, once the service has said so.
 *
 * @param {unknown} error
 */
function refused(error) {
  if (error instanceof ApiError && error.status === 403) readOnly();
}

function readOnly() {
  mayWrite = false;
  document.body.classList.add("read-only");
}

/** @param {import("./api.js").Answer<import("./api.js").Version>} answer */
function introduce({ body: { project, stacks, role } }) {
  const shown = stack || stacks[0];
  byId("stack-name").textContent = `${project}/${shown}`;
  document.title = `${project}/${shown}: volumes and profiles`;
  const choice = /** @type {HTMLSelectElement} */ (byId("stack"));
  byId("stack-field").hidden = stacks.length < 2;
  choice.replaceChildren(...stacks.map((name) => el("option", { value: name, selected: name === shown }, name)));
  // Another stack is another address: it can be kept and sent, and nothing of the first one is left on the page.
  choice.addEventListener("change", () => (location.search = new URLSearchParams({ stack: choice.value }).toString()));
  if (role === "read") readOnly();
}
