// The parts that the page is made of. Text goes in as text: nothing that the service says can become markup.

/** Makes an element. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

const drawn = new WeakMap();
/** Puts children in place, unless they were made of the same: focus and the scroll stay where they are. */
export function draw(element, of, make) {
  const key = JSON.stringify(of);
  if (drawn.get(element) === key) return;
  drawn.set(element, key);
  element.replaceChildren(...[make()].flat());
}

export const number = (value, digits = 0) =>
  value === undefined
    ? ""
    : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits && 2 });

export const money = (cost) => (cost ? `${number(cost.amount, 2)} ${cost.currency}` : "");

const SYMBOLS = { compliant: "✓", "out-of-date": "↻", "non-compliant": "✗", unknown: "?" };

/** A status: a sign, a word, and only then a colour. */
export const status = (word) => h("span", { class: `status ${word}` }, `${SYMBOLS[word] ?? "•"} ${word}`);

/** Settings that say something, one a line. */
export function settings(volume) {
  const said = Object.entries(volume.settings).filter(
    ([, value]) => value !== null && value !== "" && !(typeof value === "object" && Object.keys(value).length === 0),
  );
  const text = (value) =>
    typeof value === "number" ? number(value) : typeof value === "object" ? JSON.stringify(value) : String(value);
  return h(
    "ul",
    { class: "settings" },
    said.filter(([key]) => key !== "tags").map(([key, value]) => h("li", {}, h("b", {}, `${key} `), text(value))),
  );
}

/** Problems, each with what is allowed and what to do. */
export function problems(all) {
  return h(
    "ul",
    {},
    all.map(({ path, message, allowed, fix, code }) =>
      h(
        "li",
        {},
        h("strong", {}, path),
        `: ${message} `,
        h("span", { class: "quiet" }, `[${code}] Allowed: ${allowed}. ${fix}.`),
      ),
    ),
  );
}

/** A line for an event of an operation. */
export function eventText(event) {
  if (event.type === "state") return `${event.state}${event.volumes?.length ? `: ${event.volumes.join(", ")}` : ""}`;
  if (event.type === "resource") return `${event.resource}: ${event.operation} ${event.phase}`;
  if (event.type === "summary") {
    const what = Object.entries(event.changes).map(([kind, count]) => `${count} ${kind}`);
    return `${what.join(", ")}, in ${number(event.seconds)} s`;
  }
  return event.text;
}
