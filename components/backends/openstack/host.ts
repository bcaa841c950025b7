// OpenStack Cinder for the Docker plugin: a volume is attached by Nova to the server that the plugin runs on.

import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { fetch } from "undici";
import { z } from "zod";

import { NodeError, type NodeOptions, type NodeStorage, type Waiting } from "../../host/contract";
import { readConnection } from "./connection";
import { isPassing, OpenstackError } from "./errors";
import { CinderSession } from "./session";
import { once } from "../../once";
import { carryOut } from "../../transport";
import { attachedStorage } from "../../host/attached";
import type { DeviceNames } from "../../host/device";

const EVERY_MS = 500;

type Service = "block-storage" | "compute";

const volumeShape = z.object({
  volume: z.object({
    status: z.string(),
    attachments: z.array(z.object({ server_id: z.string().nullish(), host_name: z.string().nullish() })),
  }),
});

/** The connection comes from the environment (OS_…), the server's id from STORAGE_PROFILES_INSTANCE_ID, else from its metadata. */
export function openstackNode({ env }: NodeOptions): NodeStorage {
  // The credentials are read when they are first needed.
  const sessions: Partial<Record<Service, CinderSession>> = {};
  const session = (service: Service) =>
    (sessions[service] ??= new CinderSession(
      readConnection(() => undefined, env),
      service,
    ));
  const server = once(() => serverId(env));
  const read = async (volumeId: string) => {
    const what = `reading volume ${volumeId}`;
    return (await session("block-storage").get(`/volumes/${encodeURIComponent(volumeId)}`, volumeShape, what)).volume;
  };
  const isHere = async (volumeId: string) => {
    const [{ attachments }, own] = await Promise.all([read(volumeId), server()]);
    return attachments.some(({ server_id: id }) => id === own);
  };

  async function until(volumeId: string, isDone: (status: string) => boolean, waiting: Waiting): Promise<void> {
    for (;;) {
      const { status } = await read(volumeId);
      waiting.for(`${volumeId} on Cinder, which is ${status}`);
      if (isDone(status)) return;
      if (status.startsWith("error")) throw new NodeError(`${volumeId} is in status "${status}" on Cinder`);
      if (waiting.signal.aborted) throw new NodeError(`${volumeId} is still "${status}" on Cinder`);
      await sleep(EVERY_MS);
    }
  }

  return attachedStorage({
    backend: "openstack",
    env,
    isTold: (error) => error instanceof OpenstackError,
    attacher: {
      isAttached: ({ volumeId }) => isHere(volumeId),
      async attach({ volumeId }, waiting) {
        await until(volumeId, (status) => ["available", "in-use"].includes(status), waiting);
        if (!(await isHere(volumeId))) {
          const body = { volumeAttachment: { volumeId } };
          const path = `/servers/${await server()}/os-volume_attachments`;
          await carryOut(
            () => session("compute").post(path, body, `attaching volume ${volumeId}`),
            async () => (await isHere(volumeId)) || ["reserved", "attaching"].includes((await read(volumeId)).status),
            isPassing,
          );
        }
        await until(volumeId, (status) => status === "in-use", waiting);
      },
      async detach({ volumeId }, waiting) {
        if (await isHere(volumeId)) {
          const path = `/servers/${await server()}/os-volume_attachments/${encodeURIComponent(volumeId)}`;
          await carryOut(
            () => session("compute").delete(path, `detaching volume ${volumeId}`),
            async () => (await read(volumeId)).status === "detaching" || !(await isHere(volumeId)),
            isPassing,
          );
        }
        await until(volumeId, (status) => status === "available", waiting);
      },
      async others({ volumeId }) {
        const [{ attachments }, own] = await Promise.all([read(volumeId), server()]);
        const others = attachments.filter(({ server_id: id }) => id !== own);
        return others.map(({ server_id: id, host_name: host }) => `server ${id ?? host ?? "unknown"}`);
      },
      device: ({ volumeId }) => Promise.resolve(deviceNamesOf(volumeId)),
    },
  });
}

/**
 * libvirt gives a disk the volume's id as its serial number. virtio-blk has room for 20 characters; virtio-scsi tells all of it to the
 * kernel, and in its name 20 characters, or with newer libvirt all.
 */
export function deviceNamesOf(volumeId: string): DeviceNames {
  const short = volumeId.slice(0, 20);
  const scsi = [volumeId, short].flatMap((id) => ["0", "S"].map((type) => `scsi-${type}QEMU_QEMU_HARDDISK_${id}`));
  return { paths: [`virtio-${short}`, ...scsi].map((name) => `/dev/disk/by-id/${name}`), serials: [short, volumeId] };
}

const metadataShape = z.object({ uuid: z.string().min(1) });

/** Where a config drive is mounted, by habit. */
const CONFIG_DRIVES = ["/mnt/config", "/config-drive", "/media/configdrive"];

async function serverId(env: NodeJS.ProcessEnv): Promise<string> {
  const given = env["STORAGE_PROFILES_INSTANCE_ID"];
  if (given !== undefined) return given;
  for (const directory of CONFIG_DRIVES) {
    const file = `${directory}/openstack/latest/meta_data.json`;
    if (existsSync(file)) return idIn(readFileSync(file, "utf8"), file);
  }
  const base = env["STORAGE_PROFILES_METADATA_ENDPOINT"] ?? "http://169.254.169.254";
  const url = `${base}/openstack/latest/meta_data.json`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    if (answer.ok) return idIn(await answer.text(), url);
    throw new Error(`${answer.status}`);
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw new NodeError(
      `the server's own id can't be read from ${url}: ${(error as Error).message}. Set STORAGE_PROFILES_INSTANCE_ID in the plugin's environment`,
    );
  }
}

function idIn(text: string, where: string): string {
  try {
    return metadataShape.parse(JSON.parse(text)).uuid;
  } catch {
    throw new NodeError(
      `${where} doesn't contain the server's id. Set STORAGE_PROFILES_INSTANCE_ID in the plugin's environment`,
    );
  }
}
