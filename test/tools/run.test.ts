// What `npm test` runs and reports: which file belongs to which lab, what is left out, and what makes a run fail.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { isAlone, isTooLate, labOf, labs } from "../../tools/test/labs.js";
import { failures, read, report, RESULTS, summarize } from "../../tools/test/results.js";
import { limitMs, slowness, until } from "../../tools/test/time.js";

const root = resolve(__dirname, "../..");
const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => `test/${file}`);

const file = (name: string, ...tests: [title: string, status: string][]) => ({
  name: join(root, name),
  startTime: 0,
  endTime: 25_000,
  status: tests.some(([, status]) => status === "failed") ? "failed" : "passed",
  message: "",
  assertionResults: tests.map(([title, status]) => ({ ancestorTitles: ["volumes (no loop devices)"], title, status })),
});

describe("labs", () => {
  test("every pattern of a lab matches a test file, and no file belongs to two labs", () => {
    for (const { files: patterns } of labs) {
      for (const pattern of patterns)
        expect([pattern, files.some((each) => new RegExp(pattern).test(each))]).toEqual([pattern, true]);
    }
    const owners = files.map(
      (each) => labs.filter(({ files: of }) => of.some((pattern) => new RegExp(pattern).test(each))).length,
    );
    expect(Math.max(...owners)).toBe(1);
  });

  test("end-to-end tests belong to a lab; unit tests and stories to the default tier", () => {
    expect(files.filter((each) => each.startsWith("test/e2e/") && labOf(each) === undefined)).toEqual([]);
    expect(files.filter((each) => /^test\/(src|stories|tools)\//.test(each) && labOf(each) !== undefined)).toEqual([]);
  });

  test("what measures has the machine to itself, and nothing else has", () => {
    const measures = (file: string) => /^import .*\/rate";$/m.test(readFileSync(join(root, file), "utf8"));
    const alone = files.filter(isAlone);
    expect(alone.filter((file) => !measures(file))).toEqual(["test/e2e/docker-vm-nodes.test.ts"]);
    expect(files.filter((file) => measures(file) && !isAlone(file))).toEqual([]);
  });

  test("a lab that would take the run past its time is left out, with the reason; the virtual machine's first", () => {
    const limited = labs.filter(({ endsBy }) => endsBy !== undefined);
    const names = ["openstack 80", "browser 80", "ceph 80", "sdks 80", "vm 75"];
    expect(limited.map(({ name, endsBy }) => `${name} ${endsBy}`)).toEqual(names);
    const vm = limited.at(-1);
    const minutes = vm?.minutes ?? NaN;
    expect(isTooLate(vm!, 75 - minutes, 1)).toBeUndefined();
    expect(isTooLate(vm!, 75.1 - minutes, 1)).toMatch(/^\d+ minutes have passed/);
    expect(isTooLate(vm!, 75 - 2 * minutes, 2)).toBeUndefined();
    expect(isTooLate(vm!, 75.1 - 2 * minutes, 2)).toMatch(/more than 75$/);
    expect(isTooLate({ ...vm!, minutes: undefined }, 1000, 20)).toBeUndefined();
  });
});

describe("the report", () => {
  const results = [
    summarize(file("test/a.test.ts", ["one", "passed"], ["two", "failed"]), root),
    summarize(file("test/b.test.ts", ["one", "pending"], ["two", "todo"]), root),
    summarize({ ...file("test/c.test.ts"), status: "failed", message: "left running: Server" }, root),
    summarize(file("test/d.test.ts", ["one", "passed"]), root),
  ];

  test("ends with how many passed, failed and were skipped; a file that broke counts as failed", () => {
    const text = report(results, { failed: ["lint"], leftOut: ["test/vm.test.ts: too late"], minutes: 7.25 });
    expect(text.split("\n").at(-1)).toBe("2 passed, 2 failed, 2 skipped");
    expect(text).toContain("test/b.test.ts: 2 tests: volumes (no loop devices)");
    expect(text).toContain("test/vm.test.ts: too late");
    expect(text).toMatch(/Failed:\n {2}lint\n {2}test\/a\.test\.ts\n {2}test\/c\.test\.ts\n/);
    expect(text).toContain("  25 s  test/d.test.ts");
  });

  test("skipped tests fail the run where their lab is required, and only there", () => {
    expect(failures(results, (each) => each === "test/b.test.ts")).toEqual([
      expect.stringMatching(/^test\/b\.test\.ts: /),
    ]);
    expect(failures(results, (each) => each !== "test/b.test.ts")).toEqual([]);
  });
});

describe("the command line", () => {
  const npmTest = (...args: string[]) =>
    spawnSync(process.execPath, ["tools/test/run.js", ...args], { cwd: root, encoding: "utf8" });

  test("an unknown lab is refused with the labs that exist", () => {
    const { status, stderr } = npmTest("--only", "aws,azure");
    expect(status).toBe(1);
    expect(stderr).toContain('unknown lab "azure"; choose from local, ');
  });

  test("--all takes no arguments for jest", () => {
    const { status, stderr } = npmTest("--all", "-t", "x");
    expect(status).toBe(1);
    expect(stderr).toContain("--all and --only take no arguments for jest: -t x");
  });

  test("--help lists every lab", () => {
    const { status, stdout } = npmTest("--help");
    expect(status).toBe(0);
    for (const { name } of labs) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });
});

describe("a test file that leaves something running", () => {
  const left = {
    "a server": ['require("node:net").createServer().listen(0)', /left running after the last test: Server/],
    "a child process": [
      'require("node:child_process").spawn("cat")',
      /left running after the last test: .*ChildProcess cat/,
    ],
    nothing: ["0", undefined],
    "its own output, a pipe": ['process.stdout.write("x"); process.stderr.write("x")', undefined],
  } as const;

  test.each(Object.entries(left))("%s", (_, [statement, message]) => {
    const directory = mkdtempSync(join(tmpdir(), "sp-left-"));
    try {
      // Two files, so that they run in workers, as most do.
      for (const name of ["x", "y"])
        writeFileSync(join(directory, `${name}.test.js`), `test("${name}", () => { ${statement}; });`);
      const config = JSON.stringify({
        rootDir: directory,
        testEnvironment: join(root, "tools/test/environment.js"),
        testEnvironmentOptions: { graceSeconds: 0.2 },
      });
      const args = [join(root, "node_modules/jest/bin/jest.js"), "--config", config, "--forceExit", "--maxWorkers=2"];
      args.push("--reporters", "default", "--reporters", join(root, "tools/test/reporter.js"));
      const env = { ...process.env, [RESULTS]: join(directory, "results") };
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: "utf8", env });
      expect(status).toBe(message ? 1 : 0);
      if (message) expect(stderr).toMatch(message);
      const reported = read(join(directory, "results"), directory).sort((a, b) => a.file.localeCompare(b.file));
      expect(reported).toMatchObject(
        ["x", "y"].map((name) => ({ file: `${name}.test.js`, passed: message ? expect.any(Number) : 1, failed: 0 })),
      );
      for (const { broken } of reported) expect(broken ?? "").toMatch(message ?? /^$/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe("what the labs' processes load first", () => {
  const preload = ["--require", join(root, "tools/test/lazy-sdk.js")];
  const node = (options: string[], script: string) =>
    spawnSync(process.execPath, [...options, "-e", script], { cwd: root, encoding: "utf8" }).stdout;

  test("has Pulumi's SDK load what it uses for TypeScript and closures when it uses it", () => {
    const isLoaded =
      'require("@pulumi/pulumi"); console.log(Object.keys(require.cache).some((file) => /node_modules.(typescript|ts-node|@npmcli)/.test(file)))';
    expect(node([], isLoaded)).toBe("true\n");
    expect(node(preload, isLoaded)).toBe("false\n");
    const isSerialized =
      'require("@pulumi/pulumi").runtime.serializeFunction(() => 42).then(({ text }) => console.log(text.includes("42")))';
    expect(node(preload, isSerialized)).toBe("true\n");
  });
});

describe("time", () => {
  test("limits scale with the measured slowness, and what was not measured counts as 1", () => {
    expect(slowness({ STORAGE_PROFILES_TEST_SLOWNESS: "2.5" })).toBe(2.5);
    for (const odd of [undefined, "", "x", "0.1", "-3", "Infinity"])
      expect(slowness({ STORAGE_PROFILES_TEST_SLOWNESS: odd })).toBe(1);
    expect(limitMs(2)).toBe(2000 * slowness());
  });

  test("a wait ends with the first answer, or with what it waited for", async () => {
    let looks = 0;
    expect(await until("three looks", () => ++looks === 3 && "done", { everyMs: 1 })).toBe("done");
    await expect(
      until(
        () => `${looks} looks`,
        () => false,
        { seconds: 0.01, everyMs: 1 },
      ),
    ).rejects.toThrow(/in vain: 3 looks/);
    await expect(until("a failure", () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  });
});
