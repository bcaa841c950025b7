// The Git checkout that has a stack's config: brought up to date before an edit, which is committed alone, pushed, and taken back where the
// upstream doesn't take it. One process at a time does this in a checkout. What it is about to do it writes down in the folder of Git, so that
// the next one takes back what a killed one has left.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";

import { z } from "zod";

import type { Printed } from "./engine";
import { stackError } from "./errors";
import { runGit, saidBy } from "./git";
import { readText } from "./read-config";
import type { Stack } from "./types";
import { locked, writeWhole } from "./write-config";

/** How long others that commit in the same checkout are waited for, in milliseconds: each waits for a remote. */
const PATIENCE = 300_000;
/** How many commits a message lists. */
const MOST_LISTED = 5;
/** What Git is in the midst of, by what lies in its folder then. */
const UNFINISHED: Readonly<Record<string, string>> = {
  MERGE_HEAD: "merge",
  CHERRY_PICK_HEAD: "cherry-pick",
  REVERT_HEAD: "revert",
  "rebase-merge": "rebase",
  "rebase-apply": "rebase",
};

/** Who has made an edit. Default: Git's own user. */
export interface Author {
  name: string;
  /** Empty where it isn't known. */
  email: string;
}

/** A file that is to be written and committed. */
export interface FileChange {
  file: string;
  before: string | undefined;
  now: string;
}

/** A checkout that nobody else of this package works in. */
export interface Checkout {
  /** Refuses one in which nothing can be committed, without asking the remote. Error: `git-not-ready`. */
  check(): Promise<void>;
  /** The same, then takes back what was interrupted, and fast-forwards it to its upstream. Errors: `git-not-ready`, `git-failed`. */
  update(): Promise<void>;
  /** What has changed these files since it was opened, or else the last commit that did: `commit 1a2b3c4 by Ann: …`. */
  changesOf(files: readonly string[]): Promise<string[]>;
  /**
   * Has a file written, commits it alone, and pushes that. `undefined` where nothing was written; `raced` where the upstream has moved
   * meanwhile: then all is as before. Errors: `git-not-ready`, `git-file-not-clean`, `git-failed`; nothing is changed then.
   */
  record(
    change: FileChange,
    commit: { message: string; author?: Author | undefined },
    write: () => Promise<boolean>,
  ): Promise<{ commit: string } | "raced" | undefined>;
}

// The edit about to be committed. `head` is the commit before it.
const noteSchema = z.object({
  ...{ head: z.string(), branch: z.string(), file: z.string(), path: z.string(), subject: z.string() },
  before: z.string().optional(),
  /** A hash of what is written. */
  after: z.string(),
});
type Note = z.infer<typeof noteSchema>;

/** Where a checkout is. */
interface Place {
  top: string;
  gitDirectory: string;
  /** What all worktrees of a repository share. */
  commonDirectory: string;
}

/** The branch that is checked out, and where its upstream is. */
interface Branch {
  ref: string;
  name: string;
  /** The upstream here: refs/remotes/origin/main. */
  upstream: string;
  remote: string;
  /** The upstream there: refs/heads/main. */
  remoteRef: string;
}

/** The directory of the checkout that has a file. Error: `git-not-ready`. */
export async function checkoutOf(file: string, env: NodeJS.ProcessEnv): Promise<string> {
  return (await placeOf(await targetOf(file), env)).top;
}

/** Does for the checkout of each stack's config file what {@link Stack.syncCheckout} does; once where several stacks share one. */
export async function syncCheckouts(stacks: readonly Stack[], options: { fetch?: boolean } = {}): Promise<void> {
  const done = new Set<string>();
  for (const stack of stacks) await stack.syncCheckout({ ...options, done });
}

/** Does something in the checkout that has a file, while no other process of this package does. Errors: `git-missing`, `git-not-ready`. */
export async function inCheckout<T>(
  file: string,
  env: NodeJS.ProcessEnv,
  work: (checkout: Checkout) => Promise<T>,
): Promise<T> {
  const place = await placeOf(await targetOf(file), env);
  const lockFile = join(place.commonDirectory, "storage-profiles");
  const busy = () =>
    stackError("config-busy", place.top, undefined, { seconds: PATIENCE / 1000, lock: `${lockFile}.lock` });
  return locked(lockFile, () => work(makeCheckout(place, env)), { patienceMs: PATIENCE, busy });
}

