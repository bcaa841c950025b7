#!/usr/bin/env node
// The last step of `npm run build`: the status page's files go to dist/ as they are, for the service to serve them from there, and what the
// page needs of the YAML library beside them, as one file.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const esbuild = require("esbuild");

const root = path.dirname(__dirname);
const from = path.join(root, "src", "http", "page");
const to = path.join(root, "dist", "src", "http", "page");

// What is gone from the sources is gone there too: an old commands.js would be loaded in the place of commands/index.js.
for (const room of ["src", "components", "emulators", "plugin", "policy"]) {
  const compiled = path.join(root, "dist", room);
  for (const file of fs.existsSync(compiled) ? fs.readdirSync(compiled, { recursive: true, encoding: "utf8" }) : []) {
    const source = /^(.*)\.(?:js|d\.ts)$/.exec(file)?.[1];
    if (source !== undefined && !fs.existsSync(path.join(root, room, `${source}.ts`)))
      fs.rmSync(path.join(compiled, file), { force: true });
  }
}

fs.rmSync(to, { recursive: true, force: true });
fs.cpSync(from, to, { recursive: true, filter: (file) => !file.endsWith(".d.ts") });
esbuild.buildSync({
  stdin: { contents: 'export { parse, stringify } from "yaml";', resolveDir: root },
  outfile: path.join(to, "yaml.js"),
  ...{ bundle: true, minify: true, format: "esm", platform: "browser", target: "es2022", legalComments: "inline" },
});
