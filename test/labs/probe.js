// What labs have in common that a machine may not be able to have: they are tried once, by themselves, and say why not.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const { UNAVAILABLE, UserError, main } = require("../../tools/shared.js");
const { limitMs } = require("../../tools/test/time.js");
const { Unavailable } = require("./debian.js");

module.exports = { lastLine, labCommand, probeOf };

/**
 * Tries a lab with its `--probe`, the first time that it is asked for.
 *
 * @param {string} file the lab's
 * @param {string} otherwise the reason where it gives none
 * @returns {() => string | undefined} why this machine can't have it; nothing where it can
 */
function probeOf(file, otherwise) {
  /** @type {{ reason: string | undefined } | undefined} */
  let probed;
  return () => {
    if (!probed) {
      const { stdout, status } = spawnSync(process.execPath, [file, "--probe"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
        timeout: limitMs(1_200),
      });
      probed = { reason: status === 0 ? undefined : stdout.trim() || otherwise };
    }
    return probed.reason;
  };
}

/**
 * The lab as a command: starts it for people, or tries it.
 *
 * @param {string} file as it is called: "test/labs/docker/lab.js"
 * @param {{ probe: () => Promise<void>, start: () => Promise<void> }} work
 */
function labCommand(file, { probe, start }) {
  main(async () => {
    const [option, ...rest] = process.argv.slice(2);
    if ((option !== undefined && option !== "--probe") || rest.length > 0) {
      throw new UserError(`Usage: node ${file} [--probe]`);
    }
    try {
      await (option === "--probe" ? probe() : start());
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      process.exitCode = UNAVAILABLE;
      console.log(error.message);
    }
  });
}

/** @param {string} text */
function lastLine(text) {
  return text.trim().split("\n").pop() ?? "";
}
