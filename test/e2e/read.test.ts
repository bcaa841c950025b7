// Volumes of one stack in another: read by their ids, attached by an output of the first, never changed or deleted; and tags on a backend that
// has them.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { startCioCluster, type CioClusterHandle, type ScaleioGateway } from "../../emulators";
import { Project, succeeded } from "../support/engine";
import { emptyGateway, onArray } from "../support/scaleio";

const PROGRAM = `
  const { VolumeAttachment, ReadVolume } = require("storage-profiles");
  if (pulumi.getStack() === "dev") {
    const tags = { team: "shop" };
    for (const backend of ["local", "scaleio", "cio"])
      exports[backend] = new ProfiledVolume("on-" + backend + "@gold", { sizeGiB: 16, backend, tags }).volumeId;
  } else {
    const dev = new pulumi.StackReference("organization/" + pulumi.getProject() + "/dev");
    for (const backend of ["local", "scaleio", "cio"]) {
      const read = ProfiledVolume.get("read-" + backend, dev.requireOutput(backend), { backend });
      const { volumeId, sizeGiB, settings, mountPath } = read;
      exports[backend] = { volumeId, sizeGiB, settings, mountPath, isRead: read instanceof ReadVolume };
      if (backend === "scaleio") new VolumeAttachment("of-read", { volume: read, host: "node1" });
    }
    const volume = { backend: "scaleio", volumeId: dev.requireOutput("scaleio"), settings: { iopsLimit: 500 } };
    exports.device = new VolumeAttachment("of-output", { volume, host: "node2" }).devicePath;
    exports.own = new ProfiledVolume("own", { sizeGiB: 1, backend: "local" }).volumeId;
  }
`;

let gateway: ScaleioGateway;
let cluster: CioClusterHandle;
const project = new Project("read", PROGRAM);

async function connect(stack: string, tags: object): Promise<void> {
  await project.init(stack);
  writeFileSync(join(project.directory, "ca.pem"), gateway.ca);
  const { url: endpoint, username, password } = gateway;
  project.config(
    {
      deletionProtection: false,
      tags,
      local: { mode: "directory" },
      scaleio: { protectionDomain: "domain1", storagePool: "pool1" },
      cio: { version: 2015 },
    },
    {
      ...{ "scaleio:endpoint": endpoint, "scaleio:username": username, "scaleio:caFile": "ca.pem" },
      ...{ "cio:endpoint": cluster.url, "cio:cliPath": cluster.cliPath },
    },
  );
  await project.secret("scaleio:password", password);
}

beforeAll(async () => {
  gateway = await emptyGateway();
  cluster = await startCioCluster({ version: 2015 });
});
afterAll(async () => {
  await project.dispose();
  await gateway.close();
  await cluster.close();
});

test("volumes of another stack are read and attached by its outputs, and stay as they are until that stack changes them", async () => {
  await connect("dev", { env: "test" });
  const first = await project.up();
  for (const backend of ["local", "scaleio"]) {
    expect(first).toContain(`tag team is ignored: volumes on ${backend} have no tags`);
    expect(first).toContain(`tag env is ignored: volumes on ${backend} have no tags`);
  }
  expect(cluster.volumes[0]?.labels).toEqual({ env: "test", team: "shop" });
  const ids = await project.outputs();
  const before = { array: onArray(gateway), cluster: JSON.stringify(cluster.volumes) };

  await connect("app", {});
  // A read is a step of every run, and changes nothing.
  const left = async () => (await project.steps()).filter(({ op }) => op !== "read");
  succeeded(await project.run(["preview"]));
  await project.up();
  const outputs = await project.outputs();
  expect(outputs).toMatchObject({
    local: { volumeId: ids["local"], sizeGiB: 16, settings: { mode: "directory", iopsLimit: 10_000 }, isRead: true },
    // An array keeps limits at the mappings to hosts.
    scaleio: {
      volumeId: ids["scaleio"],
      sizeGiB: 16,
      settings: { provisioning: "thin", ramCache: true, compression: "none", storagePool: "pool1" },
    },
    cio: { volumeId: ids["cio"], sizeGiB: 16, settings: { level: 5, labels: { env: "test", team: "shop" } } },
    device: expect.stringMatching(`^/dev/disk/by-id/emc-vol-.*-${String(ids["scaleio"])}$`),
  });
  expect(outputs["local"]).toMatchObject({ mountPath: expect.stringContaining("on-local") });
  expect(onArray(gateway)[0]?.mapped).toEqual(["node1 0 IOPS 0 MB/s", "node2 500 IOPS 0 MB/s"]);
  // Nothing of them is this stack's: neither to do, nor to report.
  expect(await left()).toEqual([]);
  const status = await project.command("storage-profiles", ["status", "--json"]);
  expect((JSON.parse(status.text) as { volumes: { name: string }[] }).volumes.map(({ name }) => name)).toEqual(["own"]);
  succeeded(await project.run(["refresh", "--yes"]));
  expect(await left()).toEqual([]);
  await project.destroy();
  expect({ array: onArray(gateway), cluster: JSON.stringify(cluster.volumes) }).toEqual(before);

  // Other tags are a change in place, of the volume on which they are kept alone.
  await connect("dev", { env: "prod" });
  const { steps, text } = await project.upSteps();
  expect(steps).toEqual([
    { op: "update", what: "CioVolume on-cio" },
    { op: "update", what: "ProfiledVolume on-cio" },
  ]);
  expect(text).toContain('labels: {"env":"test","team":"shop"} → {"env":"prod","team":"shop"}, in place');
  expect(cluster.volumes[0]?.labels).toEqual({ env: "prod", team: "shop" });

  // One that is gone is an error, not an empty volume.
  await connect("app", {});
  project.program('ProfiledVolume.get("lost", "0123456789abcdef", { backend: "scaleio" });');
  const lost = await project.run(["preview"]);
  expect([lost.code === 0, lost.text]).toEqual([false, expect.stringContaining("no volume with id 0123456789abcdef")]);
});
