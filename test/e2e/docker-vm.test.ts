// The Docker plugin as a service of a machine of its own: installed under a systemd that runs, found by a dockerd that runs, with limits
// under cgroup v2, through a crash, a reboot and a power cut. All of it happens in a virtual machine (test/labs/vm).

import { limitMs } from "../../tools/test/time.js";
import { machineReason, PRELOADED, startMachine, type Machine } from "../labs/vm/lab.js";
import { IS_LATE } from "../support/docker";
import { describeIf } from "../support/machine";
import { expectLimited, expectRaised, rateOf, timedWrites } from "../support/rate";

const UNIT = "storage-profiles-docker";

/** A project of a user's, below /srv, with a volume or two for each test. */
const SETUP = `
  set -e
  mkdir -p /srv/shop/node_modules /var/lib/stacks
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
    free: { profile: free, sizeGiB: 1 }
    kept: { profile: free, sizeGiB: 1 }
    resident: { profile: free, sizeGiB: 1 }
    held: { profile: slow, sizeGiB: 1 }
    grown: { profile: free, sizeGiB: 1 }' > Pulumi.dev.yaml
  printenv | grep -E '^(PULUMI_|NODE_OPTIONS=)' > /etc/shop.env
  pulumi stack init dev --non-interactive
  pulumi up --yes --skip-preview --non-interactive
`;

/** What every script begins with. */
const HEAD = `
  export PATH=/opt/engine:$PATH PULUMI_CONFIG_PASSPHRASE=test PULUMI_BACKEND_URL=file:///var/lib/stacks
  export NODE_OPTIONS='--require ${PRELOADED}'
  [ ! -e /srv/shop ] || cd /srv/shop
`;

const PLUGIN = "node node_modules/storage-profiles/dist/src/cli/main.js docker-plugin";
const INSTALL = `${PLUGIN} install --stack dev --environment-file /etc/shop.env`;
const INSTALLED = `/etc/systemd/system/${UNIT}.service`;

const reason = machineReason();

