// `apply`: writes what is asked for to the config, and has the engine do it; limited to the volumes that it is about.

import { basename } from "node:path";

import type { Problem } from "../../core/problems";
import type {
  CommitOptions,
  ConfigEdit,
  EditResult,
  Operation,
  Stack,
  StackConfigRead,
  StackState,
  VolumePlan,
} from "../../stack";
import { retried } from "../../stack/retry";
import { oneVolume } from "../../stack/select";
import { statusesOf } from "../../stack/status";
import { exitCodeOf, type Answer, type CommandSpec, type Context } from "../context";
import { applyMany } from "./apply-many";
import {
  checkConfirmable,
  commitOf,
  commitOptions,
  confirmed,
  doneText,
  eventText,
  repeatsPlan,
  tellCommit,
  waitOf,
} from "./apply-steps";
import { planText } from "./plan-text";
import { checkRollout, rolloutOptions } from "./rollout";
import { askedBy, planForProfile, profileEdit, profileOptions } from "../references";
import { problem } from "../problems";

export const apply: CommandSpec = {
  name: "apply",
  summary: "Edit the config if requested, and apply it to the volumes",
  description:
    "Without arguments: every volume that isn't compliant. Shows the plan and asks for confirmation unless --yes is given; answering no changes nothing and exits with 0. " +
    "Ctrl-C stops after the current step; pressing it twice stops immediately. With several stacks, or in waves, it starts no further stack or wave, and pressing it twice stops those that are running after the current step. The next apply completes an interrupted one.",
  arguments: [
    {
      name: "[reference...]",
      description: "volume@profile, or volume to apply it as declared",
      completes: "reference",
    },
  ],
  options: [
    { flags: "--size <size>", description: "new size: a number of GiB, or with a unit" },
    ...profileOptions,
    {
      flags: "--remove <volume>",
      description: "volume to delete, with its data and its config entry",
      many: true,
      completes: "volume",
    },
    { flags: "--refresh", description: "refresh the state from the backends first" },
    { flags: "--wait <seconds>", description: "how long to wait if another run holds the stack's lock. Default: 0" },
    { flags: "-y, --yes", description: "skip confirmation" },
    ...commitOptions,
    ...rolloutOptions,
  ],
  examples: [
    ["apply data@gold", "give data the profile gold: show the plan, confirm, edit the config, apply"],
    ["apply", "apply everything that is declared but not applied yet"],
    ["apply --profile gold --set local.iops=5000 --yes", "edit gold and update all its volumes"],
    [
      "apply --all --profile gold --in catalog --set local.iops=5000 --yes",
      "edit gold in the shared file, and update its volumes across all stacks",
    ],
    [
      "apply --all --profile gold --in catalog --set local.iops=5000 --waves 1,10%,100% --pause 10m --yes",
      "the same in waves: one volume, then a tenth, then the others",
    ],
    ["apply --remove scratch", "delete a volume that isn't protected"],
    [
      'apply data@gold --commit --reason "OPS-12: reports are slow"',
      "edit the config, commit and push the edit, then apply it",
    ],
  ],
  async run(context) {
    checkConfirmable(context);
    checkRollout(context);
    const wait = waitOf(context);
    const commit = commitOf(context);
    const stack = await context.stack();
    // What is planned and confirmed is planned from what everybody has.
    if (commit) await stack.syncCheckout();
    const shown: Shown = { plan: undefined };
    // Where somebody changed the config since it was read, it is planned anew, as the HTTP service does.
    const decided = await retried(() => decide(stack, context, shown, commit));
    if (!("written" in decided)) return decided;
    const { written, ...options } = decided;
    return follow(stack.apply({ ...options, waitForLockSeconds: wait }), context, stack, { written, plan: shown.plan });
  },
  many: applyMany,
};

/** The plan that was shown last, and confirmed. */
interface Shown {
  plan: string | undefined;
}

