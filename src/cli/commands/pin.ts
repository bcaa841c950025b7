// `pin` and `unpin`: whether edits of a profile reach a volume, or a whole stack. Both edit the config, and apply nothing.

import { retried } from "../../stack/retry";
import { pinEdit, unpinEdit } from "../../stack/pins";
import { textOf, UsageError, type Answer, type CommandSpec, type Context } from "../context";
import { commitOf, commitOptions, tellCommit } from "./apply-steps";
import { planText } from "./plan-text";

const common = {
  arguments: [{ name: "[volume...]", description: "volumes, each with its profile", completes: "volume" }],
  options: [
    {
      flags: "--profile <name>",
      description: "profile, for all volumes of the stack",
      completes: "profile",
    },
    ...commitOptions,
  ],
} satisfies Partial<CommandSpec>;

export const pin: CommandSpec = {
  ...common,
  name: "pin",
  summary: "Keep the current definition of a profile for volumes, or for the stack, when the profile is edited",
  description:
    "Copies the definition to the stack's file (storage-profiles:pins). Later edits of the profile, in this file or in a shared one, " +
    "don't affect the volume until it is unpinned. Doesn't change any volume.",
  examples: [
    ["pin data", "keep the current definition of data's profile for data"],
    ["pin --profile gold", "keep the current definition of gold for all volumes of the stack"],
  ],
  run: (context) => changed(context, true),
};

export const unpin: CommandSpec = {
  ...common,
  name: "unpin",
  summary: "Let volumes, or the stack, follow edits of a profile again",
  description:
    "Removes what pin has written, and shows what the next apply does. Doesn't change any volume. A pin of a volume that is no longer declared is named as volume@profile.",
  examples: [
    ["unpin data", "let data follow its profile again; then run apply data"],
    ["unpin --profile gold", "let all volumes of the stack follow gold again"],
  ],
  run: (context) => changed(context, false),
};

async function changed(context: Context, isPinned: boolean): Promise<Answer> {
  const { args: volumes, colours } = context;
  const profile = textOf(context, "profile");
  if (volumes.length === 0 && profile === undefined) throw new UsageError("name a volume, or pass --profile <name>");
  const commit = commitOf(context);
  const stack = await context.stack();
  if (commit) await stack.syncCheckout();
  return retried(async () => {
    const [read, state] = [await stack.readConfig(), await stack.readState()];
    await stack.checkKnown();
    const { edits, problems, pins } = (isPinned ? pinEdit : unpinEdit)(read, state, { volumes, profile });
    if (problems.length > 0) return { code: "problems", json: { stack: stack.name, problems }, problems };
    const result = await stack.edit(edits, { ifTag: read.tag, volumes: [], ...(edits.length > 0 && { commit }) });
    const { changed: isChanged, tag, touched: plans, diff, commit: made } = result;
    const json = {
      stack: stack.name,
      pins,
      changed: isChanged,
      tag,
      plans,
      diff,
      commit: made,
      problems: result.problems,
    };
    tellCommit(result, context);
    if (result.problems.length > 0) return { code: "problems", json, problems: result.problems };
    const names = pins.join(", ");
    if (!isChanged) return { json, text: `No changes: ${names} is already pinned.` };
    const done = colours.green(`${isPinned ? "pinned" : "unpinned"} ${names}`);
    if (plans.length === 0) return { json, text: done };
    const due = ["apply", ...new Set(plans.map(({ name }) => name))].join(" ");
    return { json, text: planText(result, colours), last: `${done}. To apply this, run: storage-profiles ${due}` };
  });
}
