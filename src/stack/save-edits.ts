// Edits of a stack's config file, from what is asked for to what stands in the file: judged whole, written whole.

import type { Problem } from "../core/problems";
import { readText } from "./read-config";
import { locked, writeWhole } from "./write-config";
import { editSharedText, editText, lineDiff } from "./edit-text";
import { inCheckout, type Checkout } from "./checkout";
import { commitMessage } from "./commit-message";
import { stackError, StackError } from "./errors";
import { editProblems, leftOutOf, newProblems, plansOf, refusals, sharedFileOf, uselessProfiles } from "./plan";
import type { ProjectSettings } from "./project";
import { NO_STATE } from "./state";
import type { ConfigEdit, EditOptions, EditResult, StackConfigRead, StackState } from "./types";
import { problem } from "./problems";

/** What an edit needs of its stack. */
export interface Edited {
  name: string;
  configFile: string;
  /** The environment of Git. */
  env: NodeJS.ProcessEnv;
  /** Reads a text as the config; with the texts that shared files are to have, by their paths. */
  read: (text: string | undefined, sharedTexts?: Record<string, string>) => Promise<StackConfigRead>;
  readState: () => Promise<StackState>;
  settings: () => Promise<Pick<ProjectSettings, "name" | "config">>;
  /** Throws where there is neither a file nor a state: an edit makes one, and without edits there is nothing to plan. */
  refuseUnknown: (exists: boolean) => Promise<void>;
}

interface Known {
  state: StackState;
  stateUnknown: Problem | undefined;
  settings: Pick<ProjectSettings, "name" | "config">;
}

/** Makes the function that edits a stack's config. In one process, edits wait for each other in their order. */
export function makeEdit(of: Edited): (edits: readonly ConfigEdit[], options?: EditOptions) => Promise<EditResult> {
  let last: Promise<unknown> = Promise.resolve();
  return async (edits, { dryRun = false, state, commit, ...options } = {}) => {
    const known = await knownTo(of, state);
    const attempt = async () => judge(await readText(of.configFile), edits, options, of, known);
    if (dryRun) return (await attempt()).result;
    const upToDate = commit && makeUpToDate(of, options.ifTag);
    const save = async (checkout?: Checkout): Promise<EditResult> => {
      for (;;) {
        const { write, result, message } = await attempt();
        if (!result.changed) return result;
        const isSame = async () => (await readText(write.file)) === write.before;
        const put = () => writeWhole(write.file, write.now, isSame);
        const { tag } = write;
        if (checkout) {
          const made = { message: message(commit?.reason), author: commit?.author };
          const done = await checkout.record(write, made, put);
          if (done === "raced") await upToDate?.(checkout);
          else if (done) return { ...result, tag, commit: done.commit };
        } else if (await put()) return { ...result, tag };
        // Who edits by hand knows no lock: then the edit is made anew, on what they wrote.
      }
    };
    const inTurn = (checkout?: Checkout) =>
      locked(of.configFile, async () => {
        if (checkout) await upToDate?.(checkout);
        if (!edits.some(isShared)) return save(checkout);
        // Other stacks have locks of their own.
        const { write, result } = await attempt();
        return result.changed ? locked(write.file, () => save(checkout)) : result;
      });
    const mine = last.then(() => (commit ? inCheckout(of.configFile, of.env, inTurn) : inTurn()));
    last = mine.catch(() => undefined);
    return mine;
  };
}

// Has a checkout fast-forwarded, and refuses where that changes what the edit was made from. The next attempt finds it up to date.
function makeUpToDate({ configFile, read }: Edited, ifTag: string | undefined): (checkout: Checkout) => Promise<void> {
  const readNow = async () => read(await readText(configFile));
  let wanted = ifTag;
  return async (checkout) => {
    // One that can't be read was the start of nothing.
    wanted ??= (await readNow().catch(() => undefined))?.tag;
    await checkout.update();
    const { tag, sharedFiles } = await readNow();
    if (wanted === undefined || tag === wanted) return;
    const shared = sharedFiles.flatMap(({ file, isPackage }) => (isPackage || file === undefined ? [] : [file]));
    throw stackError("config-changed", configFile, undefined, {
      by: await checkout.changesOf([configFile, ...shared]),
    });
  };
}

async function knownTo({ readState, settings: readSettings }: Edited, given?: Promise<StackState>): Promise<Known> {
  const state = await (given ?? readState()).catch((error: unknown) => {
    if (error instanceof StackError) return error;
    throw error;
  });
  const settings = await readSettings();
  return state instanceof StackError
    ? { state: NO_STATE, stateUnknown: state.problems[0], settings }
    : { state, stateUnknown: undefined, settings };
}

