#!/usr/bin/env node
// Writes what is generated from the code: the JSON Schema for editors and the lists of problems, profiles and limits in
// docs/. `npm run schema` runs it; with --check it writes nothing and fails when a file is not as it would write it.
// @ts-check
"use strict";

const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { UserError, main } = require("./shared.js");

const root = path.dirname(__dirname);

module.exports = { generated };

/** @returns {Record<string, () => string>} the files, by their path in the tree, with what makes their text */
function generated() {
  const core = require("../dist/src/index.js");
  return {
    "docs/config.schema.json": () => `${JSON.stringify(editorSchema(core), null, 2)}\n`,
    "docs/problems.md": () => problemsPage(core, require("../dist/components/local/errors.js")),
    "docs/profiles.md": () => profilesPage(core),
  };
}

/**
 * The schema of a stack's file: only the keys of our namespace are described, others are left alone.
 *
 * @param {typeof import("../src/index")} core
 */
function editorSchema({ configSchema, NAMESPACE }) {
  const { z } = require("zod");
  const { properties = {}, $defs } = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
  const keys = Object.entries(properties).map(([key, schema]) => [`${NAMESPACE}:${key}`, schema]);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A Pulumi stack's config with storage-profiles",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(keys),
        // A key of our namespace that isn't listed is a mistake; other namespaces are none of our business.
        propertyNames: { anyOf: [{ enum: keys.map(([key]) => key) }, { not: { pattern: `^${NAMESPACE}:` } }] },
      },
    },
    ...($defs ? { $defs } : {}),
  };
}

/**
 * @param {typeof import("../src/index")} core
 * @param {typeof import("../components/local/errors")} local
 */
function problemsPage({ problemKinds, noteKinds }, { localVolumeErrors }) {
  const rows = (/** @type {Record<string, { meaning: string } | string>} */ kinds) =>
    Object.entries(kinds).map(([code, kind]) => `| \`${code}\` | ${typeof kind === "string" ? kind : kind.meaning} |`);
  return [
    "# Problems and notes",
    "",
    "<!-- Generated from src/problems.ts and components/local/errors.ts by `npm run schema`. -->",
    "",
    "A **problem** is why a request can't be met. It says where it is, what was given, what is allowed and what to do. All",
    "problems of all volumes are shown at once, at preview. A **note** is what you should know though nothing is wrong.",
    "",
    "## Problems",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...rows(problemKinds),
    "",
    "## Notes",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...rows(noteKinds),
    "",
    "## Errors of local volumes",
    "",
    "What can keep a local volume from being made, changed or removed once it is tried, or already at preview.",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...rows(localVolumeErrors),
    "",
  ].join("\n");
}

/** @param {typeof import("../src/index")} core */
function profilesPage({ builtinProfiles, backends, makeCatalog, profilesFor }) {
  const catalog = makeCatalog();
  const text = (/** @type {unknown} */ section) =>
    `\`${JSON.stringify(section)
      .replace(/"(\w+)":/g, "$1: ")
      .replace(/,(?=\w)/g, ", ")}\``;
  const lines = [
    "# The built-in profiles",
    "",
    "<!-- Generated from src/profiles/builtin.ts by `npm run schema`. -->",
    "",
  ];
  for (const name of Object.keys(builtinProfiles)) {
    const profile = catalog.profiles[name];
    if (!profile) continue;
    lines.push(`## ${name}`, "", `${profile.description}.`, "", "| backend | settings |", "| --- | --- |");
    for (const backend of Object.values(backends)) {
      if (profilesFor(catalog, backend.name).includes(name))
        lines.push(`| ${backend.title} | ${text(profile.sections[backend.name])} |`);
    }
    lines.push("");
  }
  return lines.join("\n");
}

if (require.main === module) {
  main(async () => {
    const check = process.argv.includes("--check");
    /** @type {string[]} */
    const stale = [];
    for (const [file, make] of Object.entries(generated())) {
      const { format } = await import("prettier");
      const text = await format(make(), { filepath: file, printWidth: 120 });
      const target = path.join(root, file);
      if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
      if (check) stale.push(file);
      else writeFileSync(target, text);
    }
    if (stale.length > 0) throw new UserError(`Not as generated: ${stale.join(", ")}. Run: npm run schema`);
  });
}
