// Cinder volumes on a server, attached by a real Nova: what is asked of it, what it refuses, and what happens when its answer is lost. The
// device that its hypervisor would plug in is a loop device, the metadata service the test's own.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeStorage } from "../../../../components/host";
import { deviceNamesOf } from "../../../../components/backends/openstack/host";
import type { NodeVolume } from "../../../../components/host/contract";
import { limitMs } from "../../../../tools/test/time.js";
import { StandIns } from "../../../support/device";
import { describeIf, detachBelow, loopReason } from "../../../support/machine";
import { OpenstackLab, openstackReason } from "../../../support/openstack";

const ID = "0f2d1c7e-8a5b-4d7e-9a55-3c1f0b2a4d6e";
const waiting = () => ({ signal: AbortSignal.timeout(limitMs(120)), for: () => undefined });

test("a disk is looked for by each name that libvirt and udev give it, on virtio-blk and on virtio-scsi, whole or of 20 characters", () => {
  const names = deviceNamesOf(ID);
  // As they appear in a virtual machine: test/e2e/docker-vm.test.ts.
  for (const name of [
    "virtio-0f2d1c7e-8a5b-4d7e-9",
    "scsi-0QEMU_QEMU_HARDDISK_0f2d1c7e-8a5b-4d7e-9",
    `scsi-0QEMU_QEMU_HARDDISK_${ID}`,
  ]) {
    expect(names.paths).toContain(`/dev/disk/by-id/${name}`);
  }
  expect(names.serials).toEqual(["0f2d1c7e-8a5b-4d7e-9", ID]);
});

