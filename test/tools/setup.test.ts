// What makes a fresh clone ready to run, on a small clone with a stand-in for npm on PATH that notes every call.
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { setup, SOURCES } from "../../tools/setup.js";
import { until } from "../../tools/test/time.js";

let root: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "setup-test-")));
  write("package.json", { main: "dist/components/index.js", engines: { node: ">=20.19" } });
  write("package-lock.json", {
    packages: {
      "": { version: "0.1.0" },
      "node_modules/a": { version: "1.0.0", integrity: "sha512-x" },
      "node_modules/a-win32": { version: "1.0.0", integrity: "sha512-y", optional: true },
    },
  });
  write("src/index.ts", "export {}");
  write("src/deep/gone.ts", "export {}");
  write("src/http/page/style.css", "");
  write("components/index.ts", "export {}");
  fs.mkdirSync(path.join(root, "bin"));
  fs.symlinkSync(process.execPath, path.join(root, "bin/node"));
  npm("");
  env = { PATH: `${path.join(root, "bin")}:/usr/bin:/bin` };
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

function write(file: string, content: unknown): void {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), typeof content === "string" ? content : JSON.stringify(content, null, 1));
}
/**
 * Like npm ci it starts from nothing; like the compiler it makes nothing anew that it believes to be there, and leaves
 * alone what it made of a file that is gone.
 */
const NPM = String.raw`
const fs = require("fs"), path = require("path");
fs.appendFileSync("calls", process.argv.slice(2).join(" ") + "\n");
if (process.argv[2] === "ci") {
  const { packages } = JSON.parse(fs.readFileSync("package-lock.json"));
  delete packages[""];
  delete packages["node_modules/a-win32"];
  fs.mkdirSync("node_modules", { recursive: true });
  fs.writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages }));
} else {
  const all = ["src", "components"].flatMap((room) => fs.readdirSync(room, { recursive: true }).map((name) => path.join(room, name)));
  const sources = all.filter((file) => file.endsWith(".ts"));
  const state = JSON.stringify(sources.map((file) => [file, fs.readFileSync(file, "utf8")]));
  if (!fs.existsSync("dist/.state") || fs.readFileSync("dist/.state", "utf8") !== state) {
    for (const file of sources) {
      const to = path.join("dist", file.replace(/ts$/, "js"));
      fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.writeFileSync(to, "");
    }
    fs.writeFileSync("dist/.state", state);
  }
}
`;
/** Puts it on PATH; `then` is what it does besides. */
function npm(then: string): void {
  fs.writeFileSync(path.join(root, "bin/npm"), `#!/usr/bin/env node\n${NPM}\n${then}\n`, { mode: 0o755 });
}
const exists = (file: string) => fs.existsSync(path.join(root, file));

/** What npm was asked to do in a run of setup. */
async function run(): Promise<string[]> {
  fs.rmSync(path.join(root, "calls"), { force: true });
  await setup({ root, env, log: () => {} });
  return exists("calls") ? fs.readFileSync(path.join(root, "calls"), "utf8").trim().split("\n") : [];
}
const INSTALL = "ci --no-audit --no-fund --loglevel=error";
const BUILD = "run --silent build";

test("a fresh clone is installed and built, and a second start runs nothing", async () => {
  expect(await run()).toEqual([INSTALL, BUILD]);
  expect(await run()).toEqual([]);
  expect(exists(".setup.lock")).toBe(false);
});

test("every folder that is compiled counts", () => {
  const { include } = JSON.parse(fs.readFileSync(path.join(__dirname, "../../tsconfig.build.json"), "utf8"));
  expect(SOURCES).toEqual(include);
});

test("says what it did", async () => {
  const quiet = { root, env, log: () => {} };
  expect(await setup(quiet)).toEqual({ installed: true, built: true });
  expect(await setup(quiet)).toEqual({ installed: false, built: false });
});

