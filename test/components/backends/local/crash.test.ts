// A process killed after any step, or in the middle of one: the next operation finishes its work or clears it away, and the
// data stays. All cases run at once, since each waits for the lock of a dead process to become free.
import * as fs from "node:fs";
import * as path from "node:path";

import type { LocalSettings } from "../../../../src/backends/local/settings";
import {
  createVolume,
  deleteVolume,
  inspectVolume,
  type LocalVolume,
  repairVolume,
  updateVolume,
} from "../../../../components/backends/local/lifecycle";
import type { ChildTask } from "./child";
import * as support from "./support";
import { describeIf } from "../../../support/machine";
import { loopSteps } from "../../../support/steps";
import { canGrowMounted, canLoop, directory, loop, request, whyNoLoop } from "./support";

const growth = canGrowMounted ? ["mounted", "file-system-grown"] : ["file-system-grown", "mounted"];

/** The steps of each operation, in their order. */
const steps = {
  create: loopSteps.create,
  grow: ["recorded", "image-grown", "attached", "device-grown", ...growth, "limited", "ready"],
  repair: ["attached", "mounted", "limited", "ready"],
  delete: loopSteps.delete,
};
const directorySteps = {
  create: ["recorded", "data-made", "ready"],
  delete: ["recorded", "data-removed", "record-removed", "directory-removed"],
};

type Operation = keyof typeof steps;

/** What a case found after the operation that followed the kill. */
interface Found {
  problems: readonly string[];
  sizeGiB: number | null;
  fileSystemGiB: number;
  devices: number;
  /** Whether the data is what was written before; undefined if none was. */
  keptData?: boolean;
  /** What was left when the volume was deleted in the end. */
  leftovers: string[];
}

type Case = [operation: Operation, step: string, way: Operation];

const loopCases = matrix(steps, {
  create: ["create", "repair", "delete"],
  grow: ["grow", "repair", "delete"],
  repair: ["repair", "delete"],
  delete: ["create", "delete"],
});
const directoryCases = matrix(directorySteps, { create: ["create", "delete"], delete: ["create", "delete"] });
/** How many milliseconds after its first step an operation is killed. */
const moments = Array.from({ length: 8 }, (_, index) => index * 15);

const space = support.workspace();
const results = new Map<string, Promise<unknown>>();
/** The names of the volumes of cases that failed. */
const failed: string[] = [];

beforeAll(async () => {
  const matrixJobs = [
    ...(canLoop ? loopCases.map((each) => [loop, each] as const) : []),
    ...directoryCases.map((each) => [directory, each] as const),
  ].map(([settings, each]) => [key(settings, ...each), () => runCase(settings, ...each)] as const);
  const momentJobs = (["create", "grow"] as const).flatMap((operation) =>
    (canLoop ? moments : []).map(
      (moment) => [key(loop, operation, moment), () => runMoment(operation, moment)] as const,
    ),
  );
  const jobs = [...matrixJobs, ...momentJobs].map(([name, job]) => async () => {
    const result = job();
    results.set(name, result);
    // Its own test tells.
    await result.catch(() => failed.push(name.slice(name.indexOf("-") + 1)));
  });
  await support.inParallel(jobs, 60);
});

describeIf(canLoop, "a volume of mode loop", whyNoLoop, () => {
  testCases(loop, loopCases);

  it.each(Object.keys(steps) as Operation[])(
    "takes the steps of %s that these tests kill it after",
    async (operation) => {
      const seen: string[] = [];
      await perform(operation, space.state, { observe: (step) => void seen.push(step) });
      expect(seen).toEqual(steps[operation]);
    },
  );

  describe.each(["create", "grow"] as const)("killed in %s with all commands that are running", (operation) => {
    it.each(moments)("after %d ms is put right with its data", async (moment) => {
      const found = (await results.get(key(loop, operation, moment))) as Found;
      expect(found).toMatchObject({ problems: [], sizeGiB: 500, devices: 1, leftovers: [] });
      expect(found.fileSystemGiB).toBeGreaterThan(480);
      expect(found.keptData).toBe(operation === "create" ? undefined : true);
    });
  });
});

it("leaves nothing of all these volumes", () => {
  for (const state of fs.readdirSync(space.root).filter((name) => /^(matrix|moments)/.test(name))) {
    // What failed says so in its own test.
    const left = support.leftovers(path.join(space.root, state));
    expect(left.filter((each) => !failed.some((name) => each.includes(name)))).toEqual([]);
  }
});

describe("a volume of mode directory", () => testCases(directory, directoryCases));

/** Each operation, killed after each of its steps, with each way to go on from there. */
function matrix<Name extends Operation>(steps: Record<Name, string[]>, ways: Record<Name, Operation[]>): Case[] {
  const operations = Object.keys(steps) as Name[];
  return operations.flatMap((operation) =>
    steps[operation].flatMap((step) => ways[operation].map((way): Case => [operation, step, way])),
  );
}

function key(settings: LocalSettings, ...parts: (string | number)[]): string {
  return [settings.mode, ...parts].join("-");
}

