// What the benchmark makes of its samples: ratios of runs that followed each other, the table, the plot. Nothing is timed.
import { execFile } from "node:child_process";
import path from "node:path";

import { estateTable } from "../../tools/bench/estate.js";
import { markdown, median, pairRatios, plot, rowsOf, series, table, type Sample } from "../../tools/bench/report.js";

const sample = ({
  up = 1,
  preview = 1,
  work = NaN,
  ...own
}: Partial<Omit<Sample, "up" | "preview">> & Times): Sample => ({
  variant: "raw",
  n: 10,
  skipCheckpoints: false,
  round: 0,
  up: { clock: up, work },
  preview: { clock: preview, work },
  stateBytes: 1000,
  moments: { imported: 1, declared: 2, registered: 3 },
  ...own,
});
interface Times {
  up?: number;
  preview?: number;
  work?: number;
}

test.each([
  [[], NaN],
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
  [[10, 9], 9.5],
])("the median of %j is %p", (values, expected) => {
  expect(median(values)).toBe(expected);
});

test("a run is compared with the one that it followed, not with one of another round, size or mode", () => {
  const samples = [
    sample({ round: 0, up: 10 }),
    sample({ round: 0, up: 12, variant: "ours" }),
    sample({ round: 1, up: 100 }),
    sample({ round: 1, up: 150, variant: "ours" }),
    sample({ round: 2, up: 7, variant: "ours" }),
    sample({ round: 0, up: 1, variant: "component" }),
    sample({ round: 0, up: 1, skipCheckpoints: true }),
    sample({ round: 0, up: 1, n: 100 }),
  ];
  expect(pairRatios(samples, "ours", "raw", ({ up }) => up.clock)).toEqual([1.2, 1.5]);
});

test("the table says for each size what was aimed at and whether it was met", () => {
  const samples = [10, 300].flatMap((n) => [
    sample({ n, up: 2, preview: 2, stateBytes: 4000, work: 3 }),
    sample({ n, up: 2.5, preview: 2, stateBytes: 5000, work: 4, variant: "component" }),
    sample({ n, up: n === 10 ? 2.75 : 2.8, preview: 2.2, stateBytes: 4501, work: n === 10 ? 4.6 : 4, variant: "ours" }),
  ]);
  const rows = rowsOf(samples);
  const row = (what: string, n: number) => rows.find((each) => each.what === what && each.n === n);
  expect(row("first up", 10)).toEqual({
    ...{ what: "first up", n: 10, raw: "2.00 s", component: "2.50 s", ours: "2.75 s" },
    ...{ least: "1.25×", ratio: "1.10×", work: "1.15×", aim: "≤ 1.1×, work ≤ 1.15×", verdict: "met" },
  });
  expect(row("first up", 300)).toMatchObject({ ratio: "1.12×", work: "1.00×", verdict: "missed" });
  expect(row("unchanged preview", 300)).toMatchObject({ ratio: "1.10×", verdict: "met" });
  expect(row("state per volume", 300)).toMatchObject({ raw: "4,000 B", ours: "4,501 B", ratio: "0.90×" });
  expect(row("state per volume", 300)).toMatchObject({ aim: "≤ 4,500 B", verdict: "missed" });
  expect(rows.map(({ what }) => what)).not.toContain("first up, checkpoints skipped");
});

test("both forms of the table have a line for each row, and columns that line up", () => {
  const rows = rowsOf([sample({ up: 9, variant: "component" }), sample({ up: 12, variant: "ours" })]);
  const text = table(rows).split("\n");
  const columns = (lines: string[]) => new Set(lines.map((line) => line.indexOf(line.includes("aim") ? "aim" : "≤")));
  expect(text).toHaveLength(rows.length + 1);
  expect(columns(text.filter((line) => /aim|≤/.test(line))).size).toBe(1);
  expect(markdown(rows).split("\n")).toHaveLength(rows.length + 2);
  expect(markdown(rows)).toContain(
    "| first up | 10 |  | 9.00 s | 12.0 s |  | 1.33× |  | ≤ 1.1×, work ≤ 1.15× | **missed** |",
  );
});

