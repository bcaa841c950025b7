// How a Python environment is made and kept, with a stand-in for python3 on PATH: a small program that notes every call. Its
// version is one that no machine has, so that no other Python is taken. The labs' own tests make real ones.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { until } from "../../tools/test/time.js";
import { Unavailable, pythonEnvironment } from "./python.js";

let directory: string;
let calls: string;
let env: NodeJS.ProcessEnv;
let lines: string[];

beforeEach(() => {
  directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "python-test-")));
  calls = path.join(directory, "calls");
  fs.writeFileSync(calls, "");
  fs.mkdirSync(path.join(directory, "bin"));
  fs.mkdirSync(path.join(directory, "lab"));
  requirements("# python >= 99.1 < 99.9\nexample==1.0 --hash=sha256:00\n");
  stub("99.5.0");
  lines = [];
  env = { PATH: path.join(directory, "bin"), HOME: directory, STORAGE_PROFILES_CACHE: path.join(directory, "cache") };
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

function requirements(text: string): void {
  fs.writeFileSync(path.join(directory, "lab/requirements.txt"), text);
}

/** A python3 of that version; `pip` is what its pip does. */
function stub(version: string, { pip = "", probe = "" } = {}): void {
  const file = path.join(directory, "bin/python3");
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
case "$2 $3" in
  "-c "*) ${probe}
    printf '%s\\n%s\\n' ${version} '${file}' ;;
  "-m venv") echo "venv" >> '${calls}'
    mkdir -p "$4/bin" && ln -s '${file}' "$4/bin/python" ;;
  "-m pip") echo "pip $*" >> '${calls}'
    ${pip}
    ;;
esac
`;
  fs.writeFileSync(file, script, { mode: 0o755 });
}

const make = () => pythonEnvironment("lab", { env, root: directory, log: (line: string) => lines.push(line) });
const called = (what: string) =>
  fs
    .readFileSync(calls, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(what));
const environments = () =>
  fs
    .readdirSync(path.join(directory, "cache/python"), { recursive: true, encoding: "utf8" })
    .filter((name) => /venv-\w+$/.test(name));

test("an environment is made from what the lab pins, without asking for anything else, and says so", async () => {
  const python = await make();
  expect(fs.realpathSync(python)).toBe(path.join(directory, "bin/python3"));
  expect(called("pip")).toHaveLength(1);
  for (const part of ["--no-deps", "--require-hashes", `-r ${path.join(directory, "lab/requirements.txt")}`]) {
    expect(called("pip")[0]).toContain(part);
  }
  expect(lines).toEqual([
    expect.stringContaining("Installing the Python packages of lab: once, for Python 99.5.0, into "),
    expect.stringMatching(/^Installed them in \d+ s\.$/),
  ]);
});

test("it is made once, and again when the pins or the Python have changed", async () => {
  const first = await make();
  expect(await make()).toBe(first);
  expect(called("pip")).toHaveLength(1);

  requirements("# python >= 99.1 < 99.9\nexample==1.1 --hash=sha256:11\n");
  const second = await make();
  stub("99.6.0");
  const third = await make();
  expect(new Set([first, second, third]).size).toBe(3);
  expect(called("pip")).toHaveLength(3);
});

test("one whose Python is gone is made again", async () => {
  const first = await make();
  fs.unlinkSync(first);
  expect(await make()).not.toBe(first);
  expect(environments()).toHaveLength(1);
});

test("a build that was killed is done again, and nothing is left of it", async () => {
  stub("99.5.0", { pip: "sleep 60" });
  const script = `require(${JSON.stringify(path.join(__dirname, "python.js"))}).pythonEnvironment("lab", { root: ${JSON.stringify(directory)} })`;
  const killed = spawn(process.execPath, ["-e", script], { env, stdio: "ignore", detached: true });
  try {
    await until("pip runs", () => called("pip").length > 0);
  } finally {
    process.kill(-killed.pid!, "SIGKILL");
  }
  await new Promise((done) => killed.on("close", done));
  expect(environments()).toHaveLength(1);

  stub("99.5.0");
  const python = await make();
  expect(called("pip")).toHaveLength(2);
  expect(environments()).toEqual([path.relative(path.join(directory, "cache/python"), path.resolve(python, "../.."))]);
});

test("a build that failed is done again", async () => {
  stub("99.5.0", { pip: "echo 'ERROR: no such option: --sideways'; exit 2" });
  await expect(make()).rejects.toThrow(/pip install ended with exit code 2[^]*--sideways[^]*build\.log/);
  stub("99.5.0");
  await make();
  expect(environments()).toHaveLength(1);
});

test("of two at once one makes it, and the other waits and says for whom", async () => {
  const goOn = path.join(directory, "go-on");
  stub("99.5.0", { pip: `while [ ! -e '${goOn}' ]; do sleep 0.1; done` });
  const both = [make(), make()];
  const waiting = /^Waiting for process \d+ on \S+, which is installing the Python packages of lab/;
  await until("one waits for the other", () => lines.some((line) => waiting.test(line)));
  fs.writeFileSync(goOn, "");
  const [one, other] = await Promise.all(both);
  expect(one).toBe(other);
  expect(called("pip")).toHaveLength(1);
});

test.each(["99.0.9", "99.9.0", "3.11.7"])("Python %s does not fit, and the reason says so", async (version) => {
  stub(version);
  const failure = make();
  await expect(failure).rejects.toThrow(Unavailable);
  await expect(failure).rejects.toThrow(`no Python >= 99.1 and < 99.9 with venv: python3 is ${version}`);
  expect(called("venv")).toEqual([]);
});

test("a Python without venv does not do", async () => {
  stub("99.5.0", { probe: "echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1" });
  const failure = make();
  await expect(failure).rejects.toThrow(Unavailable);
  await expect(failure).rejects.toThrow("python3 has no venv (ModuleNotFoundError: No module named 'ensurepip')");
});

test("a machine without a package index can't have it", async () => {
  for (const said of [
    "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'",
    "ERROR: Could not find a version that satisfies the requirement example==1.0 (from versions: none)",
  ]) {
    stub("99.5.0", { pip: `echo "${said}"; exit 1` });
    const failure = make();
    await expect(failure).rejects.toThrow(Unavailable);
    await expect(failure).rejects.toThrow(said.replace(/^\w+: /, ""));
  }
});

test("a package that isn't what was pinned is an error, whatever the network does", async () => {
  const said =
    "Retrying after connection broken by X; ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE";
  stub("99.5.0", { pip: `echo "${said}"; exit 1` });
  const failure = make();
  await expect(failure).rejects.toThrow("DO NOT MATCH THE HASHES");
  await expect(failure).rejects.not.toThrow(Unavailable);
});
