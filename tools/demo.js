#!/usr/bin/env node
// `npm run demo`: sets up what it needs, then shows the main job on this machine with the real engine: mistakes that a preview refuses with
// their fixes, `pulumi up` of two volumes, what they became, what a change of profile does to one that holds data, and their status. All that
// it makes is in .demo/ below the tree, and `npm run demo -- --destroy` removes it.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { ensureEngine, environment } = require("./engine/ensure.js");
const { setup } = require("./setup.js");
const { UserError, main } = require("./shared.js");

const root = path.dirname(__dirname);
const home = path.join(root, ".demo");
const STACK = "laptop";

const HELP = `Usage: npm run demo [-- --shell | -- --destroy | -- --help]

Creates two volumes on this machine by name and profile, and changes the profile of one that holds data. Before that, a preview refuses a
misspelt profile and an impossible size.
As root on Linux they are real, limited volumes; otherwise they are directories, and say what is not enforced.

  --shell     open a shell in the demo's project, with its engine and state
  --destroy   destroy the volumes with their data, and remove everything that the demo made
`;

main(async () => {
  const [option, ...more] = process.argv.slice(2);
  if (option === "--help" || option === "-h") return void console.log(HELP);
  if (more.length > 0 || (option !== undefined && !["--destroy", "--shell"].includes(option))) {
    throw new UserError(`Unknown argument ${more[0] ?? option}.\n\n${HELP}`);
  }
  if (option === "--destroy" && !fs.existsSync(home))
    return void console.log("Nothing to destroy: the demo hasn't run.");
  if (option === "--shell" && !fs.existsSync(home)) throw new UserError("The demo hasn't run yet: npm run demo");
  await setup();
  const demo = new Demo(environment(await ensureEngine()));
  if (option === "--destroy") demo.destroy();
  else if (option === "--shell") demo.shell();
  else demo.show();
});

