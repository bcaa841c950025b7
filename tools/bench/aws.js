// What ProfiledVolume costs beside the same volumes written by hand with aws.ebs.Volume: on the real Terraform AWS provider
// and the lab's EC2, through the real engine, in runs that take turns.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { ensureAwsPlugin } = require("../engine/aws-plugin.js");
const { environment } = require("../engine/ensure.js");
const { UserError } = require("../shared.js");
const { Unavailable, environmentFor, pythonEnvironment } = require("../../test/labs/python.js");
const { runPulumi, stateBytesOf } = require("./project.js");

module.exports = { awsTable, measureAws };

/** @typedef {import("./project.js").Place} Place */
/** @typedef {"hand" | "ours"} Author */

/**
 * @typedef {object} Run
 * @property {number} up seconds
 * @property {number} preview seconds; unchanged
 * @property {number} change seconds of the up that gives every volume another profile
 * @property {number} stateBytes for each volume
 * @property {Record<string, string>} calls of EC2, by command: each action and how often
 *
 * @typedef {{ n: number, hand: Run, ours: Run }} AwsSample
 */

/** How many resources the engine makes at a time. The provider waits 10 s for each. */
const PARALLEL = 100;

/**
 * @param {Place} place
 * @param {number[]} plan how many volumes
 * @param {() => void} check throws when interrupted
 * @param {(text: string) => void} progress
 * @returns {Promise<AwsSample[] | { missing: string }>} why this machine can't measure it
 */
async function measureAws(place, plan, check, progress) {
  const plugin = await ensureAwsPlugin({ log: progress });
  if ("missing" in plugin) return plugin;
  let python;
  try {
    python = await pythonEnvironment("aws", { log: progress });
  } catch (error) {
    if (error instanceof Unavailable) return { missing: error.message };
    throw error;
  }
  const lab = await startLab(python);
  try {
    // The first start of the plugin finds nothing in the disk's cache.
    progress("Warming up");
    await measure(place, plugin, lab, "hand", 1);
    /** @type {AwsSample[]} */
    const samples = [];
    for (const n of plan) {
      /** @type {Partial<Record<Author, Run>>} */
      const runs = {};
      for (const author of /** @type {const} */ (["hand", "ours"])) {
        check();
        const run = (runs[author] = await measure(place, plugin, lab, author, n));
        progress(
          `${n} volumes on EC2, ${author}: up ${run.up.toFixed(2)} s, preview ${run.preview.toFixed(2)} s, ` +
            `change ${run.change.toFixed(2)} s, ${Math.round(run.stateBytes)} B each; ${run.calls["up"]}`,
        );
      }
      if (runs.hand && runs.ours) samples.push({ n, hand: runs.hand, ours: runs.ours });
    }
    return samples;
  } finally {
    lab.stop();
  }
}

/**
 * The table, as Markdown, and whether both have asked EC2 the same.
 *
 * @param {AwsSample[]} samples
 * @returns {{ text: string, equal: boolean }}
 */
function awsTable(samples) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  const rows = [line(["", "N", "by hand", "ours", "ours / by hand"]), line(["---", "--:", "--:", "--:", "--:"])];
  let equal = true;
  for (const [what, key] of /** @type {const} */ ([
    ["first up", "up"],
    ["unchanged preview", "preview"],
    ["up with another profile", "change"],
  ])) {
    for (const { n, hand, ours } of samples) {
      const seconds = (/** @type {number} */ value) => `${value.toFixed(1)} s`;
      rows.push(
        line([what, String(n), seconds(hand[key]), seconds(ours[key]), `${(ours[key] / hand[key]).toFixed(2)}×`]),
      );
    }
  }
  for (const { n, hand, ours } of samples) {
    const bytes = (/** @type {number} */ value) => `${Math.round(value).toLocaleString("en")} B`;
    const ratio = `${(ours.stateBytes / hand.stateBytes).toFixed(2)}×`;
    rows.push(line(["state per volume", String(n), bytes(hand.stateBytes), bytes(ours.stateBytes), ratio]));
  }
  for (const command of ["up", "preview", "change"]) {
    for (const { n, hand, ours } of samples) {
      const same = hand.calls[command] === ours.calls[command];
      equal &&= same;
      const [left, right] = [hand.calls[command] ?? "", ours.calls[command] ?? ""];
      rows.push(line([`EC2 calls: ${command}`, String(n), left, right, same ? "equal" : "**NOT EQUAL**"]));
    }
  }
  return { text: rows.join("\n"), equal };
}

// ---- one stack -------------------------------------------------------------------------------------------------------

/**
 * @param {Place} place
 * @param {import("../engine/aws-plugin.js").AwsPlugin} plugin
 * @param {Lab} lab
 * @param {Author} author
 * @param {number} n
 * @returns {Promise<Run>}
 */
