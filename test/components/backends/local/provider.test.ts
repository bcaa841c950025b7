// What the engine asks of a local volume: where its state directory is another one, and where another owner takes it over. In mode
// "directory", by everybody.
import * as fs from "node:fs";
import * as path from "node:path";

import {
  claimStateDirectory,
  identifyStateDirectory,
  stateDirectoryId,
} from "../../../../components/backends/local/paths";
import { provider } from "../../../../components/backends/local/provider";
import { acknowledgeVolume, createVolume } from "../../../../components/backends/local/lifecycle";
import { UNKNOWN } from "../../../../components/provider-checks";
import * as support from "./support";
import { directory, request } from "./support";

type Inputs = Parameters<typeof provider.create>[0];
type Outputs = Parameters<typeof provider.read>[1];

const space = support.workspace();
let state: string;
beforeEach(() => ({ state } = space));

const urn = (stack: string, name: string) => `urn:pulumi:${stack}::shop::volume::${name}`;
const ask = (name: string, change: Partial<Inputs> = {}): Inputs => ({
  ...request(state, name, { settings: directory }),
  owner: urn("dev", name),
  ...change,
});
async function make(name: string, change: Partial<Inputs> = {}): Promise<{ id: string; outs: Outputs }> {
  const { id, outs } = await provider.create(ask(name, change));
  await acknowledgeVolume(id, outs!.uid);
  return { id, outs: outs! };
}
const marker = () => path.join(state, ".storage-profiles");
/** As an older version has made it: nothing knows an id. */
const withoutId = () => fs.writeFileSync(marker(), fs.readFileSync(marker(), "utf8").replace(/^id:.*\n/m, ""));

it("the state has each input under its own name, and one that older versions wrote plans no change", async () => {
  const { sizeGiB, settings, ...identity } = ask("v");
  const sent = { identity, sizeGiB, settings };
  const { inputs, failures } = await provider.check({}, sent);
  expect({ inputs, failures }).toEqual({ inputs: ask("v"), failures: [] });
  // As older versions sent them.
  expect(await provider.check({}, ask("v"))).toEqual({ inputs, failures });

  // As the engine recorded it before there was an `identity`.
  const recorded = { ...ask("bee", { physicalName: "bee" }), __provider: "exports.handler = () => undefined;" };
  const { id, outs } = await make("bee", { physicalName: "bee" });
  const { __provider } = recorded;
  const renamed = { ...identity, name: "bee", physicalName: "bee", owner: recorded.owner, stack: "prod", import: id };
  const again = await provider.check(recorded, { identity: renamed, sizeGiB, settings, __provider } as typeof sent);
  expect(again).toEqual({ inputs: recorded, failures: [] });
  expect(await provider.diff(id, outs, again.inputs!)).toMatchObject({ changes: false });
  expect(await provider.check(recorded, { ...sent, identity: { ...renamed, physicalName: "other" } })).toMatchObject({
    failures: [{ property: "physicalName" }],
  });
});

it("what `ignoreChanges` or the program's transforms put beside `identity` takes precedence over it", async () => {
  const { sizeGiB, settings, ...identity } = ask("v");
  const moved = { identity, sizeGiB, settings, stateDirectory: `${state}-elsewhere` };
  expect((await provider.check({}, moved)).inputs).toMatchObject({ stateDirectory: `${state}-elsewhere` });
  // `ignoreChanges: ["owner"]`: the engine sets what the state has.
  const renamed = { ...identity, owner: urn("dev", "renamed") };
  const { inputs } = await provider.check(ask("v"), { identity: renamed, owner: identity.owner, sizeGiB, settings });
  expect(inputs).toEqual(ask("v"));
});

it("a place that isn't known at preview isn't looked at", async () => {
  const { stateDirectory: _, sizeGiB, settings, ...identity } = ask("v");
  const sent = { identity, sizeGiB, settings, stateDirectory: UNKNOWN };
  expect(await provider.check({}, sent as never)).toMatchObject({ failures: [] });
});