function makeCheckout({ top, gitDirectory }: Place, env: NodeJS.ProcessEnv): Checkout {
  const noteFile = join(gitDirectory, "storage-profiles-edit.json");
  const notReady = (why: string, fix: string) => stackError("git-not-ready", top, undefined, { why, fix });
  const failed = (args: readonly string[], printed: Printed, undone?: string) => {
    const [command = ""] = args;
    return stackError("git-failed", top, undefined, { command, why: saidBy(printed), undone });
  };
  const ask = (args: readonly string[], input?: string, more: NodeJS.ProcessEnv = {}) =>
    runGit({ directory: top, env: { ...env, ...more } }, args, { input });
  const git = async (...args: string[]): Promise<string> => {
    const printed = await ask(args);
    if (printed.code !== 0) throw failed(args, printed);
    return printed.stdout.trim();
  };
  const head = () => git("rev-parse", "--verify", "HEAD^{commit}");
  let opened: string | undefined;
  let isUndone = false;

  const branchNow = async (): Promise<Branch> => {
    const ref = await ask(["symbolic-ref", "--quiet", "HEAD"]);
    if (ref.code !== 0)
      throw notReady("no branch is checked out (detached HEAD)", "check out a branch: git switch BRANCH");
    const whole = ref.stdout.trim();
    const name = whole.replace(/^refs\/heads\//, "");
    if ((await ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])).code !== 0)
      throw notReady(
        `branch ${name} has no commits`,
        "commit the project's files, and push them: git push -u REMOTE BRANCH",
      );
    const format = "--format=%(upstream)%00%(upstream:remotename)%00%(upstream:remoteref)";
    const [upstream = "", remote = "", remoteRef = ""] = (await git("for-each-ref", format, whole)).split("\0");
    if (upstream === "" || remote === "" || remoteRef === "")
      throw notReady(`branch ${name} has no upstream`, `push it with an upstream: git push -u REMOTE ${name}`);
    return { ref: whole, name, upstream, remote, remoteRef };
  };

  const check = async (): Promise<Branch> => {
    const branch = await branchNow();
    const unfinished = Object.keys(UNFINISHED).find((each) => existsSync(join(gitDirectory, each)));
    if (unfinished !== undefined) {
      const what = UNFINISHED[unfinished] ?? "";
      throw notReady(`a ${what} is in progress`, `finish it, or give it up: git ${what} --abort`);
    }
    for (const each of ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"]) {
      const who = await ask(["var", each]);
      if (who.code === 0) continue;
      throw notReady(
        "Git doesn't know who commits",
        'set both: git config user.name "NAME" and git config user.email EMAIL',
      );
    }
    return branch;
  };

  const fetch = ({ remote, remoteRef }: Branch) => ask(["fetch", "--quiet", "--no-tags", remote, remoteRef]);
  const isIn = async (commit: string, ref: string) =>
    (await ask(["merge-base", "--is-ancestor", commit, ref])).code === 0;

  const pathOf = async (file: string): Promise<{ target: string; path: string }> => {
    const target = await targetOf(file);
    const path = relative(top, target);
    if (path.startsWith("..") || isAbsolute(path))
      throw stackError("git-file-not-clean", file, undefined, {
        why: `it isn't in the checkout ${top}`,
        fix: "edit it by hand",
      });
    return { target, path };
  };

  const refuseUnclean = async (file: string, path: string) => {
    const unclean = (why: string, fix: string) => stackError("git-file-not-clean", file, undefined, { why, fix });
    const status = await git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored", "--", path);
    const what = status.slice(0, 2);
    const isIgnored = what === "!!" || (await ask(["check-ignore", "--quiet", "--", path])).code === 0;
    if (isIgnored && (await ask(["ls-files", "--error-unmatch", "--", path])).code !== 0)
      throw unclean("Git ignores it (.gitignore)", "remove it from .gitignore");
    if (what === "??") throw unclean("it was never committed", `commit and push it: git add ${path}`);
    if (what !== "" && what !== "!!")
      throw unclean(
        "it has changes that aren't committed",
        "commit and push them, or discard them: git restore --staged --worktree",
      );
  };

  // Undoes the edit, and its commit if there is one. What others have done since stays, and the result says so.
  const undo = async (note: Note, commit?: { id: string; parent: string }): Promise<string> => {
    if (commit) {
      const args = ["update-ref", "-m", "storage-profiles: undo", note.branch, commit.parent, commit.id];
      if ((await ask(args)).code !== 0)
        return `Commit ${commit.id.slice(0, 10)} stays in the checkout, because others were made after it.`;
    }
    const reset = await ask(["reset", "--quiet", "--", note.path]);
    const isOurs = async () => hashOf((await readText(note.file)) ?? "") === note.after;
    const isBack = async () => (await readText(note.file)) === note.before;
    if (await isOurs()) {
      if (note.before === undefined) await rm(note.file, { force: true });
      else await writeWhole(note.file, note.before, isOurs);
    }
    if (reset.code === 0 && (await isBack())) {
      await rm(noteFile, { force: true });
      return "The edit was undone.";
    }
    if (reset.code !== 0) return `The edit couldn't be undone (${saidBy(reset)}): the next call tries it again.`;
    await rm(noteFile, { force: true });
    return `${note.path} was changed again, by a hook or by someone else, and stays as it is.`;
  };

  // What was interrupted was never answered, and nothing was applied: it is taken back, unless its commit has reached the upstream.
  const recover = async (upstream: string): Promise<void> => {
    const note = await readNote(noteFile);
    if (!note) return;
    const now = await head();
    const parent = (await ask(["rev-parse", "--verify", "--quiet", "HEAD^"])).stdout.trim();
    isUndone = true;
    if (now === note.head) await undo(note);
    else if (parent === note.head && !(await isIn(now, upstream)) && (await isOurs(note)))
      await undo(note, { id: now, parent });
    else {
      isUndone = false;
      await rm(noteFile, { force: true });
    }
  };
  const isOurs = async ({ head: base, path, subject }: Note): Promise<boolean> => {
    const paths = await git("diff", "--name-only", "-z", base, "HEAD");
    // A hook may have put something before it.
    return paths.replace(/\0$/, "") === path && (await git("log", "-1", "--format=%s")).includes(subject);
  };

  const update = async (): Promise<void> => {
    const branch = await check();
    opened ??= await head();
    const fetched = await fetch(branch);
    if (fetched.code !== 0) throw failed(["fetch"], fetched);
    await recover(branch.upstream);
    const ahead = await git("rev-list", "--count", `${branch.upstream}..HEAD`);
    if (ahead !== "0") {
      const subjects = await git("log", `--max-count=${MOST_LISTED}`, "--format=%h %s", `${branch.upstream}..HEAD`);
      const count = `${ahead} ${ahead === "1" ? "commit" : "commits"}`;
      const why = `branch ${branch.name} has ${count} that the upstream doesn't have: ${subjects.split("\n").join("; ")}`;
      throw notReady(why, "push them, rebase them, or move them to another branch");
    }
    const args = ["merge", "--quiet", "--ff-only", branch.upstream];
    const merged = await ask(args);
    if (merged.code !== 0) throw failed(args, merged);
  };

  const commitOnly = async (note: Note, message: string, author: Author | undefined): Promise<Printed> => {
    // A file that Git doesn't know yet can't be named to `commit` before.
    if (note.before === undefined) {
      const added = await ask(["add", "--", note.path]);
      if (added.code !== 0) return added;
    }
    const by = author ? { GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email } : {};
    const args = ["commit", "--quiet", "--only", "--cleanup=whitespace", "--file=-", "--", note.path];
    const committed = await ask(args, message, by);
    if (committed.code !== 0) return committed;
    const isWhole = (await ask(["diff", "--quiet", "HEAD", "--", note.path])).code === 0;
    if (isWhole && hashOf((await readText(note.file)) ?? "") === note.after) return committed;
    return { code: 1, stdout: "", stderr: `a hook has changed ${note.path}` };
  };

  return {
    async check() {
      await check();
    },
    update,
    async changesOf(files) {
      const paths = await Promise.all(files.map((each) => pathOf(each).catch(() => undefined)));
      const known = paths.flatMap((each) => each?.path ?? []);
      if (known.length === 0) return [];
      const undone = isUndone ? ["an interrupted edit was undone"] : [];
      const listed = async (...range: string[]) =>
        (await git("log", "--format=commit %h by %an: %s", ...range, "--", ...known)).split("\n").filter(Boolean);
      const since = opened === undefined ? [] : await listed(`--max-count=${MOST_LISTED}`, `${opened}..HEAD`);
      const found = [...undone, ...since];
      return found.length > 0 ? found : listed("--max-count=1", "HEAD");
    },
    async record({ file, before, now }, { message, author }, write) {
      const branch = await branchNow();
      const { target, path } = await pathOf(file);
      await refuseUnclean(file, path);
      const base = await head();
      const subject = message.split("\n", 1)[0] ?? "";
      const note: Note = { head: base, branch: branch.ref, file: target, path, subject, before, after: hashOf(now) };
      await writeNote(noteFile, note);
      const isWritten = await write().catch(async (error: unknown) => {
        await rm(noteFile, { force: true });
        throw error;
      });
      if (!isWritten) {
        await rm(noteFile, { force: true });
        return undefined;
      }
      const committed = await commitOnly(note, message, author);
      const id = await head();
      const parent = id === base ? undefined : await git("rev-parse", "--verify", "HEAD^");
      const commit = parent === undefined ? undefined : { id, parent };
      if (committed.code !== 0 || !commit) {
        const isMine = commit?.parent === base && (await isOurs(note));
        throw failed(["commit"], committed, await undo(note, isMine ? commit : undefined));
      }
      // Someone else committed at the same time: pushing ours would publish theirs too.
      if (parent !== base) {
        await undo(note, commit);
        throw notReady(
          "someone else committed in the checkout at the same time",
          "push that commit, and repeat the edit",
        );
      }
      const args = ["push", "--porcelain", branch.remote, `${id}:${branch.remoteRef}`];
      const pushed = await ask(args);
      if (pushed.code !== 0) {
        // The answer may have been lost on its way; only the remote knows.
        const fetched = await fetch(branch);
        const isThere = fetched.code === 0 && (await isIn(id, branch.upstream));
        if (!isThere) {
          const undone = await undo(note, commit);
          const isMoved = fetched.code === 0 && !(await isIn(branch.upstream, base));
          if (isMoved && !existsSync(noteFile) && (await head()) === base) return "raced";
          const unknown =
            fetched.code === 0
              ? ""
              : " The remote can't be asked whether it has received the commit; if it has, the next edit finds it.";
          throw failed(args, pushed, undone + unknown);
        }
      }
      await rm(noteFile, { force: true });
      return { commit: id };
    },
  };
}