interface Decided {
  written: EditResult;
  volumes: string[] | undefined;
  /** Those that the call names; the others an edit of their profile touches. */
  required: string[];
  destroy: string[];
  refresh: boolean;
}

// Plans, asks, and writes the config; or has an answer without all that. Error: `config-changed`.
async function decide(
  stack: Stack,
  context: Context,
  shown: Shown,
  commit: CommitOptions | undefined,
): Promise<Decided | Answer> {
  const { io, json, colours } = context;
  const [read, state] = [await stack.readConfig(), await stack.readState()];
  // An edit would write a file for a stack whose name is misspelt.
  await stack.checkKnown();
  const asked = askedBy(context, read, state);
  const removal = removedBy(context, read, state);
  const { destroy } = removal;
  const ofProfile = profileEdit(context, read);
  const edits: ConfigEdit[] = [...asked.edits, ...ofProfile.edits, ...removal.edits];
  const ofProgram = asked.ofProgram.map(({ name }) => problem("volume-of-program", name, undefined, { volume: name }));
  const problems = [...asked.problems, ...ofProfile.problems, ...removal.problems, ...ofProgram];
  if (problems.length > 0) return { code: "problems", json: { problems }, problems };

  const isNarrow = asked.names.length > 0 || edits.length > 0 || destroy.length > 0;
  const narrowed = (volumes: string[]) => ({ ifTag: read.tag, willApply: true, ...(isNarrow && { volumes }) });
  const planFor = (volumes: string[]) => stack.plan(edits, narrowed(volumes));
  const { planned, volumes: plannedFor } =
    ofProfile.edits.length > 0
      ? await planForProfile({ context, read, volumes: asked.names }, planFor, () => statusesOf(read, state))
      : { planned: await planFor(asked.names), volumes: asked.names };
  const plan = withDeletions(planned, removal.plans);
  const text = planText(plan, colours);
  if (planned.problems.length > 0) return { code: "problems", json: { ...plan }, text };
  // The same again needn't be read, nor confirmed, twice.
  const isNew = text !== shown.plan;
  if (isNew && !json)
    io.out(shown.plan === undefined ? `${text}\n` : `The config changed in the meantime. New plan:\n${text}\n`);
  const volumes = volumesOf(asked.names, edits, destroy, plan);
  const refresh = context.options["refresh"] === true;
  const isAsked = asked.names.length > 0 || destroy.length > 0;
  if (edits.length === 0 && plan.touched.length === 0 && !refresh && !isAsked) {
    return { json: { stack: stack.name, changed: false, operation: null } };
  }
  if (isNew && context.options["yes"] !== true && !(await confirmed())) return { text: "Nothing was changed." };
  shown.plan = text;

  const written = edits.length > 0 ? await stack.edit(edits, { ...narrowed(plannedFor), commit }) : planned;
  if (written.problems.length > 0) return { code: "problems", json: { ...written }, problems: written.problems };
  tellCommit(written, context);
  return { written, volumes, required: asked.names, destroy, refresh };
}

interface Removal {
  /** The volumes to delete: each by its URN, where it has one. */
  destroy: string[];
  /** What takes them out of the config, where they are listed there. */
  edits: ConfigEdit[];
  /** The deletions of those that the config doesn't list. */
  plans: VolumePlan[];
  problems: Problem[];
}

// One that was taken out of the config by hand, or that the program declared, is deleted where nothing declares it any more.
function removedBy(context: Context, read: StackConfigRead, state: StackState): Removal {
  const removed = context.options["remove"];
  const removal: Removal = { destroy: [], edits: [], plans: [], problems: [] };
  const statuses = statusesOf(read, state);
  for (const selector of Array.isArray(removed) ? removed : []) {
    const { volume, problem: wrong } = oneVolume(statuses, selector, "--remove");
    if (wrong) {
      removal.problems.push(wrong);
      continue;
    }
    const { name, urn, recorded: from, monthlyCost: costBefore } = volume;
    removal.destroy.push(urn ?? name);
    if (volume.declaredBy === "config") removal.edits.push({ kind: "remove-volume", name });
    else if (volume.protected)
      removal.problems.push(problem("volume-protected", "--remove", selector, { volume: name }));
    else {
      const common = { name, urn, declaredBy: "program", problems: [], notes: [] } as const;
      removal.plans.push({ ...common, problems: [], notes: [], verdict: "delete", from, costBefore });
    }
  }
  return removal;
}

