// How an engine is got, with stand-ins for `pulumi` and `go` on PATH, small programs that note every call, and for what the SDK downloads.
// And the language host, spoken to as an engine does. Nothing here builds with Go; test/e2e drives the real engine.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { until } from "../../tools/test/time.js";
import { MINIMUM_PULUMI, ensureEngine, environment } from "../../tools/engine/ensure.js";
import { buildTime, showTo } from "../../tools/engine/go.js";
import { installRelease, readRelease } from "../../tools/engine/release.js";
import { atLeast, withLock } from "../../tools/shared.js";

const ROOT = path.resolve(__dirname, "../..");
const ENSURE = path.join(ROOT, "tools/engine/ensure.js");
const HOST = path.join(ROOT, "tools/engine/language-host");
const GO_MOD = fs.readFileSync(path.join(ROOT, "tools/engine/go.mod"), "utf8");
const BUILT_VERSION = /pulumi\/pkg\/v3 v(\S+)/.exec(GO_MOD)![1]!;
const GO_VERSION = /^go (\S+)/m.exec(GO_MOD)![1]!;

let directory: string;
let bin: string;
let calls: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "engine-test-")));
  bin = path.join(directory, "bin");
  calls = path.join(directory, "calls");
  fs.mkdirSync(bin);
  fs.writeFileSync(calls, "");
  fs.symlinkSync(process.execPath, path.join(bin, "node"));
  env = { PATH: bin, HOME: directory, STORAGE_PROFILES_CACHE: path.join(directory, "cache") };
  // The network of a machine that can't reach the release.
  inEachNode(
    'if (process.argv[1]?.endsWith("release.js")) { console.error("Failed to download it: no such host"); process.exit(1); }',
  );
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

