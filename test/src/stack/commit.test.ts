// Edits that are committed and pushed, with a real Git and a real remote.

import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { openProject, StackError, type CommitOptions, type ConfigEdit, type Stack } from "../../../src/stack";
import { runGit, saidBy } from "../../../src/stack/git";
import { retried } from "../../../src/stack/retry";
import { Remote, type Clone } from "../../support/git";

const CONFIG = "config:\n  storage-profiles:backend: local\n  storage-profiles:catalog: ./shared.yaml\n";
const FILES = {
  "Pulumi.yaml": "name: p\nruntime: yaml\n",
  "Pulumi.dev.yaml": `${CONFIG}  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } } # ours\n`,
  "Pulumi.other.yaml": CONFIG,
  "shared.yaml": "profiles: { gold: { extends: silver, local: { iops: 3000 } } }\n",
  "notes.txt": "one\n",
};

const remotes: Remote[] = [];
afterAll(() => remotes.forEach((each) => each.close()));
function newRemote(files: Record<string, string> = FILES): Remote {
  const made = new Remote(files);
  remotes.push(made);
  return made;
}
const stackIn = async (remote: Remote, { directory }: { directory: string }, name = "dev", env = {}): Promise<Stack> =>
  (await openProject({ directory, pulumi: "no-such-pulumi", env: { ...remote.env, ...env } })).stack(name);
