// Many stacks: how an `up` of all of them, `status --all` and `plan --all` grow, with the state on PostgreSQL and the volumes on the emulated
// ScaleIO gateway of this package.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { UserError } = require("../shared.js");
const { layProject, pssMiB, runProgram } = require("./project.js");

module.exports = { estateTable, measureEstate };

/** @typedef {import("./project.js").Place} Place */
/** @typedef {import("./project.js").Time} Time */

/** Volumes of a stack, and the stacks that the others are compared with. */
const PER_STACK = 100;
const BASE = 2;

/** The aims: against linear growth from the base, and at 10,000 volumes. */
const LINEAR = 1.3;
const STATUS_SECONDS = 20;
const MEMORY_MIB = 400;

/**
 * @typedef {object} Measured
 * @property {Time} time
 * @property {number} commandMiB the command's own memory, at its largest
 * @property {number} allMiB with that of the engines that it runs
 * @property {number} calls of the gateway
 */

/**
 * @typedef {object} EstateSample
 * @property {number} volumes
 * @property {number} ups how many volumes the `up` created
 * @property {Measured | undefined} up
 * @property {Measured} status
 * @property {Measured} plan
 */

/** @typedef {{ samples: EstateSample[], imported: number, exported: Time }} Estate */

/**
 * @param {Place} place
 * @param {{ volumes: number, made: number }} plan how many volumes there are to be, and how many of them an `up` creates
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<Estate | { missing: string }>}
 */
async function measureEstate(place, { volumes, made }, check, progress) {
  const { postgresReason, startPostgres } = require("../../test/labs/state/lab.js");
  const missing = postgresReason();
  if (missing !== undefined) return { missing };
  const { startScaleioGateway } = require(path.join(place.directory, "package", "dist", "emulators"));
  const gateway = await startScaleioGateway();
  const server = await startPostgres({ log: progress });
  try {
    const estate = await layEstate(place, gateway, server);
    const measure = async (/** @type {string} */ what, /** @type {string[]} */ ...args) => {
      check();
      gateway.clearCalls();
      const measured = { ...(await estate.run(args)), calls: gateway.calls.length };
      progress(
        `${what}: ${measured.time.clock.toFixed(1)} s, ${measured.time.work.toFixed(1)} s of processor time, ` +
          `${Math.round(measured.commandMiB)} MiB`,
      );
      return measured;
    };
    const look = async (/** @type {number} */ count) => ({
      status: await measure(`status of ${count}`, "status", "--all", "--json"),
      plan: await measure(`plan of ${count}`, ...PLAN),
    });

    // Names of one length, so that what is imported is as long as what it was made from.
    const base = estate.names("a", BASE);
    const more = estate.names("b", Math.max(0, made / PER_STACK - BASE));
    const others = estate.names("c", volumes / PER_STACK - BASE - more.length);
    await estate.add(base);
    const up = await measure(`up of ${BASE * PER_STACK}`, "apply", "--all", "--yes");
    const exported = await estate.exportTime(base[0] ?? "");
    const first = { volumes: BASE * PER_STACK, ups: BASE * PER_STACK, up, ...(await look(BASE * PER_STACK)) };
    await estate.add(more);
    const upOfMore =
      more.length > 0
        ? await measure(`up of ${more.length * PER_STACK} more`, "apply", "--stack", "b*", "--yes")
        : undefined;
    const created = gateway.state().volumes.length;
    if (created !== (base.length + more.length) * PER_STACK) throw new UserError(`${created} volumes were created`);
    progress(`importing ${others.length} stacks`);
    await estate.copy(base[0] ?? "", others, check);
    const second = { volumes, ups: more.length * PER_STACK, up: upOfMore, ...(await look(volumes)) };
    return { samples: [first, second], imported: others.length * PER_STACK, exported };
  } finally {
    await server.stop();
    await gateway.close();
  }
}

const PLAN = ["plan", "--all", "--profile", "gold", "--in", "catalog", "--set", "scaleio.iopsLimit=12000", "--json"];