/** An executable on PATH that notes how it was called and goes on with `script`. */
function stub(name: string, script: string, where = bin): string {
  const file = path.join(where, name);
  fs.mkdirSync(where, { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> '${calls}'\n${script}\n`, { mode: 0o755 });
  return file;
}

/** What every Node.js process begins with. */
function inEachNode(text: string): void {
  const file = path.join(directory, "preload.js");
  fs.writeFileSync(file, text);
  env.NODE_OPTIONS = `--require ${file}`;
}

/** The installer that the SDK downloads: the shell script that this is. */
function stubInstaller(script: string): void {
  const head =
    'while [ $# -gt 0 ]; do case "$1" in --install-root) root=$2 ;; --version) version=$2 ;; esac; shift; done';
  const text = `echo "installer $*" >> '${calls}'\n${head}\n${script}\n`;
  inEachNode(`globalThis.fetch = async () => new Response(${JSON.stringify(text)});`);
}

const INSTALL = `/bin/mkdir -p "$root/bin"; cd "$root/bin"
  for name in pulumi pulumi-language-nodejs pulumi-resource-pulumi-nodejs; do printf '#!/bin/sh\\necho v%s\\n' "$version" > $name; done; /bin/chmod +x *`;

/** A `go` that builds a `pulumi` that prints its version; `build` is done before, and may end it. */
function stubGo({ version = GO_VERSION, list = "echo example.com/a", build = "" } = {}): void {
  stub(
    "go",
    `case "$1" in
      version) echo "go version go${version} linux/amd64" ;;
      list) ${list} ;;
      build) while [ "$1" != -o ]; do shift; done
        ${build}
        printf '#!/bin/sh\\necho v${BUILT_VERSION}\\n' > "$2"; /bin/chmod +x "$2" ;;
    esac`,
  );
}

const called = () => fs.readFileSync(calls, "utf8").trim().split("\n").filter(Boolean);
const builds = () => called().filter((line) => line.startsWith("go build"));

/** Everything below the cache except what may stay: the log of go's output. */
function inCache(): string[] {
  const cache = env.STORAGE_PROFILES_CACHE!;
  if (!fs.existsSync(cache)) return [];
  return fs
    .readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "build.log")
    .map((entry) => entry.name)
    .sort();
}

async function ensure(): Promise<{ engine: Awaited<ReturnType<typeof ensureEngine>>; lines: string[] }> {
  const lines: string[] = [];
  return { engine: await ensureEngine({ env, log: (line: string) => lines.push(line) }), lines };
}

/** The command in a process of its own; its environment is `env` and nothing else. */
async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [ENSURE, ...args], { env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe("pulumi on PATH", () => {
  const complete = () => ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"].forEach((name) => stub(name, ""));

  test("is used when it is new enough, and nothing else is touched", async () => {
    const pulumi = stub("pulumi", "echo v9.9.9");
    complete();
    expect(await ensure()).toEqual({
      engine: { source: "path", pulumi, version: "9.9.9", path: "", env: {} },
      lines: [],
    });
    expect(inCache()).toEqual([]);
  });

  test("gets our language host when it comes without one", async () => {
    stub("pulumi", "echo v9.9.9");
    const { engine } = await ensure();
    expect(engine.path).toBe(HOST);
    expect(environment(engine, { PATH: "/usr/bin" }).PATH).toBe(`${HOST}:/usr/bin`);
    for (const name of ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]) {
      fs.accessSync(path.join(HOST, name), fs.constants.X_OK);
    }
  });

  test("is asked for its language host where it really is, behind a symbolic link", async () => {
    const away = path.join(directory, "Cellar");
    for (const name of ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]) stub(name, "", away);
    fs.symlinkSync(stub("pulumi", "echo v9.9.9", away), path.join(bin, "pulumi"));
    expect((await ensure()).engine.path).toBe("");
  });

  test.each([
    ["echo v3.100.0", "is v3.100.0, and " + MINIMUM_PULUMI],
    [`echo v${MINIMUM_PULUMI}-alpha.1`, `is v${MINIMUM_PULUMI}-alpha.1, and`],
    ["echo no version set; exit 126", "does not work"],
  ])("is refused with the reason: %s", async (script, reason) => {
    stub("pulumi", script);
    stubGo();
    const { engine, lines } = await ensure();
    expect(lines[0]).toContain(reason);
    expect(lines[0]).toContain(path.join(bin, "pulumi"));
    expect(engine).toMatchObject({ source: "built", version: BUILT_VERSION });
  });

  test("is recognised when it is the one we built (eval of --env)", async () => {
    stubGo();
    const { engine } = await ensure();
    env.PATH = environment(engine, env).PATH;
    fs.writeFileSync(calls, "");
    expect((await ensure()).engine).toEqual(engine);
    expect(called()).toEqual([]);
  });
});

describe("no pulumi on PATH, and the official release within reach", () => {
  const { version: SDK } = JSON.parse(
    fs.readFileSync(path.join(ROOT, "node_modules/@pulumi/pulumi/package.json"), "utf8"),
  ) as { version: string };

  test("installs it by the SDK's installer, in the SDK's version, into the cache alone; and once", async () => {
    stubGo();
    stubInstaller(INSTALL);
    const { engine, lines } = await ensure();
    const root = path.join(env.STORAGE_PROFILES_CACHE!, "release", `${SDK}-${process.platform}-${process.arch}`);
    expect(engine).toEqual({
      source: "release",
      pulumi: path.join(root, "bin/pulumi"),
      version: SDK,
      path: path.join(root, "bin"),
      env: { PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" },
    });
    expect(lines.at(-1)).toContain(`Installed the Pulumi CLI v${SDK}`);
    expect(called()).toEqual([expect.stringMatching(/^installer --no-edit-path --install-root \S+ --version \S+$/)]);
    expect(called()[0]).toContain(`--version ${SDK}`);
    expect(inCache()).toEqual(["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]);
    expect(fs.readdirSync(directory).sort()).toEqual(["bin", "cache", "calls", "preload.js"]);

    fs.writeFileSync(calls, "");
    expect(await ensure()).toEqual({ engine, lines: [] });
    env.PATH = environment(engine, env).PATH;
    expect((await ensure()).engine).toEqual(engine);
    expect(called()).toEqual([]);
  });

  test.each([
    ["fails", "echo 'error: no space left on device' >&2; exit 1", "no space left on device"],
    ["brings another version", `version=3.999.0\n${INSTALL}`, "prints v3.999.0 instead of v" + SDK],
  ])("builds one where the installer %s, says why, and keeps nothing of it", async (_, script, why) => {
    stubGo();
    stubInstaller(script);
    const { engine, lines } = await ensure();
    expect(engine.source).toBe("built");
    expect(lines[0]).toContain("The official release of the Pulumi CLI can't be installed: ");
    expect(lines[0]).toContain(why);
    expect(inCache()).toEqual(["package.json", "pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]);
  });

  const STALLS = `echo $$ >> '\${calls}'; exec /bin/sleep 600`;

  test("an installer that stalls is ended with all that it has started", async () => {
    stubInstaller(STALLS.replace("${calls}", calls));
    const release = readRelease(env.STORAGE_PROFILES_CACHE!)!;
    const options = { env, show: showTo(() => undefined), versionOf: () => Promise.resolve(undefined), silenceMs: 300 };
    let why = "";
    await until("the stall is noticed once the installer runs", async () => {
      why = await installRelease(release, options);
      return called().length > 1;
    });
    expect(why).toMatch(/^nothing came for/);
    const pid = Number(called()[1]);
    await until("it has ended", () => !isRunning(pid));
    expect(inCache()).toEqual([]);
  });

  test("Ctrl-C ends the installer too and leaves nothing", async () => {
    stubInstaller(STALLS.replace("${calls}", calls));
    const child = spawn(process.execPath, [ENSURE], { env, stdio: "ignore" });
    await until("the installer runs", () => called().length > 1);
    child.kill("SIGINT");
    expect(await new Promise((resolve) => child.on("exit", (_code, by) => resolve(by)))).toBe("SIGINT");
    const pid = Number(called()[1]);
    await until("it has ended", () => !isRunning(pid));
    expect(inCache()).toEqual([]);
  });

  function isRunning(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }
});

test("the estimate of a build counts processors", () => {
  expect([1, 2, 8].map((each) => buildTime(each))).toEqual([
    "10 to 21 minutes with 1 processor",
    "6 to 13 minutes with 2 processors",
    "2 to 5 minutes with 8 processors",
  ]);
});

describe("no pulumi on PATH, and the release out of reach", () => {
  test("without Go: says what is missing and both ways out, without a stack", async () => {
    const { code, stdout, stderr } = await command();
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("`pulumi` is not on PATH");
    expect(stderr).toContain("can't be installed: Failed to download it: no such host");
    expect(stderr).toContain("https://www.pulumi.com/docs/install/");
    expect(stderr).toContain(`Go ${GO_VERSION} or newer: https://go.dev/dl/`);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(inCache()).toEqual([]);
  });

  test("with a Go that is too old and can't update itself: says which one is needed", async () => {
    stub(
      "go",
      `if [ "$GOTOOLCHAIN" = local ]; then echo go version go1.21.3 linux/amd64; else echo "go: download go${GO_VERSION}: toolchain not available" >&2; exit 1; fi`,
    );
    await expect(ensure()).rejects.toThrow(
      `is 1.21.3, and ${GO_VERSION} or newer is needed. It could not fetch a newer one by itself: go: download go${GO_VERSION}: toolchain not available`,
    );
  });

  test("with an older Go that fetches the toolchain itself: builds", async () => {
    stubGo();
    const script = fs.readFileSync(path.join(bin, "go"), "utf8");
    fs.writeFileSync(
      path.join(bin, "go"),
      script.replace("version) ", 'version) [ "$GOTOOLCHAIN" = local ] && echo go version go1.21.0 x/y && exit; '),
    );
    expect((await ensure()).engine.source).toBe("built");
  });

  test("builds once, says so at the start, and puts the language host beside the engine", async () => {
    stubGo();
    const { engine, lines } = await ensure();
    expect(engine).toMatchObject({
      source: "built",
      version: BUILT_VERSION,
      path: path.dirname(engine.pulumi),
      env: { PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" },
    });
    expect(lines[0]).toBe(
      "The official release of the Pulumi CLI can't be installed: Failed to download it: no such host",
    );
    expect(lines.join("\n")).toContain(`takes ${buildTime()}`);
    expect(lines.join("\n")).toContain(engine.path);
    expect(inCache()).toEqual(["package.json", "pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"]);
    expect(builds()[0]).toMatch(/-mod=readonly -trimpath -tags=osusergo,grpcnotrace/);
  });

  test("a second start runs no process, not even when go and pulumi are gone from PATH", async () => {
    stubGo();
    const first = (await ensure()).engine;
    stub("go", "exit 99");
    fs.writeFileSync(calls, "");
    expect(await ensure()).toEqual({ engine: first, lines: [] });
    expect(called()).toEqual([]);
  });

  test("a language host that has changed since is replaced, without a build", async () => {
    stubGo();
    const { engine } = await ensure();
    const host = path.join(engine.path, "pulumi-language-nodejs");
    fs.writeFileSync(host, "of an older clone");
    await ensure();
    expect(fs.readFileSync(host)).toEqual(fs.readFileSync(path.join(HOST, "pulumi-language-nodejs")));
    expect(builds()).toHaveLength(1);
  });

  test("what the user has set in the environment stays", async () => {
    stubGo();
    env.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "false";
    expect((await ensure()).engine.env).toEqual({ PULUMI_SKIP_UPDATE_CHECK: "true" });
  });

  test("the user's Go settings do not change what is built", async () => {
    stubGo({ build: `echo "[$GOFLAGS] $GOWORK $CGO_ENABLED $GOOS" >> '${calls}'` });
    Object.assign(env, { GOFLAGS: "-mod=vendor", GOWORK: "/x/go.work", GOOS: "plan9", CGO_ENABLED: "1" });
    await ensure();
    expect(called()).toContain(`[] off 0 ${process.platform}`);
  });

  test("two at once build once, and the second says what it waits for", async () => {
    const goOn = path.join(directory, "go-on");
    stubGo({ build: `while [ ! -e '${goOn}' ]; do /bin/sleep 0.1; done` });
    let log = "";
    const both = [1, 2].map(() => {
      const run = promisify(execFile)(process.execPath, [ENSURE], { env });
      run.child.stderr!.on("data", (chunk) => (log += String(chunk)));
      return run;
    });
    await until("one waits for the other", () =>
      /Waiting for process \d+ on .*, which is building the Pulumi engine/.test(log),
    );
    fs.writeFileSync(goOn, "");
    const [a, b] = await Promise.all(both);
    expect(a!.stdout).toBe(b!.stdout);
    expect(builds()).toHaveLength(1);
    expect(inCache()).not.toContain("lock");
  });

  test("the lock of a process that crashed does not block, and its leftovers go", async () => {
    stubGo();
    const target = path.dirname((await ensure()).engine.pulumi);
    fs.rmSync(path.join(target, "pulumi"));
    const pid = deadPid();
    fs.writeFileSync(path.join(target, "lock"), JSON.stringify({ token: "x", pid, host: os.hostname() }));
    fs.writeFileSync(path.join(target, "pulumi.1.tmp"), "half");
    // Without a wait until its heartbeat counts as lost.
    expect((await ensure()).lines.join("\n")).not.toContain("Waiting");
    expect(inCache().filter((name) => /lock|tmp/.test(name))).toEqual([]);
  });

  test.each([
    [
      "list",
      'go: m@v1.0.0: Get "https://proxy.golang.org/": dial tcp: lookup proxy.golang.org: no such host',
      "Check the network",
    ],
    ["build", "# example.com/a\nlink: write: no space left on device", "The disk is full"],
  ] as const)(
    "a failed %s shows the end of go's output, the log and what to do, and leaves nothing half done",
    async (step, output, advice) => {
      const fails = `echo half > "$2"; echo example.com/a >&2; echo '${output}' >&2; exit 1`;
      stubGo(step === "list" ? { list: fails.replace('echo half > "$2"; ', "") } : { build: fails });
      const { code, stderr } = await command();
      expect(code).toBe(1);
      expect(stderr).toContain(output.split("\n").at(-1));
      expect(stderr).toContain(advice);
      expect(stderr).not.toMatch(/^ {2}example.com\/a$|^\s+at /m);
      const log = /All of go's output: (.*)/.exec(stderr)![1]!;
      expect(fs.readFileSync(log, "utf8")).toContain(output);
      expect(inCache()).toEqual([]);
    },
  );

  test("a build whose result does not run is not kept", async () => {
    stubGo({ build: `echo broken > "$2"; exit 0` });
    await expect(ensure()).rejects.toThrow("`pulumi version` prints nothing");
    expect(inCache()).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends go too and leaves nothing half done", async (signal) => {
    stubGo({
      build: `echo half > "$2"; trap 'echo "go got SIGINT" >> "${calls}"; exit 1' INT; while :; do /bin/sleep 0.1; done`,
    });
    const child = spawn(process.execPath, [ENSURE], { env, stdio: "ignore" });
    await until("the build has begun", () => inCache().some((name) => name.endsWith(".tmp")));
    child.kill(signal);
    expect(await new Promise((resolve) => child.on("exit", (_code, by) => resolve(by)))).toBe(signal);
    expect(called()).toContain("go got SIGINT");
    expect(inCache()).toEqual([]);
  });

  test("a cache that can't be written to is named, and how to choose another", async () => {
    stubGo();
    fs.writeFileSync(env.STORAGE_PROFILES_CACHE!, "a file is in the way");
    await expect(ensure()).rejects.toThrow(/ENOTDIR[^]*Set STORAGE_PROFILES_CACHE/);
  });
});