const volume = (name: string, profile = "silver", sizeGiB = 1): ConfigEdit => ({
  ...{ kind: "set-volume", name },
  volume: { profile, sizeGiB },
});
const LOCAL: ConfigEdit = { kind: "set-value", name: "backend", value: "local" };
const gold = (iops: number, place?: "catalog" | "stack"): ConfigEdit => ({
  ...{ kind: "set-profile", name: "gold", in: place },
  definition: { extends: "silver", local: { iops } },
});
async function edit(stack: Stack, edits: ConfigEdit[], commit: CommitOptions = {}, ifTag?: string) {
  const result = await stack.edit(edits, { commit, ifTag });
  expect(result.problems).toEqual([]);
  return result;
}
async function refusal(work: Promise<unknown>): Promise<StackError> {
  const error: unknown = await work.then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!(error instanceof StackError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}
const config = (clone: Clone, name = "Pulumi.dev.yaml") => readFileSync(clone.at(name), "utf8");

test("an edit is pushed as a commit of its file alone, with who made it, what changed and why; other work stays as it is", async () => {
  const remote = newRemote();
  const clone = remote.clone("a");
  const stack = await stackIn(remote, clone);
  clone.write("notes.txt", "two\n");
  clone.write("staged.txt", "staged\n");
  clone.write("Pulumi.other.yaml", `${CONFIG}# not committed\n`);
  clone.git("add", "staged.txt", "notes.txt");
  clone.write("notes.txt", "three\n");
  const before = clone.status();
  const [index, others] = ["--cached", ""].map((each) => clone.git("diff", ...(each ? [each] : [])));

  const { commit } = await edit(stack, [volume("data")], { reason: "  OPS-12: too dear\r\nsee the ticket\u0007\n" });
  expect(remote.run(remote.directory, "log", "-1", "--format=%H%n%an <%ae>%n%cn%n%B", "main")).toBe(
    `${commit ?? ""}\nAnn <ann@example.com>\nAnn\ndata: gold → silver (dev)\n\nOPS-12: too dear\nsee the ticket`,
  );
  expect(remote.run(remote.directory, "show", "--format=", "--name-only", "main")).toBe("Pulumi.dev.yaml");
  expect(clone.status()).toBe(before);
  expect([clone.git("diff", "--cached"), clone.git("diff")]).toEqual([index, others]);
  expect(existsSync(clone.at(".git/storage-profiles-edit.json"))).toBe(false);
  // The same again has nothing to commit.
  expect(await edit(stack, [volume("data")])).toMatchObject({ changed: false });
  // Without `commit` nothing is committed.
  await stack.edit([volume("data", "gold")]);
  expect(clone.status()).toContain("M Pulumi.dev.yaml");
  expect(remote.log()).toHaveLength(2);
});

test("each kind of edit says what it changes, and a shared file is committed in place of the stack's", async () => {
  const remote = newRemote();
  const stack = await stackIn(remote, remote.clone("a"));
  const author = { name: "ci", email: "" };
  await edit(stack, [gold(5000, "catalog")], { author });
  await edit(stack, [{ ...gold(5, "stack"), name: "fast" }, volume("more", "fast", 2)] as ConfigEdit[]);
  await edit(stack, [volume("more", "fast", 3), volume("data", "silver", 2)]);
  await edit(stack, [{ kind: "set-value", name: "pins", value: { "data@silver": { local: { iops: 1 } } } }]);
  await edit(await stackIn(remote, { directory: join(remote.home, "a") }, "new"), [LOCAL, volume("x")]);
  const many = Array.from({ length: 9 }, (_, n) => volume(`volume-with-a-long-name-${n}`));
  await edit(stack, many);
  const [last = "", ...others] = remote.log();
  expect(others).toEqual([
    "Ann: backend: not set → local; add volume x@silver, 1 GiB (new)",
    "Ann: pin data@silver (dev)",
    "Ann: more: sizeGiB 2 → 3; data: gold → silver, sizeGiB 1 → 2 (dev)",
    "Ann: add profile fast; add volume more@fast, 2 GiB (dev)",
    "ci: profile gold: local.iops 3000 → 5000 (./shared.yaml)",
    "Ann: first",
  ]);
  expect(last).toBe("Ann: 9 edits (dev)");
  expect(remote.run(remote.directory, "log", "-1", "--format=%b", "main").split("\n")).toHaveLength(9);
  expect(remote.text("shared.yaml")).toContain("iops: 5000");
  expect(remote.run(remote.directory, "log", "--skip=5", "-1", "--format=%an <%ae>, %cn", "main")).toBe("ci <>, Ann");
});

test("what moved elsewhere is fast-forwarded; what moved in the config is refused with its commit, and can be repeated", async () => {
  const remote = newRemote();
  const [a, b] = [remote.clone("a"), remote.clone("b")];
  const [mine, theirs] = [await stackIn(remote, a), await stackIn(remote, b)];
  b.write("notes.txt", "two\n");
  b.git("commit", "--quiet", "-am", "notes");
  b.git("push", "--quiet");
  const { tag } = await mine.readConfig();
  await edit(mine, [volume("one")], {}, tag);
  expect(readFileSync(a.at("notes.txt"), "utf8")).toBe("two\n");

  // The other one hasn't seen it.
  const old = await theirs.readConfig();
  const error = await refusal(edit(theirs, [volume("two")], {}, old.tag));
  expect(error.problems[0]).toMatchObject({ code: "config-changed", path: b.at("Pulumi.dev.yaml") });
  expect(error.message).toMatch(
    /changed since it was read \(commit [0-9a-f]{7,} by Ann: add volume one@silver, 1 GiB \(dev\)\)/,
  );
  expect(b.status()).toBe("");
  await edit(theirs, [volume("two")], {}, (await theirs.readConfig()).tag);
  expect(remote.text("Pulumi.dev.yaml")).toMatch(/one: .*two: /);
  // A shared file is part of the config.
  await edit(mine.project.stack("other"), [gold(9, "catalog")]);
  expect((await refusal(edit(theirs, [volume("three")]))).message).toContain("profile gold: local.iops 3000 → 9");
});

test("two checkouts of one remote that are edited at once lose no edit", async () => {
  const remote = newRemote();
  const edited = ["a", "b"].map(async (name) => {
    const stack = await stackIn(remote, remote.clone(name));
    for (let n = 0; n < 4; n++)
      // As a client does that isn't asked which version it means.
      await retried(async () => edit(stack, [volume(`${name}${n}`)], {}, (await stack.readConfig()).tag));
  });
  await Promise.all(edited);
  const names = ["a", "b"].flatMap((name) => [0, 1, 2, 3].map((n) => `${name}${n}`));
  for (const each of names) expect(remote.text("Pulumi.dev.yaml")).toContain(` ${each}: `);
  expect(remote.log().sort()).toEqual([
    ...names.map((each) => `Ann: add volume ${each}@silver, 1 GiB (dev)`),
    "Ann: first",
  ]);
});

test("who is overtaken between commit and push begins again; two processes of one checkout take turns", async () => {
  const remote = newRemote();
  const [a, b] = [remote.clone("a"), remote.clone("b")];
  const stack = await stackIn(remote, a);
  const overtake = (file: string) =>
    a.hook(
      "pre-push",
      `rm .git/hooks/pre-push\nunset $(git rev-parse --local-env-vars)\ncd ${b.directory} && git pull -q && echo '# theirs' >> ${file} && git commit -qam theirs && git push -q`,
    );
  overtake("notes.txt");
  await edit(stack, [volume("one")]);
  expect(remote.log().slice(0, 2)).toEqual(["Ann: add volume one@silver, 1 GiB (dev)", "Ann: theirs"]);

  overtake("Pulumi.dev.yaml");
  const error = await refusal(edit(stack, [volume("two")]));
  expect(error.message).toMatch(/changed since it was read \(commit [0-9a-f]+ by Ann: theirs\)/);
  expect(config(a)).toBe(config(b));
  expect([a.status(), remote.log()[0]]).toEqual(["", "Ann: theirs"]);

  const stacks = await Promise.all(["dev", "other"].flatMap((name) => [0, 1].map(() => stackIn(remote, a, name))));
  await Promise.all(stacks.map((each, n) => retried(() => edit(each, [volume(`v${n}`)]))));
  expect(a.status()).toBe("");
  expect(remote.log().slice(0, 4).sort()).toEqual(
    [0, 1, 2, 3].map((n) => `Ann: add volume v${n}@silver, 1 GiB (${n < 2 ? "dev" : "other"})`),
  );
});

describe("refused with nothing changed:", () => {
  const dirty = "it has changes that aren't committed";
  type Case = [string, (clone: Clone, remote: Remote) => void, string, string | RegExp, NodeJS.ProcessEnv?];
  const isRemoved = ({ git }: Clone) => {
    git("rm", "--quiet", "--cached", "Pulumi.dev.yaml");
    git("commit", "--quiet", "-m", "rm");
    git("push", "--quiet");
  };
  const isDirty = ({ write }: Clone) => write("Pulumi.dev.yaml", `${FILES["Pulumi.dev.yaml"]}# mine\n`);
  const cases: Case[] = [
    [
      "no checkout",
      ({ at }) => rmSync(at(".git"), { recursive: true }),
      ...(["git-not-ready", "no Git checkout: fatal: not a git repository"] as const),
    ],
    ["no Git", () => undefined, "git-missing", "`git` not found on PATH", { PATH: "/nowhere" }],
    [
      "a detached HEAD",
      ({ git }) => void git("checkout", "-q", "--detach"),
      "git-not-ready",
      "no branch is checked out",
    ],
    [
      "no upstream",
      ({ git }) => void git("switch", "-q", "-c", "mine"),
      "git-not-ready",
      "branch mine has no upstream",
    ],
    [
      "nobody who commits",
      ({ git }, { home }) => {
        rmSync(join(home, ".gitconfig"));
        git("config", "user.useConfigOnly", "true");
      },
      ...(["git-not-ready", "Git doesn't know who commits"] as const),
    ],
    [
      "commits of one's own",
      ({ git }) => void git("commit", "--quiet", "--allow-empty", "-m", "mine"),
      ...(["git-not-ready", /branch main has 1 commit that the upstream doesn't have: [0-9a-f]+ mine$/] as const),
    ],
    [
      "a merge",
      ({ git, write }) => write(".git/MERGE_HEAD", `${git("rev-parse", "HEAD")}\n`),
      ...(["git-not-ready", "a merge is in progress"] as const),
    ],
    ["a change of the file", isDirty, "git-file-not-clean", dirty],
    [
      "a staged change of the file",
      (clone) => {
        isDirty(clone);
        clone.git("add", ".");
      },
      ...(["git-file-not-clean", dirty] as const),
    ],
    ["a file that was never committed", isRemoved, "git-file-not-clean", "it was never committed"],
    [
      "an ignored file",
      (clone) => {
        isRemoved(clone);
        clone.write(".git/info/exclude", "Pulumi.dev.yaml\n");
      },
      ...(["git-file-not-clean", "Git ignores it"] as const),
    ],
    [
      "no remote",
      (_clone, { directory }) => rmSync(directory, { recursive: true }),
      ...(["git-failed", /`git fetch` failed: .*not appear to be a git repository.* Nothing was changed\.$/] as const),
    ],
    [
      "a remote that takes no push",
      (_clone, { directory }) =>
        writeFileSync(join(directory, "hooks/update"), "#!/bin/sh\necho not you >&2; exit 1\n", { mode: 0o755 }),
      ...(["git-failed", /`git push` failed: .*not you.* The edit was undone\.$/] as const),
    ],
    [
      "a hook that refuses the commit",
      ({ hook }) => hook("commit-msg", "echo no ticket >&2; exit 1"),
      ...(["git-failed", "`git commit` failed: no ticket. The edit was undone."] as const),
    ],
    [
      "a hook that refuses the push",
      ({ hook }) => hook("pre-push", "echo not now >&2; exit 1"),
      ...(["git-failed", /`git push` failed: not now; .* The edit was undone\.$/] as const),
    ],
    [
      "work that a fast-forward would overwrite",
      (clone, remote) => {
        const other = remote.clone("b");
        other.write("notes.txt", "theirs\n");
        other.git("commit", "-qam", "theirs");
        other.git("push", "-q");
        clone.write("notes.txt", "mine\n");
      },
      ...(["git-failed", /`git merge` failed: .*notes\.txt.* Nothing was changed\.$/] as const),
    ],
  ];
  test.each(cases)("%s", async (_name, prepare, code, message, env = {}) => {
    const remote = newRemote();
    const clone = remote.clone("a");
    prepare(clone, remote);
    const there = () =>
      existsSync(clone.at(".git"))
        ? [clone.status(), clone.git("rev-parse", "HEAD"), clone.git("diff", "--cached")]
        : [];
    const before = [config(clone), ...there()];
    const stack = await stackIn(remote, clone, "dev", env);
    const error = await refusal(edit(stack, [volume("data")]));
    expect(error.problems[0]).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.problems[0].fix).not.toBe("");
    expect([config(clone), ...there()]).toEqual(before);
    expect(existsSync(clone.at(".git/storage-profiles-edit.json"))).toBe(false);
  });

  test("a shared file outside the checkout", async () => {
    const remote = newRemote({
      ...FILES,
      "Pulumi.dev.yaml": FILES["Pulumi.dev.yaml"].replace("./shared", "../shared"),
    });
    const clone = remote.clone("a");
    writeFileSync(join(remote.home, "shared.yaml"), FILES["shared.yaml"]);
    const error = await refusal(edit(await stackIn(remote, clone), [gold(1, "catalog")]));
    expect(error.problems[0]).toMatchObject({
      code: "git-file-not-clean",
      message: expect.stringContaining("it isn't in the checkout"),
    });
    expect(readFileSync(join(remote.home, "shared.yaml"), "utf8")).toBe(FILES["shared.yaml"]);
  });

  test("a new file, where the commit fails, is gone again", async () => {
    const remote = newRemote();
    const clone = remote.clone("a");
    clone.hook("pre-commit", "exit 1");
    await refusal(edit(await stackIn(remote, clone, "new"), [LOCAL, volume("x")]));
    expect([existsSync(clone.at("Pulumi.new.yaml")), clone.status()]).toEqual([false, ""]);
  });
});

test("what a hook or someone else makes of the file meanwhile stays, and the message says so", async () => {
  const remote = newRemote();
  const clone = remote.clone("a");
  clone.hook("pre-commit", "echo '# formatted' >> Pulumi.dev.yaml");
  const error = await refusal(edit(await stackIn(remote, clone), [volume("x")]));
  expect(error.message).toContain(
    "a hook has changed Pulumi.dev.yaml. Pulumi.dev.yaml was changed again, by a hook or by someone else",
  );
  expect([config(clone).endsWith("# formatted\n"), clone.status(), remote.log()]).toEqual([
    true,
    " M Pulumi.dev.yaml",
    ["Ann: first"],
  ]);
});

describe("a process that is killed", () => {
  // The hook outlives it, as Git does.
  const kill = (then: string) => `kill -9 $(cat ../pid); ${then}`;
  const cases: [string, string, string, boolean][] = [
    ["between edit and commit", "pre-commit", "exit 1", false],
    ["between commit and push", "pre-push", "exit 1", false],
    ["after the push", "pre-push", "exit 0", true],
  ];
  test.each(cases)(
    "%s leaves nothing behind that the next edit doesn't put right",
    async (_name, hook, then, isPushed) => {
      const remote = newRemote();
      const clone = remote.clone("a");
      clone.hook(hook, kill(then));
      const script = `require("fs").writeFileSync(${JSON.stringify(join(remote.home, "pid"))}, String(process.pid));
      const { openProject } = require(${JSON.stringify(resolve(__dirname, "../../../dist/src/stack"))});
      openProject({ directory: ${JSON.stringify(clone.directory)}, pulumi: "no-such-pulumi" }).then((project) => project.stack("dev").edit(
        [{ kind: "set-volume", name: "lost", volume: { sizeGiB: 1 } }], { commit: {} }));`;
      const child = spawn(process.execPath, ["-e", script], {
        env: remote.env,
        stdio: ["ignore", "ignore", "inherit"],
      });
      const [, signal] = await new Promise<[number | null, string | null]>((done) =>
        child.once("exit", (...how) => done(how)),
      );
      expect(signal).toBe("SIGKILL");
      // Git ends by itself.
      const isOver = () => (isPushed ? remote.log().length === 2 : !existsSync(clone.at(".git/index.lock")));
      while (!isOver()) await new Promise((done) => setTimeout(done, 20));
      expect(config(clone)).toContain("lost: ");
      rmSync(clone.at(`.git/hooks/${hook}`));

      await edit(await stackIn(remote, clone), [volume("next")]).catch(async (error: unknown) => {
        // What the killed one had written isn't what the caller has read.
        if (!(error instanceof StackError) || error.code !== "config-changed") throw error;
        await edit(await stackIn(remote, clone), [volume("next")]);
      });
      expect(clone.status()).toBe("");
      expect(existsSync(clone.at(".git/storage-profiles-edit.json"))).toBe(false);
      const lost = isPushed ? ["Ann: add volume lost@default, 1 GiB (dev)"] : [];
      expect(remote.log()).toEqual(["Ann: add volume next@silver, 1 GiB (dev)", ...lost, "Ann: first"]);
      expect(config(clone).includes("lost: ")).toBe(isPushed);
    },
  );

  test("whoever commits by hand what it has left keeps that commit", async () => {
    const remote = newRemote();
    const clone = remote.clone("a");
    clone.hook("pre-commit", "cp .git/storage-profiles-edit.json ../note; exit 1");
    const stack = await stackIn(remote, clone);
    await refusal(edit(stack, [volume("x")]));
    rmSync(clone.at(".git/hooks/pre-commit"));
    clone.write(".git/storage-profiles-edit.json", readFileSync(join(remote.home, "note"), "utf8"));
    await stack.edit([volume("x")]);
    clone.git("commit", "--quiet", "-am", "mine");
    expect((await refusal(edit(stack, [volume("y")]))).message).toMatch(
      /1 commit that the upstream doesn't have: [0-9a-f]+ mine/,
    );
    clone.git("push", "--quiet");
    await edit(stack, [volume("y")]);
    expect(remote.log().slice(0, 2)).toEqual(["Ann: add volume y@silver, 1 GiB (dev)", "Ann: mine"]);
  });
});

test("a command of Git that doesn't end is ended, with what it has started", async () => {
  const remote = newRemote();
  const { directory, at } = remote.clone("a");
  const wait = `alias.wait=!trap 'touch ended; exit 1' TERM; sleep 60 & wait`;
  const printed = await runGit({ directory, env: remote.env }, ["-c", wait, "wait"], { patienceMs: 300 });
  expect([printed.code === 0, saidBy(printed)]).toEqual([false, "no answer within 0.3 seconds"]);
  expect(existsSync(at("ended"))).toBe(true);
});
