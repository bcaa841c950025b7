// Pins: whether edits of a profile reach a volume, or the whole stack. They change the configuration and apply nothing.

import { pinEdit, unpinEdit, type PinEdit } from "../../stack/pins";
import { retried } from "../../stack/retry";
import { environmentNotes } from "../../stack/status";
import { stackError, type CommitOptions, type StackConfigRead, type StackState } from "../../stack";
import { HttpError, throwProblems } from "../errors";
import { problem } from "../problems";
import { route } from "../route";
import { editAnswer, editQuery, ofPin, ofStack, pinBody, pinsAnswer } from "../schemas";
import type { ServedStack } from "../served";
import { writtenBy } from "./profiles";

const PATH = "/v1/configuration/pins";
const tagged = ["X-Configuration-Tag"] as const;

export const pinRoutes = [
  route({
    method: "GET",
    path: PATH,
    id: "listPins",
    role: "read",
    tag: "configuration",
    summary: "List the pinned definitions of profiles",
    query: ofStack,
    answers: { 200: { description: "The pins; empty if there are none", schema: pinsAnswer, headers: tagged } },
    async handle({ served, reply }) {
      const { config, tag } = await served.config();
      reply.header("X-Configuration-Tag", tag);
      return config.pins ?? {};
    },
  }),
  route({
    method: "POST",
    path: PATH,
    id: "setPin",
    role: "write",
    dryRunRole: "read",
    tag: "configuration",
    summary: "Keep the current definition of a profile for a volume, or for the stack",
    description:
      "Doesn't change any volume: edits of the profile no longer reach it. Refused (409) if the volume doesn't have the current definition. A pin that exists stays as it is.",
    query: editQuery,
    body: pinBody,
    isConditional: true,
    answers: { 200: { description: "It is pinned, or this was a dry run", schema: editAnswer, headers: tagged } },
    async handle({ served, query, body: { volume, profile }, ifTag, commit, reply }) {
      if ((volume === undefined) === (profile === undefined)) {
        const params = { why: "neither or both of volume and profile are given", allowed: "one of volume and profile" };
        throw new HttpError(400, [problem("request-not-readable", "body", undefined, params)]);
      }
      const targets = { volumes: volume === undefined ? [] : [volume], profile };
      const dryRun = query.dryRun === "true";
      const { tag, ...answer } = await edited(served, { ifTag, dryRun, commit }, (read, state) =>
        pinEdit(read, state, targets),
      );
      return reply.header("X-Configuration-Tag", tag).send(answer);
    },
  }),
  route({
    method: "DELETE",
    path: `${PATH}/{reference}`,
    id: "removePin",
    role: "write",
    dryRunRole: "read",
    tag: "configuration",
    summary: "Let a volume, or the stack, follow edits of the profile again",
    description: "Doesn't change any volume: those for which the profile has changed since are out-of-date afterwards.",
    params: ofPin,
    query: editQuery,
    isConditional: true,
    answers: { 200: { description: "It is unpinned, or this was a dry run", schema: editAnswer, headers: tagged } },
    async handle({ served, params: { reference }, query, ifTag, commit, reply }) {
      const targets = reference.includes("@") ? { volumes: [reference] } : { volumes: [], profile: reference };
      const dryRun = query.dryRun === "true";
      const { tag, ...answer } = await edited(served, { ifTag, dryRun, commit }, (read, state) =>
        unpinEdit(read, state, targets),
      );
      return reply.header("X-Configuration-Tag", tag).send(answer);
    },
  }),
];

// In its turn: nobody else of this service edits between the reading and the writing, and the file's tag tells of all others.
function edited(
  served: ServedStack,
  { ifTag, dryRun, commit }: { ifTag: string | undefined; dryRun: boolean; commit: CommitOptions | undefined },
  make: (read: StackConfigRead, state: StackState) => PinEdit,
) {
  const attempt = async (state: Promise<StackState>) => {
    const read = await served.config();
    // The edit has all pins: it is for the file that they were read from.
    if (ifTag !== undefined && ifTag !== read.tag) throw stackError("config-changed", "configuration", undefined, {});
    const { edits, problems } = make(read, await state);
    throwProblems(problems, environmentNotes(read));
    const result = await served.stack.edit(edits, {
      ...{ ifTag: read.tag, dryRun, state, volumes: [] },
      ...(edits.length > 0 && { commit }),
    });
    throwProblems(result.problems, environmentNotes(read));
    return { tag: result.tag, ...writtenBy(result, dryRun) };
  };
  return served.inTurn((state) => (ifTag === undefined ? retried(() => attempt(state)) : attempt(state)));
}
