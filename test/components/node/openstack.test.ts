// Cinder volumes on a server: the exact requests to Keystone, Cinder, Nova and the metadata service. A server of the test's own answers as
// their API references say, because no Nova can be had on a laptop; the device is real.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nodeStorage } from "../../../components/node";
import { deviceNamesOf } from "../../../components/node/openstack";
import type { NodeVolume } from "../../../src/docker/node";
import { testDevice, type TestDevice } from "../../support/device";
import { describeIf, loopReason } from "../../support/machine";

jest.setTimeout(60_000);

const ID = "0f2d1c7e-8a5b-4d7e-9a55-3c1f0b2a4d6e";
const SERVER = "9f1b7c62-77a5-4f6f-8a0a-1d2e3f405162";
const volume: NodeVolume = { name: "data", backend: "openstack", volumeId: ID, sizeGiB: 1, settings: {} as never };
const waiting = (ms = 10_000) => ({ signal: AbortSignal.timeout(ms), for: () => undefined });

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

describeIf(loopReason() === undefined, "a volume on Cinder", loopReason(), () => {
  let home: string;
  let device: TestDevice;
  let cloud: Server;
  let asked: string[];
  /** What Cinder says of the volume; a change takes the questions that are left of it. */
  let status: string;
  let attachedTo: string | undefined;
  let next: { after: number; status: string; server: string | undefined } | undefined;
  let refusal: { code: number; text: string } | undefined;

  const turn = (on: string, then: string, server: string | undefined) => {
    status = on;
    next = { after: 2, status: then, server };
  };
  const answer = (request: IncomingMessage, body: string): [number, unknown, Record<string, string>?] => {
    const base = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
    const line = `${request.method} ${request.url}`;
    if (line === "POST /v3/auth/tokens") {
      const endpoint = (url: string) => [{ interface: "public", region_id: "one", url: `${base}${url}` }];
      const catalog = [
        { type: "compute", endpoints: endpoint("/compute/v2.1") },
        { type: "volumev3", endpoints: endpoint("/volume/v3/p") },
      ];
      return [201, { token: { project: { id: "p" }, catalog } }, { "x-subject-token": "token" }];
    }
    if (line === "GET /openstack/latest/meta_data.json") return [200, { uuid: SERVER }];
    if (request.headers["x-auth-token"] !== "token") return [401, {}];
    asked.push(line.startsWith("POST") ? `${line} ${body}` : line);
    if (line === `GET /volume/v3/p/volumes/${ID}`) {
      if (next && --next.after < 0) {
        [status, attachedTo, next] = [next.status, next.server, undefined];
        if (attachedTo === SERVER) device.appear(`/dev/disk/by-id/virtio-${ID.slice(0, 20)}`);
        else device.disappear();
      }
      const attachments = attachedTo === undefined ? [] : [{ server_id: attachedTo, host_name: "h" }];
      return [200, { volume: { status, attachments } }];
    }
    if (refusal) return [refusal.code, { conflictingRequest: { code: refusal.code, message: refusal.text } }];
    if (line === `POST /compute/v2.1/servers/${SERVER}/os-volume_attachments`) {
      turn("attaching", "in-use", SERVER);
      return [200, { volumeAttachment: { volumeId: ID } }];
    }
    if (line === `DELETE /compute/v2.1/servers/${SERVER}/os-volume_attachments/${ID}`) {
      turn("detaching", "available", undefined);
      return [202, ""];
    }
    return [404, { itemNotFound: { code: 404, message: "not found" } }];
  };
  const storage = (env: Record<string, string> = {}) => {
    const base = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
    const login = {
      OS_AUTH_URL: `${base}/v3`,
      OS_USERNAME: "u",
      OS_PASSWORD: "p",
      OS_PROJECT_NAME: "p",
      OS_USER_DOMAIN_NAME: "Default",
      OS_PROJECT_DOMAIN_NAME: "Default",
    };
    const machine = { STORAGE_PROFILES_MOUNTS: join(home, "m"), STORAGE_PROFILES_NODE_STATE: join(home, "r") };
    const all = { ...login, ...machine, STORAGE_PROFILES_METADATA_ENDPOINT: base, ...env };
    return nodeStorage("openstack", { config: {}, env: all })!;
  };
  const changes = () => asked.filter((line) => !line.startsWith("GET"));

  beforeAll(async () => {
    cloud = createServer((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        const [code, json, headers] = answer(request, body);
        response.writeHead(code, { "content-type": "application/json", ...headers });
        response.end(json === "" ? "" : JSON.stringify(json));
      });
    });
    await new Promise<void>((done) => cloud.listen(0, "127.0.0.1", done));
  });
  afterAll(() => {
    cloud.close();
    cloud.closeAllConnections();
  });
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "sp-node-"));
    device = testDevice(2 ** 30);
    [asked, status, attachedTo, next, refusal] = [[], "available", undefined, undefined, undefined];
  });
  afterEach(() => {
    device.dispose();
    rmSync(home, { recursive: true, force: true });
  });

  test("is attached by Nova to the server that the metadata tells, waited for, mounted, and given back", async () => {
    const at = (await storage().mount(volume, waiting()))!;
    writeFileSync(join(at, "precious"), "data");
    await storage().unmount(volume, waiting());
    expect([status, attachedTo]).toEqual(["available", undefined]);
    expect(changes()).toEqual([
      `POST /compute/v2.1/servers/${SERVER}/os-volume_attachments {"volumeAttachment":{"volumeId":"${ID}"}}`,
      `DELETE /compute/v2.1/servers/${SERVER}/os-volume_attachments/${ID}`,
    ]);
    const again = (await storage().mount(volume, waiting()))!;
    expect(readFileSync(join(again, "precious"), "utf8")).toBe("data");
    await storage().unmount(volume, waiting());
  });

  test("that another server has is refused, and nothing is asked of Nova", async () => {
    [status, attachedTo] = ["in-use", "another-server"];
    await expect(storage().mount(volume, waiting())).rejects.toThrow(
      "data is attached to server another-server: a file system",
    );
    expect(changes()).toEqual([]);
  });

  test("that Nova refuses, or Cinder has in error, says so in their words", async () => {
    refusal = { code: 409, text: "Cannot 'attach_volume' instance while it is in vm_state building" };
    await expect(storage().mount(volume, waiting())).rejects.toThrow(
      `attaching volume ${ID}: Nova says "Cannot 'attach_volume' instance while it is in vm_state building" (409)`,
    );
    status = "error_extending";
    await expect(storage().mount(volume, waiting())).rejects.toThrow(`${ID} is in status "error_extending" on Cinder`);
    expect(existsSync("/dev/disk/by-id/virtio-" + ID.slice(0, 20))).toBe(false);
  });

  test("on a server that doesn't know itself says how to tell it", async () => {
    const nowhere = storage({ STORAGE_PROFILES_METADATA_ENDPOINT: "http://127.0.0.1:1" });
    await expect(nowhere.mount(volume, waiting())).rejects.toThrow(
      /Set STORAGE_PROFILES_INSTANCE_ID in the plugin's environment$/,
    );
  });
});
