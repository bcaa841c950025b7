// Makes volumes as the provider of the local backend does, and nothing else, for who counts system calls:
// node local-volumes.js PACKAGE DIRECTORY N
// @ts-check
"use strict";

const path = require("node:path");

const [directory = "", stateDirectory = "", count = "0"] = process.argv.slice(2);
const of = (/** @type {string} */ name) => require(path.join(directory, "dist/components/backends/local", name));

void make(Number(count));

/** @param {number} n */
async function make(n) {
  const { provider } = of("provider");
  const { acknowledgeVolume } = of("lifecycle");
  const settings = { mode: "directory", iopsLimit: 0, throughputLimitMiBps: 0, overcommit: false };
  for (let index = 0; index < n; index++) {
    const name = `v${index}`;
    const place = { stateDirectory, project: "bench", stack: "dev", name, owner: `urn:pulumi:dev::bench::v::${name}` };
    const { inputs } = await provider.check({}, { ...place, sizeGiB: 1, settings });
    const { id, outs } = await provider.create(inputs);
    await acknowledgeVolume(id, outs.uid);
  }
}