describe("node tools/engine/ensure.js", () => {
  test("--env prints what a shell can evaluate, also when the cache has an odd name", async () => {
    stubGo();
    env.STORAGE_PROFILES_CACHE = path.join(directory, "it's my cache");
    const { stdout } = await command("--env");
    const shown = execFileSync("/bin/sh", ["-c", `${stdout}\ncommand -v pulumi; echo $PULUMI_SKIP_UPDATE_CHECK`], {
      env,
      encoding: "utf8",
    });
    expect(shown).toMatch(/it's my cache\/engine\/\w+\/pulumi\ntrue\n$/);
  });

  test("--help and a wrong argument", async () => {
    expect((await command("--help")).stdout).toContain('eval "$(node tools/engine/ensure.js --env)"');
    expect(await command("--evn")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Unknown argument --evn"),
    });
  });
});

test.each([
  ["3.194.0", true],
  ["v3.194.0", true],
  ["3.194.1-dev.0", true],
  ["3.259.0+dirty", true],
  ["4.0.0-alpha.1", true],
  ["3.194.0-dev.0", false],
  ["3.99.9", false],
  ["latest", false],
])("%s is new enough for 3.194.0: %s", (version, expected) => {
  expect(atLeast(version, "3.194.0")).toBe(expected);
});

