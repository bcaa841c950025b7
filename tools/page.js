#!/usr/bin/env node
// The last step of `npm run build`: the status page's files go to dist/ as they are, for the service to serve them from there.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const root = path.dirname(__dirname);
const from = path.join(root, "src", "http", "page");
const to = path.join(root, "dist", "src", "http", "page");

// What is gone from the folder is gone there too.
fs.rmSync(to, { recursive: true, force: true });
fs.cpSync(from, to, { recursive: true });
