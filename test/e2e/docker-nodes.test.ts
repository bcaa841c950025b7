// Docker with volumes that are attached to machines, on a real dockerd: made by `pulumi up` on the ScaleIO gateway of this package, on EC2
// (moto) and on a real Cinder, attached by the plugin (there by a real Nova), and seen in containers. Loop devices stand in for the devices that appear.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

import { hasCapability } from "../../components/local/capabilities";
import { ScaleioArray } from "../../components/scaleio/array";
import { GatewaySession } from "../../components/scaleio/session";
import { startScaleioGateway, type ScaleioGateway } from "../../testing";
import { AwsLab, AwsProject, awsReason } from "../support/aws";
import { StandIns, type AttachedVolume } from "../support/device";
import { describeDocker, DockerLab } from "../support/docker";
import type { Project } from "../support/engine";
import { describeIf } from "../support/machine";
import { OpenstackLab } from "../support/openstack";
import { openstackEngineReason, OpenstackProject } from "../support/openstack-project";
import { onArray, ScaleioProject } from "../support/scaleio";

jest.setTimeout(240_000);

const write = (text: string) => `echo ${text} > /data/file && sync`;
const read = "cat /data/file";
const sizeMiB = "set -- $(stat -f -c '%b %S' /data) && echo size $(($1 * $2 / 1048576))";
const sizeIn = (text: string) => Number(/size (\d+)/.exec(text)?.[1]);

/** A backend that attaches volumes, as this test sees it past the plugin. */
interface Attaching {
  project: Project;
  /** Starts the backend. */
  start(): Promise<void>;
  /** Makes the stack. */
  connect(config: Record<string, unknown>): Promise<unknown>;
  /** The backend is gone from now on. */
  stop(): Promise<void>;
  environment(): Record<string, string>;
  /** What leads the plugin to an address where nobody answers. */
  nowhere: Record<string, string>;
  /** The ids of the volumes that there are. */
  volumes(): Promise<string[]>;
  /** The machines that have a volume. This one is "here". */
  hosts(volumeId: string): Promise<string[]>;
  /** What is attached to this machine. */
  attached(): Promise<AttachedVolume[]>;
  device(volumeId: string): string;
  /** What the backend keeps of the profile: on ScaleIO with each mapping, elsewhere with the volume. And what that is, by profile. */
  limits(volumeId: string): Promise<string>;
  expected: { gold: string; silver: string };
  /** Attaches a volume to another machine, behind the plugin's back; says its name. And takes it from there. */
  attachElsewhere(volumeId: string): Promise<string>;
  detachElsewhere(volumeId: string): Promise<void>;
}

class OnScaleio implements Attaching {
  gateway!: ScaleioGateway;
  private systemId = "";
  readonly nowhere = { SCALEIO_ENDPOINT: "https://127.0.0.1:1" };
  readonly expected = { gold: "node1 10000 IOPS 977 MB/s", silver: "node1 3000 IOPS 250 MB/s" };
  readonly project = new ScaleioProject("dockernodes", () => this.gateway);
  async start() {
    this.gateway = await startScaleioGateway();
    const { url: endpoint, username, password, ca } = this.gateway;
    const session = new GatewaySession({ endpoint, username, password, ca, insecure: false, timeoutMs: 5000 });
    this.systemId = await new ScaleioArray(session).systemId().finally(() => session.close());
  }
  connect(config: Record<string, unknown>) {
    return this.project.connect(config);
  }
  async stop() {
    await this.gateway.close();
  }
  environment() {
    const { url, username, password } = this.gateway;
    const login = { SCALEIO_ENDPOINT: url, SCALEIO_USERNAME: username, SCALEIO_PASSWORD: password };
    return { ...login, SCALEIO_CA_FILE: join(this.project.directory, "ca.pem"), SCALEIO_SDC: "192.0.2.11" };
  }
  private views() {
    const { volumes, sdcs } = this.gateway.state() as unknown as {
      volumes: { id: string; sizeInKb: number; mappedSdcInfo: { sdcId: string }[] | null }[];
      sdcs: { id: string; name: string }[];
    };
    const nameOf = (id: string) => sdcs.find((each) => each.id === id)?.name;
    return volumes.map(({ id, sizeInKb, mappedSdcInfo }) => {
      const hosts = (mappedSdcInfo ?? []).map(({ sdcId }) =>
        nameOf(sdcId) === "node1" ? "here" : `host ${nameOf(sdcId)}`,
      );
      return { id, hosts, sizeGiB: sizeInKb / 2 ** 20 };
    });
  }
  volumes() {
    return Promise.resolve(this.views().map(({ id }) => id));
  }
  hosts(volumeId: string) {
    return Promise.resolve(this.views().find(({ id }) => id === volumeId)?.hosts ?? []);
  }
  attached() {
    const here = this.views().filter(({ hosts }) => hosts.includes("here"));
    return Promise.resolve(here.map(({ id, sizeGiB }) => ({ path: this.device(id), sizeGiB })));
  }
  device(volumeId: string) {
    return `/dev/disk/by-id/emc-vol-${this.systemId}-${volumeId}`;
  }
  limits(volumeId: string) {
    const volume = onArray(this.gateway).find(({ id }) => id === volumeId);
    return Promise.resolve(volume?.mapped.join() ?? "");
  }
  attachElsewhere(volumeId: string) {
    this.gateway.array.map(volumeId, "node2");
    return Promise.resolve("host node2");
  }
  detachElsewhere(volumeId: string) {
    this.gateway.array.unmap(volumeId, "node2");
    return Promise.resolve();
  }
}