async function measure(place, plugin, lab, author, n) {
  await lab.ask("reset", {});
  const home = fs.mkdtempSync(path.join(place.directory, "aws-"));
  const directory = path.join(home, "project");
  fs.mkdirSync(path.join(directory, "node_modules"), { recursive: true });
  fs.mkdirSync(path.join(home, "state"));
  fs.symlinkSync(path.join(place.directory, "package"), path.join(directory, "node_modules", "storage-profiles"));
  fs.symlinkSync(path.join(place.root, "node_modules", "@pulumi"), path.join(directory, "node_modules", "@pulumi"));
  const write = (/** @type {string} */ file, /** @type {string | object} */ content) =>
    fs.writeFileSync(path.join(directory, file), typeof content === "string" ? content : JSON.stringify(content));
  // JSON is YAML.
  write("Pulumi.yaml", {
    name: "bench",
    runtime: { name: "nodejs", options: { typescript: false } },
    plugins: { providers: [{ name: "aws", path: plugin.path }] },
  });
  write("package.json", { name: "bench", private: true, main: "index.js" });
  write("index.js", programs[author](n, "gold"));
  const skipped = ["skipCredentialsValidation", "skipRequestingAccountId", "skipMetadataApiCheck"];
  write("Pulumi.dev.yaml", {
    config: {
      "storage-profiles:backend": "aws",
      "storage-profiles:aws": { availabilityZone: "us-east-1a" },
      "aws:region": "us-east-1",
      "aws:accessKey": "test",
      "aws:secretKey": "test",
      "aws:endpoints": [{ ec2: lab.url }],
      ...Object.fromEntries(skipped.map((key) => [`aws:${key}`, "true"])),
    },
  });
  const own = Object.entries(process.env).filter(([name]) => !/^(PULUMI_|AWS_|NODE_OPTIONS$)/.test(name));
  const env = environment(place.engine, {
    ...Object.fromEntries(own),
    ...plugin.env,
    PULUMI_HOME: path.join(place.directory, "home"),
    PULUMI_BACKEND_URL: `file://${path.join(home, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "bench",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_STACK: "dev",
  });
  const pulumi = (/** @type {string[]} */ ...args) => runPulumi(place.engine.pulumi, args, directory, env);
  /** @type {Run["calls"]} */
  const calls = {};
  const timed = async (/** @type {string} */ command, /** @type {string[]} */ ...args) => {
    const before = (await lab.ask("requests")).length;
    const { time } = await pulumi(...args);
    calls[command] = counted((await lab.ask("requests")).slice(before));
    return time.clock;
  };
  const upArgs = ["up", "--yes", "--skip-preview", "--parallel", String(PARALLEL)];
  try {
    await pulumi("stack", "init", "dev");
    const up = await timed("up", ...upArgs);
    const preview = await timed("preview", "preview", "--expect-no-changes");
    const stateBytes = stateBytesOf((await pulumi("stack", "export")).stdout, n);
    write("index.js", programs[author](n, "silver"));
    const change = await timed("change", ...upArgs);
    return { up, preview, change, stateBytes, calls };
  } finally {
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * Each action and how often, and apart from that what was refused. A change that the SDK sent again, word for word, because
 * the answer to it got lost counts once.
 *
 * @param {{ action: string, params: Record<string, string>, error: string | null }[]} requests
 */
function counted(requests) {
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {Set<string>} */
  const sent = new Set();
  for (const { action, params, error } of requests) {
    const text = JSON.stringify([action, params, error]);
    if (sent.has(text) && !action.startsWith("Describe")) continue;
    sent.add(text);
    const what = error === null ? action : `${action} refused (${error})`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([what, count]) => `${count} ${what}`).join(", ") || "none";
}

/** What the profiles gold and silver say, as one writes it by hand for 10 GiB. @type {Record<string, object>} */
const BY_HAND = {
  gold: { type: "io1", iops: 300, encrypted: true },
  silver: { type: "gp3", iops: 3000, throughput: 250, encrypted: true },
};

/** The programs, with a profile for all volumes. Both load what they need of @pulumi/aws only. */
/** @type {Record<Author, (n: number, profile: string) => string>} */
const programs = {
  hand: (n, profile) => `const { Volume } = require("@pulumi/aws/ebs/volume");
for (let i = 0; i < ${n}; i++) {
  const inputs = ${JSON.stringify(BY_HAND[profile])};
  new Volume("v" + i, { availabilityZone: "us-east-1a", size: 10, ...inputs, tags: { Name: "v" + i } }, { protect: true });
}
`,
  ours: (n, profile) => `const { ProfiledVolume } = require("storage-profiles");
for (let i = 0; i < ${n}; i++) new ProfiledVolume("v" + i + "@${profile}", { sizeGiB: 10 });
`,
};

// ---- the lab ---------------------------------------------------------------------------------------------------------

/** @typedef {{ url: string, ask: (command: string, body?: object) => Promise<any>, stop: () => void }} Lab */

/**
 * @param {string} python
 * @returns {Promise<Lab>}
 */
async function startLab(python) {
  const script = path.join(__dirname, "../../test/labs/aws/lab.py");
  // In a group of its own: a terminal's Ctrl-C is for us, and the lab ends with its standard input.
  const child = spawn(python, [script], {
    env: environmentFor(python),
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  /** @type {string} */
  const line = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new UserError(`The AWS lab ended with exit code ${code}.`)));
  });
  const { url } = JSON.parse(line);
  return {
    url,
    async ask(command, body) {
      const request = body && { method: "POST", body: JSON.stringify(body) };
      const headers = { "content-type": "application/json" };
      const response = await globalThis.fetch(`${url}/lab/${command}`, { ...request, headers });
      if (!response.ok) throw new UserError(`The AWS lab can't do ${command}: ${await response.text()}`);
      return response.json();
    },
    stop: () => void child.stdin.end(),
  };
}
