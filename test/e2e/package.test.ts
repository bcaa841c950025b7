// The package as another project gets it: packed, installed, compiled against its types, run on the real engine.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

import { parse, stringify } from "yaml";

import { Project, succeeded } from "../support/engine";

const root = resolve(__dirname, "../..");
const npm = (directory: string, ...args: string[]) =>
  execFileSync("npm", args, { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

// What the files of a folder hold; links aren't followed.
function bytesOf(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.reduce((sum, each) => sum + (each.isFile() ? statSync(join(each.parentPath, each.name)).size : 0), 0);
}

describe("the packed package", () => {
  const packed = mkdtempSync(join(tmpdir(), "sp-pack-"));
  let tarball: string;
  let service: string;
  const project = new Project("customer", "", { linked: false });
  beforeAll(() => {
    npm(root, "pack", "--pack-destination", packed, "--ignore-scripts");
    npm(root, "pack", "./packages/service", "--pack-destination", packed);
    [tarball = "", service = ""] = readdirSync(packed).sort();
  });
  afterAll(async () => {
    await project.dispose();
    rmSync(packed, { recursive: true, force: true });
  });

  test("holds what it needs and nothing else", () => {
    const files = execFileSync("tar", ["-tzf", join(packed, tarball)], { encoding: "utf8" }).split("\n");
    expect(files).toContain("package/dist/components/index.js");
    expect(files).toContain("package/dist/components/index.d.ts");
    const docs = ["docs/config.schema.json", "docs/problems.md", "docs/status-page-1440-light.png", "CHANGELOG.md"];
    expect(files).toEqual(expect.arrayContaining(docs.map((each) => `package/${each}`)));
    expect(files).toEqual(
      expect.arrayContaining(["index.html", "style.css", "app.js"].map((each) => `package/dist/src/http/page/${each}`)),
    );
    expect(files.filter((file) => /\/(test|tools|stacks|\.ci)\/|tsbuildinfo|\.built/.test(file))).toEqual([]);
  });

  test("installs, type-checks and runs in another project, in TypeScript", async () => {
    await project.init();
    project.write("package.json", JSON.stringify({ name: "customer", private: true, main: "index.ts" }));
    npm(project.directory, "install", "--no-audit", "--no-fund", "--legacy-peer-deps", join(packed, tarball));
    // The SDK and TypeScript are the project's own; here they are those of the tree, instead of a second download.
    for (const name of ["@pulumi", "typescript", "@types"]) {
      symlinkSync(join(root, "node_modules", name), join(project.directory, "node_modules", name));
    }
    project.write(
      "index.ts",
      `import { ProfiledVolume, type ProfiledVolumeArgs, type Settings } from "storage-profiles";
       import { makeCatalog, resolve } from "storage-profiles/core";
       import { listVolumes } from "storage-profiles/local";
       const args: ProfiledVolumeArgs = { sizeGiB: 1 };
       const volume = new ProfiledVolume("highperfvolume@gold", args);
       export const settings: import("@pulumi/pulumi").Output<Settings> = volume.settings;
       export const iops = resolve(makeCatalog(), { name: "data@gold", sizeGiB: 100, backend: "aws" }).volume?.settings;
       export const mountPath = volume.mountPath;
       void listVolumes;
      `,
    );
    const compilerOptions = {
      target: "es2022",
      module: "node16",
      moduleResolution: "node16",
      strict: true,
      types: ["node"],
    };
    project.write("tsconfig.json", JSON.stringify({ compilerOptions }));
    project.write("Pulumi.yaml", "name: customer\nruntime: nodejs\n");
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", ".", "--noEmit"], { cwd: project.directory });

    project.config({ local: { mode: "directory" }, deletionProtection: false });
    await project.up();
    const { settings, iops, mountPath } = await project.outputs();
    expect(settings).toMatchObject({ mode: "directory", iopsLimit: 10000 });
    expect(iops).toMatchObject({ volumeType: "io1", iops: 3000 });
    writeFileSync(join(mountPath, "file"), "data");
    expect(succeeded(await project.run(["preview", "--diff"]))).toContain("unchanged");

    const local = join(project.directory, "node_modules/.bin/storage-profiles-local");
    const listed = execFileSync(local, ["list", "--json", "--state-directory", project.volumes], { encoding: "utf8" });
    expect(JSON.parse(listed)).toEqual([expect.objectContaining({ mountPath, problems: [] })]);
    expect(readFileSync(join(mountPath, "file"), "utf8")).toBe("data");

    // Light: what a program doesn't need comes with the second package, and is named where it is missing.
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: object };
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(10);
    const installed = join(project.directory, "node_modules");
    expect(bytesOf(installed) / 1e6).toBeLessThan(15);
    const env = await project.env();
    const cli = (script: string, ...args: string[]) =>
      spawnSync(process.execPath, [join(installed, "storage-profiles/dist", script), ...args], {
        cwd: project.directory,
        env,
        encoding: "utf8",
      });
    const unwritten = mkdtempSync(join(packed, "root-"));
    const commands = [
      ["serve"],
      ["docker-plugin", "--stack", "dev"],
      ["docker-plugin", "install", "--stack", "dev", "--root", unwritten],
    ].map((args) => cli("src/cli/main.js", ...args));
    const others = ["emulators/scaleio/cli.js", "emulators/index.js", "src/http/index.js"].map((script) => cli(script));
    for (const { stderr } of [...commands, ...others]) {
      expect(stderr).toContain(`run: npm install storage-profiles-service@`);
    }
    for (const { status, stderr } of commands) expect([status, /^ +at /m.test(stderr)]).toEqual([4, false]);
    expect(readdirSync(unwritten)).toEqual([]);
    // In a folder of its own: npm would remove what the links above lead to.
    const both = mkdtempSync(join(packed, "both-"));
    const flags = ["--no-audit", "--no-fund", "--legacy-peer-deps"];
    npm(both, "install", ...flags, join(packed, tarball), join(packed, service));
    symlinkSync(join(root, "node_modules/@pulumi"), join(both, "node_modules/@pulumi"));
    const served = spawn(process.execPath, [join(both, "node_modules/.bin/storage-profiles"), "serve"], {
      cwd: project.directory,
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const [line] = (await once(served.stdout.setEncoding("utf8"), "data")) as [string];
      const url = /http:\S+\d/.exec(line)?.[0] ?? "";
      expect(await (await fetch(`${url}/v1/version`)).json()).toMatchObject({ project: "customer" });
    } finally {
      served.kill();
    }
  });
});

/** The blocks of code in the README's quick start, in their order. */
function quickStart(): { language: string; text: string }[] {
  const [, section = ""] = readFileSync(join(root, "README.md"), "utf8").split(/^## Quick start$/m);
  const found = (section.split(/^## /m)[0] ?? "").matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  return [...found].map(([, language = "", text = ""]) => ({ language, text }));
}

describe("an empty folder", () => {
  const place = new Project("quick-start", "");
  const packed = mkdtempSync(join(tmpdir(), "sp-pack-"));
  beforeAll(() => place.init());
  afterAll(async () => {
    await place.dispose();
    rmSync(packed, { recursive: true, force: true });
  });

  // The README's commands, unchanged, but for this: the packed package and the tree's version of the SDK stand in for the registry, `pulumi up`
  // asks nobody, and the volumes, the user's home and the state are in the test's folders.
  test("has a volume after the commands of the README's quick start, and another profile after its stack config", async () => {
    const [commands, laptop, aws, ...others] = quickStart();
    expect([commands, laptop, aws].map((each) => each?.language)).toEqual(["sh", "yaml", "yaml"]);
    expect(others).toEqual([]);

    npm(root, "pack", "--pack-destination", packed, "--ignore-scripts");
    const sdk = JSON.parse(readFileSync(join(root, "node_modules/@pulumi/pulumi/package.json"), "utf8"));
    const home = mkdtempSync(join(place.directory, "../newcomer-"));
    const folder = join(home, `shop-${basename(home).toLowerCase()}`);
    mkdirSync(folder);
    const env = await place.env({
      // As of somebody who has set nothing yet.
      ...{ PULUMI_BACKEND_URL: undefined, PULUMI_CONFIG_PASSPHRASE: undefined, PULUMI_STACK: undefined },
      HOME: home,
      PULUMI_HOME: join(home, ".pulumi"),
      PULUMI_SKIP_CONFIRMATIONS: "true",
      npm_config_cache: execFileSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).trim(),
      npm_config_prefer_offline: "true",
      npm_config_audit: "false",
      npm_config_fund: "false",
    });
    const run = (script: string) =>
      execFileSync("sh", ["-euc", script], {
        cwd: folder,
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    const lines = (commands?.text ?? "").trim().split("\n");
    expect(lines[0]).toBe("npm install storage-profiles @pulumi/pulumi");
    expect(lines.at(-1)).toBe("pulumi up");
    const [passphrase = ""] = lines.filter((line) => line.startsWith("export "));
    const local = { stateDirectory: join(folder, "volumes"), mode: "directory" };
    const script = [
      `npm install ${join(packed, readdirSync(packed)[0] ?? "")} @pulumi/pulumi@${sdk.version}`,
      ...lines.slice(1, -1),
      ...Object.entries(local).map(([key, value]) => `pulumi config set --path storage-profiles:local.${key} ${value}`),
      "pulumi up",
    ];
    const printed = run(script.join("\n"));
    // What `init` says is left to do is what the quick start has.
    const [, next = ""] = /Next:\n((?: {2}.*\n)+)/.exec(printed) ?? [];
    const words = (text: string) =>
      text
        .trim()
        .split(/\n/)
        .map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "));
    expect(words(next.replace(/PASSPHRASE=.*/, "PASSPHRASE"))).toEqual(
      words(
        lines
          .slice(2)
          .join("\n")
          .replace(/PASSPHRASE=.*/, "PASSPHRASE"),
      ),
    );
    expect(printed).toContain("data@gold: create");
    const data = () => JSON.parse(run(`${passphrase}\npulumi stack output --json`)).volumes.data;
    const made = data();
    expect(made).toMatchObject({ profile: "gold", sizeGiB: 1 });
    writeFileSync(join(made.mountPath, "file"), "data");

    const file = join(folder, "Pulumi.dev.yaml");
    const { encryptionsalt } = parse(readFileSync(file, "utf8"));
    const written = parse(laptop?.text ?? "");
    const config = { ...written.config, "storage-profiles:local": local };
    writeFileSync(file, stringify({ encryptionsalt, config }));
    expect(run(`${passphrase}\npulumi up`)).toContain("data: gold → analytics: update in place");
    expect(data()).toEqual({ ...made, profile: "analytics" });
    expect(readFileSync(join(made.mountPath, "file"), "utf8")).toBe("data");
  });

  test.each([
    ["ES modules", { type: "module" }, "index.js"],
    ["TypeScript", { type: "commonjs", devDependencies: { typescript: "*" } }, "index.ts"],
  ])("has a volume after `init` and the commands that it prints: %s", async (_, manifest, program) => {
    const folder = mkdtempSync(join(place.directory, "../quick-"));
    const env = await place.env();
    const run = (file: string, ...args: string[]) => execFileSync(file, args, { cwd: folder, env, encoding: "utf8" });
    // What `npm install` lays there.
    mkdirSync(join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    for (const name of ["@pulumi", "@types", "typescript"])
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    symlinkSync(root, join(folder, "node_modules/storage-profiles"));

    const flags = "--yes --stack dev --backend local --volume data@gold --size 1 --json".split(" ");
    const made = JSON.parse(run(process.execPath, join(root, "dist/src/cli/main.js"), "init", ...flags));
    expect(made).toMatchObject({ created: ["Pulumi.yaml", program], problems: [] });
    // On this machine: the engine is logged in, has a passphrase, and no such stack.
    expect(made.next.map((line: string) => line.replace(/ {2,}#.*/, ""))).toEqual([
      "pulumi stack init dev",
      "pulumi up --stack dev",
    ]);
    const [create, up] = made.next as [string, string];
    run("sh", "-c", create);
    const local = { stateDirectory: join(folder, "volumes"), mode: "directory" };
    for (const [key, value] of Object.entries(local))
      run("pulumi", "config", "set", "--stack", "dev", "--path", `storage-profiles:local.${key}`, value);
    run("sh", "-c", `${up} --yes --skip-preview`);
    const { data } = JSON.parse(run("pulumi", "stack", "output", "--json", "--stack", "dev")).volumes;
    expect(data).toMatchObject({ profile: "gold", sizeGiB: 1 });
    writeFileSync(join(data.mountPath, "file"), "data");

    const again = JSON.parse(
      run(process.execPath, join(root, "dist/src/cli/main.js"), "status", "--json", "--stack", "dev"),
    );
    expect(again.volumes).toMatchObject([{ name: "data", status: "compliant" }]);
    run("pulumi", "config", "set", "--stack", "dev", "storage-profiles:deletionProtection", "false");
    for (const verb of ["up", "destroy"]) run("pulumi", verb, "--yes", "--skip-preview", "--stack", "dev");
    expect(existsSync(data.mountPath)).toBe(false);
  });
});