class OnEbs implements Attaching {
  lab!: AwsLab;
  readonly project = new AwsProject("dockernodes", () => this.lab);
  private instances: string[] = [];
  readonly nowhere = { AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
  readonly expected = { gold: "io1 240 IOPS", silver: "gp3 3000 IOPS" };
  async start() {
    this.lab = await AwsLab.start();
    const zone = { AvailabilityZone: "us-east-1a" };
    const params = { ImageId: "ami-12c6146b", MinCount: 2, MaxCount: 2, Placement: zone };
    const { Instances } = await this.lab.call("RunInstances", params);
    this.instances = Instances.map(({ InstanceId }: { InstanceId: string }) => InstanceId);
  }
  connect(config: Record<string, unknown>) {
    return this.project.connect({ aws: { availabilityZone: "us-east-1a" }, ...config });
  }
  async stop() {
    await this.lab.stop();
  }
  environment() {
    const [here = ""] = this.instances;
    const login = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "us-east-1" };
    return { ...login, AWS_ENDPOINT_URL: this.lab.url, STORAGE_PROFILES_INSTANCE_ID: here };
  }
  private async views() {
    const { Volumes } = await this.lab.call("DescribeVolumes");
    // Those that the instances themselves came with are nobody's here.
    const ours = (Volumes as Record<string, any>[]).filter(({ Tags }) => Tags?.length > 0);
    return ours.map(({ VolumeId, Size, Attachments }) => {
      const nameOf = (id: string) => (id === this.instances[0] ? "here" : `instance ${id} (attached)`);
      const hosts = (Attachments as { InstanceId: string }[]).map(({ InstanceId }) => nameOf(InstanceId));
      return { id: VolumeId as string, hosts, sizeGiB: Size as number };
    });
  }
  async volumes() {
    return (await this.views()).map(({ id }) => id);
  }
  async hosts(volumeId: string) {
    return (await this.views()).find(({ id }) => id === volumeId)?.hosts ?? [];
  }
  async attached() {
    const here = (await this.views()).filter(({ hosts }) => hosts.includes("here"));
    return here.map(({ id, sizeGiB }) => ({ path: this.device(id), sizeGiB }));
  }
  device(volumeId: string) {
    return `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
  }
  async limits(volumeId: string) {
    const { VolumeType, Iops } = await this.lab.volume(volumeId);
    return `${VolumeType} ${Iops} IOPS`;
  }
  async attachElsewhere(volumeId: string) {
    await this.lab.call("AttachVolume", { VolumeId: volumeId, InstanceId: this.instances[1], Device: "/dev/sdf" });
    return `instance ${this.instances[1]} (attached)`;
  }
  async detachElsewhere(volumeId: string) {
    await this.lab.call("DetachVolume", { VolumeId: volumeId, InstanceId: this.instances[1] });
  }
}

class OnCinder implements Attaching {
  lab!: OpenstackLab;
  readonly project = new OpenstackProject("dockernodes", () => this.lab);
  private here = "";
  private elsewhere = "";
  readonly nowhere = { OS_AUTH_URL: "http://127.0.0.1:1/v3" };
  readonly expected = { gold: "gold lab@fast#fast", silver: "silver lab@fast#fast" };
  async start() {
    this.lab = await OpenstackLab.start({ nova: true });
    for (const type of ["gold", "silver"]) await this.lab.makeType(type, { volume_backend_name: "fast" });
    [this.here, this.elsewhere] = [await this.lab.server("here"), await this.lab.server("elsewhere")];
  }
  connect(config: Record<string, unknown>) {
    return this.project.connect(config);
  }
  async stop() {
    await this.lab.stop();
  }
  environment() {
    return { ...this.lab.environment(), STORAGE_PROFILES_INSTANCE_ID: this.here };
  }
  private async views() {
    const ours = (await this.lab.volumes()).filter(({ name }) => !String(name).startsWith("root of "));
    return ours.map(({ id, size, attachments }) => {
      const hosts = (attachments as { server_id: string }[]).map(({ server_id: server }) =>
        server === this.here ? "here" : `server ${server}`,
      );
      return { id: id as string, hosts, sizeGiB: size as number };
    });
  }
  async volumes() {
    return (await this.views()).map(({ id }) => id);
  }
  async hosts(volumeId: string) {
    return (await this.views()).find(({ id }) => id === volumeId)?.hosts ?? [];
  }
  // As the hypervisor has it.
  async attached() {
    const plugged = this.lab.plugged(this.here);
    const here = (await this.views()).filter(({ id }) => plugged.includes(id));
    return here.map(({ id, sizeGiB }) => ({ path: this.device(id), sizeGiB }));
  }
  device(volumeId: string) {
    return `/dev/disk/by-id/virtio-${volumeId.slice(0, 20)}`;
  }
  async limits(volumeId: string) {
    const { volume_type: type, "os-vol-host-attr:host": host } = (await this.lab.volume(volumeId)) ?? {};
    return `${type} ${host}`;
  }
  async attachElsewhere(volumeId: string) {
    const body = { volumeAttachment: { volumeId } };
    await this.lab.mustNova("POST", `/servers/${this.elsewhere}/os-volume_attachments`, body, { user: "plain" });
    await this.lab.waitFor(volumeId, "in-use");
    return `server ${this.elsewhere}`;
  }
  async detachElsewhere(volumeId: string) {
    const path = `/servers/${this.elsewhere}/os-volume_attachments/${volumeId}`;
    await this.lab.mustNova("DELETE", path, undefined, { user: "plain" });
    await this.lab.waitFor(volumeId, "available");
  }
}

for (const [backend, reason, Backend] of [
  ["scaleio", undefined, OnScaleio],
  ["aws", awsReason(), OnEbs],
  ["openstack", openstackEngineReason(), OnCinder],
] as const) {
  describeIf(reason === undefined, `volumes of backend ${backend}`, reason, () => {
    describeDocker("with docker run", () => {
      const on: Attaching = new Backend();
      const places = (directory: string) => ({
        STORAGE_PROFILES_MOUNTS: join(directory, "mounts"),
        STORAGE_PROFILES_NODE_STATE: join(directory, "attached"),
      });
      const lab = new DockerLab({
        project: on.project,
        connect: (config) => on.connect(config),
        environment: (directory) => ({ ...on.environment(), ...places(directory) }),
      });
      let devices: StandIns;
      let data: string;
      const inspect = async (name: string) => {
        const { code, out, text } = await lab.docker("volume", "inspect", name);
        if (code !== 0) throw new Error(text);
        return (JSON.parse(out) as { Mountpoint: string; Status: Record<string, any> }[])[0]!;
      };
      const idOf = async (name: string) => (await inspect(name)).Status["volumeId"] as string;
      /** A container that runs on; its id. */
      const start = async (volume: string) => {
        const given = ["--network", "none", "--volume-driver", lab.driver, "-v", `${volume}:/data`];
        const { code, out, text } = await lab.docker("run", "-d", ...given, "busybox", "sleep", "600");
        if (code !== 0) throw new Error(text);
        return out.trim();
      };
      const exec = async (id: string, script: string) => (await lab.docker("exec", id, "sh", "-c", script)).text;
      /** The mounts and records of attachments that are left on the machine. */
      const leftovers = () =>
        Object.values(places(lab.engine.directory)).flatMap((directory) => readdirSync(join(directory, backend)));
      const isMounted = () => readFileSync("/proc/self/mountinfo", "utf8").includes(`${lab.engine.directory}/mounts/`);
      const expectGivenBack = async (id: string, milliseconds = 0) => {
        for (const end = Date.now() + milliseconds; Date.now() < end && leftovers().length > 0;) await sleep(50);
        expect([await on.hosts(id), leftovers()]).toEqual([[], []]);
      };

      beforeAll(async () => {
        await on.start();
        await lab.start({ docker: { defaultSize: "8GiB" } });
        devices = new StandIns(() => on.attached());
        await lab.startPlugin();
      });
      afterAll(async () => {
        await lab.stop();
        await devices.dispose();
        await on.stop();
      });

      test("a volume is made, attached, formatted and given back; the next container has its data, without an up", async () => {
        // With it one that somebody has written to before it ever gets here.
        const foreign = lab.docker("volume", "create", "-d", lab.driver, "foreign@gold");
        await Promise.all([foreign, lab.run("data@gold:/data", write("precious"))]);
        expect(lab.ups).toBeLessThanOrEqual(2);
        const before = lab.ups;
        data = await idOf("data@gold");
        expect((await on.volumes()).sort()).toEqual([data, await idOf("foreign@gold")].sort());
        await expectGivenBack(data);

        const container = await start("data");
        expect(await exec(container, read)).toBe("precious\n");
        expect(await on.hosts(data)).toEqual(["here"]);
        const { Status, Mountpoint } = await inspect("data");
        expect(Status).toMatchObject({ profile: "gold", size: "8GiB", backend, status: "compliant", volumeId: data });
        expect(Status["cost"]).toMatch(backend === "aws" ? /^\$?\d.* a month$/ : /^unknown$/);
        expect(readFileSync(join(Mountpoint, "file"), "utf8")).toBe("precious\n");
        // Two containers of one machine share it, and only the last one gives it back.
        expect(await lab.run("data@gold:/data", read)).toBe("precious\n");
        expect(await on.hosts(data)).toEqual(["here"]);
        await lab.docker("rm", "--force", container);
        await expectGivenBack(data);
        expect((await inspect("data")).Mountpoint).toBe("");
        expect(lab.ups).toBe(before);
      });

      test("another profile and a larger size reach a container that runs, and its data stays", async () => {
        const container = await start("data");
        const before = await on.limits(data);
        expect(sizeIn(await exec(container, sizeMiB))).toBeLessThan(8_192);
        const applied = await lab.project.command("storage-profiles", [
          "apply",
          "data@silver",
          "--size",
          "16",
          "--yes",
        ]);
        expect([applied.code, applied.text]).toEqual([0, expect.anything()]);
        const started = Date.now();
        while ((await on.limits(data)) === before && Date.now() - started < 60_000) await sleep(100);
        expect([before, await on.limits(data)]).toEqual([on.expected.gold, on.expected.silver]);
        if (hasCapability("CAP_SYS_RESOURCE")) {
          // A file system that is mounted can be grown: that is seen in the container, too.
          while (sizeIn(await exec(container, sizeMiB)) < 15_000 && Date.now() - started < 90_000) await sleep(100);
          expect(sizeIn(await exec(container, sizeMiB))).toBeGreaterThan(15_000);
        }
        await lab.docker("rm", "--force", container);
        await expectGivenBack(data);
        const grown = await lab.run("data:/data", `${sizeMiB}; ${read}`);
        expect([sizeIn(grown) > 15_000, grown]).toEqual([true, expect.stringContaining("precious")]);
        // What was read within the last second is still told.
        for (let tries = 0; tries < 5 && (await inspect("data")).Status["status"] !== "compliant"; tries++)
          await sleep(1_000);
        expect((await inspect("data")).Status).toMatchObject({ profile: "silver", size: "16GiB", status: "compliant" });
      });

      test("one that isn't blank is refused with what is on it, and stays as it is", async () => {
        const id = await idOf("foreign");
        const device = devices.of(on.device(id), 8);
        device.write(700_000, "somebody's data");
        const before = device.sum(64 << 20);
        const started = Date.now();
        const { code, text } = await lab.container("foreign:/data", "true");
        expect([code > 0, text]).toEqual([
          true,
          expect.stringMatching(/foreign \(\S+, \S+\) isn't formatted, because it isn't blank: data .* at byte 700000/),
        ]);
        expect(Date.now() - started).toBeLessThan(60_000);
        expect(device.sum(64 << 20)).toBe(before);
      });

      test("one that another machine has is refused with that machine's name", async () => {
        const name = await on.attachElsewhere(data);
        const { code, text } = await lab.container("data:/data", "true");
        expect([code > 0, text]).toEqual([true, expect.stringContaining(`data is attached to ${name}: a file system`)]);
        expect(await on.hosts(data)).toEqual([name]);
        await on.detachElsewhere(data);
        expect(await lab.run("data:/data", read)).toBe("precious\n");
      });

      test("killed with -9 between attaching and mounting, and in the middle of giving back, the plugin finishes that", async () => {
        devices.isHeldBack = true;
        const attached = async () => {
          while (!(await on.hosts(data)).includes("here")) await sleep(20);
          devices.isHeldBack = false;
        };
        expect(await lab.killed("Mount", () => lab.run("data:/data", read), attached)).toBe("precious\n");
        await expectGivenBack(data);

        // It is unmounted, and not detached yet: the kill comes in the same turn.
        let wasMounted = false;
        const unmounted = async () => {
          wasMounted = isMounted();
          while (isMounted()) await setImmediate();
        };
        await lab.killed(
          "Unmount",
          () => lab.run("data:/data", read),
          unmounted,
          () => Promise.resolve(""),
        );
        expect(wasMounted).toBe(true);
        // Nobody calls again.
        await expectGivenBack(data, 20_000);

        if (backend !== "scaleio") return; // the rest takes ten seconds, and has nothing to do with the backend
        // Killed as soon as it is told, it doesn't know that the container is gone.
        const ended = () => Promise.resolve("");
        await lab.killed("Unmount", () => lab.run("data:/data", read), undefined, ended);
        await expectGivenBack(data, 20_000);
        expect(await lab.run("data:/data", read)).toBe("precious\n");
      });

      test("a backend that is down is told at once", async () => {
        await lab.stopPlugin();
        await lab.startPlugin([], on.nowhere);
        const started = Date.now();
        const { code, text } = await lab.container("data:/data", "true");
        expect([code > 0, text]).toEqual([true, expect.stringMatching(/127\.0\.0\.1:1\b.*(reach|connect|refused)/)]);
        expect(text).not.toContain("storage-profiles failed");
        expect(Date.now() - started).toBeLessThan(60_000);
        await lab.stopPlugin();
        await lab.startPlugin();
      });

      test("removed it is gone from the backend", async () => {
        const names = await lab.volumes();
        const removed = await Promise.all(names.map((name) => lab.docker("volume", "rm", name)));
        expect(removed.map(({ text }) => text)).toEqual(names.map((name) => `${name}\n`));
        expect([await on.volumes(), leftovers()]).toEqual([[], []]);
      });

      // Once is enough: what `up` says is what is told.
      if (backend !== "scaleio") return;
      test("a backend that is down is told for a new volume too, and nothing of that stays", async () => {
        await on.stop();
        const started = Date.now();
        const { code, text } = await lab.container("another@gold:/data", "true");
        expect([code > 0, text]).toEqual([
          true,
          expect.stringMatching(/create another@gold: [^]*(ECONNREFUSED|refused)/),
        ]);
        expect(Date.now() - started).toBeLessThan(60_000);
        expect(readFileSync(join(lab.project.directory, "Pulumi.dev.yaml"), "utf8")).not.toContain("another");
      });
    });
  });
}
