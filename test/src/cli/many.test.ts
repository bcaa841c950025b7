// The commands over many stacks, as far as no engine is needed: which stacks, one table, one JSON, one exit code.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { gravest } from "../../../src/cli/many";
import { run } from "../../../src/cli/run";

const home = mkdtempSync(join(tmpdir(), "sp-many-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const config = (text: string) => `config:\n  storage-profiles:backend: local\n${text}`;
const files = {
  "web/Pulumi.yaml": "name: web\nruntime: yaml\n",
  "web/Pulumi.prod-1.yaml": config("  storage-profiles:volumes: { data: { sizeGiB: 1 } }\n"),
  "web/Pulumi.dev.yaml": config("  storage-profiles:volumes: { data: { profile: glod, sizeGiB: 1 } }\n"),
  "deep/db/Pulumi.yaml": "name: db\nruntime: yaml\n",
  "deep/db/Pulumi.prod-1.yaml": config("  storage-profiles:catalog: ../../shared.yaml\n"),
  "deep/db/Pulumi.prod-2.yaml": config("  storage-profiles:catalog: ../../shared.yaml\n"),
  "node_modules/p/Pulumi.yaml": "name: p\nruntime: yaml\n",
  "node_modules/p/Pulumi.prod-9.yaml": config(""),
  "shared.yaml": "profiles:\n  fast: { local: { iop: 5 } }\n",
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(home, name)), { recursive: true });
  writeFileSync(join(home, name), text);
}

async function call(line: string, cwd = home) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(line.split(" "), {
    ...{ cwd, env: {}, isTerminal: false, columns: 120, pulumi: "no-such-pulumi" },
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    journalDirectory: join(home, "journal"),
  });
  return { code, out: out.join(""), err: err.join("") };
}
const json = async (line: string, cwd?: string) => JSON.parse((await call(`${line} --json`, cwd)).out);
const chosen = async (line: string, cwd?: string) =>
  (await json(line, cwd)).stacks.map(({ project, stack }: any) => `${project}/${stack}`);

test("--all means the projects below, or the one that the folder is in; patterns choose among their stacks", async () => {
  expect(await chosen("validate --all")).toEqual(["db/prod-1", "db/prod-2", "web/dev", "web/prod-1"]);
  expect(await chosen("validate --all", join(home, "web"))).toEqual(["web/dev", "web/prod-1"]);
  mkdirSync(join(home, "web/src"), { recursive: true });
  expect(await chosen("validate --all", join(home, "web/src"))).toEqual(["web/dev", "web/prod-1"]);
  expect(await chosen("validate --stack prod-*")).toEqual(["db/prod-1", "db/prod-2", "web/prod-1"]);
  expect(await chosen("validate -s web/* -s prod-2")).toEqual(["db/prod-2", "web/dev", "web/prod-1"]);
  // One stack by its name is as ever.
  expect((await json("validate --stack dev", join(home, "web"))).stacks[0]).not.toHaveProperty("exitCode");
});

test("one table, with progress and the problems of all; those of a shared file once", async () => {
  const { code, out, err } = await call("validate --all");
  expect(code).toBe(1);
  expect(err).toMatch(/^4 stacks in 2 projects\n\[1\/4\] \S+\n/);
  expect(out).toMatch(/^STACK +FILE +VOLUMES +RESULT\n/);
  expect(out).toMatch(/\nweb\/prod-1 +Pulumi\.prod-1\.yaml +1 +no problems\n/);
  expect(out).toContain("error web/dev: storage-profiles:volumes.data.profile: ");
  expect(out.match(/\nerror \.\.\/\.\.\/shared\.yaml:2: profiles\.fast\.local\.iop: /g)).toHaveLength(1);
});

test("a stack that fails doesn't stop the others, and is listed with its reason", async () => {
  const { code, out } = await call("status --all");
  expect(code).toBe(4);
  expect(out).toMatch(/\nweb\/prod-1 .*failed: .*no-such-pulumi/);
  // The same reason is told once, with the stacks that have it.
  expect(out).toContain("error db/prod-1, db/prod-2, web/dev, 1 more: pulumi: ");
  // Of those that can't be read the cost isn't none.
  expect((await call("cost --all")).out).toMatch(/ total without 4 stacks +none +none\n/);
  const { stacks } = await json("plan --all --parallel 2");
  // A plan knows of the config's volumes without the engine, and not what is to become of them.
  expect(stacks.map(({ exitCode, plans }: any) => [exitCode, plans?.map(({ name }: any) => name)])).toEqual([
    ["engine", []],
    ["engine", []],
    ["engine", ["data"]],
    ["engine", ["data"]],
  ]);
});

