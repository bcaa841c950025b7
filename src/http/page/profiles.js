// Profiles × backends: what each profile becomes at the chosen size. Only those that are shown are asked for, a few at a time.

import { get } from "./api.js";
import { byId, details, el, fill, noteList, problemList, table, wordsIn } from "./dom.js";
import { cost, count, plural, quantityOf, setting, size } from "./format.js";

/**
 * @typedef {import("./api.js").Profile} Profile
 * @typedef {import("./api.js").Resolution} Resolution
 */

const STEP = 20;
const AT_ONCE = 4;

/** @type {{ tag: string, profiles: Profile[] }} */
let config = { tag: "", profiles: [] };
let sizeGiB = 100;
let shown = STEP;
/** @type {Map<string, Resolution[] | Error>} what profiles become, by tag, size and name */
let known = new Map();
/** @type {(profile: string) => void} */
let edit = () => {};

/** @param {{ edit: (profile: string) => void }} page */
export function setUpProfiles(page) {
  edit = page.edit;
  const input = /** @type {HTMLInputElement} */ (byId("size"));
  byId("size-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = !(input.valueAsNumber > 0);
    const error = byId("size-error");
    error.hidden = !wrong;
    error.textContent = wrong ? "The size must be a number of GiB greater than 0, for example 100." : "";
    input.setAttribute("aria-invalid", String(wrong));
    if (wrong) return input.focus();
    sizeGiB = input.valueAsNumber;
    known = new Map();
    draw();
  });
  byId("profiles-filter").addEventListener("input", () => {
    shown = STEP;
    draw();
  });
}

/** @param {typeof config} answer */
export function drawProfiles(answer) {
  if (answer.tag !== config.tag) known = new Map();
  config = answer;
  draw();
}

function draw() {
  const words = wordsIn("profiles-filter");
  const found = config.profiles.filter(({ name, description = "" }) =>
    words.every((word) => `${name} ${description}`.toLowerCase().includes(word)),
  );
  const rows = found.slice(0, shown);
  const backends = backendsOf(rows);
  if (found.length === 0) {
    return fill(byId("profiles-table"), el("p", { class: "quiet" }, "No matching profiles."));
  }
  fill(
    byId("profiles-table"),
    table({
      caption: `Settings of ${size(sizeGiB)} volumes, by profile and backend`,
      kind: "profiles",
      columns: [{ label: "Profile" }, ...backends.map((label) => ({ label }))],
      rows: rows.map((profile) => ({ key: profile.name, cells: [heading(profile), ...cellsOf(profile, backends)] })),
    }),
    found.length > rows.length &&
      el(
        "p",
        { class: "more" },
        el(
          "button",
          { type: "button", "data-key": "more-profiles", onclick: showMore },
          `Show ${count(Math.min(STEP, found.length - rows.length))} more`,
        ),
        el("span", { class: "quiet" }, ` Showing ${count(rows.length)} of ${plural(found.length, "profile")}`),
      ),
  );
  void ask(rows.filter(({ name }) => !known.has(name)));
}

function showMore() {
  shown += STEP;
  draw();
}

/** @param {Profile[]} profiles */
async function ask(profiles) {
  if (profiles.length === 0) return;
  const mine = known;
  byId("profiles-table").setAttribute("aria-busy", "true");
  const queue = profiles.map(({ name }) => name);
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      if (mine.has(name)) continue;
      mine.set(name, []); // not asked for twice
      const path = `v1/configuration/profiles/${encodeURIComponent(name)}/resolution?sizeGiB=${encodeURIComponent(sizeGiB)}`;
      try {
        const { body } = /** @type {import("./api.js").Answer<import("./api.js").Resolutions>} */ (await get(path));
        mine.set(name, body.resolutions);
      } catch (error) {
        mine.set(name, error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (mine === known) draw();
}

/**
 * The backends that the shown profiles were answered for, in the service's order.
 *
 * @param {Profile[]} profiles
 */
function backendsOf(profiles) {
  const names = profiles.flatMap(({ name }) => {
    const resolutions = known.get(name);
    return Array.isArray(resolutions) ? resolutions.map(({ backend }) => backend) : [];
  });
  return [...new Set(names)];
}

/** @param {Profile} profile */
function heading(profile) {
  return [
    el("span", { class: "name" }, profile.name),
    profile.description ? el("span", { class: "line" }, profile.description) : null,
    el(
      "span",
      { class: "line quiet" },
      profile.origin === "built-in"
        ? "built in"
        : profile.origin === "stack"
          ? "from this stack"
          : `from ${profile.file}${profile.line === undefined ? "" : `, line ${profile.line}`}`,
      profile.lineage.length > 0 && `, extends ${profile.lineage.join(", ")}`,
    ),
    el("span", { class: "line quiet" }, users(profile)),
    problemList(profile.problem ? [profile.problem] : []),
    el(
      "button",
      { type: "button", class: "small", "data-key": `edit ${profile.name}`, onclick: () => edit(profile.name) },
      "Edit",
      el("span", { class: "unseen" }, ` ${profile.name}`),
    ),
  ];
}

/** @param {Profile} profile */
function users({ volumes }) {
  if (volumes.length === 0) return "not used by any volume";
  if (volumes.length <= 3) return `used by ${volumes.join(", ")}`;
  return `used by ${volumes.slice(0, 2).join(", ")} and ${plural(volumes.length - 2, "other")}`;
}

/**
 * @param {Profile} profile
 * @param {string[]} backends
 */
function cellsOf(profile, backends) {
  const resolutions = known.get(profile.name);
  if (resolutions instanceof Error) return [el("p", { class: "message bad" }, resolutions.message)];
  return backends.map((backend) => {
    const resolution = resolutions?.find((each) => each.backend === backend);
    return resolution ? cell(profile.name, resolution) : el("span", { class: "quiet" }, "…");
  });
}

/**
 * @param {string} profile
 * @param {Resolution} resolution
 */
function cell(profile, { backend, volume, problems, notes, monthlyCost }) {
  // That a profile doesn't speak of a backend is no trouble, as long as nobody uses it there.
  const [first] = problems;
  if (first?.code === "profile-without-backend") return el("span", { class: "quiet" }, "not available on this backend");
  return [
    volume &&
      el(
        "p",
        { class: "price" },
        monthlyCost
          ? [cost(monthlyCost), el("span", { class: "quiet" }, " per month")]
          : el("span", { class: "quiet" }, "cost unknown"),
      ),
    volume && volume.sizeGiB !== sizeGiB && el("p", { class: "line" }, `rounded up to ${size(volume.sizeGiB)}`),
    volume &&
      el(
        "dl",
        { class: "settings" },
        Object.entries(volume.settings)
          .filter(([, value]) => !isEmpty(value))
          .map(([key, value]) =>
            el("div", {}, el("dt", {}, key), el("dd", {}, setting(value, quantityOf(backend, key)))),
          ),
      ),
    problemList(problems),
    notes.length > 0 &&
      details(`notes ${profile} ${backend}`, plural(notes.length, "note"), `${profile} on ${backend}`, noteList(notes)),
  ];
}

// A setting that the backend is left to choose, or that holds nothing.
function isEmpty(/** @type {unknown} */ value) {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}
