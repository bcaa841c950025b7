// The Docker plugin as a service of a server in a cloud: a virtual machine (test/labs/vm) that a real Nova takes for its server. A volume of a
// real Cinder that Nova gives to the server is plugged in as a disk; the service, within its restrictions, finds, formats, mounts and grows it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { until } from "../../tools/test/time.js";
import { machineReason, PRELOADED, startMachine, type Machine } from "../labs/vm/lab.js";
import { IS_LATE, PROGRAM } from "../support/docker";
import { describeIf } from "../support/machine";
import { OpenstackLab } from "../support/openstack";
import { openstackEngineReason, OpenstackProject } from "../support/openstack-project";
import { Hypervisor } from "../support/hypervisor";

const UNIT = "storage-profiles-docker";

const reason = machineReason() ?? openstackEngineReason();

describeIf(reason === undefined, "the Docker plugin as a service of a server in a cloud", reason, () => {
  let lab: OpenstackLab;
  let server: string;
  let machine: Machine;
  let hypervisor: Hypervisor;
  let id: string;
  const project = new OpenstackProject("cloud", () => lab);
  /** What is to be ended, in its order. */
  const ends: (() => Promise<unknown>)[] = [];

  const must = async (script: string): Promise<string> => {
    const head =
      "export PATH=/opt/engine:$PATH; set -a; [ ! -e /etc/cloud.env ] || . /etc/cloud.env; set +a; cd /srv/cloud\n";
    for (let tries = 1; ; tries++) {
      const { code, text } = await machine.run(head + script, { seconds: 200 });
      if (code === 0) return text;
      if (tries < 10 && IS_LATE.test(text)) continue;
      const { text: log } = await machine.run(`journalctl -b -u ${UNIT} --no-pager | tail -40`);
      throw new Error(`exit code ${code}: ${script}\n${text}\n${log}`);
    }
  };
  const container = (script: string, options = "--rm") =>
    must(
      `docker run ${options} --network none --volume-driver storage-profiles -v data:/data busybox sh -c '${script}'`,
    );
  const place = (file: string, text: string) => must(`base64 -d > ${file} <<< ${Buffer.from(text).toString("base64")}`);
  const now = async () => (await lab.volume(id))!;

  /** Nova has taken the volume back, and the machine has no disk any more. */
  const givenBack = async () => {
    await lab.waitFor(id, "available");
    expect(lab.plugged(server)).toEqual([]);
    await until("the disk is unplugged", () => hypervisor.disks.length === 0, { seconds: 60 * machine.timeFactor });
  };

  beforeAll(async () => {
    lab = await OpenstackLab.start({ nova: true });
    ends.push(
      () => lab.stop(),
      () => project.dispose(),
    );
    await lab.makeType("gold", { volume_backend_name: "fast" });
    server = await lab.server("machine");
    project.program(PROGRAM);
    await project.connect({ volumes: { data: { profile: "gold", sizeGiB: 1 } } });
    await project.up();
    id = (await lab.volumes()).find(({ name }) => name === "data")!["id"] as string;
    const { text: state } = await project.run(["stack", "export"]);

    const starting = startMachine({ network: true, log: () => undefined });
    ends.push(async () => (await starting).stop());
    machine = await starting;
    hypervisor = new Hypervisor(machine, () => lab.plugged(server));
    ends.push(() => hypervisor.stop());
    // The cloud's addresses are those of the machine that the lab is on: they lead there.
    const ports = [lab.lab.authUrl, lab.lab.cinderUrl, lab.lab.novaUrl ?? ""].map((url) => new URL(url).port);
    await machine.run("mkdir -p /srv/cloud/node_modules /var/lib/stacks");
    await must(`
      set -e
      busybox ip addr add 10.0.2.15/24 dev eth0
      busybox ip link set eth0 up
      for port in ${ports.join(" ")}; do
        systemd-run --quiet --unit cloud-$port --socket-property ListenStream=127.0.0.1:$port \\
          /lib/systemd/systemd-socket-proxyd 10.0.2.2:$port
      done
      ln -s /opt/storage-profiles node_modules/storage-profiles
      ln -s /opt/storage-profiles/node_modules/@pulumi node_modules/@pulumi`);
    const variables = {
      ...lab.environment(),
      STORAGE_PROFILES_INSTANCE_ID: server,
      PULUMI_CONFIG_PASSPHRASE: (await project.env())["PULUMI_CONFIG_PASSPHRASE"],
      PULUMI_BACKEND_URL: "file:///var/lib/stacks",
      NODE_OPTIONS: `--require ${PRELOADED}`,
    };
    await place(
      "/etc/cloud.env",
      Object.entries(variables)
        .map(([key, value]) => `${key}="${value}"\n`)
        .join(""),
    );
    for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml", "package.json", "index.js"]) {
      await place(file, readFileSync(join(project.directory, file), "utf8"));
    }
    await place("/tmp/state.json", state.slice(state.indexOf("{")));
    await must(`
      pulumi stack init dev --non-interactive
      pulumi stack import --stack dev --file /tmp/state.json --non-interactive
      node node_modules/storage-profiles/dist/src/cli/main.js docker-plugin install --stack dev --environment-file /etc/cloud.env`);
  });
  afterAll(async () => {
    const ended = [];
    for (const end of ends.reverse()) ended.push(...(await Promise.allSettled([end()])));
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "fulfilled"));
  });

  afterEach(async () => {
    await must("docker ps --all --quiet | xargs --no-run-if-empty docker rm --force");
  });

  test("attaches a volume by Nova, formats the disk that appears, and gives it back with its data", async () => {
    expect(await container("echo founding > /data/file && sync; cat /data/file; df /data")).toMatch(
      /^founding\n[^]*\/dev\/vdb /,
    );
    await givenBack();
    expect(await container("cat /data/file")).toBe("founding\n");
    await givenBack();
  });

  test("grows the file system while a container has it mounted, and the container sees it", async () => {
    const running = (await container("sleep 100000", "--detach")).trim();
    await must(`docker exec ${running} sh -c 'echo growing > /data/file && sync'`);
    const size = async () => Number((await must(`docker exec ${running} df -m /data | tail -1`)).split(/\s+/)[1]);
    expect(await size()).toBeLessThan(1_024);
    expect((await lab.act(id, { "os-extend": { new_size: 3 } }, { user: "plain", microversion: "3.42" })).status).toBe(
      202,
    );
    await lab.waitUntil(id, (volume) => volume["status"] === "in-use" && volume["size"] === 3);
    await hypervisor.resize(id, 3);
    await until("it grows", async () => (await size()) > 2_500, { seconds: 120 * machine.timeFactor, everyMs: 200 });
    expect(await must(`docker exec ${running} cat /data/file`)).toBe("growing\n");

    // Killed meanwhile, it knows what it has attached.
    await must(`systemctl kill -s KILL ${UNIT}; until systemctl is-active --quiet ${UNIT}; do sleep 0.2; done`);
    expect((await now())["status"]).toBe("in-use");
    await must(`docker rm --force ${running}`);
    await givenBack();
    expect(await container("cat /data/file")).toBe("growing\n");
  });
});
