// What becomes of an operation by what the engine does: here a script in its place, which notes its calls.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { makeOperations } from "../../../src/stack/operation-queue";
import { openJournal } from "../../../src/stack/journal";
import { makeOperation } from "../../../src/stack/operation";
import type { ProjectContext } from "../../../src/stack/project";
import { readConfigText } from "../../../src/stack/read-config";
import { readExport } from "../../../src/stack/state";
import { placedProcess, thisProcess } from "../../../src/system/process-id";

const directory = mkdtempSync(join(tmpdir(), "sp-queue-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let folders = 0;

const REQUEST = { kind: "apply", volumes: ["a"], destroy: [], refresh: false, waitForLockSeconds: 0 } as const;

const LOCAL = { backend: "local", volumes: { a: { sizeGiB: 1 }, b: { sizeGiB: 1 } } };

function operationsWith(script: string, values: Record<string, unknown> = LOCAL, resources: object[] = []) {
  const folder = join(directory, String(++folders));
  const [pulumi, calls] = [`${folder}.pulumi`, `${folder}.calls`];
  writeFileSync(pulumi, `#!/bin/sh\necho "$1" >> ${calls}\n${script}\n`);
  writeFileSync(calls, "");
  chmodSync(pulumi, 0o700);
  const project = { name: "p", directory, stackNames: () => Promise.resolve(["dev"]) };
  const context = { project, engine: { pulumi, directory, env: process.env }, journalDirectory: folder };
  const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [`storage-profiles:${key}`, value]));
  const state = readExport({ version: 3, deployment: { resources } });
  if ("problem" in state) throw new Error(state.problem);
  const operations = makeOperations({
    name: "dev",
    context: { ...context, ending: ".yaml", ready: undefined } as unknown as ProjectContext,
    readConfig: () =>
      readConfigText(JSON.stringify({ config }), "/p/Pulumi.dev.yaml", { directory: "/p", projectConfig: {}, env: {} }),
    readState: () => Promise.resolve(state),
  });
  return {
    operations,
    folder,
    journal: openJournal(folder, directory, "dev"),
    calls: () => readFileSync(calls, "utf8").trim().split("\n"),
  };
}

const LOCKED = (pid: string | number) =>
  `echo "error: the stack is currently locked by 1 lock(s). file:///s: created by root@${hostname()} (pid ${pid}) at $(date -u +%Y-%m-%dT%H:%M:%SZ)"; exit 255`;

test("a lock isn't removed for a run of ours that was refused it, though its number and host are the holder's", async () => {
  // As in two containers of one image and one host name, begun at the same moment.
  const { operations, calls } = operationsWith(`[ "$1" = cancel ] || { ${LOCKED("$$")}; }`);
  for (let run = 0; run < 2; run++)
    expect((await operations.apply({ volumes: ["a"] }).done).problems).toMatchObject([{ code: "stack-locked" }]);
  expect(calls()).toEqual(["up", "up"]);
});

test("the lock of a killed run is removed also where another process has its number by now", async () => {
  const { operations, journal, calls } = operationsWith(
    `[ "$1" = cancel ] && touch ${directory}/freed; [ -e ${directory}/freed ] || { ${LOCKED(process.pid)}; }`,
  );
  const killed = makeOperation(REQUEST, { project: "p", stack: "dev" }, thisProcess(), journal.write);
  killed.engine({ ...placedProcess(process.pid), started: "1", at: new Date().toISOString() });
  await operations.apply({ volumes: ["a"], required: [] }).done;
  expect(calls()).toEqual(["up", "cancel", "up"]);
});

test("what couldn't remove the lock of a killed run tries it again the next time", async () => {
  const { operations, journal, calls } = operationsWith(`[ "$1" = cancel ] && exit 1; ${LOCKED(process.pid)}`);
  const killed = makeOperation(REQUEST, { project: "p", stack: "dev" }, thisProcess(), journal.write);
  killed.engine({ ...placedProcess(process.pid), started: "1", at: new Date().toISOString() });
  for (let run = 0; run < 2; run++) await operations.apply({ volumes: ["a"] }).done;
  expect(calls()).toEqual(["up", "cancel", "up", "cancel"]);
});

test("an apply also runs what makes what the volume's profile needs, and only on that backend", async () => {
  const type = "storage-profiles:index:ProfileClasses";
  const urn = `urn:pulumi:dev::p::${type}::classes`;
  const args = join(directory, "arguments");
  const kubernetes = { driver: "ebs.csi.aws.com" };
  const values = { ...LOCAL, kubernetes, volumes: { ...LOCAL.volumes, c: { sizeGiB: 8, backend: "kubernetes" } } };
  const { operations } = operationsWith(`echo "$*" > ${args}`, values, [{ urn, type }]);
  const targets = async (volume: string) => {
    await operations.apply({ volumes: [volume] }).done;
    return readFileSync(args, "utf8").match(/(?<=--target )\S*ProfileClasses\S*/g);
  };
  expect(await targets("c")).toEqual([urn, urn.replace("::classes", "$**::classes-sp-**")]);
  expect(await targets("a")).toBeNull();
});

test("a volume that the program leaves out fails only what was asked for it", async () => {
  const { operations } = operationsWith("exit 0");
  const outcome = async (options: Parameters<typeof operations.apply>[0]) => {
    const operation = operations.apply(options);
    const { id, state, problems } = await operation.done;
    const warnings: string[] = [];
    for await (const each of operation.events()) if (each.type === "message") warnings.push(each.text);
    return { id, state, made: problems.map(({ code, path }) => `${path} ${code}`), warnings };
  };
  const told = (name: string) => `"${name}" isn't created: the program doesn't declare it`;
  expect(await outcome({})).toMatchObject({ state: "succeeded", made: [], warnings: [told("a"), told("b")] });
  const named = await outcome({ volumes: ["a", "b"], required: ["b"] });
  expect(named).toMatchObject({ state: "failed", made: ["b volume-not-made"], warnings: [told("a")] });
  expect(await outcome({ volumes: ["a"] })).toMatchObject({ state: "failed", made: ["a volume-not-made"] });
  // Also resumed, it asks for the same.
  const again = operations.resume(named.id);
  expect((await again.done).problems.map(({ path }) => path)).toEqual(["b"]);
});

test("a refresh runs the program where the plugin has volumes: only from there it has the connection to a backend", async () => {
  const component = "urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume::a";
  const refreshed = async (type: string) => {
    const [child] = [`${component.replace("::a", "")}$${type}::a`];
    const resources = [
      { urn: component, type: "storage-profiles:index:ProfiledVolume", inputs: {}, outputs: {} },
      { urn: child, type, parent: component, id: "1", inputs: {}, outputs: {} },
    ];
    const { operations, folder } = operationsWith('echo "$*" >> "$0.args"', LOCAL, resources);
    expect((await operations.refresh({}).done).state).toBe("succeeded");
    expect((await operations.apply({ volumes: ["a"], refresh: true, required: [] }).done).problems).toEqual([]);
    const args = readFileSync(`${folder}.pulumi.args`, "utf8").trim().split("\n");
    expect(args.map((line) => line.split(" ")[0])).toEqual(["refresh", "preview", "up"]);
    return args.map((line) => line.includes(" --run-program "));
  };
  expect(await refreshed("storage-profiles:scaleio:Volume")).toEqual([true, true, true]);
  expect(await refreshed("pulumi-nodejs:dynamic/storage-profiles:ScaleioVolume")).toEqual([false, false, false]);
});