describe("once it is ready", () => {
  beforeEach(() => run());

  test.each<[string, () => void, string[]]>([
    ["a checkout that only changes dates", () => fs.utimesSync(path.join(root, "src/index.ts"), 9e9, 9e9), []],
    ["an edited source", () => write("src/index.ts", "export const a = 1"), [BUILD]],
    ["a new source", () => write("components/backends/aws/new.ts", "export {}"), [BUILD]],
    ["an edited file of the status page", () => write("src/http/page/style.css", "a {}"), [BUILD]],
    ["another way to copy the status page", () => write("tools/page.js", "// other"), [BUILD]],
    ["changed compiler options", () => write("tsconfig.build.json", {}), [BUILD]],
    ["a dist that was removed", () => fs.rmSync(path.join(root, "dist"), { recursive: true }), [BUILD]],
    ["an entry point that was removed", () => fs.rmSync(path.join(root, "dist/components/index.js")), [BUILD]],
    [
      "an installation that was interrupted",
      () => fs.rmSync(path.join(root, "node_modules/.package-lock.json")),
      [INSTALL],
    ],
    [
      "another version in package-lock.json",
      () =>
        write(
          "package-lock.json",
          fs
            .readFileSync(path.join(root, "package-lock.json"), "utf8")
            .replace(
              '"version": "1.0.0",\n   "integrity": "sha512-x"',
              '"version": "1.0.1",\n   "integrity": "sha512-z"',
            ),
        ),
      [INSTALL, BUILD],
    ],
  ])("%s", async (_what, happens, expected) => {
    happens();
    expect(await run()).toEqual(expected);
    expect(await run()).toEqual([]);
  });

  test("what was made of a source that is gone goes too", async () => {
    fs.rmSync(path.join(root, "src/deep/gone.ts"));
    await run();
    expect([exists("dist/src/deep/gone.js"), exists("dist/src/index.js")]).toEqual([false, true]);
  });

  test("a build that fails is tried again the next time", async () => {
    write("src/index.ts", "export const a: number = ''");
    npm("process.exit(2)");
    await expect(run()).rejects.toThrow(`npm run --silent build failed with exit code 2 in ${root}`);
    npm("");
    expect(await run()).toEqual([BUILD]);
  });

  test("what is edited while the compiler runs is compiled the next time", async () => {
    write("src/index.ts", "export const a = 1");
    npm(`fs.writeFileSync("src/index.ts", "export const a = 2")`);
    expect(await run()).toEqual([BUILD]);
    npm("");
    expect(await run()).toEqual([BUILD]);
  });
});

test("two at once install and build once, and the second says what it waits for", async () => {
  npm(`const look = () => fs.existsSync("go-on") || setTimeout(look, 50); look();`);
  const script = `require(${JSON.stringify(require.resolve("../../tools/setup.js"))}).setup({ root: ${JSON.stringify(root)} })`;
  let log = "";
  const both = [1, 2].map(() => {
    const run = promisify(execFile)(process.execPath, ["-e", script], { env });
    run.child.stderr!.on("data", (chunk) => (log += String(chunk)));
    return run;
  });
  await until("one waits for the other", () => /Waiting for process \d+, which is setting up/.test(log));
  write("go-on", "");
  await Promise.all(both);
  expect(fs.readFileSync(path.join(root, "calls"), "utf8")).toBe(`${INSTALL}\n${BUILD}\n`);
});

test("an old Node.js is told which one is needed", async () => {
  write("package.json", { main: "x.js", engines: { node: ">=99.1" } });
  await expect(run()).rejects.toThrow(`Node.js 99.1 or newer is needed, and ${process.execPath} is ${process.version}`);
  expect(exists("calls")).toBe(false);
});

test("without npm on PATH: says where it comes from", async () => {
  fs.rmSync(path.join(root, "bin/npm"));
  env.PATH = path.join(root, "bin");
  await expect(run()).rejects.toThrow(/npm could not be started: .*It comes with Node.js/);
});
