// The Docker plugin, spoken to on its socket as dockerd does, in front of the real engine: no Docker needed, and no root.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Project, VOLUMES_OF_STACK } from "../support/engine";
import { callPlugin } from "../support/plugin";
import { RunningCommand } from "../support/running";

const project = new Project("docker-story", VOLUMES_OF_STACK);
// Not in the project's folder: the path of a socket can't be long.
const folder = mkdtempSync(join(tmpdir(), "sp-plugin-"));
const socket = join(folder, "plugin.sock");
let plugin: RunningCommand | undefined;
const start = async () => {
  plugin = await RunningCommand.start(
    project,
    ...["docker-plugin", "--stack", "dev", "--socket", socket, "--state-directory", join(folder, "state")],
  );
  await plugin.printed(/serving stack dev/);
};
const call = (name: string, body: object = {}) => callPlugin(socket, name, body);
const volume = (name: string, body: object = {}) => call(`VolumeDriver.${name}`, body);

beforeAll(async () => {
  project.config({ local: { mode: "directory" }, docker: { defaultSize: "2GiB" } });
  await project.init();
  await start();
});
afterAll(async () => {
  await plugin?.stop();
  await project.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("volumes are created by name and profile, mounted with their data before and after a crash of the plugin, and removed", async () => {
  expect(await call("Plugin.Activate")).toEqual({ Implements: ["VolumeDriver"] });
  expect(await volume("Capabilities")).toEqual({ Capabilities: { Scope: "local" } });
  expect((await volume("Get", { Name: "data@gold" })).Err).toContain("[volume-unknown]");

  const created = await Promise.all([
    volume("Create", { Name: "data@gold" }),
    volume("Create", { Name: "logs", Opts: { profile: "bronze", size: "1GiB" } }),
  ]);
  expect(created).toEqual([{}, {}]);
  const { Mountpoint } = await volume("Mount", { Name: "data@gold", ID: "container-1" });
  const precious = join(Mountpoint, "precious");
  writeFileSync(precious, "data");
  const seen = async () => ({
    path: await volume("Path", { Name: "data" }),
    data: await volume("Get", { Name: "data@gold" }),
    logs: await volume("Get", { Name: "logs" }),
    list: (await volume("List")).Volumes.map(({ Name }: any) => Name).sort(),
  });
  const before = await seen();
  expect(before).toEqual({
    path: { Mountpoint },
    data: {
      Volume: {
        Name: "data@gold",
        Mountpoint,
        Status: expect.objectContaining({ profile: "gold", size: "2GiB", backend: "local", status: "compliant" }),
      },
    },
    logs: {
      Volume: expect.objectContaining({ Status: expect.objectContaining({ profile: "bronze", size: "1GiB" }) }),
    },
    list: ["data@gold", "logs"],
  });

  // What is refused is refused at once, with what there is, and leaves nothing.
  const config = () => readFileSync(join(project.directory, "Pulumi.dev.yaml"), "utf8");
  const written = config();
  for (const [body, codes] of [
    [{ Name: "new@golf" }, /\[profile-unknown\]\n.*default, gold, silver, bronze\n.*fix: .*"gold"/],
    [{ Name: "new", Opts: { size: "20TiB" } }, /\[size-beyond-limit\]/],
    [{ Name: "data@silver" }, /\[volume-differs\]\n.*"data@gold"\n.*apply data@silver/],
  ] as const) {
    expect((await volume("Create", body)).Err).toMatch(codes);
  }
  expect(config()).toBe(written);

  await plugin?.stop("SIGKILL");
  // As systemd starts it again: a call that comes before it listens waits in the socket.
  plugin = await RunningCommand.startWithSocket(
    project,
    socket,
    ...["docker-plugin", "--stack", "dev", "--state-directory", join(folder, "state")],
  );
  expect(await seen()).toEqual(before);
  expect(await volume("Mount", { Name: "data", ID: "container-2" })).toEqual({ Mountpoint });
  expect(readFileSync(precious, "utf8")).toBe("data");

  for (const ID of ["container-1", "container-2"])
    expect(await volume("Unmount", { Name: "data@gold", ID })).toEqual({});
  // Docker knows it by two names: the last one takes the volume with it.
  for (const Name of ["data", "logs"]) expect(await volume("Remove", { Name })).toEqual({});
  expect(existsSync(precious)).toBe(true);
  expect(await volume("Remove", { Name: "data@gold" })).toEqual({});
  expect(await volume("List")).toEqual({ Volumes: [] });
  expect(existsSync(join(project.volumes, "volumes/docker-story"))).toBe(false);
  expect(config()).not.toContain("data");
  expect(await plugin.stop()).toBe(0);
  // The socket is systemd's: it stays.
  expect(existsSync(socket)).toBe(true);
  const lines = plugin.output.trim().split("\n");
  const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(logged).toContainEqual({
    level: 30,
    time: expect.any(Number),
    pid: expect.any(Number),
    hostname: expect.any(String),
    msg: "serving stack dev of project docker-story at the socket that systemd passed",
  });
  expect(logged).toContainEqual(
    expect.objectContaining({ level: 30, msg: expect.stringMatching(/^up succeeded after/) }),
  );
});