async function placeOf(file: string, env: NodeJS.ProcessEnv): Promise<Place> {
  const directory = dirname(file);
  const args = ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"];
  const found = await runGit({ directory, env }, args);
  const [top, gitDirectory, common] = found.stdout.trim().split("\n");
  if (found.code === 0 && top !== undefined && gitDirectory !== undefined && common !== undefined)
    return { top, gitDirectory, commonDirectory: resolve(directory, common) };
  throw stackError("git-not-ready", directory, undefined, {
    why: `no Git checkout: ${saidBy(found)}`,
    fix: "clone the project's repository, and work there; or omit --commit",
  });
}

// A link is followed to the file that is written. One that isn't there yet is in its folder.
async function targetOf(file: string): Promise<string> {
  const found = await realpath(file).catch(() => undefined);
  return found ?? join(await realpath(dirname(file)).catch(() => dirname(file)), basename(file));
}

async function readNote(file: string): Promise<Note | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return noteSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function writeNote(file: string, note: Note): Promise<void> {
  try {
    await writeFile(`${file}.tmp`, JSON.stringify(note), { mode: 0o600 });
    await rename(`${file}.tmp`, file);
  } catch (error) {
    throw stackError("config-not-written", file, undefined, { why: (error as Error).message }, { cause: error });
  }
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
