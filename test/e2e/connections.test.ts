// Several arrays and clusters in one stack: named connections, through the real engine. Each volume is on its own, and stays there.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { startCioCluster, type CioClusterHandle, type ScaleioGateway } from "../../emulators";
import { Project, succeeded } from "../support/engine";
import { emptyGateway, onArray } from "../support/scaleio";

const project = new Project("connections", "");
const passwords = { own: "the-password-of-own", west: "the-password-of-west" };
let gateways: Record<"own" | "west", ScaleioGateway>;
let clusters: Record<"own" | "west", CioClusterHandle>;

beforeAll(async () => {
  const [own, west] = await Promise.all([
    emptyGateway({ password: passwords.own }),
    emptyGateway({ password: passwords.west }),
  ]);
  gateways = { own, west };
  const [cio, other] = await Promise.all([startCioCluster({ version: 2015 }), startCioCluster({ version: 2015 })]);
  clusters = { own: cio, west: other };
  await project.init();
  for (const name of ["own", "west"] as const) writeFileSync(join(project.directory, `${name}.pem`), gateways[name].ca);
});
afterAll(async () => {
  await project.dispose();
  await Promise.all([...Object.values(gateways), ...Object.values(clusters)].map((each) => each.close()));
});

async function connect(scaleio: object = {}): Promise<void> {
  const { own, west } = gateways;
  project.config(
    {
      backend: "scaleio",
      deletionProtection: false,
      scaleio: { protectionDomain: "domain1", storagePool: "pool1", ...scaleio },
      cio: { version: 2015 },
    },
    {
      ...{ "scaleio:endpoint": own.url, "scaleio:username": own.username, "scaleio:caFile": "own.pem" },
      "scaleio:connections": { west: { endpoint: west.url, username: west.username, caFile: "west.pem" } },
      ...{ "cio:endpoint": clusters.own.url, "cio:cliPath": clusters.own.cliPath },
      "cio:connections": { west: { endpoint: clusters.west.url, cliPath: clusters.west.cliPath } },
    },
  );
  await project.secret("scaleio:password", passwords.own);
  succeeded(
    await project.run(["config", "set", "--secret", "--path", "scaleio:connections.west.password", passwords.west]),
  );
}

const PROGRAM = `
  const { VolumeAttachment } = require("storage-profiles");
  const scaleio = { connection: "west" };
  const near = new ProfiledVolume("near@gold", { sizeGiB: 8 });
  const far = new ProfiledVolume("far@gold", { sizeGiB: 16, scaleio });
  new VolumeAttachment("near-on-node1", { volume: near, host: "node1" });
  new VolumeAttachment("far-on-node1", { volume: far, host: "node1" });
  const volume = { backend: "scaleio", volumeId: far.volumeId, connection: "west", settings: { iopsLimit: 500 } };
  new VolumeAttachment("far-on-node2", { volume, host: "node2" });
  exports.far = far.volumeId;
  for (const [name, cio] of [["a", {}], ["b", { connection: "west" }]])
    new ProfiledVolume(name + "@gold", { sizeGiB: 20, backend: "cio", cio });
`;

test("each volume is on what its connection leads to, is mapped there, and can't be moved by another name", async () => {
  await connect();
  project.program(PROGRAM);
  succeeded(await project.run(["preview"]));
  await project.up();
  const there = () => ({
    own: [onArray(gateways.own), clusters.own.volumes.map(({ name }) => name.replace(/-[0-9a-z]{9}$/, ""))],
    west: [onArray(gateways.west), clusters.west.volumes.map(({ name }) => name.replace(/-[0-9a-z]{9}$/, ""))],
  });
  const before = there();
  expect(before).toEqual({
    own: [
      [expect.objectContaining({ name: "connections-dev-near", mapped: ["node1 10000 IOPS 977 MB/s"] })],
      ["connections-dev-a"],
    ],
    west: [
      [
        expect.objectContaining({
          name: "connections-dev-far",
          mapped: ["node1 10000 IOPS 977 MB/s", "node2 500 IOPS 0 MB/s"],
        }),
      ],
      ["connections-dev-b"],
    ],
  });
  expect(await project.steps()).toEqual([]);
  succeeded(await project.run(["refresh", "--yes"]));
  expect(await project.steps()).toEqual([]);
  // Passwords are nowhere in the state, but for the config that Pulumi encrypts.
  const exported = succeeded(await project.run(["stack", "export"]));
  for (const password of Object.values(passwords)) expect(exported).not.toContain(password);

  // A change is one in place, on its own array.
  project.program(PROGRAM.replace("far@gold", "far@silver"));
  await project.up();
  expect(onArray(gateways.west)[0]?.mapped).toContain("node1 3000 IOPS 250 MB/s");
  expect(onArray(gateways.own)).toEqual(before.own[0]);
  project.program(PROGRAM);
  await project.up();

  // The same name on another connection would be another volume.
  const refused = async (program: string, messages: string[]) => {
    project.program(program);
    const ran = await project.run(["up", "--yes", "--skip-preview"]);
    for (const message of messages)
      expect([ran.code === 0, ran.text]).toEqual([false, expect.stringContaining(message)]);
    expect(there()).toEqual(before);
  };
  await refused(PROGRAM.replace("{ sizeGiB: 8 }", "{ sizeGiB: 8, scaleio }"), [
    '"connection" can\'t be set to "west"',
    "declare a new volume with the other one, copy the data",
  ]);
  await refused(PROGRAM.replace('["b", { connection: "west" }]', '["b", {}]'), [
    '"connection" can\'t be removed (it is "west")',
  ]);
  await refused(PROGRAM.replace("sizeGiB: 8 }", 'sizeGiB: 8, scaleio: { connection: "wst" } }'), [
    "scaleio.connection",
    'did you mean "west"?',
  ]);

  // Read and attached by its name in another program, as by the stack's default.
  await connect({ connection: "west" });
  project.program(PROGRAM.replace("{ sizeGiB: 8 }", "{ sizeGiB: 8, scaleio: { connection: undefined } }"));
  const moved = await project.run(["preview"]);
  expect([moved.code === 0, moved.text]).toEqual([
    false,
    expect.stringContaining('"connection" can\'t be set to "west"'),
  ]);
  await connect();
  const { far } = await project.outputs();
  project.program(`${PROGRAM}
    const read = ProfiledVolume.get("read", ${JSON.stringify(far)}, { connection: "west" });
    exports.read = read.settings;
    new VolumeAttachment("read-on-node3", { volume: read, host: "node3" });
  `);
  await project.up();
  expect((await project.outputs())["read"]).toMatchObject({ connection: "west", storagePool: "pool1" });
  expect(onArray(gateways.west)[0]?.mapped).toContain("node3 0 IOPS 0 MB/s");

  await project.destroy();
  expect(there()).toEqual({ own: [[], []], west: [[], []] });
});
