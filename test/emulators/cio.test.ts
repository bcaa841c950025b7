// The emulated ContainerIO cluster: the requests that its clients are known to send, and the screens that its command is known to show.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { request } from "undici";

import { startCioCluster, type CioClusterHandle } from "../../emulators";

let cluster: CioClusterHandle;
beforeEach(async () => {
  cluster = await startCioCluster();
});
afterEach(() => cluster.close());

async function call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object) {
  const answer = await request(`${cluster.url}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, any> };
}

describe("over REST, as Portainer's module calls it", () => {
  test("a volume is read as a flat object, and changed by what changes, numbers as text", async () => {
    cluster.cio("volume", "create", "data", "-c", "20", "--iopsmin", "100", "--iopsmax", "1000");
    const { body } = await call("GET", "/volumes/data");
    expect(body).toMatchObject({
      ...{ vdisk: 1, name: "data", capacity: "20GB", redundancy: "2", driveType: "SSD", localDriveOnly: "no" },
      ...{ provisioning: "thin", minimumIOPS: 100, maximumIOPS: 1000, directory: "/cio/volumes", filesystem: "btrfs" },
      ...{ minimumBandwidth: 0, maximumBandwidth: 0, encryption: false, snapshot: false, labels: {} },
    });
    expect(body["uuid"]).toMatch(/^[0-9a-f]{8}$/);
    const opts = { node: "", nodeid: "", capacity: "25GB", iopsmin: "200", iopsmax: "2000" };
    expect((await call("POST", "/volumes/data", { name: "data", opts, labels: { a: "b" } })).status).toBe(200);
    const after = { ...body, capacity: "25GB", minimumIOPS: 200, maximumIOPS: 2000, labels: { a: "b" } };
    expect((await call("GET", "/volumes/1")).body).toEqual(after);
    expect(
      (await call("POST", "/volumes/data", { name: "data", opts: { capacity: 30, node: "v5" }, labels: {} })).status,
    ).toBe(200);
    expect((await call("GET", "/volumes/vd1")).body).toMatchObject({ capacity: "30GB", node: "v5", minimumIOPS: 200 });
    expect((await call("DELETE", "/volumes/1")).status).toBe(200);
    expect((await call("GET", "/volumes")).body).toEqual({ volumes: {} });
    expect((await call("GET", "/volumes/data")).status).toBe(404);
  });

  test("snapshots are taken in the singular and listed in the plural", async () => {
    cluster.cio("volume", "create", "data");
    cluster.cio("volume", "create", "other", "-f", "ext4");
    expect((await call("POST", "/volumes/1/snapshot", { id: 1, opts: { description: "before" } })).status).toBe(200);
    expect((await call("POST", "/volumes/2/snapshot", { id: 2, opts: { description: "" } })).status).toBe(409);
    const { snapshots } = (await call("GET", "/volumes/1/snapshots")).body;
    const [[id, snapshot]] = Object.entries(snapshots) as [[string, object]];
    expect(id).toMatch(/^\d{4}-\d\d-\d\d-\d{4}-[0-9a-f]{8}-0001$/);
    expect(snapshot).toMatchObject({
      identifier: id,
      description: "before",
      type: "Manual",
      source: "data",
      sourceid: 1,
    });
    expect((await call("GET", `/snapshots/${id}`)).body).toEqual({ snapshot });
    await call("DELETE", `/snapshots/${id}`);
    expect((await call("GET", "/volumes/1/snapshots")).body).toEqual({ snapshots: {} });
  });

  test("profiles are listed by name, read as JSON, saved, and used by name", async () => {
    expect((await call("GET", "/profiles")).body).toEqual({ profiles: ["GOLD", "SILVER", "BRONZE"] });
    expect((await call("GET", "/profiles/GOLD")).body).toMatchObject({
      level: 2,
      iops: { min: 1000, max: 2000 },
      filesystem: { type: "btrfs" },
    });
    const profile = {
      ...{ name: "MINE", capacity: 7, directory: "/cio/mine", provision: "thin", type: "ssd", level: 3 },
      ...{
        iops: { min: 40, max: 50 },
        filesystem: { type: "xfs" },
        service: { snapshot: { enabled: false } },
        label: {},
      },
    };
    await call("POST", "/profiles", profile);
    await call("PUT", "/profiles/MINE", { ...profile, capacity: 8 });
    expect(cluster.cio("volume", "create", "v", "--profile", "MINE")).toBe("Succeed: Add vd1: Type:3-copy, Size:8GB");
    expect((await call("GET", "/volumes/v")).body).toMatchObject({
      minimumIOPS: 40,
      directory: "/cio/mine",
      filesystem: "xfs",
    });
    await call("DELETE", "/profiles/MINE");
    expect((await call("GET", "/profiles/MINE")).status).toBe(404);
  });

  test("nodes and the cluster are told, and a node is cordoned", async () => {
    const { nodes } = (await call("GET", "/nodes")).body;
    expect(Object.keys(nodes)).toEqual(["v1", "v2", "v3", "v4", "v5", "v6"]);
    expect(nodes["v1"]).toEqual({ ip: "192.0.2.11", role: "sds", status: "normal" });
    await call("POST", "/nodes/v2/cordon");
    expect((await call("GET", "/nodes/v2")).body).toMatchObject({ name: "v2", properties: { status: "cordoned" } });
    expect((await call("GET", "/clusters/info")).body).toMatchObject({ nodes: 6, condition: "normal" });
    expect((await call("GET", "/clusters/events")).body).toEqual([]);
  });

  test("what the cluster refuses is a status of 500 with its words", async () => {
    cluster.cio("volume", "create", "data", "-c", "20");
    const { status, body } = await call("POST", "/volumes/data", {
      name: "data",
      opts: { capacity: "10" },
      labels: {},
    });
    expect([status, JSON.stringify(body)]).toEqual([
      500,
      expect.stringContaining("Fail: Update vd1: capacity can only be increased"),
    ]);
  });
});

describe("the command", () => {
  test("says what it did in the words of the product", () => {
    const { cio } = cluster;
    expect(cio("volume", "create", "data", "--capacity", "20", "--label", "some=label")).toBe(
      "Succeed: Add vd1: Type:2-copy, Size:20GB",
    );
    expect(cio("volume", "add", "-q")).toBe("2");
    expect(cio("volume", "update", "data", "-c", "25")).toBe("Succeed: Update vd1 capacity: increased to 25GB");
    expect(cio("volume", "update", "-V", "1", "--iopsmin", "1000", "--iopsmax", "8500")).toBe(
      "Succeed: Update vd1 iops: iops_min:1000 iops_max:8500",
    );
    expect(cio("volume", "update", "data", "--label", "a=b=c")).toBe("Succeed: Update vd1 labels");
    expect(cio("volume", "move", "data", "-n", "v6")).toMatch(/^Succeed: Move vd1 from [0-9a-f]{8} to [0-9a-f]{8}$/);
    expect(cio("volume", "ls")).toMatch(
      /^NODENAME +VDISK +DRIVE +TYPE +SIZE +UUID +VOLUMENAME +ALLOCATED\nv6 +vd1 +SSD +2-copy +25GB +[0-9a-f]{8} +data +0.4%\nv\d +vd2 /,
    );
    const info = cio("volume", "info", "data").split("\n");
    expect(info.map((line) => line.slice(0, 28).trim())).toEqual([
      ...[
        "vdisk",
        "uuid",
        "node",
        "ipaddr",
        "nodeid",
        "name",
        "capacity",
        "redundancy",
        "drive type",
        "local drive only",
      ],
      ...["provisioning", "minimum iops", "maximum iops", "directory", "autoexpand enabled", "autoexpand threshold"],
      ...[
        "autoexpand increment",
        "autoexpand limit",
        "autoexpand count",
        "encryption",
        "snapshot",
        "snapshot interval",
      ],
      ...["maximum snapshots", "filesystem", "labels", "allocated"],
    ]);
    expect(info.map((line) => line.slice(28))).toEqual(
      expect.arrayContaining(["25GB", "SSD", "1000", "8500", "some=label@a=b=c@"]),
    );
    expect(JSON.parse(cio("volume", "info", "data", "-j"))).toMatchObject({
      autoexpandEnabled: false,
      snapInterval: 0,
      maximumSnapshots: 0,
    });
    expect(cio("volume", "rm", "data")).toBe("Remove volume? [Y/N]");
    expect(cio("volume", "rm", "-y", "data")).toBe("Succeed: Remove vd1");
    expect(cio("event").split("\n")[0]).toContain("volume data (vd1) removed on node v6");
  });

  test("refuses by a line, and keeps what isn't named", () => {
    const { cio } = cluster;
    cio("volume", "create", "data", "--bandwidthmin", "10", "--bandwidthmax", "20");
    cio("volume", "update", "data", "--autoexpand", "yes", "--limit", "7");
    cio("volume", "update", "data", "-c", "30");
    expect(cluster.volumes[0]).toMatchObject({
      bandwidthMin: 10,
      bandwidthMax: 20,
      autoexpand: { enabled: true, limit: 7, threshold: 80 },
    });
    expect(cio("volume", "create", "data")).toContain("Fail: Add vd: ");
    expect(cio("volume", "create", "x", "--iopsmax", "100", "--bandwidthmax", "10")).toContain(
      "Fail: Add vd: IOPS and bandwidth exclude",
    );
    expect(cio("volume", "create", "x", "-c", "600000")).toMatch(/^Fail: /);
    expect(cio("volume", "create", "x", "-l", "5")).toMatch(/^Fail: Add vd: level 5/);
    expect(cio("volume", "update", "data", "-l", "3")).toMatch(/^Fail: /);
    cluster.volumes[0]!.open = true;
    expect(cio("volume", "move", "data", "-n", cluster.volumes[0]!.node === "v1" ? "v2" : "v1")).toBe(
      "Fail: Move vd1: vdisk is opened",
    );
    expect(cio("volume", "frobnicate")).toMatch(/^Fail: /);
  });

  test("keeps profiles in files, and tells a volume's as one", () => {
    const directory = mkdtempSync(join(tmpdir(), "sp-profile-"));
    const file = join(directory, "TEST");
    writeFileSync(file, "---\ncapacity: 5\nlevel: 3\niops:\n  min: 30\n  max: 40\nfilesystem: xfs\n");
    try {
      expect(cluster.cio("profile", "create", file)).toBe("Succeed: Create profile: Profile TEST saved");
    } finally {
      rmSync(directory, { recursive: true });
    }
    expect(cluster.cio("profile", "ls")).toMatch(/^PROFILE +DATE\nGOLD /);
    cluster.cio("volume", "create", "v", "-p", "TEST", "--compression", "yes", "--algorithm", "zstd");
    expect(cluster.cio("profile", "show", "v")).toMatch(
      /capacity: 5\n[^]*filesystem: xfs|filesystem: xfs[^]*capacity: 5/,
    );
    expect(cluster.cio("profile", "show", "v")).toContain("algorithm: zstd");
    expect(cluster.cio("profile", "rm", "TEST")).toBe("Succeed: Remove profile: Profile TEST removed");
  });

  test("is a program whose arguments no shell reads, and that exits with 0 where it fails", async () => {
    const run = (...args: string[]) =>
      new Promise<[unknown, string]>((done) =>
        execFile(cluster.cliPath, args, (error, out) => done([error, out.trim()])),
      );
    expect(await run("volume", "create", "data", "--label", "a=$(date) `id` ;")).toEqual([
      null,
      "Succeed: Add vd1: Type:2-copy, Size:20GB",
    ]);
    expect(cluster.volumes[0]?.labels).toEqual({ a: "$(date) `id` ;" });
    expect(await run("volume", "info", "nothing")).toEqual([null, "Fail: volume nothing not found"]);
  });
});

test("with the limits of 2015 a level of 5 is made", async () => {
  const old = await startCioCluster({ version: 2015 });
  try {
    expect(old.cio("volume", "create", "data", "-l", "5", "--local")).toBe("Succeed: Add vd1: Type:5-copy, Size:20GB");
    expect(old.volumes[0]).toMatchObject({ level: 5, local: true });
  } finally {
    await old.close();
  }
});
