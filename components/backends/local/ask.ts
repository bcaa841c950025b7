// What is asked before a local volume is made or taken over, at preview too: whether the state directory is the one that has this stack's
// other volumes, and what becomes of a volume that is taken over.
import * as path from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { change, note, type Note, type Problem, type ResolvedVolume } from "../../../src";
import type { AskedOfBackend } from "../contract";
import { namesIn } from "../../host/files";
import { once } from "../../once";
import { runKey } from "../../plugin-mode";
import { isOurs, stateDirectoryId, volumePaths } from "./paths";
import { inspectVolume } from "./lifecycle";
import { problem } from "../../../src/backends/local/problems";

export async function askLocal({ to, inputs = {} }: AskedOfBackend): Promise<{ problems: Problem[]; notes: Note[] }> {
  const { import: importId, owner, stateDirectory, project, stack } = inputs;
  if (typeof importId === "string") return { problems: [], notes: await takeOver(importId, owner, to) };
  if (typeof stateDirectory !== "string") return { problems: [], notes: [] };
  const own = path.join(stateDirectory, "volumes", String(project), String(stack));
  return { problems: await missing(stateDirectory, own), notes: [] };
}

async function takeOver(id: string, owner: unknown, to: ResolvedVolume): Promise<Note[]> {
  const record = (await inspectVolume(id))?.record;
  if (!record) return [];
  const { sizeGiB, settings } = record;
  const what = change({ ...to, sizeGiB, settings }, to).notes.map(({ message }) => message);
  // Its state may be lost, or be that of another clone or backend.
  const ofSameName = record.acknowledged ? "a Pulumi state with the same names" : undefined;
  return [note("taken-over", "import", { id, from: record.owner === owner ? ofSameName : record.owner, what })];
}

/**
 * Refuses a state directory that the stack's volumes aren't in, though the state says they are. The engine is only asked where nothing
 * shows that they are.
 */
async function missing(stateDirectory: string, own: string): Promise<Problem[]> {
  const isClaimed = await isOurs(stateDirectory);
  if (isClaimed && ((await namesIn(own)) ?? []).length > 0) return [];
  const expected = (await recordedVolumes()).filter(({ id }) => id.startsWith(`${stateDirectory}/volumes/`));
  if (expected.length === 0) return [];
  if (isClaimed) {
    const id = await stateDirectoryId(stateDirectory);
    for (const each of expected) {
      if (each.stateDirectoryId === undefined ? await isThere(each) : each.stateDirectoryId === id) return [];
    }
  }
  const volumes = expected.map(({ id }) => volumePaths(id).name).slice(0, 10);
  const params = { directory: stateDirectory, volumes };
  return [problem("state-directory-missing", "stateDirectory", stateDirectory, params)];
}

interface Recorded {
  id: string;
  uid: string;
  stateDirectoryId: string | undefined;
}

/** Before state directories had ids, a volume shows which one it is. */
async function isThere({ id, uid }: Recorded): Promise<boolean> {
  return (await inspectVolume(id))?.record?.uid === uid;
}

const reads = new WeakMap<object, () => Promise<Recorded[]>>();

/**
 * The local volumes that the stack's state has, read once a run. None where the engine can't tell: each volume's own reading is on its guard
 * as well.
 */
function recordedVolumes(): Promise<Recorded[]> {
  const key = runKey();
  const read = (key && reads.get(key)) ?? once(readVolumes);
  if (key) reads.set(key, read);
  return read().catch(() => []);
}

async function readVolumes(): Promise<Recorded[]> {
  const stack = pulumi.getStack();
  let failure: unknown;
  for (const stackName of [`${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`, stack]) {
    try {
      // What `StackReference` asks for all resources, as policies do.
      const token = "pulumi:pulumi:readStackResourceOutputs";
      const read = (await pulumi.runtime.invoke(token, { stackName }, { async: true })) as { outputs?: object };
      return Object.values(read.outputs ?? {}).flatMap(recorded);
    } catch (error) {
      // The stack has another name on this backend, or none yet.
      failure = error;
    }
  }
  throw new Error("the stack's state can't be read", { cause: failure });
}

function recorded(resource: { type?: string; outputs?: Record<string, unknown> }): Recorded[] {
  const { uid, mountPath, stateDirectoryId: directory } = resource.outputs ?? {};
  if (!resource.type?.endsWith(":LocalVolume") || typeof mountPath !== "string" || typeof uid !== "string") return [];
  return [
    { id: path.dirname(mountPath), uid, stateDirectoryId: typeof directory === "string" ? directory : undefined },
  ];
}
