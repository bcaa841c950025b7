// What the engine says and writes, in our words; and the journal of operations.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { engineError, lockHolder } from "../../../src/stack/engine";
import { withoutCredentials } from "../../../src/stack/redact";
import { targetOf, toldBy, volumeOf } from "../../../src/stack/events";
import { hasEnded, isAlive, placedProcess, processOf, thisProcess } from "../../../src/system/process-id";
import { leftBehind, openJournal, type JournalEntry } from "../../../src/stack/journal";
import { makeOperation } from "../../../src/stack/operation";

const LOCKED = `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.
  file:///s/.pulumi/locks/organization/p/dev/2ac.json?no_tmp_dir=true: created by root@box (pid 27742) at 2026-11-24T17:01:56Z`;

test("who holds a lock is told, and nobody where there is none", () => {
  expect(lockHolder(LOCKED)).toEqual({ who: "root@box (pid 27742)", since: "2026-11-24T17:01:56Z" });
  expect(lockHolder(`${LOCKED}\n  file: created by you@pc (pid 5) at x`)).toEqual({
    who: "root@box (pid 27742) and you@pc (pid 5)",
  });
  expect(lockHolder("error: [409] Conflict: Another update is currently in progress.")).toEqual({
    who: "an update on Pulumi Cloud",
  });
  expect(lockHolder("error: no")).toBeUndefined();
  expect(engineError("dev", "up", LOCKED, []).message).toContain(
    "the stack is locked by another run: root@box (pid 27742), since 2026",
  );
});