describeIf(reason === undefined, "the Docker plugin as a service", reason, () => {
  let machine: Machine;
  let starting: Promise<Machine> | undefined;

  /** Runs a script in the machine, which must succeed; what it printed. */
  const must = async (script: string): Promise<string> => {
    for (let tries = 1; ; tries++) {
      const { code, text } = await machine.run(HEAD + script, { seconds: 200 });
      if (code === 0) return text;
      // An `up` that takes longer than Docker waits goes on, and is asked for again.
      if (tries < 10 && IS_LATE.test(text)) continue;
      const { text: log } = await machine.run(`journalctl -b -u ${UNIT} --no-pager | tail -40`);
      throw new Error(`exit code ${code}: ${script}\n${text}\n${log}`);
    }
  };
  const container = (volume: string, script: string, options = "--rm") =>
    must(
      `docker run ${options} --network none --volume-driver storage-profiles -v ${volume}:/data busybox sh -c '${script}'`,
    );
  const rate = async (volume: string, writes: number) => rateOf(await container(volume, timedWrites(writes)), writes);
  const show = async (unit: string, property: string) =>
    (await must(`systemctl show ${unit} --value --property ${property}`)).trim();
  const files = () => must("find /etc /usr /opt /srv /run/docker/plugins -xdev | sort");
  const running = () =>
    must(`for unit in docker ${UNIT}; do until systemctl is-active $unit; do sleep 0.5; done; done`);
  const served = "until [ -S /run/docker/plugins/storage-profiles.sock ]; do sleep 0.2; done";
  /** Has the service run, with these options. */
  const installed = (options = "--on-profile-change refuse") =>
    must(`
      systemctl is-active --quiet ${UNIT} && grep -q -e '${options}' ${INSTALLED} || ${INSTALL} ${options} && ${served}`);
  const uninstalled = () => must(`[ ! -e ${INSTALLED} ] || ${PLUGIN} uninstall`);
  const ups = () => must(`journalctl -b -u ${UNIT} --no-pager | grep -c '"up succeeded after ' || true`);
  const dockerInfo = () => must("docker info --format '{{.CgroupVersion}} {{.CgroupDriver}}'");

  beforeAll(async () => {
    starting = startMachine({ log: () => undefined });
    machine = await starting;
    await must(SETUP);
  });
  afterEach(async () => {
    // A test may have failed while the machine was down.
    await machine.run("true", { seconds: 20 }).catch(() => machine.cutPower());
    await must("docker ps --all --quiet | xargs --no-run-if-empty docker rm --force");
  });
  afterAll(async () => (await starting)?.stop());

  test("installed, it runs, and the dockerd that runs finds it", async () => {
    await uninstalled();
    expect(await dockerInfo()).toBe("2 systemd\n");
    const dockerd = await show("docker", "MainPID");
    expect(await must(INSTALL)).toContain(`Writing ${INSTALLED}.`);
    expect(await must(`systemctl is-active ${UNIT}; systemctl is-enabled ${UNIT}`)).toBe("active\nenabled\n");
    const before = Number(await ups());
    expect(await container("data@gold", "echo founding > /data/file && sync; cat /data/file")).toBe("founding\n");
    expect(Number(await ups()) - before).toBe(1);
    const status = "docker volume inspect --format '{{.Status.profile}} {{.Status.status}}' data@gold";
    expect(await must(status)).toBe("gold compliant\n");
    expect(await show("docker", "MainPID")).toBe(dockerd);
  });

  test("limits hold under cgroup v2 from the first write on, and through a change of profile", async () => {
    await installed("--on-profile-change apply");
    const unlimited = await rate("free", 2_000);
    expectLimited("100 IOPS", { limit: 100, limited: await rate("slow", 200), unlimited });
    const narrow = { limit: 512, limited: await rate("narrow", 1_024), unlimited };
    expectLimited("2 MiB/s, in writes of 4 KiB", narrow);

    const id = (await container("slow", "sleep 100000", "--detach")).trim();
    const measured = async (writes: number) =>
      rateOf(await must(`docker exec ${id} sh -c '${timedWrites(writes)}'`), writes);
    const limits = () =>
      must(`cat /sys/fs/cgroup$(cut -d: -f3 /proc/$(docker inspect --format '{{.State.Pid}}' ${id})/cgroup)/io.max`);
    expect(await limits()).toMatch(/^\d+:\d+ rbps=max wbps=max riops=100 wiops=100$/m);
    const before = { limit: 100, limited: await measured(200), unlimited };
    expectLimited("100 IOPS in a container that runs", before);
    await container("slow@fast", "true");
    expect(await limits()).toMatch(/ riops=400 wiops=400$/m);
    expectRaised("400 IOPS instead of 100", before, { limit: 400, limited: await measured(800), unlimited });
  });

  test("killed, it is started again, and serves", async () => {
    await installed();
    await container("kept", "echo kept > /data/file && sync");
    const [killed, restarts] = [await show(UNIT, "MainPID"), Number(await show(UNIT, "NRestarts"))];
    await must(`systemctl kill -s KILL ${UNIT}
      while [ "$(systemctl show ${UNIT} --value --property NRestarts)" = ${restarts} ]; do sleep 0.2; done; ${served}`);
    expect(await container("kept", "cat /data/file")).toBe("kept\n");
    expect(await show(UNIT, "MainPID")).not.toBe(killed);
    expect(await show(UNIT, "NRestarts")).toBe(String(restarts + 1));
  });

  /** Starts a container that Docker itself starts again; waits until it was started so many times, and says whether it has its volume. */
  const startResident = () => {
    const script = "echo started >> /data/starts; sync; sleep 1000000";
    return container("resident", script, "--detach --restart always --name resident");
  };
  const forgetStarts = () => container("resident", "rm -f /data/starts");
  const starts = (count: number) =>
    must(`
      until [ "$(docker exec resident cat /data/starts | wc -l)" = ${count} ]; do sleep 1; done
      docker exec resident cat /proc/mounts | grep -c ' /data '`);

  test("after a reboot it runs, and a container that Docker restarts has its volume", async () => {
    await installed();
    await forgetStarts();
    await startResident();
    expect(await starts(1)).toBe("1\n");
    await machine.reboot();
    expect(await running()).toMatch(/active\n$/);
    expect(await starts(2)).toMatch(/^1$/m);
  });

  test("after a power cut it runs, also under Docker's other cgroup driver; the first mount brings a volume back, with its data, and grown", async () => {
    await installed();
    await forgetStarts();
    await startResident();
    expect(await starts(1)).toBe("1\n");
    await container("grown", "echo old > /data/file && sync");
    await must(`
      sed -i '/^ *grown:/,/size/ s/sizeGiB: 1/sizeGiB: 2/' Pulumi.dev.yaml
      sed -i 's/\\(DOCKER_OPTS="\\)/\\1--exec-opt native.cgroupdriver=cgroupfs /' /etc/default/docker
      grep 'grown: .*sizeGiB: 2' Pulumi.dev.yaml && sync`);
    try {
      await machine.cutPower();
      await running();
      expect(await starts(2)).toMatch(/^1$/m);
      await must("docker rm --force resident");
      expect(await dockerInfo()).toBe("2 cgroupfs\n");
      const [text, limited, unlimited] = await Promise.all([
        container("grown", "cat /data/file"),
        rate("held", 200),
        rate("free", 2_000),
      ]);
      expect(text).toBe("old\n");
      expectLimited("100 IOPS, with the cgroup driver cgroupfs", { limit: 100, limited, unlimited });
      const size =
        "df --output=size --block-size=1M $(docker volume inspect --format '{{.Mountpoint}}' grown) | tail -1";
      expect(Number(await must(size))).toBeGreaterThan(1_500);
    } finally {
      await must(`
        docker ps --all --quiet | xargs --no-run-if-empty docker rm --force
        sed -i 's/--exec-opt native.cgroupdriver=cgroupfs //' /etc/default/docker; systemctl restart docker`);
    }
  });

  test("a disk that is plugged in as Nova does it is found by the names and by the serial number that Cinder volumes have", async () => {
    const id = "5a1b2c3d-1111-4222-8333-444455556666";
    const found = async () =>
      JSON.parse(
        await must(`node -e '
        const { findDevice } = require("/opt/storage-profiles/dist/components/host/device.js");
        const names = require("/opt/storage-profiles/dist/components/backends/openstack/host.js").deviceNamesOf("${id}");
        const find = async (names) => {
          let device;
          for (const end = Date.now() + ${limitMs(20) * machine.timeFactor}; !device && Date.now() < end; ) device = await findDevice(names);
          return device;
        };
        (async () => {
          const [byPath, bySerial] = [await find({ ...names, serials: [] }), await find({ ...names, paths: [] })];
          console.log(JSON.stringify([byPath, bySerial, ...require("fs").readdirSync("/dev/disk/by-id")]));
        })();'`),
      ) as string[];
    const plugged: [string, string[], Record<string, string>][] = [
      ["blk", ["/dev/vdb", "virtio-5a1b2c3d-1111-4222-8"], { driver: "virtio-blk-pci", bus: "slot1" }],
      ["scsi", ["/dev/sda", "scsi-0QEMU_QEMU_HARDDISK_5a1b2c3d-1111-4222-8"], { driver: "scsi-hd", bus: "scsi.0" }],
      ["whole", ["/dev/sda", `scsi-0QEMU_QEMU_HARDDISK_${id}`], { driver: "scsi-hd", bus: "scsi.0", device_id: id }],
    ];
    for (const [name, [device = "", link], how] of plugged) {
      await machine.qmp("blockdev-add", { driver: "null-co", "node-name": name, size: 64 << 20, "read-zeroes": true });
      await machine.qmp("device_add", { ...how, drive: name, id: `${name}-disk`, serial: id });
      try {
        expect(await found()).toEqual([device, device, link]);
      } finally {
        await machine.qmp("device_del", { id: `${name}-disk` });
        await must(`while [ -e ${device} ]; do sleep 0.2; done; udevadm settle`);
      }
    }
  });

  test("run by a user without root it serves volumes that are directories", async () => {
    await must(`
      set -e
      echo 'worker:x:1000:65534::/srv/plain:/bin/false' >> /etc/passwd
      mkdir -p /srv/plain
      cp -a node_modules package.json index.js Pulumi.yaml /srv/plain
      cd /srv/plain
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
    try {
      const args = "--stack dev --environment-file /etc/plain.env --user worker --name plain";
      await must(`cd /srv/plain; HOME=/srv/plain ${PLUGIN} install ${args}`);
      const run = (script: string) =>
        must(`docker run --rm --network none --volume-driver plain -v notes:/data busybox sh -c '${script}'`);
      expect(await run("echo mine > /data/file; cat /data/file")).toBe("mine\n");
      expect(await run("cat /data/file")).toBe("mine\n");
      expect(await must("ps -o user= -p $(systemctl show storage-profiles-docker-plain --value -p MainPID)")).toBe(
        "worker\n",
      );
      expect(await must("find /srv/plain/volumes -name file -exec cat {} +")).toBe("mine\n");
    } finally {
      await must(`
        cd /srv/plain; ${PLUGIN} uninstall --name plain
        sed -i '/^worker:/d' /etc/passwd; rm -rf /srv/plain /etc/plain.env`);
    }
  });

  test("uninstall takes back all that install wrote", async () => {
    await uninstalled();
    const before = await files();
    await must(`${INSTALL} && ${served}`);
    expect(await files()).not.toBe(before);
    await must(`${PLUGIN} uninstall`);
    expect((await machine.run(`systemctl is-active ${UNIT}`)).text).toBe("inactive\n");
    expect(await files()).toBe(before);
  });
});
