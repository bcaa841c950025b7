// What the volumes cost in a month, by profile.

import { byId, el, fill, table } from "./dom.js";
import { cost, count, sum } from "./format.js";

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