const reason = loopReason() ?? openstackReason();
describeIf(reason === undefined, "a volume on Cinder", reason, () => {
  let lab: OpenstackLab;
  let home: string;
  let devices: StandIns;
  let metadata: Server;
  let here: string;
  let elsewhere: string;
  let id: string;

  const nameOf = (volumeId: string) => `/dev/disk/by-id/virtio-${volumeId.slice(0, 20)}`;
  const volume = (): NodeVolume => ({
    name: "data",
    backend: "openstack",
    volumeId: id,
    sizeGiB: 1,
    settings: {} as never,
  });
  const endpoint = () => `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  const storage = (env: Record<string, string> = {}) => {
    const machine = { STORAGE_PROFILES_MOUNTS: join(home, "m"), STORAGE_PROFILES_NODE_STATE: join(home, "r") };
    const all = { ...lab.environment(), ...machine, STORAGE_PROFILES_METADATA_ENDPOINT: endpoint(), ...env };
    return nodeStorage("openstack", { config: {}, env: all })!;
  };
  /** What was to change something at Nova. */
  const changes = async () =>
    (await lab.requests("nova"))
      .filter(({ method }) => method !== "GET")
      .map(({ method, path, body }) => `${method} ${path}${body ? ` ${JSON.stringify(body)}` : ""}`);
  const servers = async () =>
    ((await lab.volume(id))!["attachments"] as { server_id: string }[]).map(({ server_id: server }) => server);
  const attach = async (server: string) => {
    const body = { volumeAttachment: { volumeId: id } };
    await lab.mustNova("POST", `/servers/${server}/os-volume_attachments`, body, { user: "plain" });
    await lab.waitFor(id, "in-use");
  };

  beforeAll(async () => {
    lab = await OpenstackLab.start({ nova: true });
    [here, elsewhere] = [await lab.server("here"), await lab.server("elsewhere")];
    metadata = createServer((request, response) => {
      const isIt = request.url === "/openstack/latest/meta_data.json";
      response.writeHead(isIt ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify({ uuid: here, name: "here" }));
    });
    await new Promise<void>((done) => metadata.listen(0, "127.0.0.1", done));
    devices = new StandIns(() =>
      Promise.resolve(lab.plugged(here).map((each) => ({ path: nameOf(each), sizeGiB: 1 }))),
    );
  });
  afterAll(async () => {
    await devices.dispose();
    metadata.close();
    metadata.closeAllConnections();
    await lab.stop();
  });
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), "sp-node-"));
    id = await lab.create({ name: "data" });
    await lab.clear();
  });
  afterEach(() => {
    detachBelow(home);
    rmSync(home, { recursive: true, force: true });
  });

  test("is attached by Nova to the server that the metadata tells, waited for, mounted, and given back", async () => {
    const at = (await storage().mount(volume(), waiting()))!;
    writeFileSync(join(at, "precious"), "data");
    expect([await servers(), lab.plugged(here)]).toEqual([[here], [id]]);
    await storage().unmount(volume(), waiting());
    expect([(await lab.volume(id))!["status"], lab.plugged(here)]).toEqual(["available", []]);
    expect(await changes()).toEqual([
      `POST /v2.1/servers/${here}/os-volume_attachments {"volumeAttachment":{"volumeId":"${id}"}}`,
      `DELETE /v2.1/servers/${here}/os-volume_attachments/${id}`,
    ]);
    const again = (await storage().mount(volume(), waiting()))!;
    expect(readFileSync(join(again, "precious"), "utf8")).toBe("data");
    await storage().unmount(volume(), waiting());
  });

  test("that another server has is refused, and nothing is asked of Nova", async () => {
    await attach(elsewhere);
    await expect(storage().mount(volume(), waiting())).rejects.toThrow(
      `data is attached to server ${elsewhere}: a file system`,
    );
    expect([await changes(), await servers()]).toEqual([[], [elsewhere]]);
  });

  test("whose attachment was done and not answered is mounted by the next one, and not attached twice", async () => {
    // Whether it is seen at once that the request is being carried out, is a matter of moments.
    const orUnanswered = (run: Promise<unknown>, what: string) =>
      run.catch((error: unknown) => expect(String(error)).toContain(what));
    await lab.fail({ service: "nova", method: "POST", lose: true });
    await orUnanswered(storage().mount(volume(), waiting()), `attaching volume ${id}`);
    await lab.waitFor(id, "in-use");
    await storage().mount(volume(), waiting());
    expect([await servers(), (await changes()).length]).toEqual([[here], 1]);
    await lab.fail({ service: "nova", method: "DELETE", lose: true });
    await orUnanswered(storage().unmount(volume(), waiting()), `detaching volume ${id}`);
    await lab.waitFor(id, "available");
    await storage().unmount(volume(), waiting());
    expect((await changes()).length).toBe(2);
  });

  test("that Nova refuses, or Cinder has in error, says so in their words", async () => {
    const setState = (state: string) => lab.mustNova("POST", `/servers/${here}/action`, { "os-resetState": { state } });
    await setState("error");
    await expect(storage().mount(volume(), waiting())).rejects.toThrow(
      `attaching volume ${id}: Nova says "Cannot 'attach_volume' instance ${here} while it is in vm_state error" (409)`,
    );
    await setState("active");
    expect((await lab.act(id, { "os-reset_status": { status: "error_extending" } })).status).toBe(202);
    await expect(storage().mount(volume(), waiting())).rejects.toThrow(
      `${id} is in status "error_extending" on Cinder`,
    );
    expect([await changes(), lab.plugged(here)]).toEqual([[expect.stringMatching(/^POST/)], []]);
  });

  test("on a server that doesn't know itself, or that Nova doesn't know, says so", async () => {
    const nowhere = storage({ STORAGE_PROFILES_METADATA_ENDPOINT: "http://127.0.0.1:1" });
    await expect(nowhere.mount(volume(), waiting())).rejects.toThrow(
      /Set STORAGE_PROFILES_INSTANCE_ID in the plugin's environment$/,
    );
    const unknown = storage({ STORAGE_PROFILES_INSTANCE_ID: ID });
    await expect(unknown.mount(volume(), waiting())).rejects.toThrow(
      `attaching volume ${id}: Nova says "Instance ${ID} could not be found." (404)`,
    );
  });
});
