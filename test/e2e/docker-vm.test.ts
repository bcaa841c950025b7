// The Docker plugin as a service of a machine of its own: installed under a systemd that runs, found by a dockerd that runs, with limits
// under cgroup v2, through a crash, a reboot and a power cut. All of it happens in a virtual machine (test/labs/vm).

import { machineReason, startMachine, type Machine } from "../labs/vm/lab.js";
import { describeIf } from "../support/machine";
import { rateOf, timedWrites } from "../support/rate";

jest.setTimeout(480_000);

const UNIT = "storage-profiles-docker";

/** A project of a user's, below /srv, and an image for containers. */
const SETUP = `
  set -e
  mkdir -p /srv/shop/node_modules /var/lib/stacks /tmp/image/bin
  ln -s /opt/storage-profiles /srv/shop/node_modules/storage-profiles
  ln -s /opt/storage-profiles/node_modules/@pulumi /srv/shop/node_modules/@pulumi
  cd /srv/shop
  echo 'name: shop
runtime: { name: nodejs, options: { typescript: false } }' > Pulumi.yaml
  echo '{ "name": "shop", "main": "index.js", "private": true }' > package.json
  echo 'const { ProfiledVolume, volumesOfStack } = require("storage-profiles");
for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);' > index.js
  echo 'config:
  storage-profiles:backend: local
  storage-profiles:docker: { defaultSize: 1GiB }
  storage-profiles:profiles:
    slow: { local: { iops: 100 } }
    fast: { local: { iops: 400 } }
    narrow: { local: { throughputMiBps: 2 } }
    free: { local: {} }
  storage-profiles:volumes:
    slow: { profile: slow, sizeGiB: 1 }
    narrow: { profile: narrow, sizeGiB: 1 }
    free: { profile: free, sizeGiB: 1 }' > Pulumi.dev.yaml
  printenv | grep -E '^PULUMI_' > /etc/shop.env
  pulumi stack init dev --non-interactive
  pulumi up --yes --skip-preview --non-interactive
  cp /usr/bin/busybox /tmp/image/bin
  for applet in sh cat dd echo sleep sync; do ln -s busybox /tmp/image/bin/$applet; done
  systemctl enable --now docker
  tar -C /tmp/image -c . | docker import - busybox
`;

/** What every script begins with. */
const HEAD = `
  export PATH=/opt/engine:$PATH PULUMI_CONFIG_PASSPHRASE=test PULUMI_BACKEND_URL=file:///var/lib/stacks
  [ ! -e /srv/shop ] || cd /srv/shop
`;

const reason = machineReason();