test("pre-releases are in the order of semver 2.0.0", () => {
  const order = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
  ];
  for (let i = 1; i < order.length; i++) {
    expect([order[i], atLeast(order[i]!, order[i - 1]!), atLeast(order[i - 1]!, order[i]!)]).toEqual([
      order[i],
      true,
      false,
    ]);
  }
});

test("a lock admits one at a time, also when many find it abandoned", async () => {
  const file = path.join(directory, "lock");
  fs.writeFileSync(file, JSON.stringify({ token: "x", pid: deadPid(), host: os.hostname() }));
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, () =>
      withLock(
        file,
        () => {},
        async () => {
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 20));
          inside--;
        },
      ),
    ),
  );
  expect(most).toBe(1);
  expect(fs.existsSync(file)).toBe(false);
});

describe("language host", () => {
  const load = (name: string) => jest.requireActual(`@pulumi/pulumi/proto/${name}`);
  const messages = load("language_pb");
  const { LanguageRuntimeClient } = load("language_grpc_pb");

  let host: ChildProcess;
  let client: any;
  let program: string;

  /** A program whose SDK is a stand-in: its `cmd/run` writes down how it was started, and goes on with `script`. */
  beforeEach(async () => {
    program = path.join(directory, "program");
    fs.mkdirSync(path.join(program, "node_modules/@pulumi/pulumi/cmd/run"), { recursive: true });
    fs.writeFileSync(
      path.join(program, "node_modules/@pulumi/pulumi/package.json"),
      '{ "name": "@pulumi/pulumi", "version": "0.0.0" }',
    );
    ({ host, client } = await start());
  });
  afterEach(() => {
    client?.close();
    host.kill("SIGKILL");
  });

  async function start(cwd = ROOT): Promise<{ host: ChildProcess; client: any }> {
    const started = spawn(path.join(HOST, "pulumi-language-nodejs"), ["--tracing", "x", "127.0.0.1:1"], { cwd });
    const port = await new Promise<string>((resolve) => createInterface(started.stdout).once("line", resolve));
    return { host: started, client: new LanguageRuntimeClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure()) };
  }

  const ask = (method: string, request: unknown): Promise<any> => promisify(client[method].bind(client))(request);

  async function run(
    script: string,
    { options = {}, dryRun = false, where = program } = {},
  ): Promise<{ error: string; bail: boolean }> {
    const sdk = path.join(where, "node_modules/@pulumi/pulumi/cmd/run");
    if (fs.existsSync(sdk)) {
      const note =
        "require('fs').writeFileSync('started.json', JSON.stringify({ argv: process.argv.slice(2), execArgv: process.execArgv, env: process.env, pid: process.pid }));";
      fs.writeFileSync(path.join(sdk, "index.js"), `${note}\n${script}`);
    }
    const info = new messages.ProgramInfo();
    info.setRootDirectory(where);
    info.setProgramDirectory(where);
    info.setEntryPoint(".");
    info.setOptions(Struct.fromJavaScript(options));
    const request = new messages.RunRequest();
    request.setInfo(info);
    request.setPwd(where);
    request.setMonitorAddress("127.0.0.1:2");
    request.setProject("p");
    request.setStack("s");
    request.setOrganization("organization");
    request.setParallel(4);
    request.setDryrun(dryRun);
    request.getConfigMap().set("storage-profiles:backend", "aws").set("p:a:b", "1");
    request.setConfigsecretkeysList(["p:a:b"]);
    request.setArgsList(["--flag"]);
    const response = await ask("run", request);
    return { error: response.getError(), bail: response.getBail() };
  }
  const started = () => JSON.parse(fs.readFileSync(path.join(program, "started.json"), "utf8"));
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  test("answers what an engine asks at the start, and UNIMPLEMENTED to the rest", async () => {
    await ask("handshake", new messages.LanguageHandshakeRequest());
    expect((await ask("getRequiredPackages", new messages.GetRequiredPackagesRequest())).getPackagesList()).toEqual([]);
    expect((await ask("getRequiredPlugins", new messages.GetRequiredPluginsRequest())).getPluginsList()).toEqual([]);
    expect((await ask("getPluginInfo", new Empty())).getVersion()).toBe(require("@pulumi/pulumi/package.json").version);
    await expect(ask("about", new messages.AboutRequest())).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
  });

  test.each([
    ["process.exit(0)", { error: "", bail: false }],
    ["process.exit(1)", { error: "Program exited with non-zero exit code: 1", bail: false }],
    ["process.exit(32)", { error: "", bail: true }],
    [
      "process.kill(process.pid, 'SIGKILL')",
      { error: "the program was killed by SIGKILL (is the machine out of memory?)", bail: false },
    ],
  ])("says how a program ended: %s", async (script, outcome) => {
    expect(await run(script)).toEqual(outcome);
  });

  test("hands addresses, names, configuration and arguments to the program", async () => {
    await run("", { dryRun: true });
    const { argv, env: given } = started();
    expect(argv.join(" ")).toBe(
      `--monitor 127.0.0.1:2 --engine 127.0.0.1:1 --organization organization --project p --root-directory ${program} ` +
        `--stack s --pwd ${program} --parallel 4 --dry-run . --flag`,
    );
    expect(JSON.parse(given.PULUMI_CONFIG)).toEqual({ "storage-profiles:config:backend": "aws", "p:config:a:b": "1" });
    expect(given).toMatchObject({ PULUMI_CONFIG_SECRET_KEYS: '["p:a:b"]', PULUMI_NODEJS_TYPESCRIPT: "true" });
  });

  test("honours the runtime options of Pulumi.yaml", async () => {
    await run("", {
      options: { typescript: false, nodeargs: `--max-old-space-size=64 --title="a b"`, tsconfig: "x.json" },
    });
    expect(started().execArgv).toEqual(["--max-old-space-size=64", "--title=a b"]);
    expect(started().env).toMatchObject({ PULUMI_NODEJS_TYPESCRIPT: "false", PULUMI_NODEJS_TSCONFIG_PATH: "x.json" });
  });

  test("runs a plugin that is a package of Node.js: its arguments and variables, what it prints, how it ends", async () => {
    const sdk = path.join(program, "node_modules/@pulumi/pulumi/cmd/run-plugin");
    fs.mkdirSync(sdk, { recursive: true });
    const script =
      'console.log(process.argv.slice(2).join(" "), process.env.GIVEN); console.error("oh"); process.exitCode = 3;';
    fs.writeFileSync(path.join(sdk, "index.js"), script);
    const info = new messages.ProgramInfo();
    info.setProgramDirectory(program);
    const request = new messages.RunPluginRequest();
    request.setInfo(info);
    request.setPwd(program);
    request.setEnvList(["GIVEN=a=b"]);
    request.setArgsList(["127.0.0.1:9"]);
    const seen = { stdout: "", stderr: "", code: -1 };
    await new Promise((ended, failed) => {
      const call = client.runPlugin(request);
      call.on("data", (answer: any) => {
        if (answer.hasStdout()) seen.stdout += Buffer.from(answer.getStdout_asU8()).toString();
        if (answer.hasStderr()) seen.stderr += Buffer.from(answer.getStderr_asU8()).toString();
        if (answer.hasExitcode()) seen.code = answer.getExitcode();
      });
      call.on("end", ended).on("error", failed);
    });
    expect(seen).toEqual({ stdout: `--pwd ${program} ${program} 127.0.0.1:9 a=b\n`, stderr: "oh\n", code: 3 });
  });

  test("passes on what the program prints", async () => {
    const printed: string[] = [];
    host.stdout!.on("data", (chunk) => printed.push(String(chunk)));
    host.stderr!.on("data", (chunk) => printed.push(String(chunk)));
    await run("console.log('out'); console.error('err')");
    await until("both lines are here", () => printed.join("").split("\n").length > 2);
    expect(printed.sort()).toEqual(["err\n", "out\n"]);
  });

  test("says where to run npm install when the program has no SDK", async () => {
    fs.rmSync(path.join(program, "node_modules"), { recursive: true });
    expect((await run("")).error).toBe(
      `@pulumi/pulumi is not installed for the program: run npm install in ${program}`,
    );
    await expect(
      promisify(execFile)(path.join(HOST, "pulumi-language-nodejs"), ["x"], { cwd: program }),
    ).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`run npm install in ${program}`),
    });
  });

  const FOREVER = "setInterval(() => {}, 1000)";
  const running = () =>
    until("the program runs", () => {
      const file = path.join(program, "started.json");
      // It is written as one piece.
      return fs.existsSync(file) && fs.statSync(file).size > 0 && (started().pid as number);
    });

  test("cancel ends the running program, and the host goes on", async () => {
    const outcome = run(FOREVER);
    const pid = await running();
    await ask("cancel", new Empty());
    expect(await outcome).toEqual({ error: "", bail: true });
    expect(isAlive(pid)).toBe(false);
    expect(await run("")).toEqual({ error: "", bail: false });
  });

  test.each([
    ["is told to end", () => host.kill("SIGTERM")],
    ["is interrupted", () => host.kill("SIGINT")],
    ["loses its engine", () => host.stdin!.destroy()],
  ])("takes its program with it when it %s", async (_what, end) => {
    run(FOREVER).catch(() => {});
    const pid = await running();
    const exit = new Promise((resolve) => host.on("exit", resolve));
    end();
    expect(await exit).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test("the launcher of dynamic providers says what is missing", async () => {
    const launcher = path.join(HOST, "pulumi-resource-pulumi-nodejs");
    await expect(promisify(execFile)(launcher, ["x"], { cwd: directory })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`run npm install there`),
    });
    const provider = spawn(launcher, ["127.0.0.1:1"], { cwd: ROOT });
    const port = await new Promise<string>((resolve) => createInterface(provider.stdout).once("line", resolve));
    provider.kill();
    expect(Number(port)).toBeGreaterThan(0);
  });
});

/** The id of a process that has ended. */
function deadPid(): number {
  return Number(execFileSync("/bin/sh", ["-c", "echo $$"], { encoding: "utf8" }));
}
