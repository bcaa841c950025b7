// Two names of connections that lead to one array: what is on it is the same by either of them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UNKNOWN } from "../../../../components/provider-checks";
import { startScaleioGateway, type ScaleioGateway } from "../../../../emulators";
import { removeVolumes, thin as settings } from "../../../support/scaleio-array";

let gateway: ScaleioGateway;
let directory: string;
let config: Record<string, string>;
let { mapping, volume } = {} as typeof import("../../../../components/backends/scaleio/provider");
/** What follows is of another run of the program: its provider knows nothing of the last one. */
async function nextRun(): Promise<void> {
  jest.resetModules();
  ({ mapping, volume } = jest.requireActual<typeof import("../../../../components/backends/scaleio/provider")>(
    "../../../../components/backends/scaleio/provider",
  ));
  await volume.configure({ config: { get: (key: string) => config[key] } } as never);
}
beforeEach(nextRun);
beforeAll(async () => {
  gateway = await startScaleioGateway();
  directory = mkdtempSync(join(tmpdir(), "sp-other-name-"));
  const caFile = join(directory, "ca.pem");
  writeFileSync(caFile, gateway.ca);
  const { url: endpoint, username, password } = gateway;
  const connection = { endpoint, username, password, caFile };
  config = {
    ...Object.fromEntries(Object.entries(connection).map(([key, value]) => [`scaleio:${key}`, value])),
    "scaleio:connections": JSON.stringify({ again: connection }),
  };
});
afterAll(async () => {
  await gateway.close();
  rmSync(directory, { recursive: true });
});
afterEach(() => removeVolumes(gateway));

const again = { ...settings, connection: "again" };
const make = (name: string) => volume.create({ name, sizeGiB: 8, settings, declaredAs: name });
const names = () => gateway.state().volumes.map(({ name }) => name);

test("a volume that is imported by another name isn't removed with its former declaration", async () => {
  const { id, outs } = await make("kept");
  await nextRun();
  const wanted = { name: "kept", sizeGiB: 8, settings: again, declaredAs: "heir" };
  // Capitals, as somebody may write the id.
  const { outs: taken } = await volume.create({ ...wanted, import: id.toUpperCase() });
  await volume.delete(id, outs as never);
  expect(names()).toEqual(["kept"]);
  await nextRun();
  await volume.delete(id, taken as never);
  expect(names()).toEqual([]);
});

test("two declarations of one volume by two names are refused", async () => {
  const { id, outs } = await make("one");
  await volume.diff(id, outs as never, { sizeGiB: 8, settings, declaredAs: "one" });
  const { failures } = await volume.check({}, { sizeGiB: 8, settings: again, import: id, declaredAs: "two" });
  expect(failures).toMatchObject([{ reason: expect.stringContaining('declared twice: "two" and "one"') }]);
});

test("a mapping stays on its host when its connection gets another name, and when another declaration takes it over", async () => {
  const [volumeId, second] = [(await make("mapped")).id, (await make("second")).id];
  const [sdc] = gateway.state().sdcs;
  const wanted = { volumeId, sdc: sdc?.name ?? "", sdcId: sdc?.id ?? "", accessMode: "ReadWrite" as const };
  const limits = { iopsLimit: 500, bandwidthLimitKBps: 0 };
  const { id, outs } = await mapping.create({ ...wanted, ...limits, declaredAs: "m" });
  const other = { ...wanted, ...limits, connection: "again", declaredAs: "m" };
  expect(await mapping.diff(id, outs as never, other)).toEqual({ changes: true, replaces: [] });
  const updated = await mapping.update(id, outs as never, other);
  expect(updated.outs).toMatchObject({ connection: "again", sdcId: sdc?.id });
  expect(await mapping.diff(id, updated.outs as never, other)).toEqual({ changes: false, replaces: [] });

  const first = await mapping.create({ ...wanted, ...limits, volumeId: second, declaredAs: "a" });
  await nextRun();
  await mapping.create({ ...other, volumeId: second, declaredAs: "b" });
  await mapping.delete(first.id, first.outs as never);
  const hosts = (id: string) => (gateway.array.volume(id)?.["mappedSdcInfo"] as unknown[] | null)?.length;
  expect([hosts(volumeId), hosts(second)]).toEqual([1, 1]);
});

test("settings that aren't known at preview aren't taken for another connection; known ones are", async () => {
  const { outs } = await volume.create({ name: "far", sizeGiB: 8, settings: again, declaredAs: "far" });
  const diff = (wanted: unknown) => volume.diff("far", outs as never, { sizeGiB: 8, settings: wanted as never });
  expect(await diff(UNKNOWN)).toMatchObject({ changes: true });
  await expect(diff(settings)).rejects.toThrow("can't be moved to the stack's own");
});

test("a volume that is read has its id as the array writes it", async () => {
  const { id } = await make("read");
  const read = await volume.read(id.toUpperCase(), { connection: "again" } as never);
  expect(read).toMatchObject({ id, props: { settings: { connection: "again" } } });
});
