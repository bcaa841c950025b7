// What is really there: volumes as the state has them, with their status.

import { StackError } from "../../stack";
import { oneVolume } from "../../stack/select";
import { route } from "../route";
import { ofName, stateQuery, statusAnswer } from "../schemas";

const headers = ["X-Configuration-Tag", "X-State-Read-At"] as const;

export const stateRoutes = [
  route({
    method: "GET",
    path: "/v1/state/volumes",
    id: "listStates",
    role: "read",
    tag: "state",
    summary: "Volumes as they are, with their status",
    description:
      "compliant: it is what is declared. not-created: it is declared, and isn't created yet. out-of-date: what is declared was changed since. " +
      "non-compliant: it isn't what it got, or what is declared isn't possible. unknown: the last `up` did not finish it. " +
      "The state is read anew after an operation and after a few seconds; `X-State-Read-At` says when it was.",
    query: stateQuery,
    answers: { 200: { description: "The volumes", schema: statusAnswer.array(), headers } },
    async handle({ served, query, reply }) {
      const { config, statuses, readAt } = await served.statuses(query.fresh === "true");
      reply.header("X-Configuration-Tag", config.tag).header("X-State-Read-At", readAt.toISOString());
      return statuses;
    },
  }),
  route({
    method: "GET",
    path: "/v1/state/volumes/{name}",
    id: "getState",
    role: "read",
    tag: "state",
    summary: "One volume as it is",
    params: ofName("A volume"),
    query: stateQuery,
    answers: { 200: { description: "The volume", schema: statusAnswer, headers } },
    async handle({ served, params: { name }, query, reply }) {
      const { config, statuses, readAt } = await served.statuses(query.fresh === "true");
      const { volume: found, problem } = oneVolume(statuses, name, "name");
      if (problem) throw new StackError([problem]);
      reply.header("X-Configuration-Tag", config.tag).header("X-State-Read-At", readAt.toISOString());
      return found;
    },
  }),
];
