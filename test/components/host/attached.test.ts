// Volumes of ScaleIO and EBS on a machine: attached, mounted, unmounted, detached, against the gateway and against EC2 (moto). A loop
// device stands in for the device that appears.

import { execFileSync, spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeStorage } from "../../../components/host";
import { ScaleioArray } from "../../../components/backends/scaleio/array";
import { GatewaySession } from "../../../components/backends/scaleio/session";
import type { NodeStorage, NodeVolume } from "../../../components/host/contract";
import { monotonic } from "../../../src/system/monotonic";
import { startScaleioGateway, type ScaleioGateway } from "../../../emulators";
import { AwsLab, describeAws } from "../../support/aws";
import { testDevice, type TestDevice } from "../../support/device";
import { limitMs, until } from "../../../tools/test/time.js";
import { asContainer, describeIf, loopReason } from "../../support/machine";

const GIB = 2 ** 30;

/** A call of Docker, which keeps what it waits for. Its time is up when it waits for what `upAt` matches; else only where it hangs. */
function waiting(upAt?: RegExp) {
  const said: string[] = [];
  const up = new AbortController();
  return {
    said,
    signal: AbortSignal.any([up.signal, AbortSignal.timeout(limitMs(120))]),
    for: (what: string | (() => string)) => {
      const text = typeof what === "string" ? what : what();
      said.push(text);
      if (upAt?.test(text)) up.abort();
    },
  };
}

let home: string;
let device: TestDevice;
const machine = () => ({
  STORAGE_PROFILES_MOUNTS: join(home, "mounts"),
  STORAGE_PROFILES_NODE_STATE: join(home, "records"),
});
/** What is left of mounts and records. */
const leftovers = () =>
  readdirSync(home, { recursive: true, encoding: "utf8" }).filter((each) => each.split("/").length > 2);
const begin = () => {
  home = mkdtempSync(join(tmpdir(), "sp-node-"));
  device = testDevice(GIB);
};
const end = () => {
  device.dispose();
  rmSync(home, { recursive: true, force: true });
};

