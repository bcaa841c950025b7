// Two names of connections that lead to one cluster: an image is the same by either of them.

import { makeCatalog, resolve } from "../../../../src";
import type { CephSettings } from "../../../../src/backends/ceph";
import { memoryCluster } from "./memory";

const mockCluster = memoryCluster();
jest.mock("../../../../components/backends/ceph/commands", () => ({
  ...jest.requireActual<object>("../../../../components/backends/ceph/commands"),
  commandCluster: () => mockCluster,
}));

const { volume: resolved } = resolve(makeCatalog({ profiles: { p: { ceph: { pool: "fast" } } } }), {
  ...{ name: "v@p", sizeGiB: 1, backend: "ceph" },
});
const settings = resolved?.settings as CephSettings;
const again = { ...settings, connection: "again" };

test("two declarations of one image by two names are refused", async () => {
  const { volume } = jest.requireActual<typeof import("../../../../components/backends/ceph/provider")>(
    "../../../../components/backends/ceph/provider",
  );
  const config: Record<string, string> = { "ceph:connections": JSON.stringify({ again: { configFile: __filename } }) };
  await volume.configure({ config: { get: (key: string) => config[key] } } as never);
  const asked = { name: "one", mark: "m", sizeGiB: 1 };
  const { id, outs } = await volume.create({ ...asked, settings, declaredAs: "one" });
  await volume.diff(id, outs as never, { ...asked, settings, declaredAs: "one" });
  const { failures } = await volume.check({}, { ...asked, settings: again, import: `fast/${id}`, declaredAs: "two" });
  expect(failures).toMatchObject([{ reason: expect.stringContaining('declared twice: "two" and "one"') }]);
});