it("a state directory that another process claims at the same moment keeps the id that it got", async () => {
  const write = fs.promises.writeFile;
  let id: string | undefined;
  const delayed = jest.spyOn(fs.promises, "writeFile").mockImplementationOnce(async (...args) => {
    delayed.mockRestore();
    await claimStateDirectory(state);
    id = await stateDirectoryId(state);
    return write(...args);
  });
  await claimStateDirectory(state);
  expect(id).toBeDefined();
  expect(await stateDirectoryId(state)).toBe(id);
});

describe("a volume on a disk that isn't mounted", () => {
  /** The disk goes, and another stack begins to use the empty mount point. */
  const exchange = async (isUsed: boolean) => {
    fs.renameSync(state, `${state}-away`);
    fs.mkdirSync(state);
    if (isUsed) await createVolume({ ...request(state, "theirs", { settings: directory }), stack: "other" });
  };

  it.each([
    ["empty", false, "not-found"],
    ["used by another stack meanwhile", true, "another-state-directory"],
  ])("isn't gone where the mount point is %s", async (_what, isUsed, code) => {
    const { id, outs } = await make("v");
    const data = support.writeData(outs);
    await exchange(isUsed);
    for (const operation of [
      () => provider.read(id, outs),
      () => provider.diff(id, outs, ask("v")),
      () => provider.delete(id, outs),
    ]) {
      const refusal = { code, message: expect.stringMatching(/Mount its disk.*pulumi state delete/s) };
      expect(await support.failure(operation())).toMatchObject(refusal);
    }
    fs.rmSync(state, { recursive: true });
    fs.renameSync(`${state}-away`, state);
    const found = await provider.read(id, outs);
    expect(found).toMatchObject({ id, props: { uid: outs.uid, problems: [] } });
    // The engine can't be sent `undefined`: it fails with "Unexpected struct type".
    for (const sent of [outs, found.props!, found.inputs!]) expect(Object.values(sent)).not.toContain(undefined);
    expect(support.readData(outs)).toBe(data);
  });

  it("isn't gone either where an older version made it; its next reading notes the directory", async () => {
    const { id, outs } = await make("v");
    const { stateDirectoryId: known, ...old } = outs;
    withoutId();
    const { props } = await provider.read(id, old);
    expect(props?.stateDirectoryId).toBe(await stateDirectoryId(state));
    expect(props?.stateDirectoryId).not.toBe(known);
    await exchange(true);
    for (const each of [old, props!]) {
      expect((await support.failure(provider.read(id, each))).code).toBe("another-state-directory");
      expect((await support.failure(provider.delete(id, each))).code).toBe("another-state-directory");
    }
  });

  it("isn't taken for another stack's volume of the same place", async () => {
    const { id, outs } = await make("v");
    await exchange(false);
    const other = await make("v");
    expect(other.id).toBe(id);
    expect((await support.failure(provider.read(id, outs))).code).toBe("another-state-directory");
    expect((await support.failure(provider.delete(id, outs))).code).toBe("another-volume");
  });
});

it("a volume that was removed by hand is gone, and deleted without a word", async () => {
  const { id, outs } = await make("v");
  fs.rmSync(id, { recursive: true });
  expect(await provider.read(id, outs)).toEqual({});
  expect(await provider.diff(id, outs, ask("v"))).toMatchObject({ changes: true });
  await provider.delete(id, outs);
});

it("volumes that were copied into another state directory are found there, which is noted", async () => {
  const { id, outs } = await make("v");
  fs.renameSync(state, `${state}-old`);
  await createVolume(request(state, "first", { settings: directory }));
  fs.cpSync(`${state}-old/volumes`, path.join(state, "volumes"), { recursive: true });
  const { props } = await provider.read(id, outs);
  expect(props?.stateDirectoryId).toBe(await stateDirectoryId(state));
  expect(props?.stateDirectoryId).not.toBe(outs.stateDirectoryId);
});

it("a state directory gets one id, whoever asks at the same time, and keeps it", async () => {
  await make("v");
  withoutId();
  const ids = await Promise.all(Array.from({ length: 8 }, () => identifyStateDirectory(state)));
  expect(new Set(ids)).toEqual(new Set([await stateDirectoryId(state)]));
  await make("w");
  expect(await stateDirectoryId(state)).toBe(ids[0]);
});