describeIf(loopReason() === undefined, "a volume on ScaleIO", loopReason(), () => {
  let gateway: ScaleioGateway;
  let volume: NodeVolume;
  let node: NodeStorage;
  const storage = (env: Record<string, string> = {}) => {
    const caFile = join(home, "ca.pem");
    writeFileSync(caFile, gateway.ca);
    const { url, username, password } = gateway;
    const connection = {
      SCALEIO_ENDPOINT: url,
      SCALEIO_USERNAME: username,
      SCALEIO_PASSWORD: password,
      SCALEIO_CA_FILE: caFile,
    };
    return nodeStorage("scaleio", {
      config: {},
      env: { ...machine(), ...connection, SCALEIO_SDC: sdcs()[0]!, ...env },
    })!;
  };
  const sdcs = () => (gateway.state() as unknown as { sdcs: { id: string }[] }).sdcs.map(({ id }) => id);
  const mappings = () =>
    ((gateway.array.volume(volume.volumeId)?.["mappedSdcInfo"] ?? []) as Record<string, unknown>[]).map(
      ({ sdcId, limitIops, limitBwInMbps }) => [sdcId, limitIops, limitBwInMbps],
    );
  beforeAll(async () => void (gateway = await startScaleioGateway()));
  afterAll(() => gateway.close());
  beforeEach(() => {
    begin();
    const volumeId = gateway.array.createVolume({ name: `data-${Date.now()}`, sizeGiB: 8 });
    const settings = { provisioning: "thin", iopsLimit: 500, bandwidthLimitKBps: 10240, ramCache: false };
    volume = { name: "data", backend: "scaleio", volumeId, sizeGiB: 1, settings: settings as never };
    node = storage();
  });
  afterEach(end);
  /** Has the device appear a moment after the volume is mapped, and go when it no longer is. */
  const follow = async () => {
    const byId = `/dev/disk/by-id/emc-vol-${await systemId()}-${volume.volumeId}`;
    const timer = setInterval(() => (mappings().length > 0 ? device.appear(byId) : device.disappear()), 50);
    return () => clearInterval(timer);
  };
  const systemId = async () => {
    const { url: endpoint, username, password, ca } = gateway;
    const session = new GatewaySession({ endpoint, username, password, ca, insecure: false, timeoutMs: 5000 });
    return new ScaleioArray(session).systemId().finally(() => session.close());
  };

  test("is mapped with its limits, formatted once, mounted; unmounted and unmapped; and has its data the next time", async () => {
    const stop = await follow();
    try {
      const at = (await node.mount(volume, waiting()))!;
      expect(mappings()).toEqual([[sdcs()[0], 500, 10]]);
      expect(await node.mountedAt(volume)).toBe(at);
      writeFileSync(join(at, "precious"), "data");
      // Twice and together is as good as once.
      expect(await Promise.all([node.mount(volume, waiting()), node.mount(volume, waiting())])).toEqual([at, at]);
      await node.unmount(volume, waiting());
      await node.unmount(volume, waiting());
      expect([mappings(), await node.mountedAt(volume), leftovers()]).toEqual([[], undefined, []]);
      // By another process, later: with other limits.
      volume = { ...volume, settings: { ...volume.settings, iopsLimit: 1000 } };
      const again = (await storage().mount(volume, waiting()))!;
      expect(readFileSync(join(again, "precious"), "utf8")).toBe("data");
      expect(mappings()).toEqual([[sdcs()[0], 1000, 10]]);
      await storage().unmount(volume, waiting());
      expect(mappings()).toEqual([]);
    } finally {
      stop();
    }
  });

  test("whose profile changes while it is mounted has the new limits a moment later, and not after it was given back", async () => {
    const stop = await follow();
    const faster = { ...volume, settings: { ...volume.settings, iopsLimit: 2000 } };
    let shown = volume;
    const log: string[] = [];
    let looks = 0;
    const volumes = () => {
      looks++;
      return Promise.resolve([shown]);
    };
    const watch = await node.watchContainers!({ volumes, log: (line) => void log.push(line) });
    try {
      await node.mount(volume, waiting());
      const error = { status: 500, errorCode: 1, message: "not now" };
      gateway.fault({ match: { path: "setMappedSdcLimits" }, times: 1, do: { error } });
      shown = faster;
      await until("the new limits are set", () => mappings()[0]?.[1] === 2000);
      expect(mappings()).toEqual([[sdcs()[0], 2000, 10]]);
      expect(log).toEqual([expect.stringMatching(/^the settings of data can't be applied: .*not now/)]);
      // The call of a second container has it done at once.
      await node.mount(volume, waiting());
      expect(mappings()).toEqual([[sdcs()[0], 500, 10]]);
      await node.unmount(volume, waiting());
      // The second begins when the first has ended.
      const before = looks;
      await until("it has been looked at again", () => looks >= before + 2);
      expect(mappings()).toEqual([]);
    } finally {
      watch.stop();
      stop();
    }
  });

  test("that has grown has a file system that has grown", async () => {
    const stop = await follow();
    try {
      await node.mount(volume, waiting());
      await node.unmount(volume, waiting());
      device.grow(2 * GIB);
      volume = { ...volume, sizeGiB: 2 };
      const at = (await node.mount(volume, waiting()))!;
      const blocks = execFileSync("stat", ["-f", "-c", "%b %S", at], { encoding: "utf8" })
        .trim()
        .split(" ")
        .map(Number);
      expect(blocks[0]! * blocks[1]!).toBeGreaterThan(1.9 * GIB);
      await node.unmount(volume, waiting());
    } finally {
      stop();
    }
  });

  test("that isn't blank is refused with what is on it, and stays as it is", async () => {
    const stop = await follow();
    try {
      device.write(700_000, "somebody's data");
      const before = device.sum(16 << 20);
      await expect(node.mount(volume, waiting())).rejects.toThrow(
        /^data \(.*\) isn't formatted, because it isn't blank: unknown data at byte 700000\. .* erase it: blkdiscard -z/,
      );
      expect(device.sum(16 << 20)).toBe(before);
      await node.unmount(volume, waiting());
      expect(mappings()).toEqual([]);
    } finally {
      stop();
    }
  });

  test("that another host has is refused, without touching either", async () => {
    gateway.array.map(volume.volumeId, sdcs()[1]!);
    await expect(node.mount(volume, waiting())).rejects.toThrow(
      /^data is attached to host .*: a file system can be mounted on one/,
    );
    expect(mappings().map(([id]) => id)).toEqual([sdcs()[1]]);
  });

  test("whose device doesn't appear says what is waited for, until the call's time is up", async () => {
    const call = waiting(/the device of/);
    await expect(node.mount(volume, call)).rejects.toThrow("the device of data, did not appear");
    expect(call.said.at(-1)).toMatch(/^\/dev\/disk\/by-id\/emc-vol-\w+-\w+, the device of/);
    // What was begun is taken back by the next call.
    await node.unmount(volume, waiting());
    expect([mappings(), leftovers()]).toEqual([[], []]);
  });

  test("whose device is too small, as one that is left of another volume may be, is waited for and not touched", async () => {
    const stop = await follow();
    try {
      const before = device.sum(16 << 20);
      const call = waiting(/ to have 2 GiB/);
      await expect(node.mount({ ...volume, sizeGiB: 2 }, call)).rejects.toThrow("did not appear");
      expect(call.said.at(-1)).toBe(`${device.path} to have 2 GiB; it has 1.0`);
      expect(device.sum(16 << 20)).toBe(before);
      await node.unmount(volume, waiting());
    } finally {
      stop();
    }
  });

  test("that somebody else has mapped to this host is used, and stays mapped", async () => {
    gateway.array.map(volume.volumeId, sdcs()[0]!);
    const stop = await follow();
    try {
      await node.mount(volume, waiting());
      await node.unmount(volume, waiting());
      expect(mappings()).toHaveLength(1);
    } finally {
      stop();
    }
  });

  test("that a process works in is not unmounted; who it is, is said", async () => {
    const stop = await follow();
    try {
      const at = (await node.mount(volume, waiting()))!;
      const bind = mkdtempSync(join(home, "bind-"));
      execFileSync("mount", ["--bind", at, bind]);
      try {
        expect(await node.usersOf(volume)).toEqual([`a mount at ${bind}`]);
      } finally {
        execFileSync("umount", [bind]);
      }
      expect(await node.usersOf(volume)).toEqual([]);
      // In a mount namespace of its own, as a container is: unmounting it here would go through.
      const script = `mount --bind ${at} ${bind} && umount ${at} && exec sleep 60`;
      const inside = spawn("unshare", asContainer(home, script));
      await until("the container sees the volume", async () => (await node.usersOf(volume)).length > 0);
      await expect(node.unmount(volume, waiting())).rejects.toThrow(/in use by process \d+ \(\w+\), which sees it at/);
      expect([mappings().length, await node.mountedAt(volume)]).toEqual([1, at]);
      const gone = new Promise((done) => inside.once("exit", done));
      inside.kill("SIGKILL");
      await gone;
      const child = spawn("sleep", ["60"], { cwd: at });
      await new Promise((done) => child.once("spawn", done));
      await expect(node.unmount(volume, waiting())).rejects.toThrow(`data can't be unmounted from ${at}: it is in use`);
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await ended;
      expect(mappings()).toHaveLength(1);
      await node.unmount(volume, waiting());
      expect(mappings()).toEqual([]);
    } finally {
      stop();
    }
  });

  test("that another mount namespace has a copy of is detached when that is gone, and not before", async () => {
    // A copy at the same place, which unmounting it here doesn't reach: as a container has all mounts while it starts.
    const copied = async () => {
      const child = spawn("unshare", asContainer(home, "echo; exec sleep 60"));
      await new Promise((done) => child.stdout.once("data", done));
      const ended = new Promise((done) => child.once("exit", done));
      return async () => {
        child.kill("SIGKILL");
        await ended;
      };
    };
    const refused = /in use by process \d+ \(\w+\), which sees it at/;
    const stop = await follow();
    try {
      const at = (await node.mount(volume, waiting()))!;
      writeFileSync(join(at, "precious"), "data");
      const end = await copied();
      await expect(node.unmount(volume, waiting())).rejects.toThrow(refused);
      expect([mappings().length, await node.mountedAt(volume)]).toEqual([1, at]);
      expect(readFileSync(join(at, "precious"), "utf8")).toBe("data");
      // Nor when a run was killed that had unmounted it.
      execFileSync("umount", [at]);
      await expect(node.unmount(volume, waiting())).rejects.toThrow(refused);
      expect(mappings()).toHaveLength(1);
      // The clock stands still, so that it is the other's end that it goes on after, and not a time limit.
      const now = jest.spyOn(monotonic, "now").mockReturnValue(monotonic.now());
      try {
        const call = waiting();
        const unmounted = node.unmount(volume, call);
        await until("it waits", () => call.said.filter((each) => each.includes("to be released by")).length > 1);
        expect(mappings()).toHaveLength(1);
        await end();
        await unmounted;
      } finally {
        now.mockRestore();
      }
      expect([mappings().length, await node.mountedAt(volume)]).toEqual([0, undefined]);
    } finally {
      stop();
    }
  });

  test("says which host this is, or how to say it", async () => {
    const call = storage({ SCALEIO_SDC: "nobody" }).mount(volume, waiting());
    await expect(call).rejects.toThrow(/unknown SDC "nobody" on the array \(available: .*\)\. Set SCALEIO_SDC/);
    const without = nodeStorage("scaleio", { config: {}, env: machine() })!;
    await expect(without.mount(volume, waiting())).rejects.toThrow("SCALEIO_ENDPOINT");
  });
});

describeAws("a volume on EBS", () => {
  let lab: AwsLab;
  let metadata: Server;
  let before: string | undefined;
  const metadataUrl = () => `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  let asked: string[];
  let [one, two]: string[] = [];
  let volume: NodeVolume;
  let env: Record<string, string>;
  const run = async () => {
    const params = { ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1, Placement: { AvailabilityZone: "us-east-1a" } };
    return (await lab.call("RunInstances", params)).Instances[0].InstanceId as string;
  };
  const attachments = async () =>
    (await lab.volume(volume.volumeId)).Attachments.map((each: Record<string, string>) => [
      each.InstanceId,
      each.Device,
    ]);
  const storage = () => nodeStorage("aws", { config: {}, env })!;

  beforeAll(async () => {
    lab = await AwsLab.start();
    [one, two] = [await run(), await run()];
    // The instance's metadata: version 2, and nothing without a token.
    metadata = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === "PUT" && request.headers["x-aws-ec2-metadata-token-ttl-seconds"])
        return response.end("a-token");
      if (request.headers["x-aws-ec2-metadata-token"] !== "a-token") return response.writeHead(401).end();
      const answers: Record<string, string> = {
        "/latest/meta-data/instance-id": one ?? "",
        "/latest/meta-data/placement/region": "us-east-1",
        "/latest/meta-data/iam/security-credentials/": "role",
        "/latest/meta-data/iam/security-credentials/role": JSON.stringify({
          AccessKeyId: "AKIDEXAMPLE",
          SecretAccessKey: "secret",
          Token: "session",
          Expiration: new Date(Date.now() + 3_600_000).toISOString(),
        }),
      };
      return response.end(answers[request.url ?? ""] ?? "");
    });
    await new Promise<void>((done) => metadata.listen(0, "127.0.0.1", done));
    // AWS's SDK reads it from the environment of the process.
    before = process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"];
    process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadataUrl();
  });
  afterAll(async () => {
    if (before === undefined) delete process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"];
    else process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = before;
    metadata.close();
    metadata.closeAllConnections();
    await lab.stop();
  });
  beforeEach(async () => {
    begin();
    asked = [];
    env = { ...machine(), AWS_ENDPOINT_URL: lab.url, AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataUrl() };
    const params = { AvailabilityZone: "us-east-1a", Size: 1, VolumeType: "gp3" };
    const { VolumeId } = await lab.call("CreateVolume", params);
    volume = { name: "data", backend: "aws", volumeId: VolumeId, sizeGiB: 1, settings: {} as never };
  });
  afterEach(end);
  const follow = () => {
    const path = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume.volumeId.replace("-", "")}`;
    let asking: Promise<unknown> | undefined;
    const timer = setInterval(() => {
      asking ??= attachments()
        .then((found: unknown[]) => (found.length > 0 ? device.appear(path) : device.disappear()))
        .finally(() => (asking = undefined));
    }, 100);
    // What is asked ends with the test, not with the lab that it asks.
    return async () => {
      clearInterval(timer);
      await asking;
    };
  };

  test("is attached under a free name to the instance that the metadata tells, mounted, and given back", async () => {
    const { VolumeId: other } = await lab.call("CreateVolume", {
      AvailabilityZone: "us-east-1a",
      Size: 1,
      VolumeType: "gp3",
    });
    await lab.call("AttachVolume", { VolumeId: other, InstanceId: one, Device: "/dev/sdf" });
    const stop = follow();
    try {
      const at = (await storage().mount(volume, waiting()))!;
      expect(await attachments()).toEqual([[one, "/dev/sdg"]]);
      const refused = (await lab.requests()).filter(({ action, error }) => action === "AttachVolume" && error !== null);
      expect(refused).toEqual([]);
      writeFileSync(join(at, "precious"), "data");
      await storage().unmount(volume, waiting());
      expect([await attachments(), leftovers()]).toEqual([[], []]);
      const again = (await storage().mount(volume, waiting()))!;
      expect(readFileSync(join(again, "precious"), "utf8")).toBe("data");
      await storage().unmount(volume, waiting());
      expect(asked).toContain("GET /latest/meta-data/iam/security-credentials/role");
      await lab.call("DetachVolume", { VolumeId: other });
    } finally {
      await stop();
    }
  });

  test("that another instance has is refused", async () => {
    await lab.call("AttachVolume", { VolumeId: volume.volumeId, InstanceId: two, Device: "/dev/sdf" });
    await expect(storage().mount(volume, waiting())).rejects.toThrow(
      `data is attached to instance ${two} (attached): a file system`,
    );
    expect(await attachments()).toEqual([[two, "/dev/sdf"]]);
  });

  test("that is gone, or refused by EC2, says so in EC2's words", async () => {
    const gone = { ...volume, volumeId: "vol-00000000000000000" };
    await expect(storage().mount(gone, waiting())).rejects.toThrow(
      /^EC2 rejected DescribeVolumes: .*\(InvalidVolume.NotFound\)$/,
    );
    await lab.fail("AttachVolume", "AttachmentLimitExceeded");
    await expect(storage().mount(volume, waiting())).rejects.toThrow(
      "EC2 rejected AttachVolume: as the test wants it (AttachmentLimitExceeded)",
    );
    await storage().unmount(volume, waiting());
    expect(leftovers()).toEqual([]);
  });

  test("needs neither metadata nor a role where the environment says all", async () => {
    Object.assign(env, {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "b",
      STORAGE_PROFILES_INSTANCE_ID: one,
    });
    const stop = follow();
    try {
      await storage().mount(volume, waiting());
      await storage().unmount(volume, waiting());
      expect(asked).toEqual([]);
    } finally {
      await stop();
    }
    env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1";
    await expect(storage().mount(volume, waiting())).rejects.toThrow("DescribeVolumes: 127.0.0.1:1 can't be reached");
  });
});
