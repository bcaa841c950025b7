// Making elements. Data reaches the page as text nodes and attributes only, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * What may stand in an element.
 * @typedef {Node | string | number | null | undefined | false} One
 * @typedef {One | One[] | (One | One[] | (One | One[])[])[]} Child
 */

/**
 * Makes an element. An attribute that is a function listens to the event of its name (`onclick`); `true` sets an attribute
 * without a value; `false`, `null` and `undefined` leave it out.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * The element with an id that index.html has.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * Puts new content in an element, and keeps what people are at: the focus, and which details are open. Both are found again
 * by `data-key`, or by id.
 *
 * @param {Element} container
 * @param {...Child} children
 */
export function fill(container, ...children) {
  const active = document.activeElement;
  const focused = active instanceof HTMLElement && container.contains(active) ? keyOf(active) : undefined;
  const open = new Set([...container.querySelectorAll("details[open]")].map((each) => keyOf(each)));
  container.replaceChildren(...nodes(children));
  container.removeAttribute("aria-busy");
  for (const details of container.querySelectorAll("details")) {
    if (details.dataset["key"] !== undefined && open.has(keyOf(details))) details.open = true;
  }
  if (focused === undefined) return;
  for (const each of container.querySelectorAll("[data-key], [id]")) {
    if (each instanceof HTMLElement && keyOf(each) === focused) return each.focus({ preventScroll: true });
  }
}

/** @param {Element} element */
function keyOf(element) {
  return (element instanceof HTMLElement && element.dataset["key"]) || element.id || undefined;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children.flat(Infinity).flatMap((child) => {
    const one = /** @type {One} */ (child);
    if (one === null || one === undefined || one === false) return [];
    return [typeof one === "number" ? String(one) : /** @type {Node | string} */ (one)];
  });
}

/**
 * A table with a caption. Its roles are said outright: where it is narrow, style.css lays it out as blocks, and browsers
 * take that for "no table" otherwise. The first cell of a row is its heading.
 *
 * @param {object} what
 * @param {string} what.caption
 * @param {{ label: string, numeric?: boolean }[]} what.columns
 * @param {{ key: string, cells: Child[] }[]} what.rows
 * @param {string} [what.kind] a class of its own
 * @param {{ key: string, cells: Child[] }} [what.total] the last row, that sums up
 */
export function table({ caption, columns, rows, kind = "", total }) {
  const row = (/** @type {{ key: string, cells: Child[] }} */ { key, cells }) =>
    el(
      "tr",
      { role: "row", "data-row": key },
      cells.map((cell, index) => {
        const column = columns[index];
        const common = { "data-label": column?.label, class: column?.numeric ? "number" : undefined };
        return index === 0
          ? el("th", { scope: "row", role: "rowheader", ...common }, cell)
          : el("td", { role: "cell", ...common }, el("div", { class: "cell" }, cell));
      }),
    );
  return el(
    "table",
    { role: "table", class: kind },
    el("caption", {}, caption),
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        columns.map(({ label, numeric }) =>
          el("th", { scope: "col", role: "columnheader", class: numeric ? "number" : undefined }, label),
        ),
      ),
    ),
    el("tbody", { role: "rowgroup" }, rows.map(row)),
    total && el("tfoot", { role: "rowgroup" }, row(total)),
  );
}

/** The shapes that stand beside a word, so that colour is never alone. Drawn in a box of 16 × 16. */
const SHAPES = {
  good: "M3 8.5l3.2 3.2L13 5",
  change: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  bad: "M4 4l8 8M12 4l-8 8",
  unknown: "M5.5 6a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.4M8 12.4v.1",
  running: "M8 2v3M8 11v3M2 8h3M11 8h3M3.8 3.8l2.1 2.1M10.1 10.1l2.1 2.1M12.2 3.8l-2.1 2.1M5.9 10.1l-2.1 2.1",
  waiting: "M8 4v4.2l2.6 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0",
};

/** @typedef {keyof typeof SHAPES} Tone */

/**
 * A word with its shape and its colour.
 *
 * @param {Tone} tone
 * @param {string} text
 */
export function badge(tone, text) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `shape ${tone}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[tone]);
  svg.append(path);
  return el("span", { class: `badge ${tone}` }, svg, text);
}

/**
 * A message of the service, which marks commands and keys with backquotes, as elements.
 *
 * @param {string} message
 * @returns {(string | HTMLElement)[]}
 */
export function withCode(message) {
  return message.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? el("code", {}, part) : part));
}

/**
 * Problems, each with what is allowed and what to do.
 *
 * @param {readonly Partial<import("../../core/problems").Problem>[]} problems
 */
export function problemList(problems) {
  if (problems.length === 0) return null;
  return el(
    "ul",
    { class: "problems" },
    problems.map((problem) =>
      el(
        "li",
        {},
        el("span", { class: "what" }, withCode(problem.message ?? problem.code ?? "")),
        problem.path ? el("span", { class: "quiet at" }, " at ", el("code", {}, problem.path)) : null,
        problem.allowed ? el("span", { class: "line" }, withCode(`Allowed: ${problem.allowed}`)) : null,
        problem.fix ? el("span", { class: "line" }, withCode(`Fix: ${problem.fix}`)) : null,
      ),
    ),
  );
}

/**
 * Why something isn't so: every problem that the service told, or the message where it told none.
 *
 * @param {unknown} error
 * @param {string} [first] what it means here
 */
export function refusal(error, first = "") {
  const { message, errors = [] } = /** @type {Partial<import("./api.js").ApiError>} */ (error);
  const text = errors.length > 0 ? first : `${first} ${message ?? error}`.trim();
  return [text !== "" && el("p", { class: "message bad" }, text), problemList(errors)];
}

/**
 * @param {readonly import("../../core/problems").Note[]} notes
 */
export function noteList(notes) {
  if (notes.length === 0) return null;
  return el(
    "ul",
    { class: "notes" },
    notes.map((note) => el("li", {}, withCode(note.message))),
  );
}

/**
 * Details that stay open when the section is drawn again.
 *
 * @param {string} key
 * @param {string} summary
 * @param {string} about whom they are about, for those who don't see where they stand
 * @param {...Child} children
 */
export function details(key, summary, about, ...children) {
  return el(
    "details",
    { "data-key": `details ${key}` },
    el("summary", { "data-key": `summary ${key}` }, summary, el("span", { class: "unseen" }, ` of ${about}`)),
    ...children,
  );
}

/**
 * Says something to those who listen to the page.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("announcer").textContent = text;
}

/**
 * Asks before something is done.
 *
 * @param {string} title
 * @param {string} yes the button that does it
 * @param {...Child} text
 * @returns {Promise<boolean>}
 */
export function confirmed(title, yes, ...text) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  byId("confirm-title").textContent = title;
  byId("confirm-yes").textContent = yes;
  fill(byId("confirm-text"), ...text);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

/**
 * The words that somebody typed into a field, in small letters.
 *
 * @param {string} id
 */
export function wordsIn(id) {
  return /** @type {HTMLInputElement} */ (byId(id)).value.toLowerCase().split(/\s+/).filter(Boolean);
}
