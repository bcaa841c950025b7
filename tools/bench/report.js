// What the benchmark's samples say: medians, ratios of runs that followed each other, the table, and the plot. Pure.
// @ts-check
"use strict";

/**
 * At most so many times what as many of the barest components take, by the clock and by work; and bytes of state for each volume. A component
 * is what any package of Pulumi components costs.
 */
const AIMS = {
  up: { clock: 1.1, work: 1.15 },
  preview: { clock: 1.15, work: 1.15 },
  stateBytes: 4_500,
};

module.exports = { AIMS, markdown, median, pairRatios, plot, rowsOf, series, table };

/** @typedef {import("./project.js").Variant} Variant */
/** @typedef {import("./project.js").Moments} Moments */
/** @typedef {import("./project.js").Time} Time */

/**
 * One stack: made, previewed, weighed.
 * @typedef {object} Sample
 * @property {Variant} variant
 * @property {number} n
 * @property {boolean} skipCheckpoints
 * @property {number} round the runs of one round followed each other
 * @property {Time} up
 * @property {Time} preview
 * @property {number} stateBytes
 * @property {Moments} moments
 */

/**
 * A line of the table.
 * @typedef {object} Row
 * @property {string} what
 * @property {number} [n]
 * @property {string} raw
 * @property {string} component
 * @property {string} ours
 * @property {string} least component by raw: what no component can do better
 * @property {string} ratio ours by component
 * @property {string} work the same, of the processors' work
 * @property {string} aim
 * @property {"met" | "missed" | ""} verdict
 */

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? NaN : (low + high) / 2;
}

/**
 * A variant by another, for each round in which both ran: a machine that is slow for a minute is slow for both.
 *
 * @param {Sample[]} samples
 * @param {Variant} variant
 * @param {Variant} by
 * @param {(sample: Sample) => number} measure
 */
function pairRatios(samples, variant, by, measure) {
  const key = (/** @type {Sample} */ { n, skipCheckpoints, round }) => `${n} ${skipCheckpoints} ${round}`;
  const others = new Map(samples.filter((each) => each.variant === by).map((each) => [key(each), measure(each)]));
  return samples
    .filter((each) => each.variant === variant)
    .flatMap((each) => {
      const other = others.get(key(each));
      return other === undefined ? [] : [measure(each) / other];
    });
}

/**
 * @param {Sample[]} samples
 * @returns {Row[]}
 */
function rowsOf(samples) {
  const sizes = [...new Set(samples.map(({ n }) => n))].sort((a, b) => a - b);
  /** @type {Row[]} */
  const rows = [];
  /**
   * @param {string} what
   * @param {number} n
   * @param {(sample: Sample) => number} measure
   * @param {(value: number) => string} format
   * @param {{ aims?: { clock: number, work: number }, most?: number, of?: Sample[], work?: (sample: Sample) => number }} [options]
   */
  const add = (what, n, measure, format, { aims, most, of = samples, work } = {}) => {
    const own = of.filter((each) => each.n === n);
    const ratios = pairRatios(own, "ours", "component", measure);
    if (ratios.length === 0) return;
    const least = pairRatios(own, "component", "raw", measure);
    const works = work ? pairRatios(own, "ours", "component", work) : [];
    const ours = median(own.filter(({ variant }) => variant === "ours").map(measure));
    // Work isn't known everywhere.
    const isMet = aims ? median(ratios) <= aims.clock && !(median(works) > aims.work) : ours <= (most ?? 0);
    const value = (/** @type {Variant} */ variant) => {
      const values = own.filter((each) => each.variant === variant).map(measure);
      return values.length === 0 ? "" : format(median(values));
    };
    rows.push({
      ...{ what, n, raw: value("raw"), component: value("component"), ours: value("ours") },
      ...{ least: timesText(least), ratio: rangeText(ratios) },
      work: timesText(works),
      aim: aims ? `≤ ${aims.clock}×, work ≤ ${aims.work}×` : most === undefined ? "" : `≤ ${format(most)}`,
      verdict: !aims && most === undefined ? "" : isMet ? "met" : "missed",
    });
  };
  const saved = samples.filter(({ skipCheckpoints }) => !skipCheckpoints);
  const skipped = samples.filter(({ skipCheckpoints }) => skipCheckpoints);
  /** @type {[string, "up" | "preview", { aims: { clock: number, work: number }, of?: Sample[] }][]} */
  const timed = [
    ["first up", "up", { aims: AIMS.up, of: saved }],
    ["first up, checkpoints skipped", "up", { aims: AIMS.up, of: skipped }],
    // Whether the up skipped its checkpoints makes no difference to a preview.
    ["unchanged preview", "preview", { aims: AIMS.preview }],
  ];
  for (const [what, command, options] of timed) {
    for (const n of sizes) {
      add(what, n, (each) => each[command].clock, seconds, { ...options, work: (each) => each[command].work });
    }
  }
  for (const n of sizes) {
    add("state per volume", n, ({ stateBytes }) => stateBytes, bytes, { most: AIMS.stateBytes, of: saved });
  }
  const [smallest] = sizes;
  if (smallest === undefined) return rows;
  const perRun = /** @type {[string, keyof Moments][]} */ ([
    ["program: import", "imported"],
    ["program: import, first volume declared", "declared"],
    ["program: import, first volume registered", "registered"],
  ]);
  for (const [what, moment] of perRun) add(what, smallest, ({ moments }) => moments[moment], milliseconds);
  return rows;
}

