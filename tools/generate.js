#!/usr/bin/env node
// Writes what is generated from the code: the JSON Schema for editors and the lists of problems, profiles and limits in
// docs/. `npm run schema` runs it; with --check it writes nothing and fails when a file is not as it would write it.
// @ts-check
"use strict";

const { execFileSync } = require("node:child_process");
const { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { UserError, main } = require("./shared.js");

const root = path.dirname(__dirname);

module.exports = { generated, profilesPage };

/** @returns {Record<string, () => string>} the files, by their path in the tree, with what makes their text */
function generated() {
  const core = require("../dist/src/index.js");
  return {
    "Pulumi.yaml": () => pulumiYaml(core),
    "packages/service/package.json": servicePackage,
    "packages/policy/package.json": policyPackage,
    "packages/policy/PulumiPolicy.yaml": policyPack,
    "docs/config.schema.json": () => `${JSON.stringify(core.editorSchema(), null, 2)}\n`,
    "docs/catalog.schema.json": () => `${JSON.stringify(core.catalogSchema(), null, 2)}\n`,
    "docs/api.md": apiPage,
    "docs/problems.md": () => problemsPage(rooms(core), require("../dist/components/host/errors.js")),
    "docs/profiles.md": () => profilesPage(core),
    "docs/kubernetes.md": () => driversPage(require("../dist/src/backends/kubernetes/drivers.js")),
    "docs/http.md": () => httpPage(require("../dist/src/http/routes/index.js")),
    "src/http/page/quantities.js": () => quantitiesModule(core),
    "docs/commands.md": () =>
      commandsPage(require("../dist/src/cli/run.js"), require("../dist/src/cli/commands/index.js")),
  };
}

/** The types and functions of the package's own entry point, out of their docstrings. Fails where one has none. */
function apiPage() {
  const to = mkdtempSync(path.join(tmpdir(), "sp-api-"));
  try {
    const typedoc = path.join(root, "node_modules/typedoc/bin/typedoc");
    execFileSync(process.execPath, [typedoc, "--options", "tools/typedoc.json", "--out", to], {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const page = readFileSync(path.join(to, "README.md"), "utf8");
    return `<!-- Generated from components/index.ts by \`npm run schema\`. -->\n\n${page}`;
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
}

/** What the services need beyond this package: its optional peers that aren't Pulumi's, nor one backend's own SDK. */
function servicePackage() {
  const { name, peerDependencies } = require("../package.json");
  return manifestOf(
    `${name}-service`,
    `The HTTP service, the Docker plugin and the emulators of ${name}: what they need beyond it`,
    Object.entries(peerDependencies).filter(([each]) => !/^@(pulumi|aws-sdk)\//.test(each)),
    { files: ["README.md"] },
  );
}

/** The policy pack: a package that Pulumi starts by itself, and which therefore has Pulumi's SDKs. */
function policyPackage() {
  const { name, peerDependencies } = require("../package.json");
  return manifestOf(
    `${name}-policy`,
    `A policy pack for volumes: only by profile, permitted profiles, a limit of cost, encryption`,
    Object.entries(peerDependencies).filter(([each]) => ["@pulumi/policy", "@pulumi/pulumi"].includes(each)),
    { main: "index.js", files: ["README.md", "PulumiPolicy.yaml", "index.js"] },
  );
}

/**
 * @param {string} name
 * @param {string} description
 * @param {[string, string][]} parts what it depends on beside this package
 * @param {object} rest
 */
function manifestOf(name, description, parts, rest) {
  const { name: own, version, license, engines } = require("../package.json");
  const dependencies = Object.fromEntries([[own, version], ...parts].sort());
  return `${JSON.stringify({ name, version, description, license, engines, ...rest, dependencies }, null, 2)}\n`;
}

function policyPack() {
  const { version, description } = JSON.parse(policyPackage());
  return `runtime:\n  name: nodejs\n  options:\n    typescript: false\nversion: ${version}\ndescription: "${description}"\n`;
}

/**
 * The keys of the stack's config, with their outer types and defaults, in the project that people write.
 *
 * @param {typeof import("../src/index")} core
 */
function pulumiYaml({ editorSchema }) {
  const page = readFileSync(path.join(root, "Pulumi.yaml"), "utf8");
  /** @type {Record<string, unknown>} */
  const defaults = { object: {}, boolean: true, string: "" };
  const { config } = /** @type {any} */ (editorSchema()).properties;
  const keys = Object.entries(config.properties).map(([key, { type, enum: values, anyOf, description }]) => {
    // A list is possible as well, which Pulumi has no type for.
    if (anyOf) return `  ${key}:\n    type: string\n    description: ${JSON.stringify(description)}\n    default: ""`;
    const byDefault = values ? "" : `\n    default: ${JSON.stringify(defaults[type])}`;
    return `  ${key}:\n    type: ${type}\n    description: ${JSON.stringify(description)}${byDefault}`;
  });
  return page.replace(/(\nconfig:\n)[^]*$/, `$1${keys.join("\n")}\n`);
}

/**
 * What each setting becomes on each CSI driver, in the page that people write.
 *
 * @param {typeof import("../src/backends/kubernetes/drivers")} tables
 */
function driversPage({ driverNames, driverOf }) {
  const where = (/** @type {import("../src/backends/kubernetes/drivers").Rule} */ rule) => {
    switch (rule.to) {
      case "class":
        return `StorageClass \`${rule.key}\``;
      case "attributes":
        return `VolumeAttributesClass \`${rule.key}\``;
      case "tags":
        return `VolumeAttributesClass \`${rule.key}1\`, \`${rule.key}2\`, …`;
      case "elsewhere":
        return rule.where;
      case "unchecked":
        return `a note: ${rule.because}`;
      case "nothing":
        return `no effect: ${rule.because}`;
      case "nowhere":
        return `a problem: ${rule.because}`;
    }
  };
  const tables = driverNames.map((name) => {
    const { title, backend, settings } = driverOf(name);
    const rows = Object.entries(settings).map(([setting, rule]) => `| \`${setting}\` | ${where(rule)} |`);
    const head = `### ${title}: \`${name}\``;
    return [head, "", `| setting of \`${backend}\` | becomes |`, "| --- | --- |", ...rows].join("\n");
  });
  const page = readFileSync(path.join(root, "docs/kubernetes.md"), "utf8");
  return page.replace(
    /(<!-- drivers: begin[^>]*-->\n)[^]*(<!-- drivers: end -->)/,
    (_all, begin, end) => `${begin}\n${tables.join("\n\n")}\n\n${end}`,
  );
}

/**
 * The table of routes, in the page that people write.
 *
 * @param {typeof import("../src/http/routes/index")} control
 */
function httpPage({ routes }) {
  const rows = routes
    .filter(({ id }) => !id.startsWith("getPage_") || id === "getPage_index_html")
    .map(({ method, path: at, role, dryRunRole, summary }) => {
      const roles = dryRunRole ? `${role}; ${dryRunRole} to try it` : role;
      return `| \`${method} ${at}\` | ${roles} | ${summary} |`;
    });
  const table = ["| route | role | |", "| --- | --- | --- |", ...rows].join("\n");
  const page = readFileSync(path.join(root, "docs/http.md"), "utf8");
  return page.replace(/(<!-- routes: begin[^>]*-->\n)[^]*(\n<!-- routes: end -->)/, `$1\n${table}\n$2`);
}

/**
 * What defines problems, by its title on the page: the rooms of the tree, then each backend.
 *
 * @param {typeof import("../src/index")} core
 * @returns {[title: string, problems: Pick<import("../src/index").DefinedProblems<object, object>, "problemKinds" | "noteKinds">][]}
 */
function rooms({ backendNames, backends, coreProblems }) {
  return [
    ["Profiles, requests and config", coreProblems],
    ["Stacks, operations and status", require("../dist/src/stack/problems.js").stackProblems],
    ["Commands", require("../dist/src/cli/problems.js").cliProblems],
    ["HTTP service", require("../dist/src/http/problems.js").httpProblems],
    ["Docker plugin", require("../dist/src/docker/problems.js").dockerProblems],
    ["Compose files", require("../dist/src/compose/problems.js").composeProblems],
    ["Policies", require("../dist/policy/problems.js").policyProblems],
    ...backendNames.flatMap((name) => {
      const { title, problems } = backends[name];
      return problems ? [/** @type {[string, typeof problems]} */ ([title, problems])] : [];
    }),
  ];
}

/**
 * @param {ReturnType<typeof rooms>} all
 * @param {typeof import("../components/host/errors")} local
 */
function problemsPage(all, { localVolumeErrors }) {
  const rows = (/** @type {object} */ kinds) =>
    Object.entries(kinds).map(([code, kind]) => `| \`${code}\` | ${typeof kind === "string" ? kind : kind.meaning} |`);
  const tables = (/** @type {"problemKinds" | "noteKinds"} */ key) =>
    all.flatMap(([title, problems]) => {
      const lines = rows(problems[key]);
      return lines.length > 0 ? [`### ${title}`, "", "| code | meaning |", "| --- | --- |", ...lines, ""] : [];
    });
  return [
    "# Problems and notes",
    "",
    "<!-- Generated from each problems.ts and components/host/errors.ts by `npm run schema`. -->",
    "",
    "A **problem** is a reason why a request is refused. It has a location, the given value, the allowed values and a fix. All",
    "problems of all volumes are shown at once, at preview. A **note** is information about a request that isn't refused.",
    "",
    "## Problems",
    "",
    ...tables("problemKinds"),
    "## Notes",
    "",
    ...tables("noteKinds"),
    "## Errors of local volumes",
    "",
    "Errors that can occur when a local volume is created, changed or removed, some of them already at preview.",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...rows(localVolumeErrors),
    "",
  ].join("\n");
}

/**
 * How settings read, for the status page, which has no other part of the code.
 *
 * @param {typeof import("../src/index")} core
 */
function quantitiesModule({ quantities }) {
  return [
    "// How the settings of each backend read that are numbers. Generated from src/backends by `npm run schema`.",
    "",
    "/** @type {Record<string, Record<string, { unit: string, isUnlimitedAtZero?: boolean }>>} */",
    `export const quantities = ${JSON.stringify(quantities())};`,
    "",
  ].join("\n");
}

/**
 * The commands as their help has them.
 *
 * @param {typeof import("../src/cli/run")} run
 * @param {typeof import("../src/cli/commands")} table
 */
function commandsPage({ makeProgram, exitCodeLines, NAME }, { commands }) {
  const nowhere = () => undefined;
  const io = { cwd: "/", env: {}, out: nowhere, err: nowhere, isTerminal: false, columns: 100 };
  const program = makeProgram(io, nowhere);
  // A pattern in quotes is code: prettier takes two stars in a cell for emphasis.
  const cell = (/** @type {string} */ text) => text.replace(/'([^' ]*\*[^' ]*)'/g, "`$1`").replace(/\|/g, "\\|");
  const lines = [
    "# Commands",
    "",
    "<!-- Generated from src/cli by `npm run schema`. -->",
    "",
    `Run \`npx ${NAME} <command>\` in the directory of a Pulumi project or a subdirectory. Commands read and write the stack's config file, read its`,
    "state, and run the Pulumi CLI on PATH with its environment (`PULUMI_*`, passphrase). Every command supports `--help` and `--json`,",
    "uses colours only on a terminal (unless `NO_COLOR` is set), and words problems like preview and the HTTP service:",
    "[problems.md](problems.md).",
    "",
    "| command | description |",
    "| --- | --- |",
    ...commands.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${cell(summary)} |`),
    "",
    "## Exit codes",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...exitCodeLines().map((line) => `| ${line.trim().replace(/ +/, " | ")} |`),
    "",
  ];
  for (const spec of commands) {
    const command = program.commands.find((each) => each.name() === spec.name);
    if (!command) continue;
    const help = command.createHelp();
    const rows = [
      ...help.visibleArguments(command).map((each) => [help.argumentTerm(each), help.argumentDescription(each)]),
      ...help.visibleOptions(command).map((each) => [help.optionTerm(each), help.optionDescription(each)]),
    ].filter(([term]) => term !== "-h, --help");
    lines.push(`## ${spec.name}`, "", command.description(), "");
    lines.push("| argument, option | meaning |", "| --- | --- |");
    lines.push(...rows.map(([term = "", what = ""]) => `| \`${cell(term)}\` | ${cell(what)} |`), "", "```sh");
    lines.push(...spec.examples.map(([line, what]) => `npx ${NAME} ${line} # ${what}`), "```", "");
  }
  return lines.join("\n");
}

/** @param {typeof import("../src/index")} core */
function profilesPage({ backendNames, builtinProfiles, backends, makeCatalog, profilesFor }) {
  const catalog = makeCatalog();
  const text = (/** @type {unknown} */ section) =>
    `\`${JSON.stringify(section)
      .replace(/"(\w+)":/g, "$1: ")
      .replace(/,(?=\w)/g, ", ")}\``;
  const lines = [
    "# The built-in profiles",
    "",
    "<!-- Generated from src/core/built-in-profiles.ts by `npm run schema`. -->",
    "",
  ];
  for (const name of Object.keys(builtinProfiles())) {
    const profile = catalog.profiles[name];
    if (!profile) continue;
    lines.push(`## ${name}`, "", `${profile.description}.`, "", "| backend | settings |", "| --- | --- |");
    for (const backend of backendNames) {
      if (profilesFor(catalog, backend).includes(name))
        lines.push(`| ${backends[backend].title} | ${text(profile.sections[backend])} |`);
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