class Demo {
  /** @param {NodeJS.ProcessEnv} env */
  constructor(env) {
    /** @type {NodeJS.ProcessEnv} */
    this.env = {
      ...env,
      PULUMI_HOME: path.join(home, "pulumi"),
      PULUMI_BACKEND_URL: `file://${path.join(home, "state")}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_STACK: STACK,
    };
    delete this.env.PULUMI_CONFIG_PASSPHRASE_FILE;
  }

  show() {
    title("A stack of your own, from stacks/");
    this.write();
    console.log(fs.readFileSync(this.config, "utf8"));

    title(
      "A misspelt profile and an impossible size: refused by `pulumi preview`, with the fixes, before anything is touched",
    );
    this.profile("glod");
    this.set("storage-profiles:volumes.cheapvolume.sizeGiB", "99999999");
    this.refused();
    this.profile("gold");
    this.set("storage-profiles:volumes.cheapvolume.sizeGiB", "1");

    title("pulumi up");
    this.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs");
    const before = this.volumes();
    this.print(before);

    const { mountPath, volumeId } = before.highperfvolume;
    const file = path.join(mountPath, "precious.txt");
    if (!fs.existsSync(file)) fs.writeFileSync(file, `written ${new Date().toISOString()}\n`);
    const data = fs.readFileSync(file, "utf8");

    title("A file on highperfvolume, and a change of its profile from gold to silver: pulumi preview");
    console.log(`${file}: ${data}`);
    this.profile("silver");
    this.pulumi("preview", "--suppress-outputs");

    title("The two profiles on Amazon EBS, and what they cost there: npx storage-profiles explain");
    for (const profile of ["gold", "silver"]) {
      console.log(`${profile}:`);
      this.command("explain", profile, "--size", "100", "--backend", "aws", "--zone", "us-east-1a");
    }

    title("Which volumes are out of date: npx storage-profiles status");
    this.command("status");

    title("pulumi up, and gold again");
    this.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs");
    this.profile("gold");
    this.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs");
    const after = this.volumes();
    if (after.highperfvolume.volumeId !== volumeId || fs.readFileSync(file, "utf8") !== data) {
      throw new UserError("The file is not what it was. This is a bug of storage-profiles: please report it.");
    }
    console.log(`Still there: ${file}: ${data}`);

    title("Next steps");
    console.log(
      [
        `The volumes remain, below ${path.join(home, "volumes")}.`,
        "",
        "  Change something yourself (the stack's config is .demo/stacks/Pulumi.laptop.yaml):",
        "    npm run demo -- --shell",
        "    pulumi config set --path storage-profiles:volumes.cheapvolume.profile silver",
        "    pulumi preview",
        "",
        "  Open the status page, at http://127.0.0.1:4523/ (in the same shell):",
        "    storage-profiles serve",
        "",
        "  Destroy the volumes and everything else that the demo made:",
        "    npm run demo -- --destroy",
      ].join("\n"),
    );
  }

  // As after `npm install`: our commands are on PATH too.
  shell() {
    const bin = path.join(home, "bin");
    fs.mkdirSync(bin, { recursive: true });
    const cli = path.join(root, "dist/src/cli/main.js");
    const text = `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`;
    fs.writeFileSync(path.join(bin, "storage-profiles"), text, { mode: 0o755 });
    /** @type {NodeJS.ProcessEnv} */
    const env = { ...this.env, PATH: `${bin}${path.delimiter}${this.env.PATH ?? ""}` };
    const shell = (process.platform === "win32" ? env.ComSpec : env.SHELL) ?? "sh";
    console.log(`${shell} in ${home}; leave it with: exit`);
    const { error } = spawnSync(shell, [], { cwd: home, env, stdio: "inherit" });
    if (error) throw new UserError(`${shell} can't be started: ${error.message}`);
  }

  destroy() {
    if (fs.existsSync(this.config)) {
      title("pulumi state unprotect, and destroy");
      // A demo that was interrupted may have left the stack's lock behind.
      spawnSync("pulumi", ["cancel", "--yes", "--non-interactive"], { ...this.options(), stdio: "ignore" });
      this.pulumi("state", "unprotect", "--all", "--yes");
      this.pulumi("destroy", "--yes", "--skip-preview");
    }
    fs.rmSync(home, { recursive: true });
    console.log(`\nRemoved ${home}.`);
  }

  get config() {
    return path.join(home, "stacks", `Pulumi.${STACK}.yaml`);
  }

  // A second demo goes on with the first one's stack.
  write() {
    fs.mkdirSync(path.join(home, "stacks"), { recursive: true });
    fs.mkdirSync(path.join(home, "state"), { recursive: true });
    for (const file of ["Pulumi.yaml", "stacks/index.ts"])
      fs.copyFileSync(path.join(root, file), path.join(home, file));
    const tsconfig = { extends: "../../stacks/tsconfig.json", include: ["."] };
    fs.writeFileSync(path.join(home, "stacks/tsconfig.json"), JSON.stringify(tsconfig));
    const isNew = !fs.existsSync(this.config);
    if (isNew) fs.copyFileSync(path.join(root, "stacks", `Pulumi.${STACK}.yaml`), this.config);
    const known = spawnSync("pulumi", ["stack", "init", STACK], { ...this.options(), stdio: "pipe", encoding: "utf8" });
    if (known.status !== 0 && !/already exists/.test(known.stderr)) throw new UserError(known.stderr);
    if (isNew) {
      this.pulumi("config", "set", "--path", "storage-profiles:local.stateDirectory", path.join(home, "volumes"));
    }
    this.profile("gold");
  }

  /** @param {string} name */
  profile(name) {
    this.set("storage-profiles:volumes.highperfvolume.profile", name);
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    this.pulumi("config", "set", "--path", key, value);
  }

  // A preview that has to fail.
  refused() {
    const args = ["preview", "--suppress-outputs", "--non-interactive"];
    const { status } = spawnSync("pulumi", args, { ...this.options(), stdio: "inherit" });
    if (status === 0)
      throw new UserError("The preview accepted it. This is a bug of storage-profiles: please report it.");
  }

  /**
   * Runs a command of this package. A non-zero exit code is an answer here, not a failure.
   *
   * @param {...string} args
   */
  command(...args) {
    const cli = path.join(root, "dist/src/cli/main.js");
    const { error } = spawnSync(process.execPath, [cli, ...args], { ...this.options(), stdio: "inherit" });
    if (error) throw new UserError(`storage-profiles ${args[0]} can't be started: ${error.message}`);
  }

  volumes() {
    const { stdout } = spawnSync("pulumi", ["stack", "output", "volumes", "--json"], {
      ...this.options(),
      encoding: "utf8",
    });
    return JSON.parse(stdout);
  }

  /** @param {Record<string, { profile: string, sizeGiB: number, settings: object, mountPath: string, notes: string[] }>} volumes */
  print(volumes) {
    const { settingTexts } = require("../dist/src/index.js");
    for (const [name, { profile, sizeGiB, settings, mountPath, notes }] of Object.entries(volumes)) {
      console.log(`\n${name}@${profile}, ${sizeGiB} GiB`);
      console.log(`  settings: ${settingTexts({ backend: "local", settings }).join(", ")}`);
      console.log(`  mounted:  ${mountPath}`);
      for (const note of notes) console.log(`  note:     ${note}`);
    }
  }

  /** @param {...string} args */
  pulumi(...args) {
    const { status, error } = spawnSync("pulumi", [...args, "--non-interactive"], {
      ...this.options(),
      stdio: "inherit",
    });
    if (status !== 0) {
      throw new UserError(
        `\n\`pulumi ${args[0]}\` failed${error ? ` (${error.message})` : ""}; it says why above. ` +
          "Nothing is lost: run the demo again, or remove it with: npm run demo -- --destroy",
      );
    }
  }

  options() {
    return { cwd: home, env: this.env };
  }
}

/** @param {string} text */
function title(text) {
  console.log(`\n== ${text}\n`);
}