/** @param {number[]} ratios */
function rangeText(ratios) {
  const [low, high] = [Math.min(...ratios).toFixed(2), Math.max(...ratios).toFixed(2)];
  return low === high ? timesText(ratios) : `${timesText(ratios)} (${low}–${high})`;
}

/** @param {number[]} ratios */
function timesText(ratios) {
  const middle = median(ratios);
  return Number.isNaN(middle) ? "" : `${middle.toFixed(2)}×`;
}

/** @param {number} value */
const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} s`;
/** @param {number} value */
const milliseconds = (value) => `${Math.round(value)} ms`;
/** @param {number} value */
const bytes = (value) => `${Math.round(value).toLocaleString("en")} B`;

const HEADINGS = ["", "N", "raw", "component", "ours", "component/raw", "ours/component", "by work", "aim", ""];

/** @param {Row} row */
const cells = ({ what, n, raw, component, ours, least, ratio, work, aim, verdict }) => [
  ...[what, `${n ?? ""}`, raw, component, ours, least, ratio],
  ...[work, aim, verdict],
];

/**
 * For a terminal.
 *
 * @param {Row[]} rows
 */
function table(rows) {
  const lines = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const aligned = (/** @type {string[]} */ line) =>
    widths.map((width, column) => (isNumber(column) ? line[column]?.padStart(width) : line[column]?.padEnd(width)));
  return lines.map((line) => aligned(line).join("  ").trimEnd()).join("\n");
}

/** @param {Row[]} rows */
function markdown(rows) {
  const line = (/** @type {string[]} */ parts) => `| ${parts.join(" | ")} |`;
  const bold = (/** @type {Row} */ row) => (row.verdict === "missed" ? { ...row, verdict: "**missed**" } : row);
  return [
    line(HEADINGS),
    line(HEADINGS.map((_, column) => (isNumber(column) ? "---:" : "---"))),
    ...rows.map((row) => line(cells(/** @type {Row} */ (bold(row))))),
  ].join("\n");
}

/** @param {number} column */
const isNumber = (column) => column >= 1 && column <= 7;

// ---- the plot --------------------------------------------------------------------------------------------------------

/** @typedef {{ n: number, low: number, middle: number, high: number }} Point */
/** @typedef {{ label: string, colour: Variant, dashed: boolean, points: Point[] }} Line */

/**
 * @param {Sample[]} samples
 * @returns {Line[]}
 */
function series(samples) {
  /** @type {[string, Variant, boolean][]} */
  const lines = [
    ["ours", "ours", false],
    ["component", "component", false],
    ["raw", "raw", false],
    ["ours, no checkpoints", "ours", true],
    ["raw, no checkpoints", "raw", true],
  ];
  return lines.map(([label, variant, dashed]) => {
    const own = samples.filter((each) => each.variant === variant && each.skipCheckpoints === dashed);
    const sizes = [...new Set(own.map(({ n }) => n))].sort((a, b) => a - b);
    const points = sizes.map((n) => {
      const times = own.filter((each) => each.n === n).map(({ up }) => up.clock);
      return { n, low: Math.min(...times), middle: median(times), high: Math.max(...times) };
    });
    return { label, colour: variant, dashed, points };
  });
}

/**
 * An SVG that can be read on a light and on a dark page.
 *
 * @param {Line[]} lines
 * @param {string} caption
 */
function plot(lines, caption) {
  const [width, height] = [760, 420];
  const area = { left: 56, right: width - 190, top: 56, bottom: height - 52 };
  const drawn = lines.filter(({ points }) => points.length > 0);
  const points = drawn.flatMap((line) => line.points);
  const xMax = Math.max(1, ...points.map(({ n }) => n));
  const yTicks = ticks(Math.max(0.1, ...points.map(({ high }) => high)));
  const yMax = Math.max(...yTicks);
  const x = (/** @type {number} */ n) => round(area.left + (n / xMax) * (area.right - area.left));
  const y = (/** @type {number} */ time) => round(area.bottom - (time / yMax) * (area.bottom - area.top));

  const parts = [
    `<text class="title" x="${area.left}" y="24">Time of the first pulumi up, in seconds</text>`,
    `<text x="${area.left}" y="42">${escape(caption)}</text>`,
    ...yTicks.map(
      (tick) =>
        `<path class="grid" d="M${area.left} ${y(tick)}H${area.right}"/>` +
        `<text class="end" x="${area.left - 8}" y="${round(y(tick) + 4)}">${tick}</text>`,
    ),
    ...[...new Set(points.map(({ n }) => n))].map(
      (n) => `<text class="mid" x="${x(n)}" y="${area.bottom + 20}">${n}</text>`,
    ),
    `<text class="mid" x="${(area.left + area.right) / 2}" y="${area.bottom + 40}">volumes</text>`,
  ];
  for (const { colour, dashed, points: own } of drawn) {
    const path = own.map(({ n, middle }, index) => `${index === 0 ? "M" : "L"}${x(n)} ${y(middle)}`).join("");
    parts.push(`<path class="line ${colour}${dashed ? " dashed" : ""}" d="${path}"/>`);
    for (const { n, low, middle, high } of own) {
      parts.push(`<path class="range ${colour}" d="M${x(n)} ${y(low)}V${y(high)}"/>`);
      parts.push(`<circle class="${colour}" cx="${x(n)}" cy="${y(middle)}" r="3.5"/>`);
    }
  }
  const labels = drawn.flatMap(({ label, colour, points: own }) =>
    own
      .slice(-1)
      .map(({ n, middle }) => ({ text: `${label} ${middle.toFixed(1)}`, colour, x: x(n) + 10, y: y(middle) + 4 })),
  );
  for (const { text, colour, ...at } of apart(labels, 17)) {
    parts.push(`<text class="label ${colour}" x="${round(at.x)}" y="${round(at.y)}">${escape(text)}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Time of the first pulumi up over the number of volumes</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .end { text-anchor: end } .mid { text-anchor: middle }
  .grid { stroke: #8b949e; stroke-opacity: .3 }
  .line { fill: none; stroke-width: 2.5 } .dashed { stroke-dasharray: 6 5 } .range { stroke-width: 1.5; stroke-opacity: .55 }
  .raw { stroke: #6e7781 } .component { stroke: #9a6700 } .ours { stroke: #0969da }
  .label { font-weight: 600 }
  circle.raw, .label.raw { fill: #6e7781 } circle.component, .label.component { fill: #9a6700 }
  circle.ours, .label.ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .title { fill: #f0f6fc }
    .raw { stroke: #9198a1 } .component { stroke: #d29922 } .ours { stroke: #4493f8 }
    circle.raw, .label.raw { fill: #9198a1 } circle.component, .label.component { fill: #d29922 }
    circle.ours, .label.ours { fill: #4493f8 }
  }
  circle, text.label { stroke: none }
</style>
${parts.join("\n")}
</svg>
`;
}

/**
 * From 0 in steps of 1, 2 or 5 (times a power of ten) to what is enough, at most ten.
 *
 * @param {number} max
 */
function ticks(max) {
  const power = 10 ** Math.floor(Math.log10(max / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => max / each <= 8) ?? 10 * power;
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/**
 * Moves labels up, as little as needed for so much room between them.
 *
 * @template {{ y: number }} T
 * @param {T[]} labels
 * @param {number} room
 */
function apart(labels, room) {
  let limit = Infinity;
  return [...labels]
    .sort((a, b) => b.y - a.y)
    .map((label) => {
      const y = Math.min(label.y, limit);
      limit = y - room;
      return { ...label, y };
    });
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** @param {string} text */
const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