test("the plot has a line for each way to declare, through the medians, and labels that don't overlap", () => {
  const samples = [10, 100].flatMap((n) =>
    [false, true].flatMap((skipCheckpoints) =>
      [1, 2, 3].flatMap((round) => [
        sample({ n, skipCheckpoints, round, up: round }),
        sample({ n, skipCheckpoints, round, up: round, variant: "ours" }),
      ]),
    ),
  );
  const svg = plot(series(samples), "a < b & c");
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svg.match(/class="line /g)).toHaveLength(4);
  expect(svg.match(/<circle /g)).toHaveLength(8);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(svg).toContain("prefers-color-scheme: dark");
  const labels = [...svg.matchAll(/class="label \w+" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y)).sort();
  expect(labels).toHaveLength(4);
  for (const [index, y] of labels.slice(1).entries()) expect(y - (labels[index] ?? 0)).toBeGreaterThan(12);
});

test("an unknown argument, and --write with --quick, are refused before anything is done", async () => {
  const run = (...args: string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      const bench = path.resolve(__dirname, "../../tools/bench.js");
      execFile(process.execPath, [bench, ...args], (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });
  expect(await run("--fast")).toMatchObject({ code: 1, stderr: expect.stringContaining("Unknown argument --fast.") });
  expect(await run("--quick", "--write")).toMatchObject({ code: 1, stderr: expect.stringContaining("full run") });
  expect(await run("--estate", "250")).toMatchObject({ code: 1, stderr: expect.stringContaining("a multiple of 100") });
  expect(await run("--made", "200")).toMatchObject({ code: 1, stderr: expect.stringContaining("requires --estate") });
  expect(await run("--help")).toMatchObject({ code: 0, stdout: expect.stringContaining("--quick"), stderr: "" });
});

test("the table of an estate says how it grew, and which aims were met", () => {
  const measured = (work: number, allMiB = 300) => ({
    ...{ time: { clock: 2 * work, work }, commandMiB: 100, allMiB, calls: 400 },
  });
  const base = { volumes: 200, ups: 200, up: measured(40), status: measured(1), plan: measured(1) };
  const large = { volumes: 10_000, ups: 400, up: measured(80), status: measured(9), plan: measured(70, 401) };
  const estate = { samples: [base, large], imported: 9_400, exported: { clock: 0.5, work: 0.2 } };
  const rows = estateTable(estate).split("\n");
  const row = (start: string) => rows.find((each) => each.startsWith(`| ${start}`));
  expect(row("first up of 200 and of 400 more")).toContain("| 1.00× linear | ≤ 1.3× linear | met |");
  expect(row("`status --all` |")).toContain("| 2.0 s (1.0 s) | 18.0 s (9.0 s) | 0.18× linear | ≤ 1.3× linear | met |");
  expect(row("`status --all` by the clock")).toContain("| 18.0 s |  | ≤ 20 s | met |");
  expect(row("`plan --all` of")).toContain("| 1.40× linear | ≤ 1.3× linear | **missed** |");
  expect(row("memory of `plan --all`")).toContain("| 100 MiB, 401 MiB |  | ≤ 400 MiB | **missed** |");
  expect(row("calls of the gateway")).toContain("| 2.00 | 1.00 |");
  expect(rows.at(-1)).toContain(
    "The state of 9,400 volumes is that of a stack that was made, exported, renamed and imported.",
  );
  // A few hundred have no aim by the clock, and an `up` that wasn't measured isn't one that took no time.
  const few = estateTable({ ...estate, samples: [base, { ...large, volumes: 300, ups: 0, up: undefined }] });
  expect(few).not.toContain("by the clock |");
  expect(few).toContain("| first up | 80.0 s (40.0 s) | not measured |");
});
