#!/usr/bin/env node
// Firefox: this machine's, or Debian's, unpacked into the cache. It is spoken to by WebDriver BiDi, its own protocol: what drives Chromium in
// the other tests drives a stock Firefox only in some versions.
//
//   node test/labs/firefox/lab.js --probe   gets it, and says why this machine can't have it
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { WebSocket } = require("undici");
const { cacheDirectory } = require("../../../tools/shared.js");
const { until } = require("../../../tools/test/time.js");
const { Unavailable, unpackPackages } = require("../debian.js");
const { labCommand, lastLine, probeOf } = require("../probe.js");

module.exports = { firefoxReason: probeOf(__filename, "Firefox could not be started"), startFirefox };

/**
 * @typedef {object} Firefox
 * @property {(url: string, width: number, height: number) => Promise<void>} open
 * @property {<T = unknown>(expression: string) => Promise<T>} evaluate a value in the page, as JSON has it
 * @property {(text: string) => Promise<void>} type on the keyboard, where the focus is
 * @property {() => string[]} complaints errors of scripts and of the console so far
 * @property {() => Promise<void>} close
 */

/**
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ file: string, env: NodeJS.ProcessEnv }>}
 */
async function firefoxProgram(log, env) {
  const own = ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((each) => fs.existsSync(each));
  if (own !== undefined) return { file: own, env };
  // Its other libraries come with Chromium; where they don't, it says which one is missing.
  const wanted = { what: "Firefox", size: "80 MB", packages: ["firefox-esr", "libvpx7"] };
  const root = await unpackPackages(wanted, path.join(cacheDirectory(env), "firefox"), log, env);
  const libraries = path.join(root, "usr/lib", `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`);
  return { file: path.join(root, "usr/lib/firefox-esr/firefox-esr"), env: { ...env, LD_LIBRARY_PATH: libraries } };
}

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<Firefox>}
 */
async function startFirefox({ log = console.error, env = process.env } = {}) {
  const program = await firefoxProgram(log, env);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "sp-firefox-"));
  const args = ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", directory, "about:blank"];
  const child = spawn(program.file, args, {
    env: { ...program.env, HOME: directory, MOZ_DISABLE_AUTO_SAFE_MODE: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((done) => child.once("close", done));
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (part) => (said += part));
  try {
    const address = () => /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
    await until(
      () => `Firefox listens: ${said}`,
      () => address() !== undefined || child.exitCode !== null,
    );
    const url = address();
    if (url === undefined) throw new Unavailable(`Firefox doesn't start: ${lastLine(said)}`);
    return await driven(`${url}/session`, end);
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * @param {string} url
 * @param {() => Promise<void>} end
 * @returns {Promise<Firefox>}
 */
async function driven(url, end) {
  const socket = new WebSocket(url);
  await new Promise((done, failed) => {
    socket.addEventListener("open", done, { once: true });
    socket.addEventListener("error", ({ message }) => failed(new Error(message)), { once: true });
  });
  /** @type {Map<number, { done: (result: any) => void, failed: (error: Error) => void }>} */
  const asked = new Map();
  /** @type {string[]} */
  const complaints = [];
  socket.addEventListener("message", ({ data }) => {
    const { id, type, result, message, method, params } = JSON.parse(String(data));
    if (method === "log.entryAdded" && params.level === "error") complaints.push(params.text);
    const question = asked.get(id);
    asked.delete(id);
    if (type === "success") question?.done(result);
    else question?.failed(new Error(message));
  });
  socket.addEventListener("close", () => {
    for (const { failed } of asked.values()) failed(new Error("Firefox has ended"));
  });
  let last = 0;
  /** @type {(method: string, params: object) => Promise<any>} */
  const send = (method, params) =>
    new Promise((done, failed) => {
      asked.set(++last, { done, failed });
      socket.send(JSON.stringify({ id: last, method, params }));
    });

  await send("session.new", { capabilities: {} });
  await send("session.subscribe", { events: ["log.entryAdded"] });
  const { context } = await send("browsingContext.create", { type: "tab" });
  /** @type {(expression: string) => Promise<any>} */
  const run = async (expression) => {
    const params = { expression, target: { context }, awaitPromise: true, resultOwnership: "none" };
    const { type, result, exceptionDetails } = await send("script.evaluate", params);
    if (type !== "success") throw new Error(`${exceptionDetails.text}: ${expression}`);
    return result;
  };
  return {
    async open(address, width, height) {
      await send("browsingContext.setViewport", { context, viewport: { width, height } });
      await send("browsingContext.navigate", { context, url: address, wait: "complete" });
    },
    async evaluate(expression) {
      const { value } = await run(`(async () => JSON.stringify(await (${expression})))()`);
      return value === undefined ? undefined : JSON.parse(value);
    },
    async type(text) {
      const keys = [...text].flatMap((value) => ["keyDown", "keyUp"].map((type) => ({ type, value })));
      await send("input.performActions", { context, actions: [{ type: "key", id: "key", actions: keys }] });
    },
    complaints: () => complaints,
    async close() {
      socket.close();
      await end();
    },
  };
}

if (require.main === module) {
  const start = async () => (await startFirefox()).close();
  labCommand("test/labs/firefox/lab.js", { probe: start, start });
}
