// What the volumes cost in a month, by profile.

import { byId, el, fill, table } from "./dom.js";
import { cost, count, plural, size, sum } from "./format.js";

/** How many colours there are for backends. */
const SERIES = 8;

/** @param {import("./api.js").VolumeStatus[]} volumes */
export function drawCost(volumes) {
  // What isn't there yet costs nothing yet.
  const there = volumes.filter(({ recorded }) => recorded !== undefined);
  if (there.length === 0) return fill(byId("cost-table"), el("p", { class: "quiet" }, "No volumes yet."));
  const names = [...new Set(there.map(profileOf))];
  const groups = names.map((name) => {
    const its = there.filter((volume) => profileOf(volume) === name);
    return { name, volumes: its, ...sum(its.map(({ monthlyCost }) => monthlyCost)) };
  });
  groups.sort((a, b) => (b.sums[0]?.amount ?? 0) - (a.sums[0]?.amount ?? 0) || (a.name < b.name ? -1 : 1));
  const currencies = new Set(groups.flatMap(({ sums }) => sums.map(({ currency }) => currency)));
  const all = sum(there.map(({ monthlyCost }) => monthlyCost));
  const whole = groups.reduce((amount, { sums }) => amount + (sums[0]?.amount ?? 0), 0);
  // A share can be told where there is one currency, and something is known.
  const shared = currencies.size === 1 && whole > 0;
  fill(
    byId("cost-table"),
    charts(there, groups, shared),
    table({
      caption: "Current monthly cost at list prices, by declared profile",
      kind: "cost",
      columns: [
        { label: "Profile" },
        { label: "Volumes", numeric: true },
        { label: "GiB", numeric: true },
        { label: "Monthly cost", numeric: true },
        ...(shared ? [{ label: "Share" }] : []),
      ],
      rows: groups.map(({ name, volumes: its, sums, unknown }) => ({
        key: name,
        cells: [
          el("span", { class: "name" }, name),
          count(its.length),
          count(gibibytes(its)),
          amounts({ sums, unknown }),
          ...(shared ? [share((sums[0]?.amount ?? 0) / whole)] : []),
        ],
      })),
      total: {
        key: "total",
        cells: ["all", count(there.length), count(gibibytes(there)), amounts(all), ...(shared ? [""] : [])],
      },
    }),
  );
}

/** How many profiles have a bar of their own. */
const BARS = 12;

/**
 * Capacity, and cost where it can be compared, as a bar for each profile, divided by backend. The table below has the numbers for those
 * who don't see them.
 *
 * @param {import("./api.js").VolumeStatus[]} volumes
 * @param {{ name: string, volumes: import("./api.js").VolumeStatus[] }[]} groups
 * @param {boolean} isPriced
 */
function charts(volumes, groups, isPriced) {
  const backends = [...new Set(volumes.map(backendOf))].sort();
  const [first, rest] = [groups.slice(0, BARS), groups.slice(BARS)];
  const bars =
    rest.length === 0
      ? first
      : [...first, { name: plural(rest.length, "other profile"), volumes: rest.flatMap((each) => each.volumes) }];
  const chart = (
    /** @type {string} */ title,
    /** @type {(volume: import("./api.js").VolumeStatus) => number} */ value,
    /** @type {(amount: number) => string} */ text,
  ) => {
    const sumOf = (/** @type {import("./api.js").VolumeStatus[]} */ some) =>
      some.reduce((all, each) => all + value(each), 0);
    const most = Math.max(...bars.map((each) => sumOf(each.volumes)));
    return el(
      "div",
      { class: "chart" },
      el("h3", {}, title),
      bars.map(({ name, volumes: its }) =>
        el(
          "div",
          { class: "row" },
          el("span", { class: "of" }, name),
          el(
            "span",
            { class: "stack" },
            backends.map((backend, index) => {
              const part = sumOf(its.filter((each) => backendOf(each) === backend));
              if (part === 0) return null;
              const segment = el("span", {
                class: `series-${index % SERIES}`,
                title: `${name} on ${backend}: ${text(part)}`,
              });
              // Set on the element and not in its markup: the page allows no inline style.
              segment.style.inlineSize = `${(part / most) * 100}%`;
              return segment;
            }),
          ),
          el("span", { class: "amount" }, text(sumOf(its))),
        ),
      ),
    );
  };
  const currency =
    groups.flatMap((each) => each.volumes).find(({ monthlyCost }) => monthlyCost)?.monthlyCost?.currency ?? "";
  return el(
    "div",
    { class: "charts", "aria-hidden": "true" },
    chart("Capacity", (volume) => gibibytes([volume]), size),
    isPriced &&
      chart(
        "Monthly cost",
        ({ monthlyCost }) => monthlyCost?.amount ?? 0,
        (amount) => cost({ amount, currency }),
      ),
    el(
      "p",
      { class: "legend" },
      backends.map((backend, index) => el("span", {}, el("span", { class: `key series-${index % SERIES}` }), backend)),
    ),
  );
}

/** @param {import("./api.js").VolumeStatus} volume */
function backendOf({ backend, recorded }) {
  return recorded?.backend ?? backend ?? "unknown";
}

/** @param {import("./api.js").VolumeStatus} volume */
function profileOf(volume) {
  return volume.profile ?? volume.recorded?.profile ?? "unknown";
}

/** @param {import("./api.js").VolumeStatus[]} volumes */
function gibibytes(volumes) {
  return volumes.reduce((all, volume) => all + (volume.recorded?.sizeGiB ?? volume.sizeGiB ?? 0), 0);
}

/** @param {ReturnType<typeof sum>} what */
function amounts({ sums, unknown }) {
  return [
    sums.map((each) => el("span", { class: "line" }, cost(each))),
    unknown > 0 && el("span", { class: "line quiet" }, `${count(unknown)} unknown`),
  ];
}

/** @param {number} part */
function share(part) {
  const percent = Math.round(part * 100);
  const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", {}));
  // Set on the element and not in its markup: the page allows no inline style.
  /** @type {HTMLElement} */ (bar.firstChild).style.inlineSize = `${percent}%`;
  return el("span", { class: "share" }, bar, percent === 0 && part > 0 ? "under 1 %" : `${percent} %`);
}