test("a lock that a killed run has left is told from one that is held, with the way out", () => {
  const { pid: dead } = spawnSync("true");
  const locked = (pid: number, host = hostname()) =>
    engineError("dev", "up", LOCKED.replace("root@box (pid 27742)", `root@${host} (pid ${pid})`), []).problems[0];
  expect(locked(process.pid)).toMatchObject({ message: expect.stringMatching(/^the stack is locked by another run/) });
  expect(locked(dead)).toMatchObject({
    message: expect.stringMatching(/^the stack is locked by a run that isn't running here: root@/),
    // Another machine may have the same name: whoever removes the lock must know that.
    fix: expect.stringMatching(
      new RegExp(`^if no other machine or container is named ${hostname()}, .*pulumi cancel dev`),
    ),
  });
  // Of another machine's nobody knows.
  expect(locked(dead, "elsewhere")).toMatchObject({
    message: expect.stringMatching(/^the stack is locked by another run/),
  });
});

test.each([
  ["postgres://pulumi:s3cr3t@db/state", "postgres://pulumi:****@db/state"],
  [
    'database "postgres://pulumi:s3/cr#3@t@db:5432/state?sslmode=disable": refused',
    'database "postgres://pulumi:****@db:5432/state?sslmode=disable": refused',
  ],
  [
    "postgres://db/state?user=pulumi&password=s3cr3t&sslmode=disable",
    "postgres://db/state?user=pulumi&password=****&sslmode=disable",
  ],
  ["azblob://state?sig=s3cr3t", "azblob://state?sig=****"],
  ["postgres://pulumi:it's3cr3t@db/state", "postgres://pulumi:****@db/state"],
  ["postgres://pulumi@server:s3cr3t@db/state", "postgres://pulumi@server:****@db/state"],
  ["https://me:it's3cr3t@host/a", "https://me:****@host/a"],
  ["postgres://db/state?password=it's3cr3t", "postgres://db/state?password=****"],
  [
    'parse "postgres://pulumi:a s3cr3t@db/state": net/url: invalid userinfo',
    'parse "postgres://pulumi:****@db/state": net/url: invalid userinfo',
  ],
  [
    'parse "postgres://pulumi:s3cr3t/x@db/state": invalid port ":s3cr3t" after host',
    'parse "postgres://pulumi:****@db/state": invalid port "****" after host',
  ],
  [
    '"postgres://db:5432/state" is locked, created by "me@box"',
    '"postgres://db:5432/state" is locked, created by "me@box"',
  ],
  ["https://me:s3cr3t@host:8080/a", "https://me:****@host:8080/a"],
  [
    "https://host:8080/@scope/name and s3://state?region=us-east-1",
    "https://host:8080/@scope/name and s3://state?region=us-east-1",
  ],
  ["file:///s/.pulumi/locks: created by root@box (pid 2)", "file:///s/.pulumi/locks: created by root@box (pid 2)"],
])("the credentials of a state's URL aren't told: %s", (text, told) => {
  expect(withoutCredentials(text)).toBe(told);
  expect(engineError("dev", "up", `error: ${text}`, []).message).not.toContain("s3cr3t");
});

test("a stack that isn't there is told with the nearest, and anything else in the engine's own words", () => {
  expect(engineError("dve", "up", "error: no stack named 'dve' found", ["dev", "prod"]).problems).toMatchObject([
    { code: "stack-unknown", fix: 'did you mean "dev"?' },
  ]);
  expect(
    engineError("dev", "up", "error: get stack secrets manager: incorrect passphrase\n", []).problems,
  ).toMatchObject([
    {
      code: "engine-failed",
      message: "`pulumi up` failed: get stack secrets manager: incorrect passphrase",
      fix: expect.stringMatching(/^set PULUMI_CONFIG_PASSPHRASE, .* that the stack was created with$/),
    },
  ]);
  expect(engineError("dev", "up", "error: no login.\nSee x\nerror: no login.\n", []).message).toContain(
    "failed: no login. See x",
  );
  const invalid =
    "error: could not validate '/p/Pulumi.yaml': 2 errors occurred:\n\t* #/config/storage-profiles:volumes: oneOf failed\n" +
    "\t* #/config/storage-profiles:volumes: expected string, but got object\n";
  expect(engineError("dev", "stack export", invalid, []).problems).toMatchObject([
    {
      message: expect.stringContaining("2 errors occurred: * #/config/storage-profiles:volumes: oneOf failed; * #/"),
      fix: expect.stringContaining("`storage-profiles:volumes: { value: { … } }`"),
    },
  ]);
  const loggedOut = "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions\n";
  expect(engineError("dev", "stack export", loggedOut, []).problems).toMatchObject([
    { message: "`pulumi stack export` failed: not logged in", fix: expect.stringContaining("`pulumi login --local`") },
  ]);
});

test("a targeted run that the engine refuses for another language's provider is told with the way out", () => {
  const said =
    "provider urn:pulumi:dev::shop::pulumi:providers:pulumi-nodejs::default::e36a8a67 for resource urn:pulumi:dev::shop::a:b:C::d has not been " +
    "registered yet, this is due to a change of providers mixed with --target. Change your program back to the original providers";
  expect(engineError("dev", "preview", said, []).problems).toMatchObject([
    { code: "providers-changed", fix: "run `pulumi up` once, without --target" },
  ]);
});

const URN =
  "urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume$pulumi-nodejs:dynamic/storage-profiles:LocalVolume::data";

test.each([
  [
    { resourcePreEvent: { metadata: { op: "create", urn: URN } } },
    { type: "resource", phase: "started", operation: "create", resource: "LocalVolume data", urn: URN, volume: "data" },
  ],
  [{ resourcePreEvent: { metadata: { op: "same", urn: URN } } }, undefined],
  [
    { resOpFailedEvent: { metadata: { op: "update", urn: URN } } },
    { type: "resource", phase: "failed", operation: "update", resource: "LocalVolume data", urn: URN, volume: "data" },
  ],
  [
    {
      diagnosticEvent: { severity: "error", message: "<{%fg 1%}>bad<{%reset%}>\n", urn: "urn:pulumi:dev::p::a:b:C::x" },
    },
    { type: "message", severity: "error", text: "bad" },
  ],
  [{ diagnosticEvent: { severity: "debug", message: "x" } }, undefined],
  [{ diagnosticEvent: { severity: "info#err", message: "x", ephemeral: true } }, undefined],
  [
    { summaryEvent: { resourceChanges: { create: 1 }, durationSeconds: 3 } },
    { type: "summary", changes: { create: 1 }, seconds: 3 },
  ],
  [{ preludeEvent: { config: {} } }, undefined],
  ["half", undefined],
])("of %j is told %j", (event, told) => {
  expect(toldBy(event)).toEqual(told);
});

test("a target is a volume wherever it stands, and no other", () => {
  const pattern = new RegExp(
    `^${targetOf("org/dev", "p", "data")
      .split("**")
      .map((part) => part.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"))
      .join(".*")}$`,
  );
  expect(pattern.test(URN)).toBe(true);
  expect(pattern.test("urn:pulumi:dev::p::my:Comp$storage-profiles:index:ProfiledVolume::data")).toBe(true);
  for (const other of ["data2", "x-data"]) expect(pattern.test(URN.replace(/data$/, other))).toBe(false);
  expect(pattern.test("urn:pulumi:dev::p::my:index:Thing::data")).toBe(false);
  expect([volumeOf(URN), volumeOf("urn:pulumi:dev::p::my:index:Thing::data")]).toEqual(["data", undefined]);
});

describe("the journal", () => {
  const base = mkdtempSync(join(tmpdir(), "sp-journal-"));
  afterAll(() => rmSync(base, { recursive: true, force: true }));
  const request = { kind: "apply", volumes: ["a"], destroy: [], refresh: false, waitForLockSeconds: 0 } as const;
  const dead = { ...processOf(process.pid), started: "1" };

  test("tells what a process that is gone had begun as interrupted, and nothing of what it ended", () => {
    const journal = openJournal(base, "/p", "dev");
    const begin = (owner: JournalEntry["owner"]) =>
      makeOperation(request, { project: "p", stack: "dev" }, owner, journal.write);
    const [mine, lost, over] = [begin(thisProcess()), begin(dead), begin(dead)];
    lost.set({ state: "running" });
    lost.engine(thisProcess());
    over.finish("succeeded");
    const seen = Object.fromEntries(journal.read().map(({ report }) => [report.id, report]));
    expect(seen[mine.operation.id]).toMatchObject({ state: "queued" });
    expect(seen[lost.operation.id]).toMatchObject({ state: "interrupted", engineRunning: true, volumes: ["a"] });
    expect(seen[over.operation.id]).toMatchObject({ state: "succeeded" });
    expect(openJournal(base, "/p", "prod").read()).toEqual([]);
    expect(openJournal(base, "/q", "dev").read()).toEqual([]);
  });

  test("forgets the oldest, and keeps none of their files", () => {
    const journal = openJournal(base, "/many", "dev");
    for (let i = 0; i < 60; i++)
      makeOperation(request, { project: "p", stack: "dev" }, thisProcess(), journal.write).finish("failed");
    expect(journal.read()).toHaveLength(50);
    expect(readdirSync(base, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".tmp"))).toEqual(
      [],
    );
  });

  test("has the lock of a killed run for one that takes it away, once", () => {
    const journal = openJournal(base, "/killed", "dev");
    const run = makeOperation(request, { project: "p", stack: "dev" }, dead, journal.write);
    const here = placedProcess(process.pid);
    run.engine({ ...here, started: "1", at: "2026-11-24T17:01:50.500Z" });
    const holder = { who: `root@${here.host} (pid ${here.pid})`, since: "2026-11-24T17:01:56Z" };
    const left = (changes: object = {}, ended = () => true) =>
      leftBehind({ ...holder, ...changes }, journal.read(), ended)?.report.id;
    expect(left()).toBe(run.operation.id);
    expect(left({ since: "2026-11-24T18:01:50+01:00" })).toBe(run.operation.id);
    // Other machines and containers may have the name of this host, and the same numbers of processes.
    for (const other of [
      { who: `root@elsewhere (pid ${here.pid})` },
      { who: `root@${here.host} (pid 1)` },
      { who: `root@${here.host} (pid 1) and root@${here.host} (pid ${here.pid})` },
      { since: "2026-11-24T17:01:49Z" },
      { since: "2026-11-24T17:03:00Z" },
      { since: undefined },
    ])
      expect(left(other)).toBeUndefined();
    expect(left({}, () => false)).toBeUndefined();
    const [entry] = journal.read();
    expect(entry && [journal.claimLock(entry), journal.claimLock(entry)]).toEqual([true, false]);
    // One of after its end is another's.
    run.set({ finishedAt: "2026-11-24T17:01:55Z" });
    expect(left()).toBeUndefined();
  });

  test("takes a process for ended only where that is certain", () => {
    const here = { pid: 0, host: "box", namespace: "boot1 pid:[4026531836]", machine: "m" };
    const other = (changes: object) => hasEnded({ ...here, pid: 5, ...changes }, here);
    expect(other({ namespace: "boot0 pid:[4026531836]" })).toBe(true); // booted anew
    expect(other({ namespace: "boot0 pid:[4026531836]", machine: "n" })).toBe(false);
    expect(other({ namespace: "boot0 pid:[4026531836]", machine: undefined })).toBe(false);
    expect(other({ namespace: "boot0 pid:[4026532000]" })).toBe(false); // of a container
    expect(other({ namespace: "boot1 pid:[4026532000]" })).toBe(false);
    expect(other({ namespace: undefined })).toBe(false);
    expect(other({ host: "elsewhere" })).toBe(false);
    const { pid } = spawnSync("true");
    expect([hasEnded(placedProcess(process.pid)), hasEnded({ ...placedProcess(process.pid), pid })]).toEqual([
      false,
      true,
    ]);
  });

  test("knows a process from another that got its number", () => {
    expect(isAlive(thisProcess())).toBe(true);
    expect(isAlive(dead)).toBe(process.platform !== "linux");
    expect(isAlive({ pid: 2 ** 22 + 1, host: thisProcess().host })).toBe(false);
    expect(isAlive({ pid: 1, host: "elsewhere" })).toBe(true);
  });
});

test("whoever asks for an operation's events gets all of them, or those after a number, until it ends", async () => {
  const carried = makeOperation(
    { kind: "apply", volumes: undefined, destroy: [], refresh: false, waitForLockSeconds: 0 },
    { project: "p", stack: "dev" },
    thisProcess(),
    () => undefined,
  );
  const { operation } = carried;
  const collect = async (after?: number) => {
    const texts: string[] = [];
    for await (const event of operation.events(after)) texts.push(`${event.sequence} ${event.type}`);
    return texts;
  };
  const early = collect();
  carried.set({ state: "running" });
  carried.tell({ type: "message", severity: "info", text: "x" });
  await Promise.resolve();
  carried.finish("succeeded");
  carried.finish("failed");
  expect(await early).toEqual(["1 state", "2 state", "3 message", "4 state"]);
  expect(await collect(2)).toEqual(["3 message", "4 state"]);
  expect(await operation.done).toMatchObject({ state: "succeeded" });
});
