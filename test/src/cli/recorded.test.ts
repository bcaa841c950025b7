// The commands against a stack that has volumes, with an engine that only prints what its state is.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { planText } from "../../../src/cli/commands/plan-text";
import { run } from "../../../src/cli/run";
import { coloursFor } from "../../../src/cli/text";
import { readConfigText } from "../../../src/stack/read-config";
import { resolve, type MonthlyCost } from "../../../src";
import type { VolumePlan } from "../../../src/stack";

const home = mkdtempSync(join(tmpdir(), "sp-recorded-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const project = join(home, "project");
mkdirSync(project);
writeFileSync(join(project, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
const file = join(project, "Pulumi.dev.yaml");
const pulumi = join(home, "pulumi");
const state = join(home, "state.json");
/** What somebody else does whenever the state is read. */
const meddling = join(home, "meddling");
// Knows one stack; everything but its export fails.
writeFileSync(
  pulumi,
  `#!/bin/sh
case "$*" in
  *"--stack dev "*) ;;
  *) echo "error: no stack named 'nope' found" >&2; exit 255 ;;
esac
case "$*" in
  "stack export"*) if [ -f ${meddling} ]; then sh ${meddling}; fi; cat ${state} ;;
  *) echo "error: out of luck" >&2; exit 255 ;;
esac
`,
  { mode: 0o755 },
);

const config = (text: string) => `config:\n  storage-profiles:backend: local\n${text}`;

/** Writes the stack's file, and a state in which the volumes of a config (of this one, unless another is given) are created. */
async function given(text: string, made = text): Promise<void> {
  writeFileSync(file, config(text));
  const read = await readConfigText(config(made), file, { directory: project, projectConfig: {}, env: {} });
  const resources = Object.entries(read.config.volumes ?? {}).flatMap(([name, volume]) => {
    const { volume: resolved } = resolve(read.catalog, read.requestFor(name, volume));
    if (!resolved) throw new Error(`${name} can't be created`);
    const { sizeGiB, settings } = resolved;
    const urn = `urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume::${name}`;
    const type = "pulumi-nodejs:dynamic/storage-profiles:LocalVolume";
    return [
      {
        urn,
        type: "storage-profiles:index:ProfiledVolume",
        inputs: resolved,
        outputs: { volumeId: name, sizeGiB, settings },
        protect: true,
      },
      {
        urn: urn.replace("::" + name, `$${type}::${name}`),
        type,
        id: name,
        parent: urn,
        outputs: { sizeGiB, settings },
        protect: true,
      },
    ];
  });
  writeFileSync(
    state,
    JSON.stringify({ version: 4, deployment: { manifest: { time: "2026-01-01T00:00:00Z" }, resources } }),
  );
}

/** What the user of a terminal answers to a question: an error is Ctrl-C. */
let answer: boolean | Error = false;
let questions = 0;
jest.mock("@inquirer/prompts", () => ({
  confirm: () => {
    questions++;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  },
}));

async function call(line: string, { isTerminal = false, columns = 200, env = {} } = {}) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(line.split(" ").filter(Boolean), {
    cwd: project,
    env: { ...process.env, COLUMNS: undefined, PULUMI_STACK: "dev", ...env },
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    isTerminal,
    columns,
    pulumi,
    journalDirectory: join(home, "journal"),
  });
  return { code, out: out.join(""), err: err.join("") };
}
const json = async (line: string) => JSON.parse((await call(`${line} --json`)).out);

describe("a mistake in the config", () => {
  test("of a profile is a problem of whatever has it, and nothing is written", async () => {
    const volumes =
      "  storage-profiles:volumes: { data: { profile: fast, sizeGiB: 1 }, other: { profile: gold, sizeGiB: 1 } }\n";
    const wrong = "  storage-profiles:profiles: { fast: { extends: gold, local: { iop: 500 } } }\n";
    await given(wrong + volumes, wrong.replace("iop:", "iops:") + volumes);
    for (const line of [
      "explain fast --size 1",
      "profiles",
      "profiles fast",
      "plan",
      "plan other@silver",
      "plan --profile fast --set local.iops=7",
      "status",
      "cost",
      "volumes",
      "apply --yes",
      "apply other@silver --yes",
      "validate",
    ]) {
      const { code, out, err } = await call(line);
      expect([line, code]).toEqual([line, 1]);
      expect(out + err).toContain("storage-profiles:profiles.fast.local.iop");
      if (!line.includes("other")) expect(out + err).not.toContain("10,000");
    }
    expect(readFileSync(file, "utf8")).toBe(config(wrong + volumes));
    const { volumes: statuses } = await json("status");
    expect(statuses.map(({ name, status }: any) => [name, status])).toEqual([
      ["data", "non-compliant"],
      ["other", "compliant"],
    ]);
    expect((await call("explain gold --size 1")).code).toBe(0);
  });

  test("of a volume's entry doesn't make it one that isn't there", async () => {
    const text = '  storage-profiles:volumes: { data: { sizeGiB: "2" }, more: { sizeGiB: 1 } }\n';
    await given(text, text.replace('"2"', "1"));
    const { volumes: statuses } = await json("status");
    expect(statuses).toMatchObject([
      { name: "more", status: "compliant" },
      { name: "data", status: "non-compliant", declaredBy: "config", verdict: "refused", volumeId: "data" },
    ]);
    for (const line of [
      "status",
      "plan",
      "volumes",
      "cost",
      "apply --yes",
      "apply data --yes",
      "apply data@gold --yes",
    ]) {
      const { code, out, err } = await call(line);
      expect([line, code]).toEqual([line, 1]);
      expect(out + err).toContain("storage-profiles:volumes.data.sizeGiB");
    }
    expect(readFileSync(file, "utf8")).toBe(config(text));
  });
});

test("a stack that there isn't is an error of its own, with the stacks that there are", async () => {
  await given("");
  const edits = ["plan --profile gold --set local.iops=1", "apply data@gold --size 1 --yes", "pin --profile gold"];
  const reads = ["validate", "profiles", "explain gold", "status", "plan", "cost", "volumes", "serve"];
  for (const line of [...reads, ...edits, "unpin data"]) {
    const { code, out, err } = await call(`${line} --stack nope`);
    expect([line, code, out]).toEqual([line, 4, ""]);
    expect(err).toContain("[stack-unknown]");
    expect(err).toContain("dev");
  }
  // A file would make it one that there is.
  expect(readdirSync(project)).not.toContain("Pulumi.nope.yaml");
  // `init` comes before `pulumi stack init`.
  expect((await call("init --stack nope --backend local --yes")).code).toBe(0);
  rmSync(join(project, "Pulumi.nope.yaml"));
});

describe("a reference that changes nothing in the file", () => {
  const gold =
    "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 }, more: { profile: silver, sizeGiB: 2 } }\n";

  test("is planned as the volume's name is", async () => {
    await given(gold, "  storage-profiles:volumes: { more: { profile: silver, sizeGiB: 1 } }\n");
    const plans = async (line: string) =>
      (await json(line)).plans.map(({ name, verdict }: any) => `${name}: ${verdict}`);
    expect(await plans("plan data")).toEqual(["data: create"]);
    expect(await plans("plan data@gold")).toEqual(["data: create"]);
    expect(await plans("plan data@gold --size 1")).toEqual(["data: create"]);
    expect(await plans("plan more@silver")).toEqual(["more: in-place"]);
    // Also beside one that changes something, as `apply` would.
    expect(await plans("plan data more@bronze")).toEqual(["data: create", "more: in-place"]);
    expect(await plans("plan data@bronze more")).toEqual(["data: create", "more: in-place"]);
    // The engine here fails: what was to be applied has been shown before.
    const { out, err } = await call("apply data@gold --yes");
    expect(out).toContain("data (gold): create\n  1 GiB, ");
    expect(out).toMatch(/iopsLimit: 10,000 IOPS/);
    expect(err).toContain("out of luck");
  });

  test("is refused as the volume's name is, and nothing is written", async () => {
    await given(gold, gold.replace("sizeGiB: 2", "sizeGiB: 4").replace("data:", "other:"));
    for (const line of ["plan more", "plan more@silver", "apply more --yes", "apply data@bronze more --yes"]) {
      const { code, out, err } = await call(line);
      expect([line, code]).toEqual([line, 1]);
      expect(out + err).toContain("[change-shrinks]");
    }
    expect(readFileSync(file, "utf8")).toBe(config(gold));
  });

  test("of a volume that there isn't is a problem", async () => {
    await given(gold);
    for (const line of ["plan dta", "apply dta --yes"]) {
      expect(await call(line)).toMatchObject({ code: 1, err: expect.stringContaining("[volume-unknown]") });
    }
  });
});

test("an apply that failed says that the file stays edited, and the way back", async () => {
  const volumes = "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n";
  await given(volumes);
  const { code, out, err } = await call("apply data@silver --yes");
  // The engine here fails at everything but the export.
  expect([code, err]).toEqual([4, expect.stringContaining("[engine-failed]")]);
  expect(readFileSync(file, "utf8")).toContain("profile: silver");
  expect(out).toContain("Pulumi.dev.yaml keeps the edit. To finish it, run: storage-profiles apply data\n");
  expect(out).toMatch(/To undo it,.*\n +-.*profile: silver.*\n +\+.*profile: gold/s);
  // Without an edit there is nothing to undo.
  expect((await call("apply data --yes")).out).not.toContain("keeps the edit");
});

test("a plan shows what is rounded, and refuses an edit of a profile that no size could have", async () => {
  const volumes = "  storage-profiles:volumes: { data: { sizeGiB: 1 }, more: { sizeGiB: 1 } }\n";
  await given(volumes, volumes.replace(", more: { sizeGiB: 1 }", ""));
  expect((await call("plan data --size 0.5")).out).toContain("0.5 GiB rounded up to 1 GiB");
  expect((await call("plan more --size 0.5")).out).toContain("0.5 GiB rounded up to 1 GiB");
  for (const line of ["plan --profile silver --set aws.iops=5", "apply --profile silver --set aws.iops=5 --yes"]) {
    const { code, out, err } = await call(line);
    expect([line, code]).toEqual([line, 1]);
    expect(out + err).toContain("[iops-beyond-limit]");
  }
  // A part that others extend needn't be whole.
  expect((await call("plan --profile part --set aws.throughputMiBps=500")).code).toBe(0);
  expect((await call("plan --profile silver --set aws.iops=5000")).code).toBe(0);
});

test("an edit that no volume follows says so beside its difference", async () => {
  await given("  storage-profiles:volumes: { data: { sizeGiB: 1 } }\n");
  const { out } = await call("plan --profile glod --set local.iops=1");
  expect(out).toMatch(/^ {2}\+ +local: \{ iops: 1 \}\n\nNo volume changes\.\n$/m);
  expect((await call("plan")).out).toBe("No changes.\n");
});

test("what isn't created yet costs nothing, and isn't unknown", async () => {
  const prices = "  storage-profiles:prices: { local: { currency: USD, perGiB: 1, date: '2026-01-01' } }\n";
  const volumes = "  storage-profiles:volumes: { data: { sizeGiB: 1 }, more: { sizeGiB: 2 } }\n";
  await given(prices + volumes, prices + volumes.replace(", more: { sizeGiB: 2 }", ""));
  expect((await json("cost")).total).toEqual({
    now: { amounts: { USD: 1 }, unknown: 0 },
    declared: { amounts: { USD: 3 }, unknown: 0 },
  });
  expect((await call("plan data --size 3")).out).not.toContain("unknown");

  // What a failed run leaves: the component, and no volume.
  const left = JSON.parse(readFileSync(state, "utf8"));
  left.deployment.resources = left.deployment.resources.slice(0, 1);
  delete left.deployment.resources[0].outputs;
  writeFileSync(state, JSON.stringify(left));
  const { out } = await call("cost");
  expect(out).toMatch(/^data +default +not created yet +1\.00 USD$/m);
  expect(out).toMatch(/^total +none +3\.00 USD$/m);
});

test("what the cost of is unknown is told why, each reason once", async () => {
  const volumes = "  storage-profiles:volumes: { data: { sizeGiB: 1 }, more: { sizeGiB: 2 } }\n";
  await given(volumes, volumes.replace(", more: { sizeGiB: 2 }", ""));
  expect((await call("cost")).out).toMatch(
    /total +unknown +unknown\n\nNo price list: This machine\. Set a price per GiB: storage-profiles:prices\.local\.perGiB\n$/,
  );
  writeFileSync(file, "config:\n  storage-profiles:backend: aws\n" + volumes);
  expect((await call("cost")).out).toMatch(/\n\nmonthly cost unknown: the region isn't known; .*\n$/);
  // The volume's own zone has no prices, although the stack's has.
  const own = volumes.replace("sizeGiB: 2", "sizeGiB: 2, aws: { availabilityZone: eu-west-1a }");
  writeFileSync(file, `config:\n  storage-profiles:backend: aws\n  aws:region: us-east-1\n${own}`);
  expect((await call("cost")).out).toMatch(
    /\n\nmonthly cost unknown: no prices for gp3 in eu-west-1; .*\.eu-west-1\n\nNo price list: This machine\..*\n$/,
  );
  const broken = "  storage-profiles:pricesFile: nope.yaml\n";
  writeFileSync(file, `config:\n  storage-profiles:backend: aws\n${broken}${volumes}`);
  expect((await call("cost")).out).not.toContain("prices.aws.perGiB");
});

describe("on a narrow terminal", () => {
  const volumes =
    "  storage-profiles:volumes: { orders-database-primary-replica: { profile: gold, sizeGiB: 1 }, data: { sizeGiB: 2 } }\n";
  // A word is longer than a line here only where it is a name, a path or a key; it breaks at its punctuation.
  const lines = [
    "status",
    "volumes",
    "cost",
    "plan",
    "plan --profile gold --set local.iops=5000",
    "profiles",
    "explain gold --size 100",
    "explain gold --size 20000",
  ];

  test.each([60, 80])("of %i columns tables fit, and words stay whole", async (columns) => {
    await given(volumes, volumes.replace("sizeGiB: 2", "sizeGiB: 1"));
    // This one is in capitals where the table is whole.
    const words = new Set<string>(["declared"]);
    for (const line of ["profiles", "explain gold --size 100", "status", "volumes"])
      for (const word of (await call(line, { columns: 400 })).out.match(/[A-Za-z]{3,}/g) ?? []) words.add(word);
    for (const line of lines) {
      const { out } = await call(line, { isTerminal: true, columns, env: { NO_COLOR: "1" } });
      // Prose and the diff of a file are the terminal's to wrap.
      const table = out.split("\n").filter((each) => /\S {2,}\S/.test(each) && !/^ {2}[+-]/.test(each));
      if (line !== "plan" && !line.startsWith("plan --profile")) expect([line, table.length > 1]).toEqual([line, true]);
      expect([line, table.filter((each) => each.length > columns)]).toEqual([line, []]);
    }
    for (const line of ["profiles", "explain gold --size 100", "status", "volumes"]) {
      const { out } = await call(line, { isTerminal: true, columns, env: { NO_COLOR: "1" } });
      const broken = (out.match(/[A-Za-z]{3,}/g) ?? []).filter((each) => !words.has(each));
      expect([line, broken]).toEqual([line, []]);
    }
  });

  test("a volume's path or id stands whole below its row where the table doesn't fit", async () => {
    await given(volumes, volumes.replace(", data: { sizeGiB: 2 }", ""));
    const { out } = await call("volumes", { isTerminal: true, columns: 60, env: { NO_COLOR: "1" } });
    expect(out.split("\n").slice(0, 3)).toEqual([
      expect.stringMatching(/^VOLUME +PROFILE +BACKEND +SIZE +STATUS$/),
      expect.stringMatching(/^orders-database-?\S* +gold +local +1 GiB +compliant$/),
      expect.stringMatching(/^ {2}primary-replica$|^ {2}replica$/),
    ]);
    expect(out).toContain("\n  orders-database-primary-replica (monthly cost unknown, declared in the config)\ndata ");
    expect(out).toContain("\n  not created yet (monthly cost unknown, declared in the config)\n");
  });

  test("COLUMNS says how wide tables in a pipe are", async () => {
    await given(volumes, volumes.replace("sizeGiB: 2", "sizeGiB: 1"));
    const widest = (out: string) => Math.max(...out.split("\n").map((each) => each.length));
    expect(widest((await call("volumes")).out)).toBeGreaterThan(80);
    expect(widest((await call("volumes", { env: { COLUMNS: "80" }, columns: 80 })).out)).toBeLessThanOrEqual(80);
  });
});

test("a plan's total leaves out what isn't known before or after, and says so", () => {
  const cost = (amount: number) => ({ amount, currency: "USD" }) as MonthlyCost;
  const plan = (name: string, verdict: VolumePlan["verdict"], before?: number, after?: number): VolumePlan => ({
    ...{ name, verdict, declaredBy: "config", problems: [], notes: [] },
    ...(before !== undefined && { costBefore: cost(before) }),
    ...(after !== undefined && { costAfter: cost(after) }),
  });
  const total = (...touched: VolumePlan[]) =>
    planText({ touched, problems: [], diff: "", changed: false, tag: "" }, coloursFor(false, {}, false))
      .split("\n")
      .find((line) => line.startsWith("total"));
  const known = [plan("a", "in-place", 5, 6), plan("b", "create", undefined, 2), plan("c", "delete", 1)];
  expect(total(...known)).toBe("total: 6.00 USD → 8.00 USD per month");
  expect(total(...known, plan("d", "in-place", 10), plan("e", "in-place", undefined, 10))).toBe(
    "total: 6.00 USD → 8.00 USD per month (cost of 2 volumes unknown)",
  );
});

test("a value of --set that isn't YAML is a wrong call, and a number that is none is a problem: nothing of it is written", async () => {
  await given("");
  for (const value of ['{"max":5', "[1", '"5', "*x", "'", "{max:5}}"]) {
    for (const command of ["plan", "apply --yes"]) {
      const { code, out, err } = await call(`${command} --profile fast --set local.iops=${value}`);
      expect([value, code, out, err]).toEqual([
        value,
        2,
        "",
        expect.stringContaining(`--set local.iops=${value}: not valid`),
      ]);
    }
  }
  for (const value of [".nan", ".inf", "-.Inf"]) {
    const { code, out, err } = await call(`apply --yes --profile fast --set local.iops=${value}`);
    expect([value, code, out + err]).toEqual([value, 1, expect.stringContaining("a number that isn't finite")]);
  }
  expect(readFileSync(file, "utf8")).toBe(config(""));
  expect((await call('plan --profile fast --set local.iops={"max":5}')).out).toContain("iops: { max: 5 }");
});

test("--unset removes only what the profile itself sets, and --set with nothing behind it is a wrong call", async () => {
  const text = "  storage-profiles:profiles: { fast: { extends: gold, local: { iops: 5 } } }\n";
  await given(text);
  const refused = (line: string) => json(line).then(({ problems }) => problems.map(({ code }: any) => code));
  // Inherited, it would stay, and the file would have a section with nothing in it.
  expect(await refused("apply --profile gold --unset local.iops --yes")).toEqual(["setting-not-own"]);
  expect(await refused("apply --profile fats --unset local.iops --yes")).toEqual(["profile-unknown"]);
  // As `--set local.iops=$VARIABLE` comes without the variable: the volumes would have no limit.
  const { code, err } = await call("apply --profile fast --set local.iops= --yes");
  expect([code, err]).toEqual([2, expect.stringContaining("local.iops=null")]);
  for (const line of ["--unset local.iops.max", "--unset aws.iops", "--unset description.x"])
    expect(await call(`apply --profile fast ${line} --yes`)).toMatchObject({
      code: 0,
      out: "No changes.\ndone: no changes\n",
    });
  expect(readFileSync(file, "utf8")).toBe(config(text));
  expect((await call("apply --profile fast --unset local.iops --yes")).out).toMatch(
    /local: \{\}[^]*done: config updated, no volume changes\n$/,
  );
  expect((await call("apply --profile fast --set local.iops=null --yes")).out).toContain("iops: null");
});

test("an apply that isn't confirmed changes nothing: No is an answer, Ctrl-C an interruption", async () => {
  const volumes = "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n";
  await given(volumes);
  for (const [given, code, said] of [
    [false, 0, "Nothing was changed."],
    [Object.assign(new Error("closed"), { name: "ExitPromptError" }), 130, ""],
  ] as const) {
    answer = given;
    const { code: found, out, err } = await call("apply data@silver", { isTerminal: true });
    expect([found, out, err]).toEqual([code, expect.stringContaining(said), ""]);
    expect(out).toContain("250 MiB/s, in place");
    expect(readFileSync(file, "utf8")).toBe(config(volumes));
  }
  // Yes: the engine here fails, and has been asked.
  answer = true;
  expect(await call("apply data@silver", { isTerminal: true })).toMatchObject({
    code: 4,
    err: expect.stringContaining("out of luck"),
  });
});

describe("an apply whose config somebody changes meanwhile", () => {
  const volumes = "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n";
  /** At this reading of the state somebody writes to the config: at the second while it is planned, at the third before it is written. */
  const meddle = (at: number, line: string) => {
    writeFileSync(join(home, "readings"), "");
    const count = `echo >> ${home}/readings; [ $(wc -l < ${home}/readings) = ${at} ]`;
    writeFileSync(meddling, `if ${count}; then echo '${line}' >> ${file}; fi\n`);
  };
  afterEach(() => rmSync(meddling, { force: true }));

  test.each([2, 3])("is planned anew, and keeps both (reading %i)", async (at) => {
    await given(volumes);
    meddle(at, "# by hand");
    const { code, err } = await call("apply data@silver --yes");
    // The engine here fails, and has been asked.
    expect([code, err]).toEqual([4, expect.stringContaining("out of luck")]);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# by hand");
    expect(text).toContain("profile: silver");
  });

  test("asks again only where the plan is another", async () => {
    answer = true;
    for (const [line, asked] of [
      ["# by hand", 1],
      ["  storage-profiles:profiles: { silver: { local: { iops: 7 } } }", 2],
    ] as const) {
      await given(volumes);
      meddle(3, line);
      questions = 0;
      const { code, out } = await call("apply data@silver", { isTerminal: true });
      expect([line, code, questions]).toEqual([line, 4, asked]);
      expect(out.includes("The config changed in the meantime. New plan:")).toBe(asked === 2);
    }
  });
});

test("what the program alone declares has no next up that the config would tell", async () => {
  await given("", "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n");
  const { deployment, ...others } = JSON.parse(readFileSync(state, "utf8"));
  const [component] = deployment.resources;
  writeFileSync(state, JSON.stringify({ ...others, deployment: { ...deployment, resources: [component] } }));
  const { code, out } = await call("status");
  expect([code, out]).toEqual([3, expect.stringContaining("next up: depends on the program (run pulumi preview)")]);
});

test("what environments set is unknown to the commands, and each says so", async () => {
  const volumes = "  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n";
  await given(volumes);
  for (const [line, code] of [
    ["status", 3],
    ["volumes", 0],
    ["cost", 0],
    ["plan data@silver", 0],
    ["explain gold --size 1", 0],
    ["validate", 0],
  ] as const) {
    writeFileSync(file, config(volumes));
    expect([line, (await call(line)).err]).toEqual([line, ""]);
    writeFileSync(file, `environment: [shop/dev]\n${config(volumes)}`);
    const { code: found, out, err } = await call(line);
    expect([line, found, out + err]).toEqual([
      line,
      code,
      expect.stringContaining("values from shop/dev (`environment`"),
    ]);
  }
  expect((await json("status")).volumes).toMatchObject([{ status: "unknown" }]);
});

test("explain fails where the stack's own backend refuses, whatever others can do", async () => {
  await given("");
  expect((await call("explain gold --size 20TiB")).code).toBe(1);
  expect((await call("explain gold --size 1TiB")).code).toBe(0);
});

test("every command names the file and the line of a mistake in Pulumi.yaml, and an edit of the stack's file may leave it there", async () => {
  await given("");
  const projectFile = join(project, "Pulumi.yaml");
  const before = readFileSync(projectFile, "utf8");
  const written = (config: string) => writeFileSync(projectFile, `${before}config:\n${config}`);
  try {
    written(`  storage-profiles:profiles:
    value:
      p:
        local:
          iop: 5
      q: { local: { iops: 100 } }
  storage-profiles:volumes:
    value:
      v: { profile: q, sizeGiB: 1 }
      w:
        profile: p
        sizeGiB: 1
      x:
        profile: nobody
        sizeGiB: 1
`);
    const lines = before.split("\n").length - 1;
    const mistake = `Pulumi.yaml:${lines + 6}: storage-profiles:profiles.p.local.iop: `;
    const told = async (line: string) => {
      const { out, err } = await call(line);
      return out + err;
    };
    const commands = [
      "validate",
      "status",
      "volumes",
      "cost",
      "profiles",
      "profiles p",
      "explain p",
      "plan",
      "apply --yes",
    ];
    for (const line of commands)
      expect([line, await told(line)]).toEqual([line, expect.stringContaining(`error ${mistake}`)]);
    expect((await json("status")).problems).toMatchObject([{ path: mistake.slice(0, -2) }]);
    // Each once, whether it is the config's or a volume's.
    const status = await told("status");
    const unknown = `Pulumi.yaml:${lines + 15}: storage-profiles:volumes.x.profile: `;
    for (const each of [mistake, unknown]) expect(status.split(`error ${each}`)).toHaveLength(2);
    // The stack's file then has all profiles of Pulumi.yaml: the mistake with them, which is no new one.
    const edited = await told("plan --profile q --set local.iops=200");
    expect(edited).toContain("v (q): create");
    expect(edited).toContain("error storage-profiles:profiles.p.local.iop: ");
    for (const [config, line, place] of [
      ["  storage-profiles:nothing: 1\n", 2, "nothing"],
      ["  storage-profiles:limits:\n    value: { local: { nothing: 1 } }\n", 3, "limits.local.nothing"],
      [`  storage-profiles:profiles: '{"p": {"local": {"iop": 5}}}'\n`, 2, "profiles.p.local.iop"],
    ] as const) {
      written(config);
      expect((await call("validate")).err).toContain(`Pulumi.yaml:${lines + line}: storage-profiles:${place}: `);
    }
    // What the stack's file says itself is the stack's.
    written("  storage-profiles:limits: { value: { local: { nothing: 1 } } }\n");
    await given("  storage-profiles:limits: { local: { nothing: 2 } }\n", "");
    expect(await told("status")).toContain("error storage-profiles:limits.local.nothing: ");
  } finally {
    writeFileSync(projectFile, before);
  }
});
