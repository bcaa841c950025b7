// `apply --commit`, with an engine that records what the remote had when it was called.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../../../src/cli/run";
import { Remote, type Clone } from "../../support/git";

const PROFILES = "  storage-profiles:profiles: { gold: { extends: silver, local: { iops: 3000 } } }\n";
const CONFIG = `config:\n  storage-profiles:backend: local\n${PROFILES}  storage-profiles:volumes: { data: { profile: gold, sizeGiB: 1 } }\n`;
const remotes: Remote[] = [];
afterAll(() => remotes.forEach((each) => each.close()));

/** A remote with two stacks, a clone, and commands in it. */
function newLab() {
  const files = { "Pulumi.yaml": "name: p\nruntime: yaml\n", "Pulumi.a.yaml": CONFIG, "Pulumi.b.yaml": CONFIG };
  const remote = new Remote(files);
  remotes.push(remote);
  const ups = join(remote.home, "ups");
  const pulumi = join(remote.home, "pulumi");
  // Of a stack that it knows, and in which nothing was created.
  writeFileSync(
    pulumi,
    `#!/bin/sh
case "$1" in
  stack) echo '{ "version": 3, "deployment": { "manifest": { "time": "2026-01-01T00:00:00Z" }, "resources": [] } }' ;;
  up) git -C ${remote.directory} log -1 --format=%s main >> ${ups}; echo "error: out of luck" >&2; exit 255 ;;
esac
`,
    { mode: 0o755 },
  );
  const clone = remote.clone("a");
  const call = async (args: string[], { directory }: Clone = clone) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await run(args, {
      ...{ cwd: directory, env: remote.env, isTerminal: false, columns: 120, pulumi },
      ...{ out: (text) => out.push(text), err: (text) => err.push(text) },
      journalDirectory: join(remote.home, "journal"),
    });
    return { code, out: out.join(""), err: err.join("") };
  };
  const told = () => (existsSync(ups) ? readFileSync(ups, "utf8").trim().split("\n") : []);
  return { remote, clone, call, ups: told };
}

test("the edit is pushed before volumes are changed, and stays when that fails, with the way back", async () => {
  const { remote, clone, call, ups } = newLab();
  const edit = ["apply", "data@silver", "--stack", "a", "--yes", "--commit"];
  const { code, out } = await call([...edit, "--reason", "OPS-12: too dear"]);
  const id = remote.run(remote.directory, "rev-parse", "main").slice(0, 10);
  expect(code).toBe(4);
  expect(ups()).toEqual(["data: gold → silver (a)"]);
  expect(remote.run(remote.directory, "log", "-1", "--format=%an|%b", "main")).toBe("Ann|OPS-12: too dear");
  expect(out).toContain(`committed and pushed: ${id}\n`);
  expect(out).toContain(`Pulumi.a.yaml keeps the edit, which is pushed (commit ${id}).`);
  expect(out).toContain(`run git revert ${id}, push that, and run the same command`);
  // The second run finds the edit made.
  const { commit, changed } = JSON.parse((await call([...edit, "--json"])).out);
  expect([commit, changed]).toEqual([undefined, false]);
  expect(remote.log()).toHaveLength(2);

  // What others have pushed is planned with, and applied with.
  const other = remote.clone("b");
  other.write("Pulumi.a.yaml", `${CONFIG.trimEnd()} # theirs\n`);
  other.git("commit", "-qam", "theirs");
  other.git("push", "-q");
  await call(edit);
  expect(readFileSync(clone.at("Pulumi.a.yaml"), "utf8")).toContain("# theirs");
  expect(remote.log().slice(0, 2)).toEqual(["Ann: data: gold → silver (a)", "Ann: theirs"]);

  await call(["pin", "data", "--stack", "b", "--commit"]);
  expect(remote.log()[0]).toBe("Ann: pin data@gold (b)");
});

test("each stack's edit is a commit; a call that can't commit changes nothing", async () => {
  const { remote, clone, call, ups } = newLab();
  const edit = ["apply", "--all", "--yes", "--profile", "gold", "--set", "local.iops=5000", "--commit"];
  await call(edit);
  const both = (what: string) => ["a", "b"].map((stack) => `Ann: profile gold: local.iops ${what} (${stack})`);
  expect(remote.log().slice(0, 2).sort()).toEqual(both("3000 → 5000"));
  expect([clone.status(), ups().length]).toEqual(["", 2]);
  const usage = await call(["apply", "--yes", "--reason", "x"]);
  expect([usage.code, usage.err]).toEqual([2, expect.stringContaining("--reason requires --commit")]);
  rmSync(clone.at(".git"), { recursive: true });
  const refused = await call([...edit.slice(0, -2), "local.iops=6", "--commit"]);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("no Git checkout: ")]);
  expect(readFileSync(clone.at("Pulumi.a.yaml"), "utf8")).toContain("5000");
});