/**
 * @param {Place} place
 * @param {{ url: string, ca: string, username: string, password: string }} gateway
 * @param {{ url: string, env: NodeJS.ProcessEnv }} server
 */
async function layEstate(place, gateway, server) {
  const home = fs.mkdtempSync(path.join(place.directory, "estate-"));
  const { directory, env, pulumi, write } = await layProject(place, home, {
    settings: { config: { "storage-profiles:catalog": { value: "./prod.yaml" } } },
    env: {
      ...server.env,
      PULUMI_BACKEND_URL: server.url,
      PULUMI_STACK: undefined,
      SCALEIO_PASSWORD: gateway.password,
      XDG_STATE_HOME: path.join(home, "operations"),
    },
    without: /^SCALEIO_/,
  });
  // JSON is YAML.
  write("prod.yaml", { profiles: { gold: { extends: "gold", scaleio: { iopsLimit: 10_000 } } } });
  write("ca.pem", gateway.ca);
  write(
    "index.js",
    `const { ProfiledVolume, volumesOfStack } = require("storage-profiles");
for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);\n`,
  );
  // The stack that every project has here isn't one of the estate's.
  fs.rmSync(path.join(directory, "Pulumi.dev.yaml"));
  const { bin } = JSON.parse(fs.readFileSync(path.join(place.directory, "package", "package.json"), "utf8"));
  const command = path.join(place.directory, "package", bin["storage-profiles"]);

  const add = async (/** @type {string[]} */ stacks) => {
    for (const stack of stacks) {
      const volumes = Array.from({ length: PER_STACK }, (_, index) => [
        `${stack}-v${String(index).padStart(3, "0")}`,
        { profile: "gold", sizeGiB: 8 },
      ]);
      write(`Pulumi.${stack}.yaml`, {
        config: {
          "storage-profiles:backend": "scaleio",
          "storage-profiles:scaleio": { protectionDomain: "domain1", storagePool: "pool1" },
          "storage-profiles:volumes": Object.fromEntries(volumes),
          "scaleio:endpoint": gateway.url,
          "scaleio:username": gateway.username,
          "scaleio:caFile": "ca.pem",
        },
      });
    }
    for (const stack of stacks) await pulumi("stack", "init", stack);
  };

  return {
    add,
    names: (/** @type {string} */ letter, /** @type {number} */ count) =>
      Array.from({ length: count }, (_, index) => `${letter}${String(index).padStart(3, "0")}`),
    exportTime: async (/** @type {string} */ stack) => (await pulumi("stack", "export", "--stack", stack)).time,
    /** Gives stacks the state of one, under their own names. */
    copy: async (/** @type {string} */ from, /** @type {string[]} */ stacks, /** @type {() => void} */ check) => {
      const { stdout } = await pulumi("stack", "export", "--stack", from);
      for (const stack of stacks) {
        check();
        await add([stack]);
        const file = path.join(home, `${stack}.json`);
        fs.writeFileSync(file, stdout.replaceAll(new RegExp(`\\b${from}\\b`, "g"), stack));
        await pulumi("stack", "import", "--stack", stack, "--file", file);
        fs.rmSync(file);
      }
    },
    run: async (/** @type {string[]} */ args) => {
      const memory = { command: 0, all: 0 };
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      try {
        const { time } = await runProgram(process.execPath, [command, ...args], directory, env, (pid) => {
          timer = setInterval(() => {
            const all = descendants(pid).reduce((sum, each) => sum + pssMiB(each), 0);
            memory.command = Math.max(memory.command, pssMiB(pid));
            memory.all = Math.max(memory.all, all);
          }, 500);
        });
        return { time, commandMiB: memory.command, allMiB: memory.all };
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/**
 * A process and all below it.
 *
 * @param {number} root
 */
function descendants(root) {
  /** @type {Map<number, number[]>} */
  const below = new Map();
  for (const name of fs.readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const [, fields = ""] = fs.readFileSync(`/proc/${name}/stat`, "utf8").split(") ");
      const parent = Number(fields.split(" ")[1]);
      below.set(parent, [...(below.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended.
    }
  }
  /** @type {(pid: number) => number[]} */
  const all = (pid) => [pid, ...(below.get(pid) ?? []).flatMap(all)];
  return all(root);
}

/**
 * The tables, as Markdown.
 *
 * @param {Estate} estate
 */
function estateTable({ samples: [base, large], imported, exported }) {
  if (!base || !large) return "";
  /** @type {string[][]} */
  const rows = [];
  const verdict = (/** @type {boolean} */ isMet) => (isMet ? "met" : "**missed**");
  const seconds = (/** @type {Time} */ { clock, work }) => `${clock.toFixed(1)} s (${work.toFixed(1)} s)`;
  const perVolume = (/** @type {Measured} */ { time }, /** @type {number} */ count) => time.work / count;
  const growth = (/** @type {number} */ ratio) => [
    `${ratio.toFixed(2)}× linear`,
    `≤ ${LINEAR}× linear`,
    verdict(ratio <= LINEAR),
  ];
  if (base.up && large.up) {
    const ratio = perVolume(large.up, large.ups) / perVolume(base.up, base.ups);
    const what = `first up of ${base.ups} and of ${large.ups} more`;
    rows.push([what, seconds(base.up.time), seconds(large.up.time), ...growth(ratio)]);
  } else if (base.up) rows.push(["first up", seconds(base.up.time), "not measured"]);
  for (const what of /** @type {const} */ (["status", "plan"])) {
    const [few, many] = [base[what], large[what]];
    const ratio = perVolume(many, large.volumes) / perVolume(few, base.volumes);
    const name = what === "status" ? "`status --all`" : "`plan --all` of an edit of the profile";
    rows.push([name, seconds(few.time), seconds(many.time), ...growth(ratio)]);
  }
  // What a command takes to start is most of the time for a few hundred.
  if (large.volumes >= 10_000) {
    const limit = (STATUS_SECONDS * large.volumes) / 10_000;
    const { clock } = large.status.time;
    const cells = [base.status.time.clock, clock].map((each) => `${each.toFixed(1)} s`);
    rows.push(["`status --all` by the clock", ...cells, "", `≤ ${limit} s`, verdict(clock <= limit)]);
  }
  for (const what of /** @type {const} */ (["status", "plan"])) {
    const [few, many] = [base[what], large[what]];
    const mib = (/** @type {number} */ value) => `${Math.round(value)} MiB`;
    const isMet = many.allMiB <= MEMORY_MIB;
    const both = (/** @type {Measured} */ one) => `${mib(one.commandMiB)}, ${mib(one.allMiB)}`;
    rows.push([
      `memory of \`${what} --all\`: its own, with its engines`,
      ...[both(few), both(many), "", `≤ ${MEMORY_MIB} MiB`, verdict(isMet)],
    ]);
  }
  const calls = [base, large].map(({ up, ups }) => (up ? (up.calls / ups).toFixed(2) : ""));
  rows.push(["calls of the gateway for each volume: first up", ...calls]);
  rows.push(["calls of `status` and `plan`", ...[base, large].map((each) => `${each.status.calls + each.plan.calls}`)]);
  const head = ["", `${base.volumes} volumes`, `${large.volumes.toLocaleString("en")} volumes`, "growth", "aim", ""];
  const line = (/** @type {string[]} */ cells) => `| ${head.map((_, index) => cells[index] ?? "").join(" | ")} |`;
  const table = [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
  const made =
    imported > 0
      ? `The state of ${imported.toLocaleString("en")} volumes is that of a stack that was made, exported, renamed and imported.`
      : "All volumes were made.";
  const alone = `One \`pulumi stack export\` of ${PER_STACK} volumes alone: ${seconds(exported)}.`;
  return `${table}\n\nTimes by the clock, and in brackets of the processor; growth is that of processor time. ${made} ${alone}`;
}