describe("a volume of another stack", () => {
  const taker = (id: string, change: Partial<Inputs> = {}) =>
    ask("mine", { stack: "other", owner: urn("other", "mine"), import: id, ...change });

  it("is taken over only from the owner that is named", async () => {
    const { id, outs } = await make("v");
    const refusal = expect.stringMatching(/belongs to urn:pulumi:dev::.*takeFrom: "urn:pulumi:dev::shop::volume::v"/);
    for (const inputs of [taker(id), taker(id, { takeFrom: urn("dev", "w") })]) {
      expect(await provider.check({}, inputs)).toMatchObject({ failures: [{ property: "import", reason: refusal }] });
      expect(await support.failure(provider.create(inputs))).toMatchObject({ code: "other-owner", message: refusal });
    }
    expect(await provider.read(id, outs)).toMatchObject({ props: { problems: [] }, inputs: { owner: outs.owner } });
    const inputs = taker(id, { takeFrom: outs.owner, sizeGiB: 2 });
    expect(await provider.check({}, inputs)).toMatchObject({ failures: [] });
    expect(await provider.create(inputs)).toMatchObject({ id, outs: { owner: urn("other", "mine"), sizeGiB: 2 } });
    // Whose it is by then needs no name: a state that was lost.
    expect((await provider.check({}, taker(id, { sizeGiB: 2 }))).failures).toEqual([]);
  });

  it("is one state's alone where both call their volumes the same, as in two clones", async () => {
    const { id, outs } = await make("v");
    const data = support.writeData(outs);
    const taken = (await provider.create(ask("v", { import: id, sizeGiB: 2 }))).outs!;
    const operations = (of: Outputs) => [
      () => provider.diff(id, of, ask("v")),
      () => provider.update(id, of, ask("v", { sizeGiB: 3 })),
      () => provider.delete(id, of),
    ];
    const { props } = await provider.read(id, outs);
    expect(props).toMatchObject({ takenBy: outs.owner, sizeGiB: 1 });
    expect(props?.problems[0]).toContain("in another Pulumi state, which imported it");
    for (const operation of [...operations(outs), ...operations(props!)]) {
      expect(await support.failure(operation())).toMatchObject({
        code: "other-owner",
        message: expect.stringContaining("another Pulumi state"),
      });
    }
    // By an import it comes back, and is the other state's no more.
    const back = (await provider.create(ask("v", { import: id, sizeGiB: 2 }))).outs!;
    for (const operation of operations(taken)) expect((await support.failure(operation())).code).toBe("other-owner");
    expect((await provider.read(id, back)).props?.takenBy).toBeUndefined();
    await provider.update(id, back, ask("v", { sizeGiB: 3 }));
    expect(support.readData(outs)).toBe(data);
    await provider.delete(id, back);
  });

  it("is told to its former owner as taken over, whatever became of it", async () => {
    const { id, outs } = await make("v");
    const settings = { ...directory, iopsLimit: 7 };
    await provider.create(taker(id, { takeFrom: outs.owner, sizeGiB: 2, settings }));
    const { props } = await provider.read(id, outs);
    expect(props).toMatchObject({ takenBy: urn("other", "mine"), sizeGiB: 1, settings: directory });
    expect(props?.problems[0]).toContain(`is now owned by ${urn("other", "mine")}`);
    for (const operation of [() => provider.diff(id, props!, ask("v")), () => provider.diff(id, outs, ask("v"))]) {
      expect(await support.failure(operation())).toMatchObject({
        code: "other-owner",
        message: expect.stringContaining("is now owned by urn:pulumi:other::"),
      });
    }
    expect((await support.failure(provider.delete(id, props!))).code).toBe("other-owner");
    // Taken back, it is its first owner's again.
    const back = await provider.create(ask("v", { import: id, takeFrom: urn("other", "mine"), sizeGiB: 2 }));
    expect((await provider.read(id, back.outs!)).props?.takenBy).toBeUndefined();
  });
});
