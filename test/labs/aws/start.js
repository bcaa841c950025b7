#!/usr/bin/env node
// The lab's EC2 for people: starts it, says how a Pulumi stack (or any other client) gets there, and ends with Ctrl-C.
//
//   node test/labs/aws/start.js [port]
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { main } = require("../../../tools/shared.js");
const { environmentFor, pythonEnvironment } = require("../python.js");

main(async () => {
  const python = await pythonEnvironment("aws");
  const args = [path.join(__dirname, "lab.py"), ...process.argv.slice(2)];
  // In a group of its own, so that it ends with its standard input and not halfway through.
  const options = { env: environmentFor(python), detached: true };
  const child = spawn(python, args, { ...options, stdio: ["pipe", "pipe", "inherit"] });
  child.once("exit", (code) => process.exit(code ?? 1));
  createInterface(child.stdout).once("line", (line) => {
    const { url } = JSON.parse(line);
    console.log(`An EC2 answers at ${url}. What reached it: curl ${url}/lab/requests\n`);
    console.log(
      `export AWS_ENDPOINT_URL_EC2=${url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1`,
    );
    console.log("pulumi config set aws:skipCredentialsValidation true");
    console.log("pulumi config set aws:skipRequestingAccountId true");
    console.log("pulumi config set aws:skipMetadataApiCheck true");
  });
});
