// Changes of volumes as a table, for whoever is asked whether they shall be made: what changes, and what it costs.

import { el, noteList, problemList, table } from "./dom.js";
import { cost, differences, plural, size, totalsOf } from "./format.js";
import { verdictBadge } from "./words.js";

/** @typedef {import("./api.js").VolumePlan} VolumePlan */

const MOST = 500;

/**
 * @param {string} caption
 * @param {readonly Pick<VolumePlan, "name" | "verdict" | "from" | "to" | "problems" | "notes" | "costBefore" | "costAfter">[]} plans
 */
export function changesTable(caption, plans) {
  const rows = plans.slice(0, MOST);
  return [
    table({
      caption,
      kind: "touched",
      columns: [
        { label: "Volume" },
        { label: "Change" },
        { label: "Current cost", numeric: true },
        { label: "New cost", numeric: true },
      ],
      rows: rows.map((plan) => ({
        key: plan.name,
        cells: [
          [
            el("span", { class: "name" }, plan.name),
            el("span", { class: "line quiet" }, whatItIs(plan.to ?? plan.from)),
          ],
          [
            verdictBadge(plan.verdict),
            el(
              "ul",
              { class: "changes" },
              differences(plan.from, plan.to).map((each) => el("li", {}, each)),
            ),
            problemList(plan.problems),
            // The list above already has the settings that change in place.
            noteList(plan.notes.filter(({ code }) => code !== "change-in-place")),
          ],
          plan.from ? cost(plan.costBefore) : "–",
          plan.to ? cost(plan.costAfter) : "–",
        ],
      })),
    }),
    plans.length > rows.length && el("p", { class: "quiet" }, `and ${plural(plans.length - rows.length, "other")}`),
  ];
}

/** @param {readonly Pick<VolumePlan, "verdict" | "costBefore" | "costAfter">[]} plans */
export function costOfChanges(plans) {
  const { before, after } = totalsOf([...plans]);
  return el(
    "p",
    {},
    "Monthly cost of these volumes: ",
    el("strong", {}, before),
    " now, ",
    el("strong", {}, after),
    " after the change.",
  );
}

/** @param {{ profile: string, sizeGiB: number } | undefined} volume */
function whatItIs(volume) {
  return volume && `${volume.profile}, ${size(volume.sizeGiB)}`;
}
