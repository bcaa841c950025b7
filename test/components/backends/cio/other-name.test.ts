// Two names of connections that lead to one cluster: what is on it is the same by either of them.

import { startCioCluster, type CioClusterHandle } from "../../../../emulators";
import { makeCatalog, resolve } from "../../../../src";
import type { CioSettings } from "../../../../src/backends/cio";

let emulated: CioClusterHandle;
let { volume } = {} as typeof import("../../../../components/backends/cio/provider");
/** What follows is of another run of the program: its provider knows nothing of the last one. */
async function nextRun(): Promise<void> {
  jest.resetModules();
  ({ volume } = jest.requireActual<typeof import("../../../../components/backends/cio/provider")>(
    "../../../../components/backends/cio/provider",
  ));
  const config: Record<string, string> = {
    "cio:endpoint": emulated.url,
    "cio:connections": JSON.stringify({ again: { endpoint: emulated.url } }),
  };
  await volume.configure({ config: { get: (key: string) => config[key] } } as never);
}
beforeAll(async () => (emulated = await startCioCluster()));
beforeEach(nextRun);
afterAll(() => emulated.close());

const { volume: resolved } = resolve(makeCatalog({ profiles: { p: { cio: {} } } }), {
  ...{ name: "v@p", sizeGiB: 1, backend: "cio", placement: { version: 2 } },
});
const settings = resolved?.settings as CioSettings;
const again = { ...settings, connection: "again" };
const names = () => emulated.volumes.map(({ name }) => name);

test("a volume that is imported by another name isn't removed with its former declaration, also one of an older state", async () => {
  const { id, outs } = await volume.create({ name: "kept", sizeGiB: 1, settings, declaredAs: "kept" });
  await nextRun();
  const wanted = { name: "kept", sizeGiB: 1, settings: again, declaredAs: "heir" };
  const { outs: taken } = await volume.create({ ...wanted, import: id });
  const { clusterId: _none, ...old } = outs as { clusterId?: string };
  await volume.delete(id, old as never);
  expect(names()).toEqual(["kept"]);
  await volume.delete(id, outs as never);
  expect(names()).toEqual(["kept"]);
  await nextRun();
  await volume.delete(id, taken as never);
  expect(names()).toEqual([]);
});

test("two declarations of one volume by two names are refused", async () => {
  const { id, outs } = await volume.create({ name: "one", sizeGiB: 1, settings, declaredAs: "one" });
  await volume.diff(id, outs as never, { sizeGiB: 1, settings, declaredAs: "one" });
  const { failures } = await volume.check({}, { sizeGiB: 1, settings: again, import: id, declaredAs: "two" });
  expect(failures).toMatchObject([{ reason: expect.stringContaining('declared twice: "two" and "one"') }]);
});
