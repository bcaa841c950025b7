// Volumes: what is configured, and changes of it, which are applied when they are accepted.

import { nearest } from "../../core/nearest";
import { parseReference } from "../../core/reference";
import type { VolumeDefinition } from "../../core/config-schema";
import { resolveListed } from "../../core/resolve";
import type { ApplyOptions, ConfigEdit, StackConfigRead } from "../../stack";
import { retried } from "../../stack/retry";
import { environmentNotes, listedVolumes } from "../../stack/status";
import { HttpError, httpError, throwProblems } from "../errors";
import { route, type Call } from "../route";
import { acceptedAnswer, volumeAnswer, newVolumeBody, volumeQuery, ofName, ofStack, volumeBody } from "../schemas";
import { needsAdmin } from "../security";
import type { Identity } from "../tokens";
import { writtenBy } from "./profiles";
import { problem } from "../problems";

const PATH = "/v1/configuration/volumes";
const tagged = ["X-Configuration-Tag"] as const;
const accepted = {
  200: { description: "Dry run, or written without being applied", schema: acceptedAnswer, headers: tagged },
  202: {
    description: "Written, and an operation was started to apply it",
    schema: acceptedAnswer,
    headers: ["X-Configuration-Tag", "Location"] as const,
  },
};

export const volumeRoutes = [
  route({
    method: "GET",
    path: PATH,
    id: "listVolumes",
    role: "read",
    tag: "configuration",
    summary: "List configured volumes",
    query: ofStack,
    answers: {
      200: { description: "The volumes, in the file's order", schema: volumeAnswer.array(), headers: tagged },
    },
    async handle({ served, reply }) {
      const read = await served.config();
      reply.header("X-Configuration-Tag", read.tag);
      return served.remembered(read, "volumes", () =>
        JSON.stringify(listedVolumes(read).map((name) => volumeOf(read, name))),
      );
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{name}`,
    id: "getVolume",
    role: "read",
    tag: "configuration",
    summary: "Get a configured volume",
    params: ofName("A volume"),
    query: ofStack,
    answers: { 200: { description: "The volume", schema: volumeAnswer, headers: tagged } },
    async handle({ served, params: { name }, reply }) {
      const read = await served.config();
      checkThere(read, name);
      reply.header("X-Configuration-Tag", read.tag);
      return volumeOf(read, name);
    },
  }),
  route({
    method: "POST",
    path: PATH,
    id: "createVolume",
    role: "write",
    tag: "configuration",
    summary: "Create a volume: add it to the configuration, and start applying it",
    description:
      'For example `{"name": "data@gold", "sizeGiB": 10}`. A name that is in use is refused (409). Disabling protection requires the role admin.',
    query: volumeQuery,
    body: newVolumeBody,
    isConditional: true,
    answers: {
      ...accepted,
      201: { description: "Written without being applied", schema: acceptedAnswer, headers: tagged },
    },
    handle(call) {
      const { name: text, profile, ...rest } = call.body;
      const { reference, problems } = parseReference(text, profile);
      throwProblems(problems);
      if (!reference) throw new Error("a reference without problems has a name");
      const { name } = reference;
      return write(call, name, { volumes: [name] }, (read) => {
        if (isConfigured(read, name)) throw httpError("volume-exists", "name", name, { volume: name });
        checkProtection(call.who, read, name, rest);
        return { kind: "set-volume", name, volume: { profile: reference.profile, ...rest } };
      });
    },
  }),
  route({
    method: "POST",
    path: `${PATH}/{name}`,
    id: "changeVolume",
    role: "write",
    tag: "configuration",
    summary: "Change a volume's profile or size, and start applying it",
    description:
      "Omitted fields stay unchanged. `{}` applies the current definition of the profile. Disabling protection requires the role admin.",
    params: ofName("A volume"),
    query: volumeQuery,
    body: volumeBody,
    isConditional: true,
    answers: accepted,
    handle(call) {
      const { name } = call.params;
      return write(call, name, { volumes: [name] }, (read) => {
        checkThere(read, name);
        checkProtection(call.who, read, name, call.body);
        return {
          kind: "set-volume",
          name,
          volume: merged(read.config.volumes?.[name] ?? {}, call.body),
        };
      });
    },
  }),
  route({
    method: "DELETE",
    path: `${PATH}/{name}`,
    id: "removeVolume",
    role: "admin",
    tag: "configuration",
    summary: "Remove a volume from the configuration, and start deleting it",
    description: "Refused (409) while it is protected against deletion.",
    params: ofName("A volume"),
    query: volumeQuery,
    isConditional: true,
    answers: accepted,
    handle: (call) =>
      write(call, call.params.name, { destroy: [call.params.name] }, () => ({
        kind: "remove-volume",
        name: call.params.name,
      })),
  }),
];

type WriteCall = Call<unknown, { dryRun?: string | undefined; apply?: string | undefined }, unknown>;

// The edit is made of what is there, so nothing may come between: here the others wait, and a file that was edited by hand
// meanwhile is read again, unless the client said which one it means.
async function write(
  call: WriteCall,
  name: string,
  options: ApplyOptions,
  make: (read: StackConfigRead) => ConfigEdit,
) {
  const { served, query, ifTag, commit, reply } = call;
  const dryRun = query.dryRun === "true";
  const willApply = !dryRun && query.apply !== "false";
  return served.inTurn(async (state) => {
    if (willApply) served.checkRoom();
    const attempt = async () => {
      const read = await served.config();
      const edit = make(read);
      const isNew = edit.kind === "set-volume" && !isConfigured(read, name);
      const result = await served.stack.edit([edit], {
        ifTag: ifTag ?? read.tag,
        dryRun,
        willApply,
        volumes: options.volumes,
        state,
        commit,
      });
      return { result, isNew, notes: environmentNotes(read) };
    };
    const { result, isNew, notes } = ifTag === undefined ? await retried(attempt) : await attempt();
    throwProblems(result.problems, notes);
    reply.header("X-Configuration-Tag", result.tag);
    const after = await served.config();
    const body = {
      ...writtenBy(result, dryRun),
      ...(isConfigured(after, name) && !dryRun && { volume: volumeOf(after, name) }),
    };
    const wasThere = options.destroy === undefined || result.touched.some(({ verdict }) => verdict === "delete");
    if (!willApply || !wasThere) return reply.code(isNew && !dryRun ? 201 : 200).send(body);
    const operation = served.follow(served.stack.apply(options));
    call.request.operation = operation.id;
    return reply
      .code(202)
      .header("Location", `/v1/operations/${operation.id}`)
      .send({ ...body, operation });
  });
}

function isConfigured(read: StackConfigRead, name: string): boolean {
  return Object.hasOwn(read.config.volumes ?? {}, name);
}

function checkThere(read: StackConfigRead, volume: string): void {
  if (isConfigured(read, volume)) return;
  // An entry with a mistake is there all the same.
  const [first, ...others] = read.unreadable.volumes[volume] ?? read.unreadable.keys["volumes"] ?? [];
  if (first) throw new HttpError(409, [first, ...others]);
  const volumes = listedVolumes(read);
  const unknown = problem("volume-unknown", "name", volume, { volume, volumes, nearest: nearest(volume, volumes) });
  throw new HttpError(404, [unknown], {}, environmentNotes(read));
}

// Who may not delete a volume may not open it to deletion either.
function checkProtection(who: Identity, { config }: StackConfigRead, name: string, change: VolumeDefinition): void {
  const before = config.volumes?.[name]?.deletionProtection ?? config.deletionProtection ?? true;
  if (before && change.deletionProtection === false) needsAdmin(who, "deletionProtection");
}

function merged(before: VolumeDefinition, change: VolumeDefinition): VolumeDefinition {
  const rest = { ...before };
  // A size is said in one way.
  if (change.size !== undefined || change.sizeGiB !== undefined) {
    delete rest.size;
    delete rest.sizeGiB;
  }
  return { ...rest, ...change };
}

function volumeOf(read: StackConfigRead, name: string) {
  const unread = read.unreadable.volumes[name];
  if (unread) return { name, profile: "", reference: name, problems: [...unread] };
  const volume = read.config.volumes?.[name] ?? {};
  const { profile = "default" } = volume;
  const { problems } = resolveListed(read.catalog, name, read.requestFor(name, volume));
  return { ...volume, name, profile, reference: `${name}@${profile}`, problems: read.placed(problems) };
}
