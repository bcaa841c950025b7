// What an edit of a profile would touch; and then, where one may: saving it, and applying it. What is saved is not yet applied.

import { ApiError, post } from "./api.js";
import { changesTable, costOfChanges } from "./changes.js";
import { difference } from "./difference.js";
import { announce, byId, el, fill, problemList, refusal } from "./dom.js";
import { plural } from "./format.js";
import { parse, stringify } from "./yaml.js";

/** @typedef {import("./api.js").Edited} Edited */

const NEW = "";
const EXAMPLE = { description: "Purpose of the profile", extends: "silver", aws: { iops: 6000 } };

/** @type {import("./api.js").Profile[]} */
let profiles = [];
/** @type {Map<string, string>} what was typed, by profile */
const drafts = new Map();
/** @type {Parameters<typeof setUpEdit>[0]} */
let page;

const select = () => /** @type {HTMLSelectElement} */ (byId("edit-profile"));
const text = () => /** @type {HTMLTextAreaElement} */ (byId("edit-text"));
const nameField = () => /** @type {HTMLInputElement} */ (byId("edit-name"));

/**
 * @param {object} given
 * @param {import("./api.js").Start} given.start starts an operation, and follows it
 * @param {() => Promise<void>} given.reread
 * @param {(error: unknown) => void} given.refused takes notice of an answer that says that one may not
 * @param {() => boolean} given.mayWrite
 */
export function setUpEdit(given) {
  page = given;
  select().addEventListener("change", show);
  text().addEventListener("input", () => {
    drafts.set(select().value, text().value);
    stale();
  });
  nameField().addEventListener("input", stale);
  byId("edit-reset").addEventListener("click", () => {
    drafts.delete(select().value);
    show();
    announce("Changes undone.");
  });
  byId("edit-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void look();
  });
}

/** @param {import("./api.js").Profile[]} read */
export function drawEdit(read) {
  const first = profiles.length === 0;
  profiles = read;
  const chosen = select().value;
  const options = profiles.map(({ name }) => el("option", { value: name }, name));
  select().replaceChildren(...options, el("option", { value: NEW }, "new profile…"));
  select().value = profiles.some(({ name }) => name === chosen) ? chosen : first ? (profiles[0]?.name ?? NEW) : NEW;
  if (first || !drafts.has(select().value)) show(false);
}

/** @param {string} profile */
export function editProfile(profile) {
  select().value = profile;
  show();
  byId("edit").scrollIntoView();
  text().focus({ preventScroll: true });
}

function show(/** @type {unknown} */ clear = true) {
  const name = select().value;
  const profile = profiles.find((each) => each.name === name);
  byId("edit-name-field").hidden = profile !== undefined;
  text().value = drafts.get(name) ?? stringify(profile ? definitionOf(profile) : EXAMPLE, { lineWidth: 0 });
  byId("edit-help").textContent =
    profile === undefined
      ? "One section per backend; with `extends`, only the differences from the other profile."
      : profile.definition === undefined
        ? `${name} is ${profile.origin === "catalog" ? `defined in ${profile.file}` : "built in"}. Saving adds a profile with this name to the stack's file that extends it and contains only the differences.`
        : `${name} as defined in the stack's config.`;
  if (clear !== false) stale();
}

/** @param {import("./api.js").Profile} profile */
function definitionOf({ description, definition, backends }) {
  const sections = Object.entries(backends).map(([backend, { section }]) => [backend, section]);
  return definition ?? { ...(description ? { description } : {}), ...Object.fromEntries(sections) };
}

/**
 * Of one that is built in or shared only what differs is written: the rest follows the release, or the shared file. Whoever writes
 * `extends` means it.
 *
 * @param {object} definition
 * @param {import("./api.js").Profile | undefined} profile
 */
function written(definition, profile) {
  if (!profile || profile.origin === "stack" || "extends" in definition) return definition;
  return { extends: profile.name, .../** @type {object} */ (difference(definitionOf(profile), definition)) };
}

/** What was found out about another text says nothing about this one. */
function stale() {
  fill(byId("edit-result"));
  for (const field of [text(), nameField()]) field.removeAttribute("aria-invalid");
}

/** What the form says, or `undefined` where it can't be sent: then it is told why. */
function read() {
  const name = select().value || nameField().value.trim();
  if (name === "") {
    refuse(nameField(), "Enter a name for the new profile.");
    return undefined;
  }
  /** @type {unknown} */
  let definition;
  try {
    definition = parse(text().value);
  } catch (error) {
    // Below its first line the library shows the place in the text, in columns.
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    refuse(text(), `Invalid YAML: ${why.replace(/:$/, "")}.`);
    return undefined;
  }
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) {
    refuse(text(), "The definition must be a mapping: one `key: value` per line.");
    return undefined;
  }
  if ("name" in definition) {
    refuse(text(), "Remove `name` from the definition; choose the profile's name above.");
    return undefined;
  }
  const profile = profiles.find((each) => each.name === name);
  return { ...written(definition, profile), name };
}