describeIf(reason === undefined, "the Docker plugin as a service", reason, () => {
  let machine: Machine;
  let stop = () => Promise.resolve();
  let before: string;

  /** Runs a script in the machine, which must succeed; what it printed. */
  const must = async (script: string): Promise<string> => {
    const { code, text } = await machine.run(HEAD + script, { timeoutMs: 200_000 });
    if (code === 0) return text;
    const { text: log } = await machine.run(`journalctl -b -u ${UNIT} --no-pager | tail -40`);
    throw new Error(`exit code ${code}: ${script}\n${text}\n${log}`);
  };
  const command = (args: string) => must(`node node_modules/storage-profiles/dist/src/cli/main.js ${args}`);
  const install = (options = "") =>
    command(`docker-plugin install --stack dev --environment-file /etc/shop.env ${options}`);
  const container = (volume: string, script: string, options = "--rm") =>
    must(
      `docker run ${options} --network none --volume-driver storage-profiles -v ${volume}:/data busybox sh -c '${script}'`,
    );
  const show = async (unit: string, property: string) =>
    (await must(`systemctl show ${unit} --value --property ${property}`)).trim();
  const files = () => must("find /etc /usr /opt /srv /run/docker/plugins -xdev | sort");
  const running = () =>
    must(`for unit in docker ${UNIT}; do until systemctl is-active $unit; do sleep 0.5; done; done`);
  const ups = () => must(`journalctl -b -u ${UNIT} --no-pager | grep -c ' up succeeded after ' || true`);

  beforeAll(async () => {
    machine = await startMachine({ log: () => undefined });
    stop = machine.stop;
    await must(SETUP);
    before = await files();
  });
  afterAll(() => stop());

  test("installed, it runs, and the dockerd that runs finds it", async () => {
    const info = await must("docker info --format '{{.CgroupVersion}} {{.CgroupDriver}}'");
    expect(info).toBe("2 systemd\n");
    const dockerd = await show("docker", "MainPID");
    expect(await install()).toContain(`Writes /etc/systemd/system/${UNIT}.service.`);
    expect(await must(`systemctl is-active ${UNIT}; systemctl is-enabled ${UNIT}`)).toBe("active\nenabled\n");
    expect(await container("data@gold", "echo founding > /data/file && sync; cat /data/file")).toBe("founding\n");
    expect(await ups()).toBe("1\n");
    const status = "docker volume inspect --format '{{.Status.profile}} {{.Status.status}}' data@gold";
    expect(await must(status)).toBe("gold compliant\n");
    expect(await show("docker", "MainPID")).toBe(dockerd);
  });

  test("limits hold under cgroup v2 from the first write on, and through a change of profile", async () => {
    await install("--on-profile-change apply");
    expect(rateOf(await container("slow", timedWrites(200)), 200)).toBeLessThan(100 * 1.2);
    expect(rateOf(await container("narrow", timedWrites(1_024)), 1_024) * 4096).toBeLessThan(2 * 1024 ** 2 * 1.2);
    expect(rateOf(await container("free", timedWrites(4_000)), 4_000)).toBeGreaterThan(100 * 10);

    const id = (await container("slow", "sleep 600", "--detach")).trim();
    const measured = async (writes: number) =>
      rateOf(await must(`docker exec ${id} sh -c '${timedWrites(writes)}'`), writes);
    expect(await measured(200)).toBeLessThan(100 * 1.2);
    await container("slow@fast", "true");
    const faster = await measured(800);
    expect(faster).toBeGreaterThan(200);
    expect(faster).toBeLessThan(400 * 1.2);
    await must(`docker rm --force ${id}`);
  });

  test("killed, it is started again, and serves", async () => {
    const killed = await show(UNIT, "MainPID");
    await must(
      `systemctl kill -s KILL ${UNIT}; while [ ! -S /run/docker/plugins/storage-profiles.sock ]; do sleep 0.2; done`,
    );
    expect(await container("data", "cat /data/file")).toBe("founding\n");
    expect(await show(UNIT, "MainPID")).not.toBe(killed);
    expect(await show(UNIT, "NRestarts")).toBe("1");
  });

  test("after a reboot and a power cut it runs, containers that Docker restarts have their volumes, and the first mount brings others back, with their data, and grown", async () => {
    await container(
      "resident",
      "echo started >> /data/starts; sync; sleep 1000000",
      "--detach --restart always --name resident",
    );
    const starts = (count: number) =>
      must(
        `until [ "$(docker exec resident cat /data/starts | wc -l)" = ${count} ]; do sleep 1; done; docker exec resident cat /proc/mounts | grep -c ' /data '`,
      );
    expect(await starts(1)).toBe("1\n");
    await machine.reboot();
    expect(await running()).toMatch(/active\n$/);
    expect(await starts(2)).toMatch(/^1$/m);
    await must(
      "sed -i '/^ *data:/,/size/ s/1GiB/2GiB/; s/\\(DOCKER_OPTS=\"\\)/\\1--exec-opt native.cgroupdriver=cgroupfs /' Pulumi.dev.yaml /etc/default/docker; sync",
    );
    await machine.cutPower();
    await running();
    expect(await starts(3)).toMatch(/^1$/m);
    await must("docker rm --force resident");
    expect(await must("docker info --format '{{.CgroupVersion}} {{.CgroupDriver}}'")).toBe("2 cgroupfs\n");
    expect(await container("data", "cat /data/file")).toBe("founding\n");
    expect(rateOf(await container("slow", timedWrites(800)), 800)).toBeLessThan(400 * 1.2);
    const size = "df --output=size --block-size=1M $(docker volume inspect --format '{{.Mountpoint}}' data) | tail -1";
    expect(Number(await must(size))).toBeGreaterThan(1_500);
  });

  test("a disk that is plugged in as Nova does it is found by the names and by the serial number that Cinder volumes have", async () => {
    const id = "5a1b2c3d-1111-4222-8333-444455556666";
    const add = async (name: string, device: Record<string, string>) => {
      await machine.qmp("blockdev-add", { driver: "null-co", "node-name": name, size: 64 << 20, "read-zeroes": true });
      await machine.qmp("device_add", { ...device, drive: name, id: `${name}-disk`, serial: id });
    };
    const found = (names: string) =>
      must(`node -e '
        const { findDevice } = require("/opt/storage-profiles/dist/components/node/device.js");
        const names = require("/opt/storage-profiles/dist/components/node/openstack.js").deviceNamesOf("${id}");
        (async () => {
          let device;
          for (const end = Date.now() + 20_000; !device && Date.now() < end; ) device = await findDevice({ ...names, ${names} });
          console.log(device, require("fs").readdirSync("/dev/disk/by-id").join(" "));
        })();'`);
    const plugged: [string, string, Record<string, string>][] = [
      ["blk", "/dev/vdb virtio-5a1b2c3d-1111-4222-8", { driver: "virtio-blk-pci", bus: "slot1" }],
      ["scsi", "/dev/sda scsi-0QEMU_QEMU_HARDDISK_5a1b2c3d-1111-4222-8", { driver: "scsi-hd", bus: "scsi.0" }],
      ["whole", `/dev/sda scsi-0QEMU_QEMU_HARDDISK_${id}`, { driver: "scsi-hd", bus: "scsi.0", device_id: id }],
    ];
    for (const [name, device, how] of plugged) {
      await add(name, how);
      expect((await found("serials: []")).trim()).toBe(device);
      expect((await found("paths: []")).trim()).toBe(device);
      await machine.qmp("device_del", { id: `${name}-disk` });
      await must(`while [ -e ${device.split(" ")[0]} ]; do sleep 0.2; done; udevadm settle`);
    }
  });

  test("run by a user without root it serves volumes that are directories", async () => {
    await must(`
      set -e
      echo 'worker:x:1000:65534::/srv/plain:/bin/false' >> /etc/passwd
      cp -a /srv/shop /srv/plain
      cd /srv/plain
      rm Pulumi.dev.yaml
      echo 'config:
  storage-profiles:backend: local
  storage-profiles:local: { mode: directory, stateDirectory: /srv/plain/volumes }
  storage-profiles:docker: { defaultSize: 1GiB }
  storage-profiles:profiles: { default: { local: {} } }' > Pulumi.dev.yaml
      sed -i 's/^name: shop/name: plain/' Pulumi.yaml
      grep -v '^PULUMI_BACKEND_URL=' /etc/shop.env > /etc/plain.env
      echo PULUMI_BACKEND_URL=file:///srv/plain/state >> /etc/plain.env
      mkdir state
      PULUMI_BACKEND_URL=file:///srv/plain/state pulumi stack init dev --non-interactive
      chown -R worker:nogroup /srv/plain`);
    const args = "--stack dev --environment-file /etc/plain.env --user worker --name plain";
    const plugin = "node node_modules/storage-profiles/dist/src/cli/main.js docker-plugin";
    await must(`cd /srv/plain; HOME=/srv/plain ${plugin} install ${args}`);
    const run = (script: string) =>
      must(`docker run --rm --network none --volume-driver plain -v notes:/data busybox sh -c '${script}'`);
    expect(await run("echo mine > /data/file; cat /data/file")).toBe("mine\n");
    expect(await run("cat /data/file")).toBe("mine\n");
    expect(await must("ps -o user= -p $(systemctl show storage-profiles-docker-plain --value -p MainPID)")).toBe(
      "worker\n",
    );
    expect(await must("find /srv/plain/volumes -name file -exec cat {} +")).toBe("mine\n");
    await must(
      `cd /srv/plain; ${plugin} uninstall --name plain; sed -i '/^worker:/d' /etc/passwd; rm -rf /srv/plain /etc/plain.env`,
    );
  });

  test("uninstall takes all of it back", async () => {
    await command("docker-plugin uninstall");
    expect((await machine.run(`systemctl is-active ${UNIT}`)).text).toBe("inactive\n");
    expect(await files()).toBe(before);
  });
});
