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
    summary: "List existing volumes, with their status",
    description:
      "compliant: the volume matches its declaration. not-created: declared, but not created yet. out-of-date: the declaration or the profile changed since the last apply. " +
      "non-compliant: the volume drifted, or its declaration is invalid. unknown: the last `up` didn't complete it. " +
      "The state is reloaded after an operation and every few seconds; `X-State-Read-At` is the time of the last reading.",
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
    summary: "Get an existing volume",
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
