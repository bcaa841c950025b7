// The commands over one stack, on the real engine: from a config that lists volumes to their removal. Volumes are directories.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Project, VOLUMES_OF_STACK } from "../support/engine";

const project = new Project("cli-story", VOLUMES_OF_STACK);
const file = join(project.directory, "Pulumi.dev.yaml");
const places = join(project.volumes, "volumes/cli-story/dev");
const call = (line: string) => project.command("storage-profiles", line.split(" "));
/** Calls a command with `--json`: its exit code, and its answer. */
const json = async (line: string): Promise<Record<string, any>> => {
  const { code, text } = await call(`${line} --json`);
  return { code, ...(JSON.parse(text) as Record<string, any>) };
};
const statuses = async () => {
  const { code, volumes } = await json("status");
  const found = volumes.map(({ name, profile, status, verdict }: any) => `${name} ${profile} ${status} ${verdict}`);
  return { code, found };
};
const codes = ({ problems }: Record<string, any>) => problems.map(({ code }: any) => code);
const edit = (from: string, to: string) => writeFileSync(file, readFileSync(file, "utf8").replace(from, to));

beforeAll(async () => {
  await project.init();
  // Pulumi writes the file anew where its salt is missing.
  const salt = /^encryptionsalt:.*$/m.exec(readFileSync(file, "utf8"))?.[0] ?? "";
  const config = `${salt}
config:
  storage-profiles:backend: local
  storage-profiles:local: { stateDirectory: ${project.volumes}, mode: directory }
  storage-profiles:prices:
    local: { perGiB: 0.5, currency: EUR }
  storage-profiles:profiles:
    fast: { extends: gold, local: { iops: 9000 } } # for databases
  storage-profiles:volumes:
    data: { profile: fast, sizeGiB: 2 }
    scratch: { sizeGiB: 1, deletionProtection: false }
`;
  writeFileSync(file, config);
});
afterAll(() => project.dispose());

test("volumes that the config lists are checked, planned, created, found out of date, brought up to date, and removed", async () => {
  const [valid, fast, misspelt, plan, before, unsure] = await Promise.all([
    json("validate"),
    json("explain fast --size 4"),
    json("explain fats"),
    json("plan"),
    statuses(),
    call("apply"),
  ]);
  expect(valid).toMatchObject({ code: 0, stacks: [{ stack: "dev", problems: [], volumes: 2 }] });
  expect(fast).toMatchObject({
    code: 0,
    backends: {
      aws: { volume: { settings: { volumeType: "io1", iops: 120 } } },
      local: { volume: { settings: { iopsLimit: 9_000 } }, monthlyCost: { amount: 2, currency: "EUR" } },
    },
  });
  expect(misspelt).toMatchObject({
    code: 1,
    problems: [{ code: "profile-unknown", fix: expect.stringContaining("fast") }],
  });
  expect(plan).toMatchObject({
    code: 0,
    plans: [
      { name: "data", verdict: "create" },
      { name: "scratch", verdict: "create" },
    ],
  });
  expect(before).toEqual({ code: 3, found: ["data fast not-created create", "scratch default not-created create"] });
  // Nobody can confirm it here.
  expect(unsure.code).toBe(2);
  expect(existsSync(project.volumes)).toBe(false);

  expect(await json("apply --yes")).toMatchObject({ code: 0, operation: { state: "succeeded" } });
  const [created, cost] = await Promise.all([statuses(), json("cost")]);
  expect(created).toEqual({ code: 0, found: ["data fast compliant none", "scratch default compliant none"] });
  expect(cost).toMatchObject({
    code: 0,
    total: { now: { amounts: { EUR: 1.5 }, unknown: 0 } },
    profiles: [
      { profile: "fast", volumes: 1, now: { amounts: { EUR: 1 } } },
      { profile: "default", volumes: 1, now: { amounts: { EUR: 0.5 } } },
    ],
  });
  const precious = join(places, "data/data/precious");
  writeFileSync(precious, "data");

  // A profile that is edited by hand has its volume out of date until that is applied. The file stays as it was written.
  edit("iops: 9000", "iops: 4000");
  const edited = readFileSync(file, "utf8");
  expect(await statuses()).toEqual({
    code: 3,
    found: ["data fast out-of-date in-place", "scratch default compliant none"],
  });
  const applied = await call("apply --yes");
  expect([applied.code, applied.text]).toEqual([
    0,
    expect.stringMatching(
      /data \(fast\): update in place\n.*iopsLimit: 9,000 IOPS → 4,000 IOPS[^]*updated LocalVolume data/,
    ),
  ]);
  expect(readFileSync(file, "utf8")).toBe(edited);
  const record = JSON.parse(readFileSync(join(places, "data/volume.json"), "utf8"));
  expect(record).toMatchObject({ settings: { iopsLimit: 4_000 } });

  // What is refused changes nothing: all problems, their codes, exit code 1.
  const [smaller, removed, wrong, compliant] = await Promise.all([
    json("apply data --size 1 --yes"),
    json("apply --remove data --yes"),
    json("apply data@fats scratch@glod --yes"),
    statuses(),
  ]);
  expect([smaller.code, codes(smaller)]).toEqual([1, ["change-shrinks"]]);
  expect([removed.code, codes(removed)]).toEqual([1, ["volume-protected"]]);
  expect([wrong.code, codes(wrong)]).toEqual([1, ["profile-unknown", "profile-unknown"]]);
  expect(compliant.code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe(edited);

  // Another profile and a removal are written to the config, and applied together.
  const both = await json("apply data@silver --remove scratch --yes");
  expect(both).toMatchObject({ code: 0, changed: true, operation: { state: "succeeded" } });
  expect(await statuses()).toEqual({ code: 0, found: ["data silver compliant none"] });
  expect(readFileSync(file, "utf8")).toContain("iops: 4000 } } # for databases");
  expect(existsSync(join(places, "scratch"))).toBe(false);
  expect(readFileSync(precious, "utf8")).toBe("data");
});