/**
 * @param {HTMLElement} field
 * @param {string} why
 */
function refuse(field, why) {
  fill(byId("edit-result"), el("p", { class: "message bad" }, why));
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

async function look() {
  const body = read();
  if (!body) return;
  await asking("Invalid profile: nothing will be saved.", async () => {
    /** @type {import("./api.js").Answer<Edited>} */
    const { body: edited, tag } = await post("v1/configuration/profiles?dryRun=true&in=stack", body);
    const maySave = edited.changed && page.mayWrite();
    const reason = /** @type {HTMLInputElement} */ (
      el("input", { id: "edit-reason", type: "text", maxlength: "1000", autocomplete: "off" })
    );
    const onclick = () => void save(body, tag, reason.value.trim());
    tell(
      edited,
      [maySave && el("button", { type: "button", class: "primary writes", onclick }, "Save")],
      maySave &&
        el("div", { class: "field grow writes" }, el("label", { for: reason.id }, "Reason (optional)"), reason),
    );
  });
}

/**
 * @param {{ name: string }} body
 * @param {string} tag of the config for which it was found out what the edit touches
 * @param {string} reason for the audit log and, where edits are committed, for the commit
 */
async function save(body, tag, reason) {
  await asking("Nothing was saved.", async () => {
    const why = reason === "" ? "" : `&reason=${encodeURIComponent(reason)}`;
    /** @type {import("./api.js").Answer<Edited>} */
    const { body: edited } = await post(`v1/configuration/profiles?in=stack${why}`, body, {
      "x-if-configuration-matches": tag,
    });
    drafts.delete(select().value);
    await page.reread();
    if (profiles.some(({ name }) => name === body.name)) {
      select().value = body.name;
      show(false);
    }
    const volumes = edited.touched.map(({ name }) => name);
    tell(edited, [
      volumes.length > 0 &&
        el(
          "button",
          {
            type: "button",
            class: "primary writes",
            onclick: (/** @type {Event} */ event) => {
              /** @type {HTMLButtonElement} */ (event.currentTarget).disabled = true;
              void page.start(() => post("v1/operations", { kind: "apply", volumes }));
            },
          },
          `Apply to ${plural(volumes.length, "volume")}`,
        ),
    ]);
  });
}

/**
 * @param {string} no what it means when the service says no
 * @param {() => Promise<void>} what
 */
async function asking(no, what) {
  const result = byId("edit-result");
  for (const button of result.querySelectorAll("button")) button.disabled = true;
  result.setAttribute("aria-busy", "true");
  try {
    await what();
  } catch (error) {
    page.refused(error);
    const changed = error instanceof ApiError && error.status === 412;
    fill(result, refusal(error, no), changed && el("p", {}, "The file has changed. Preview the profile change again."));
  }
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "nearest" });
}

/**
 * @param {Edited} answer
 * @param {import("./dom.js").Child[]} actions
 * @param {import("./dom.js").Child} [field] what the actions need
 */
function tell({ changed, dryRun, touched, stateUnknown, diff, commit }, actions, field) {
  const number = touched.length === 0 ? "no volumes" : plural(touched.length, "volume");
  const summary = !changed
    ? "No change to the stack's config."
    : dryRun
      ? `Affects ${number}.`
      : `Saved in the stack's config${commit === undefined ? "" : ` and pushed (commit ${commit.slice(0, 10)})`}, not applied yet. Applying it affects ${number}.`;
  fill(
    byId("edit-result"),
    el("p", { class: dryRun ? "message" : "message good" }, summary),
    stateUnknown && [el("p", {}, "The existing volumes are unknown:"), problemList([stateUnknown])],
    touched.length > 0 && [costOfChanges(touched), changesTable("Affected volumes", touched)],
    diff !== "" && [el("h3", {}, "In the stack's file"), diffOf(diff)],
    field,
    el("div", { class: "actions" }, ...actions),
    dryRun && changed && !page.mayWrite() && el("p", { class: "quiet" }, "Your role doesn't allow saving."),
  );
}

/** @param {string} lines */
function diffOf(lines) {
  return el(
    "pre",
    { class: "diff", tabindex: "0", "aria-label": "Changed lines: - before, + after" },
    lines
      .split("\n")
      .map((line) =>
        el("span", { class: line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : undefined }, `${line}\n`),
      ),
  );
}