function testCases(settings: LocalSettings, cases: Case[]): void {
  it.each(cases)("killed in %s after %s is put right by %s", async (operation, step, way) => {
    const found = (await results.get(key(settings, operation, step, way))) as Found;
    // A finished deletion stays one; whatever else ended half-way, way "delete" removed.
    const isGone = way === "delete";
    if (!isGone) {
      const isGrown = operation === "grow";
      expect(found).toMatchObject({
        problems: [],
        sizeGiB: isGrown ? 2 : 1,
        devices: settings.mode === "loop" ? 1 : 0,
      });
      if (settings.mode === "loop") expect(found.fileSystemGiB).toBe(isGrown ? 2 : 1);
      // Data goes only once the deletion is recorded.
      const isLost = operation === "delete" && !["unmounted", "limits-cleared", "detached"].includes(step);
      expect(found.keptData).toBe(operation === "create" ? undefined : !isLost);
    }
    expect(found.leftovers).toEqual([]);
  });
}

/** Kills an operation together with the commands that it runs, some time after its first step, and has it done again. */
async function runMoment(operation: "create" | "grow", moment: number): Promise<Found> {
  const state = path.join(space.root, "moments");
  const name = `${operation}-${moment}-ms`;
  // Large enough that making and growing it take a while.
  const asked = request(state, name, { sizeGiB: 500 });
  const before = operation === "create" ? undefined : await createVolume({ ...asked, sizeGiB: 1 });
  const data = before && support.writeData(before);
  const task: ChildTask = before
    ? { call: "updateVolume", args: [before.id, asked] }
    : { call: "createVolume", args: [asked] };
  const child = support.startChild(space.root, task);
  await child.until((line) => line.step === "recorded");
  await support.pause(moment);
  try {
    // A negative id means the process with all its children.
    process.kill(-child.process.pid!, "SIGKILL");
  } catch {
    // It was faster.
  }
  await child.ended;
  return look(path.join(state, "volumes/shop/dev", name), await createVolume(asked), data);
}

async function runCase(settings: LocalSettings, operation: Operation, step: string, way: Operation): Promise<Found> {
  const state = path.join(space.root, `matrix-${settings.mode}`);
  const name = `${operation}-${step}-${way}`;
  const asked = request(state, name, { settings });
  const before = operation === "create" ? undefined : await createVolume(asked);
  const data = before && support.writeData(before);
  if (operation === "repair") support.detach(before!);
  await killAfter(step, taskOf(operation, asked, before));

  const id = path.join(state, "volumes/shop/dev", name);
  let after: LocalVolume | undefined;
  if (way === "delete") await deleteVolume(id, { uid: before?.uid ?? uidIn(id) });
  else if (way === "repair") after = await repairVolume(id);
  else if (way === "create") after = await createVolume(asked);
  else after = await updateVolume(id, { ...asked, sizeGiB: 2 });
  return look(id, after, data);
}

/** What is there now; and that it works and can be deleted. */
async function look(id: string, after: LocalVolume | undefined, data: string | undefined): Promise<Found> {
  const seen = after && (await inspectVolume(id));
  const found = {
    problems: seen?.problems ?? [],
    sizeGiB: seen?.sizeGiB ?? null,
    fileSystemGiB: after ? support.fileSystemGiB(after.mountPath) : 0,
    devices: support.devicesBelow(`${id}/`).length,
    ...(data !== undefined && after && { keptData: hasData(after, data) }),
  };
  if (after !== undefined) {
    support.writeData(after);
    await deleteVolume(id, after);
  }
  return { ...found, leftovers: support.leftoversOf(id) };
}

async function perform(
  operation: Operation,
  state: string,
  options: { observe: (step: string) => void },
): Promise<void> {
  const asked = request(state, "steps");
  if (operation === "create") {
    await createVolume(asked, options);
    return;
  }
  const volume = await createVolume(asked);
  if (operation === "grow") await updateVolume(volume.id, { ...asked, sizeGiB: 2 }, options);
  else if (operation === "delete") await deleteVolume(volume.id, volume, options);
  else {
    support.detach(volume);
    await repairVolume(volume.id, options);
  }
}

function taskOf(operation: Operation, asked: ReturnType<typeof request>, volume: LocalVolume | undefined): ChildTask {
  if (volume === undefined) return { call: "createVolume", args: [asked] };
  if (operation === "grow") return { call: "updateVolume", args: [volume.id, { ...asked, sizeGiB: 2 }] };
  if (operation === "repair") return { call: "repairVolume", args: [volume.id] };
  return { call: "deleteVolume", args: [volume.id, volume] };
}

async function killAfter(step: string, task: ChildTask): Promise<void> {
  const child = support.startChild(space.root, { ...task, dieAfter: step });
  const lines = await child.ended;
  if (child.process.signalCode !== "SIGKILL")
    throw new Error(`the child wasn't killed after ${step}: ${JSON.stringify(lines.at(-1))}`);
}

function uidIn(id: string): string {
  return (JSON.parse(fs.readFileSync(path.join(id, "volume.json"), "utf8")) as { uid: string }).uid;
}

function hasData(volume: LocalVolume, data: string): boolean {
  return fs.existsSync(path.join(volume.mountPath, "data.txt")) && support.readData(volume) === data;
}