function withDeletions(plan: EditResult, deleted: readonly VolumePlan[]): EditResult {
  const others = plan.touched.filter(({ urn }) => !deleted.some((each) => each.urn === urn));
  return { ...plan, touched: [...others, ...deleted] };
}

// What is declared and not applied yet is applied with it only where it is named, or where nothing is.
function volumesOf(
  names: readonly string[],
  edits: readonly ConfigEdit[],
  destroy: readonly string[],
  plan: EditResult,
): string[] | undefined {
  if (names.length === 0 && edits.length === 0 && destroy.length === 0) return undefined;
  const touched = plan.touched
    .filter(({ verdict }) => verdict !== "delete")
    // By its URN where it has one, unless it is named otherwise.
    .flatMap(({ name, urn }) => (names.includes(name) ? [] : [urn ?? name]));
  return [...new Set([...names, ...touched])];
}

async function follow(
  operation: Operation,
  context: Context,
  stack: Stack,
  { written, plan = "" }: { written: EditResult; plan: string | undefined },
): Promise<Answer> {
  const { io, json, colours } = context;
  const isRepeated = repeatsPlan(plan);
  const ignore = io.onInterrupt?.(() => {
    if (!json) io.err("stopping after the current step; press Ctrl-C again to stop immediately\n");
    operation.cancel();
  });
  try {
    for await (const event of operation.events()) {
      if (event.type === "message" && isRepeated(event)) continue;
      const line = json ? undefined : eventText(event, context);
      if (line !== undefined) io.out(`${line}\n`);
    }
  } finally {
    ignore?.();
  }
  const report = await operation.done;
  const isDone = report.state === "succeeded";
  const { code } = report.problems[0] ?? {};
  const text = isDone
    ? colours.green(doneText(report.summary ?? {}, written.changed))
    : colours.red(`The operation ${report.state === "failed" ? "failed" : `was ${report.state}`}`);
  const last = !isDone && written.changed ? staysText(stack, written, report.volumes) : "";
  return {
    code: isDone ? "done" : report.state === "cancelled" ? "interrupted" : exitCodeOf(code),
    json: {
      stack: stack.name,
      changed: written.changed,
      tag: written.tag,
      diff: written.diff,
      sharedFile: written.sharedFile,
      commit: written.commit,
      operation: report,
    },
    text,
    problems: report.problems,
    last,
  };
}

// What was written is what is declared from now on: every `up` would apply it.
function staysText(
  { configFile }: Stack,
  { diff, sharedFile, commit }: EditResult,
  volumes: readonly string[],
): string {
  const file = sharedFile ?? basename(configFile);
  const lines = (mark: string, becomes: string) =>
    diff.split("\n").flatMap((line) => (line.startsWith(mark) ? [`  ${becomes}${line.slice(1)}`] : []));
  const back = [...lines("+", "-"), ...lines("-", "+")];
  const again = ["apply", ...volumes].join(" ");
  if (commit !== undefined) {
    const id = commit.slice(0, 10);
    return `${file} keeps the edit, which is pushed (commit ${id}). To finish it, run: storage-profiles ${again}\nTo undo it, run git revert ${id}, push that, and run the same command.`;
  }
  return `${file} keeps the edit. To finish it, run: storage-profiles ${again}\nTo undo it, make this change in ${file} and run the same command:\n${back.join("\n")}`;
}