async function judge(
  text: string | undefined,
  edits: readonly ConfigEdit[],
  { ifTag, willApply, volumes }: Omit<EditOptions, "dryRun" | "commit">,
  { name, configFile, read, refuseUnknown }: Edited,
  { state, stateUnknown, settings }: Known,
): Promise<Judged> {
  const before = await read(text);
  const { tag } = before;
  if (ifTag !== undefined && ifTag !== tag) throw stackError("config-changed", configFile, undefined, {});
  if (edits.length === 0) await refuseUnknown(state.exists || stateUnknown !== undefined);
  const problems = [...twice(edits), ...editProblems(edits, before, state)];
  // Whether anybody uses what is to go can't be said.
  if (stateUnknown && edits.some(({ kind }) => kind.startsWith("remove"))) problems.push(stateUnknown);
  const refused = { changed: false, tag, touched: [], stateUnknown, diff: "" };
  const unchanged: Write = { file: configFile, before: text, now: text ?? "", tag };
  if (problems.length > 0) return { write: unchanged, result: { ...refused, problems }, message: () => "" };

  const shared = await sharedTarget(edits, before, configFile);
  const { file, text: current } = shared ?? { file: configFile, text };
  const old = current ?? "";
  const now = shared
    ? editSharedText(old, edits.filter(isShared), shared.name)
    : editText(old, edits, { projectConfig: settings.config, projectName: settings.name, file: configFile });
  const after = now === old ? before : shared ? await read(text, { [file]: now }) : await read(now);
  const touched = plansOf(after, state, edits.length === 0 ? undefined : before, volumes);
  if (edits.length > 0) {
    problems.push(...newProblems(before.problems, after.problems));
    problems.push(...unlisted(problems, newProblems(before.problems, uselessProfiles(edits, after))));
    // What is impossible before and after is the config's own problem, and told there.
    const impossible = newProblems(refusals(plansOf(before, state)), refusals(touched));
    problems.push(...unlisted(problems, impossible));
  }
  if (willApply === true) {
    problems.push(...newProblems(problems, after.problems));
    // Volumes that the program declares are judged when it runs.
    const ofConfig = touched.filter(({ declaredBy }) => declaredBy === "config");
    problems.push(...unlisted(problems, refusals(ofConfig)));
  }
  const diff = lineDiff(old, now);
  const leftOut = edits.length === 0 ? [] : leftOutOf(after, state, before);
  const changed = problems.length === 0 && now !== old;
  const result: EditResult = {
    ...{ changed, tag, problems, touched, stateUnknown, diff },
    ...(leftOut.length > 0 && { leftOut }),
    ...(shared && { sharedFile: shared.name }),
  };
  const message = (reason?: string) => commitMessage(edits, before, after, { where: shared?.name ?? name, reason });
  return { write: { file, before: current, now, tag: after.tag }, result, message };
}

/** What edits come to. */
interface Judged {
  write: Write;
  result: EditResult;
  /** The commit message, with the reason. */
  message: (reason?: string) => string;
}

/** What is to be written, and where. */
interface Write {
  file: string;
  before: string | undefined;
  now: string;
  /** The tag of the config afterwards. */
  tag: string;
}

const isShared = (edit: ConfigEdit): edit is Extract<ConfigEdit, { kind: "set-profile" }> =>
  edit.kind === "set-profile" && edit.in === "catalog";

// The shared file that edits are about. It is written whole or not at all, as the stack's is; both together can't be.
async function sharedTarget(
  edits: readonly ConfigEdit[],
  read: StackConfigRead,
  configFile: string,
): Promise<{ name: string; file: string; text: string } | undefined> {
  if (!edits.some(isShared)) return undefined;
  const files = new Set(edits.map((edit) => (isShared(edit) ? sharedFileOf(read, edit.name)?.file : configFile)));
  const [file] = files;
  const name = read.sharedFiles.find((each) => each.file === file)?.name;
  if (files.size > 1 || file === undefined || name === undefined) {
    const params = { why: "edits of several files can't be saved together", fix: "make them one after the other" };
    throw stackError("edit-not-possible", "catalog", undefined, params);
  }
  return { name, file, text: (await readText(file)) ?? "" };
}

function unlisted(listed: readonly Problem[], found: readonly Problem[]): Problem[] {
  const known = new Set(listed.map(({ code, path }) => `${code} ${path}`));
  return found.filter(({ code, path }) => !known.has(`${code} ${path}`));
}

// Two edits of one thing in one go: which of them is meant?
function twice(edits: readonly ConfigEdit[]): Problem[] {
  const seen = new Set<string>();
  return edits.flatMap(({ kind, name }) => {
    const what = kind === "set-value" ? "key" : kind.endsWith("profile") ? "profile" : "volume";
    const key = `${what} ${name}`;
    const isFirst = !seen.has(key);
    seen.add(key);
    if (isFirst) return [];
    return [problem("edited-twice", what, name, { what: key })];
  });
}
