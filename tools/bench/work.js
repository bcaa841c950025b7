// What is done, and not how long it takes: the promises that the SDK tracks in the program, the program's processor time, and the system
// calls of a local volume. The same on a busy machine.
// @ts-check
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { makeProject } = require("./project.js");

module.exports = { measureWork, workTable };

/** @typedef {import("./project.js").Variant} Variant */
/** @typedef {{ tracked: number, seconds: number }} Program */
/** @typedef {{ variant: Variant, up: Program, preview: Program }} Work */
/** @typedef {{ files: number, syncs: number }} SystemCalls */

/**
 * @param {import("./project.js").Place} place
 * @param {number} n
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<{ n: number, works: Work[], calls: SystemCalls | undefined }>}
 */
async function measureWork(place, n, check, progress) {
  progress("Counting work");
  /** @type {Work[]} */
  const works = [];
  for (const variant of /** @type {Variant[]} */ (["raw", "component", "ours"])) {
    check();
    const project = await makeProject(place, variant, n, { skipCheckpoints: true, counts: true });
    await project.up();
    const up = ofProgram(project.counts());
    await project.preview();
    works.push({ variant, up, preview: ofProgram(project.counts()) });
    project.remove();
  }
  return { n, works, calls: systemCalls(place) };
}

/** @param {import("./project.js").Counts[]} counts */
function ofProgram(counts) {
  const { tracked, seconds } = counts.find(({ program }) => program === "run") ?? { tracked: NaN, seconds: NaN };
  return { tracked, seconds };
}

/**
 * Of one volume: those that name a file, and those that wait for the disk. Nothing where strace isn't installed.
 *
 * @param {import("./project.js").Place} place
 * @returns {SystemCalls | undefined}
 */
function systemCalls(place) {
  const [few, many] = [1, 21];
  const count = (/** @type {number} */ n) => {
    const file = path.join(place.directory, `strace-${n}`);
    const [own, volumes] = [path.join(place.directory, "package"), path.join(place.directory, `strace-${n}-volumes`)];
    const program = [path.join(__dirname, "local-volumes.js"), own, volumes, `${n}`];
    const options = ["-f", "-qq", "-o", file, "-e", "trace=%file,fsync,fdatasync"];
    execFileSync("strace", [...options, process.execPath, ...program], { stdio: "ignore" });
    // What another thread interrupts has a second line.
    const lines = fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.includes("resumed>"));
    const syncs = lines.filter((line) => /^\d+ +f(data)?sync\(/.test(line)).length;
    return { files: lines.length - syncs, syncs };
  };
  try {
    const [base, all] = [count(few), count(many)];
    const each = (/** @type {keyof SystemCalls} */ key) => Math.round((all[key] - base[key]) / (many - few));
    return { files: each("files"), syncs: each("syncs") };
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
    throw error;
  }
}

/** @param {Awaited<ReturnType<typeof measureWork>>} measured */
function workTable({ n, works, calls }) {
  const row = (/** @type {string} */ what, /** @type {(work: Work) => string} */ cell) =>
    `| ${[what, ...works.map(cell)].join(" | ")} |`;
  const each = (/** @type {number} */ count) => (count / n).toFixed(0);
  const time = (/** @type {number} */ seconds) => `${((seconds / n) * 1000).toFixed(0)} ms`;
  const lines = [
    row(`for each of ${n} volumes`, ({ variant }) => variant),
    row("---", () => "---:"),
    row("first up: promises that the SDK tracks", ({ up }) => each(up.tracked)),
    row("the same: processor time of the program", ({ up }) => time(up.seconds)),
    row("unchanged preview: promises that the SDK tracks", ({ preview }) => each(preview.tracked)),
    row("the same: processor time of the program", ({ preview }) => time(preview.seconds)),
  ];
  const text = calls
    ? `One local volume is ${calls.files} system calls that name a file, and ${calls.syncs} that wait for the disk.`
    : "System calls aren't counted: strace isn't installed.";
  return `${lines.join("\n")}\n\n- ${text}`;
}
