// Amazon EBS for the Docker plugin: a volume is attached to the instance that the plugin runs on.

import { setTimeout as sleep } from "node:timers/promises";

import { NodeError, type NodeOptions, type NodeStorage, type Waiting } from "../../host/contract";
import { ec2Of, Ec2Refusal, Ec2Unanswered, type Ec2Attachment } from "./ec2";
import { carryOut } from "../../transport";
import { attachedStorage } from "../../host/attached";

/** The names that are recommended for volumes beside the root's. Source: "Device names on Linux instances". Read 2026-11-24. */
const NAMES = "fghijklmnop".split("").map((letter) => `/dev/sd${letter}`);
const EVERY_MS = 500;

const isUnanswered = (error: unknown) => error instanceof Ec2Unanswered;

export function awsNode({ env }: NodeOptions): NodeStorage {
  const ec2 = ec2Of(env);
  const isHere = async (each: Ec2Attachment) =>
    each.instanceId === (await ec2.instanceId()) && each.status !== "detached";
  const own = async (volumeId: string) => {
    for (const each of await ec2.attachments(volumeId)) if (await isHere(each)) return each;
    return undefined;
  };

  async function until(
    volumeId: string,
    isDone: (state: string | undefined) => boolean,
    waiting: Waiting,
  ): Promise<void> {
    for (;;) {
      const state = (await own(volumeId))?.status;
      waiting.for(`${volumeId} on EC2, which is ${state ?? "not attached"}`);
      if (isDone(state)) return;
      if (waiting.signal.aborted) throw new NodeError(`${volumeId} is still ${state ?? "not attached"} on EC2`);
      await sleep(EVERY_MS);
    }
  }

  return attachedStorage({
    backend: "aws",
    env,
    attacher: {
      isAttached: async ({ volumeId }) => (await own(volumeId)) !== undefined,
      async attach({ volumeId }, waiting) {
        const before = await own(volumeId);
        // What is still being detached can't be had until it is.
        if (before?.status === "detaching") await until(volumeId, (state) => state === undefined, waiting);
        if (before === undefined || before.status === "detaching") await attachUnderFreeName(volumeId);
        await until(volumeId, (state) => state === "attached", waiting);
      },
      async detach({ volumeId }, waiting) {
        const before = await own(volumeId);
        if (before === undefined) return;
        if (before.status !== "detaching") {
          await carryOut(
            () => ec2.detach(volumeId, before.instanceId),
            async () => [undefined, "detaching"].includes((await own(volumeId))?.status),
            isUnanswered,
          );
        }
        await until(volumeId, (state) => state === undefined, waiting);
      },
      async others({ volumeId }) {
        const others: string[] = [];
        for (const each of await ec2.attachments(volumeId)) {
          if (each.status !== "detached" && !(await isHere(each)))
            others.push(`instance ${each.instanceId} (${each.status})`);
        }
        return others;
      },
      async device({ volumeId }) {
        const serial = volumeId.replace("-", "");
        const device = (await own(volumeId))?.device ?? "";
        // Instances without NVMe have it under the name it was given, with `xvd` for `sd`.
        const xen = device === "" ? [] : [device.replace(/^\/dev\/sd/, "/dev/xvd")];
        return { paths: [`/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${serial}`, ...xen], serials: [serial] };
      },
    },
  });

  // Another may take a name between the question and the request.
  async function attachUnderFreeName(volumeId: string): Promise<void> {
    const instanceId = await ec2.instanceId();
    const used = await ec2.devices(instanceId);
    const free = NAMES.filter((name) => !used.includes(name) && !used.includes(name.replace("/dev/sd", "/dev/xvd")));
    for (const name of free) {
      try {
        await carryOut(
          () => ec2.attach(volumeId, instanceId, name),
          async () => (await own(volumeId)) !== undefined,
          isUnanswered,
        );
        return;
      } catch (error) {
        const isTaken =
          error instanceof Ec2Refusal &&
          error.code === "InvalidParameterValue" &&
          error.message.includes("already in use");
        if (!isTaken) throw error;
      }
    }
    throw new NodeError(
      `instance ${instanceId} has no device name left for another volume: ${NAMES.join(", ")} are in use`,
    );
  }
}