test.each([
  ["status --stack stage-*", 4, 'no stack matches "stage-*"'],
  ["status --stack prod-1 --stack prod-3", 4, 'unknown stack "prod-3"'],
  ["status data --all", 2, "volumes can't be named with several stacks"],
  ["status --all --stack dev", 2, "pass either --all or --stack"],
  ["status --all --parallel 0", 2, "--parallel must be a number from 1 to 99"],
  ["plan --all --size 5", 2, "--size requires exactly one volume"],
  ["apply --all --remove data --yes", 2, "--remove requires one stack"],
  ["apply --all", 2, "pass --yes"],
  ["plan --all --in stack", 2, "--in requires --profile"],
  ["apply --all --waves 1,100% --yes", 2, "--waves requires --profile"],
  ["apply --profile gold --set local.iops=5 --waves 1,100% --yes", 2, "--waves requires --all or --stack"],
  ["apply --all --profile gold --set local.iops=5 --waves 1,50% --yes", 2, "the last wave must be 100%"],
  ["apply --all --profile gold --set local.iops=5 --waves 100% --pause 5 --yes", 2, "--pause must be a time"],
  [
    "apply --all --profile gold --set local.iops=5 --waves 100% --confirm --yes",
    2,
    "pass --pause instead of --confirm",
  ],
  ["apply --all --profile gold --set local.iops=5 --waves 100% --refresh --yes", 2, "--refresh can't be combined with"],
  ["apply --all --pause 5m --yes", 2, "--pause and --confirm require --waves"],
  ["apply --resume 12345678 --waves 100% --yes", 2, "pass one of --waves and --resume"],
  ["apply --all --resume 12345678 --yes", 2, "--all can't be combined with --resume or --revert"],
  ["apply data --resume 12345678 --yes", 2, "volumes can't be named with --resume or --revert"],
  ["apply --set local.iops=5 --resume 12345678 --yes", 2, "--set can't be combined with --resume"],
  ["apply --unset local.iops --revert 12345678 --yes", 2, "--unset can't be combined with --resume"],
  ["apply --in stack --revert 12345678 --yes", 2, "--in can't be combined with --resume"],
  ["apply --resume ../../etc/x --yes", 1, 'unknown rollout "../../etc/x"'],
  // With a stack that can't be planned a rollout doesn't begin.
  [
    "apply --all --profile gold --set local.iops=5 --waves 1,100% --yes",
    4,
    "Nothing was changed: the rollout is refused",
  ],
])("%s is refused", async (line, code, text) => {
  const { code: got, out, err } = await call(line);
  expect([got, out + err]).toEqual([code, expect.stringContaining(text)]);
});

test("the volumes that an edit of a profile leaves out because of a pin are listed, and no others", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sp-pinned-"));
  const [volumes, fast] = [
    "{ a: { profile: fast, sizeGiB: 1 }, b: { profile: fast, sizeGiB: 1 } }",
    "{ local: { iops: 7 } }",
  ];
  const stack = config(
    `  storage-profiles:volumes: ${volumes}\n  storage-profiles:profiles: { fast: ${fast}, slow: ${fast} }\n`,
  );
  writeFileSync(join(directory, "Pulumi.yaml"), "name: web\nruntime: yaml\n");
  writeFileSync(join(directory, "Pulumi.one.yaml"), `${stack}  storage-profiles:pins: { a@fast: ${fast} }\n`);
  writeFileSync(join(directory, "Pulumi.two.yaml"), stack);
  try {
    const pinned = [{ name: "a", profile: "fast", pin: "a@fast" }];
    const leftOut = async (line: string) =>
      (await json(`plan --all${line}`, directory)).stacks.map((each: any) => each.leftOut ?? []);
    expect(await leftOut(" --profile fast --set local.iops=9")).toEqual([pinned, []]);
    expect(await leftOut(" --profile fast --set local.iops=7")).toEqual([[], []]);
    expect(await leftOut(" --profile slow --set local.iops=9")).toEqual([[], []]);
    expect(await leftOut("")).toEqual([[], []]);
    const { out } = await call("plan --all --profile fast --set local.iops=9", directory);
    expect(out).toMatch(/\none +a +fast +no change +left out, pinned by a@fast\n/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("nothing at all is a failure", async () => {
  const empty = mkdtempSync(join(tmpdir(), "sp-none-"));
  expect(await call("status --all", empty)).toMatchObject({
    code: 4,
    out: expect.stringContaining("no Pulumi.yaml in "),
  });
  rmSync(empty, { recursive: true });
});

test("the exit code is the gravest", () => {
  expect(gravest([])).toBe("done");
  expect(gravest(["done", "differs"])).toBe("differs");
  expect(gravest(["differs", "problems", "done"])).toBe("problems");
  expect(gravest(["problems", "busy", "engine"])).toBe("engine");
  expect(gravest(["engine", "interrupted"])).toBe("interrupted");
});

test("a broken project is listed with the others", async () => {
  mkdirSync(join(home, "broken"));
  writeFileSync(join(home, "broken/Pulumi.yaml"), "name: [\n");
  try {
    const { stacks, problems } = await json("validate --all");
    expect(stacks).toHaveLength(4);
    expect(problems).toMatchObject([{ code: "project-not-readable", path: expect.stringMatching(/^broken: /) }]);
  } finally {
    rmSync(join(home, "broken"), { recursive: true });
  }
});

test("a folder that can't be listed is told; one that has just gone isn't", async () => {
  const { readdir } = fs;
  const listing = jest.spyOn(fs, "readdir").mockImplementation(((path: string, options: object) => {
    const code = path.endsWith("deep") ? "EACCES" : path.endsWith("web") ? "ENOENT" : undefined;
    if (code !== undefined) return Promise.reject(Object.assign(new Error(`${code}: no`), { code }));
    return readdir(path, options);
  }) as typeof fs.readdir);
  try {
    const { code, out } = await call("validate --all");
    expect([code, out]).toEqual([4, expect.stringContaining("error deep: directory: can't be listed: EACCES: no")]);
    expect(out).not.toContain("ENOENT");
  } finally {
    listing.mockRestore();
  }
});

test("after Ctrl-C no further stack begins, and those left out are listed", async () => {
  const out: string[] = [];
  let interrupt = (): void => undefined;
  const code = await run(["validate", "--all", "--parallel", "1"], {
    ...{ cwd: home, env: {}, isTerminal: false, columns: 120, pulumi: "no-such-pulumi" },
    out: (text) => out.push(text),
    err: (text) => text.startsWith("[1/4]") && interrupt(),
    onInterrupt(interrupted) {
      interrupt = interrupted;
      return () => undefined;
    },
  });
  expect(code).toBe(130);
  expect(out.join("")).toMatch(/\ndb\/prod-2 +not started\n/);
  expect(out.join("").match(/not started/g)).toHaveLength(3);
});
