// A lab as its starter sees it: a Python program in a process of its own that prints one line of JSON when it is ready, takes
// commands at /lab, and ends with its standard input. For tests, benches and people, so plain JavaScript.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const http = require("node:http");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { UserError } = require("../../tools/shared.js");
const { environmentFor, pythonEnvironment } = require("./python.js");

module.exports = { askLab, startProcess };

/**
 * @typedef {object} LabProcess
 * @property {any} ready what it printed
 * @property {Promise<number | null>} ended its exit code
 * @property {() => Promise<void>} stop ends it, and waits until it has
 */

/**
 * @param {string} lab a folder beside this file, with a lab.py
 * @param {object} [options]
 * @param {string[]} [options.args] for lab.py
 * @param {string} [options.packages] the lab whose Python packages it has. Default: its own
 * @param {boolean} [options.detached] in a group of its own: a terminal's Ctrl-C is for us, and the lab ends with us
 * @param {(line: string) => void} [options.log] takes what there is to tell of its packages. Default: standard error
 * @returns {Promise<LabProcess>}
 * @throws {import("./python.js").Unavailable} when this machine can't have its packages
 */
async function startProcess(lab, { args = [], packages = lab, detached = false, log } = {}) {
  const python = await pythonEnvironment(packages, log ? { log } : {});
  const child = spawn(python, [path.join(__dirname, lab, "lab.py"), ...args], {
    env: environmentFor(python),
    detached,
    stdio: ["pipe", "pipe", "inherit"],
  });
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => child.once("exit", resolve));
  /** @type {string} */
  const line = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new UserError(`The ${lab} lab ended with exit code ${code}.`)));
  });
  return {
    ready: JSON.parse(line),
    ended,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/**
 * Has a lab do a command.
 *
 * @param {string} url
 * @param {string} command
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function askLab(url, command, body) {
  // On a connection of its own: one that is kept may be closed by the other side at the moment that it is used again. What only reads
  // is asked again where the connection breaks all the same.
  for (let tries = body === undefined ? 3 : 1; ; tries--) {
    try {
      const { isGood, answer } = await send(`${url}/lab/${command}`, body);
      if (!isGood) throw new UserError(`The lab can't do ${command}: ${answer?.broken}`);
      return answer;
    } catch (error) {
      if (error instanceof UserError || tries === 1) throw error;
    }
  }
}

/**
 * @param {string} url
 * @param {object} [body]
 * @returns {Promise<{ isGood: boolean, answer: any }>}
 */
function send(url, body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const request = http.request(url, { method: body ? "POST" : "GET", agent: false, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (/** @type {string} */ part) => (text += part));
      response.once("error", reject).once("end", () => {
        resolve({ isGood: response.statusCode === 200, answer: JSON.parse(text) });
      });
    });
    request.once("error", reject).end(body && JSON.stringify(body));
  });
}
