// Docker with volumes that are attached to machines, on a real dockerd: made by `pulumi up` on the ScaleIO gateway of this package, on EC2
// (moto) and on a real Cinder, attached by the plugin (there by a real Nova), and seen in containers. Loop devices stand in for the devices that appear.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

import { parse, stringify } from "yaml";

import { hasCapability } from "../../components/host/capabilities";
import { ScaleioArray } from "../../components/backends/scaleio/array";
import { GatewaySession } from "../../components/backends/scaleio/session";
import { startScaleioGateway, type ScaleioGateway } from "../../emulators";
import { until } from "../../tools/test/time.js";
import type { Docker } from "../labs/docker/lab.js";
import { AwsLab, AwsProject, awsReason } from "../support/aws";
import { StandIns, type AttachedVolume } from "../support/device";
import { describeDocker, DockerLab, startEngine, UNREADY } from "../support/docker";
import type { Project } from "../support/engine";
import { describeIf } from "../support/machine";
import { OpenstackLab } from "../support/openstack";
import { openstackEngineReason, OpenstackProject } from "../support/openstack-project";
import { onArray, ScaleioProject } from "../support/scaleio";

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

describeDocker("docker run with volumes that are attached", () => {
  describe.each([
    ["scaleio", undefined, OnScaleio],
    ["aws", awsReason(), OnEbs],
    ["openstack", openstackEngineReason(), OnCinder],
  ] as const)("by backend %s", (backend, reason, Backend) => {
    describeIf(reason === undefined, "which this machine has", reason, () => {
      const on: Attaching = new Backend();
      // An engine of its own: one remembers the driver of each name, also when the driver is gone.
      let engine: Docker | undefined;
      const places = (directory: string) => ({
        STORAGE_PROFILES_MOUNTS: join(directory, "mounts"),
        STORAGE_PROFILES_NODE_STATE: join(directory, "attached"),
      });
      const lab = new DockerLab({
        project: on.project,
        connect: (config) => on.connect(config),
        environment: (directory) => ({ ...on.environment(), ...places(directory) }),
        engine: () => engine!,
      });
      let devices: StandIns;
      const inspect = async (name: string) => {
        const { code, out, text } = await lab.docker("volume", "inspect", name);
        if (code !== 0) throw new Error(text);
        return (JSON.parse(out) as { Mountpoint: string; Status: Record<string, any> }[])[0]!;
      };
      const idOf = async (name: string) => (await inspect(name)).Status["volumeId"] as string;
      /** The mounts and records of attachments that are left on the machine. */
      const leftovers = () =>
        Object.values(places(lab.directory))
          .map((directory) => join(directory, backend))
          .flatMap((directory) => (existsSync(directory) ? readdirSync(directory) : []));
      const isMounted = () => readFileSync("/proc/self/mountinfo", "utf8").includes(`${lab.directory}/mounts/`);
      const isGivenBack = async (id: string) => [await on.hosts(id), leftovers()].every(({ length }) => length === 0);
      /** Docker's answer came after that. */
      const expectGivenBack = async (id: string) => expect([await on.hosts(id), leftovers()]).toEqual([[], []]);
      /** The plugin does it by itself, in its own time. */
      const waitUntilGivenBack = (id: string) => until("the volume is given back", () => isGivenBack(id));

      beforeAll(async () => {
        engine = await startEngine();
        await on.start();
        // Made by one `up`: one for each test that is about something else.
        const made = ["changing", "foreign", "elsewhere", "crashing", "leaving"];
        const volume = { profile: "gold", sizeGiB: 8, deletionProtection: false };
        await lab.start({
          docker: { defaultSize: "8GiB" },
          // Each its own: YAML would write one object as an anchor and its aliases.
          volumes: Object.fromEntries(made.map((name) => [name, { ...volume }])),
        });
        await lab.project.up();
        devices = new StandIns(() => on.attached());
        await lab.startPlugin();
      });
      afterEach(() => lab.removeContainers());
      afterAll(async () => {
        try {
          await lab.stop();
          await (devices as StandIns | undefined)?.dispose();
        } finally {
          await engine?.stop();
          await on.stop();
        }
      });

      test("a volume is made, attached, formatted and given back; the next container has its data, without an up", async () => {
        const [before, there] = [lab.ups, await on.volumes()];
        await lab.run("new@gold:/data", write("precious"));
        expect(lab.ups - before).toBe(1);
        const id = await idOf("new@gold");
        expect((await on.volumes()).sort()).toEqual([...there, id].sort());
        await expectGivenBack(id);

        const container = await lab.detached("new:/data");
        expect(await lab.exec(container, read)).toBe("precious\n");
        expect(await on.hosts(id)).toEqual(["here"]);
        const { Status, Mountpoint } = await inspect("new");
        expect(Status).toMatchObject({ profile: "gold", size: "8GiB", backend, status: "compliant", volumeId: id });
        expect(Status["cost"]).toMatch(backend === "aws" ? /^\$?\d.*\/month$/ : /^unknown$/);
        expect(readFileSync(join(Mountpoint, "file"), "utf8")).toBe("precious\n");
        // Two containers of one machine share it, and only the last one gives it back.
        expect(await lab.run("new@gold:/data", read)).toBe("precious\n");
        expect(await on.hosts(id)).toEqual(["here"]);
        await lab.docker("rm", "--force", container);
        await expectGivenBack(id);
        expect((await inspect("new")).Mountpoint).toBe("");
        expect(lab.ups - before).toBe(1);
      });

      test("another profile and a larger size reach a container that runs, and its data stays", async () => {
        const container = await lab.detached("changing:/data");
        const id = await idOf("changing");
        await lab.exec(container, write("precious"));
        const before = await on.limits(id);
        expect(sizeIn(await lab.exec(container, sizeMiB))).toBeLessThan(8_192);
        if (backend === "scaleio") {
          const args = ["apply", "changing@silver", "--size", "16", "--yes"];
          const applied = await lab.project.command("storage-profiles", args);
          expect(applied.code === 0 ? "applied" : applied.text).toBe("applied");
        } else {
          // By hand, which is one run of the engine instead of two.
          const file = join(lab.project.directory, "Pulumi.dev.yaml");
          const content = parse(readFileSync(file, "utf8"));
          Object.assign(content.config["storage-profiles:volumes"].changing, { profile: "silver", sizeGiB: 16 });
          writeFileSync(file, stringify(content));
          await lab.project.up();
        }
        await until("the limits change", async () => (await on.limits(id)) !== before);
        expect([before, await on.limits(id)]).toEqual([on.expected.gold, on.expected.silver]);
        if (hasCapability("CAP_SYS_RESOURCE")) {
          // A file system that is mounted can be grown: that is seen in the container, too.
          await until("it grows", async () => sizeIn(await lab.exec(container, sizeMiB)) > 15_000, { everyMs: 100 });
        }
        await lab.docker("rm", "--force", container);
        await expectGivenBack(id);
        const grown = await lab.run("changing:/data", `${sizeMiB}; ${read}`);
        expect([sizeIn(grown) > 15_000, grown]).toEqual([true, expect.stringContaining("precious")]);
        // What was read within the last second is still told.
        const isCompliant = async () => (await inspect("changing")).Status["status"] === "compliant";
        await until("it is compliant", isCompliant, { everyMs: 500 });
        expect((await inspect("changing")).Status).toMatchObject({ profile: "silver", size: "16GiB" });
      });

      test("one that isn't blank is refused with what is on it, and stays as it is", async () => {
        const id = await idOf("foreign");
        const device = devices.of(on.device(id), 8);
        device.write(700_000, "somebody's data");
        const before = device.sum(64 << 20);
        const { code, text } = await lab.container("foreign:/data", "true");
        expect([code > 0, text]).toEqual([
          true,
          expect.stringMatching(
            /foreign \(\S+, \S+\) isn't formatted, because it isn't blank: unknown data at byte 700000/,
          ),
        ]);
        expect(device.sum(64 << 20)).toBe(before);
      });

      test("one that another machine has is refused with that machine's name", async () => {
        await lab.run("elsewhere:/data", write("precious"));
        const id = await idOf("elsewhere");
        const name = await on.attachElsewhere(id);
        try {
          const { code, text } = await lab.container("elsewhere:/data", "true");
          const because = `elsewhere is attached to ${name}: a file system`;
          expect([code > 0, text]).toEqual([true, expect.stringContaining(because)]);
          expect(await on.hosts(id)).toEqual([name]);
        } finally {
          await on.detachElsewhere(id);
        }
        expect(await lab.run("elsewhere:/data", read)).toBe("precious\n");
      });

      test("killed with -9 between attaching and mounting, and in the middle of giving back, the plugin finishes that", async () => {
        const run = () => lab.run("crashing:/data", read);
        await lab.stopPlugin();
        await lab.startPlugin(UNREADY);
        await lab.run("crashing:/data", write("precious"));
        const id = await idOf("crashing");
        devices.isHeldBack = true;
        const attached = async () => {
          await until("it is attached", async () => (await on.hosts(id)).includes("here"), { everyMs: 20 });
          devices.isHeldBack = false;
        };
        expect(await lab.killed("Mount", run, attached).finally(() => (devices.isHeldBack = false))).toBe("precious\n");
        await waitUntilGivenBack(id);

        // It is unmounted, and not detached yet: the kill comes in the same turn.
        let wasMounted = false;
        const unmounted = async () => {
          wasMounted = isMounted();
          while (isMounted()) await setImmediate();
        };
        const nothing = () => Promise.resolve("");
        await lab.killed("Unmount", run, unmounted, nothing);
        expect(wasMounted).toBe(true);
        // Nobody calls again.
        await waitUntilGivenBack(id);

        if (backend !== "scaleio") return; // the rest has nothing to do with the backend
        // Killed as soon as it is told, it doesn't know that the container is gone.
        await lab.killed("Unmount", run, undefined, nothing);
        await waitUntilGivenBack(id);
        expect(await run()).toBe("precious\n");
      });

      test("a backend that is down is told", async () => {
        await lab.withPlugin(UNREADY, on.nowhere, async () => {
          const { code, text } = await lab.container("elsewhere:/data", "true");
          expect([code > 0, text]).toEqual([true, expect.stringMatching(/127\.0\.0\.1:1\b.*(reach|connect|refused)/)]);
          expect(text).not.toContain("storage-profiles failed");
          // It didn't come to the time limit.
          expect(text).not.toContain("still waiting");
        });
      });

      test("removed it is gone from the backend", async () => {
        await lab.run("leaving:/data", write("precious"));
        const id = await idOf("leaving");
        expect((await lab.docker("volume", "rm", "leaving")).text).toBe("leaving\n");
        expect([(await on.volumes()).includes(id), leftovers()]).toEqual([false, []]);
        expect(await lab.volumes()).not.toContain("leaving");
      });

      // Once is enough: what `up` says is what is told. The last one, for it ends the backend.
      if (backend !== "scaleio") return;
      test("a backend that is down is told for a new volume too, and nothing of that stays", async () => {
        await on.stop();
        const { code, text } = await lab.container("another@gold:/data", "true");
        expect([code > 0, text]).toEqual([
          true,
          expect.stringMatching(/create another@gold: [^]*(ECONNREFUSED|refused)/),
        ]);
        expect(readFileSync(join(lab.project.directory, "Pulumi.dev.yaml"), "utf8")).not.toContain("another");
      });
    });
  });
});
