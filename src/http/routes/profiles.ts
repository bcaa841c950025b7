// Profiles: what there is, what one becomes, and edits of them. An edit changes the configuration and applies nothing.

import { admittedSizes } from "../../core/admitted";
import { backendNames, type BackendName } from "../../core/backend";
import { nearest } from "../../core/nearest";
import { problem } from "../../core/problems";
import { revisionOf } from "../../core/revision";
import { resolve, type Resolution } from "../../core/resolve";
import type { Profile } from "../../core/catalog";
import type { EditResult, StackConfigRead } from "../../stack";
import { sharedFileOf } from "../../stack/plan";
import { environmentNotes } from "../../stack/status";
import { HttpError, throwProblems } from "../errors";
import { route } from "../route";
import {
  editAnswer,
  editQuery,
  profileEditQuery,
  ofName,
  ofStack,
  profileAnswer,
  profileBody,
  profilesQuery,
  resolutionQuery,
  resolutionsSchema,
} from "../schemas";
import type { ServedStack } from "../served";

const PATH = "/v1/configuration/profiles";
/** The size that is meant where none is said. */
const SIZE_GIB = 100;
const tagged = ["X-Configuration-Tag"] as const;

export const profileRoutes = [
  route({
    method: "GET",
    path: PATH,
    id: "listProfiles",
    role: "read",
    tag: "configuration",
    summary: "List all profiles in effect, across backends",
    query: profilesQuery,
    answers: { 200: { description: "The profiles, by name", schema: profileAnswer.array(), headers: tagged } },
    async handle({ served, query: { sizeGiB }, reply }) {
      const read = await served.config();
      reply.header("X-Configuration-Tag", read.tag);
      return json(served, read, `profiles ${sizeGiB ?? ""}`, () =>
        profileNames(read).map((name) => profileOf(served, read, name, sizeGiB)),
      );
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{name}`,
    id: "getProfile",
    role: "read",
    tag: "configuration",
    summary: "Get a profile",
    params: ofName("A profile"),
    query: profilesQuery,
    answers: { 200: { description: "The profile", schema: profileAnswer, headers: tagged } },
    async handle({ served, params: { name }, query: { sizeGiB }, reply }) {
      const read = await served.config();
      checkThere(read, name);
      reply.header("X-Configuration-Tag", read.tag);
      return json(served, read, `profile ${name} ${sizeGiB ?? ""}`, () => profileOf(served, read, name, sizeGiB));
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{name}/resolution`,
    id: "resolveProfile",
    role: "read",
    tag: "configuration",
    summary: "Resolve a profile for a size, on one backend or on all",
    description: `Settings, limits, notes and cost. If the profile can't be resolved, the response includes the reasons and isn't an error. Default of sizeGiB: ${SIZE_GIB}.`,
    params: ofName("A profile"),
    query: resolutionQuery,
    answers: { 200: { description: "The resolution", schema: resolutionsSchema, headers: tagged } },
    async handle({ served, params: { name }, query: { backend, sizeGiB = SIZE_GIB }, reply }) {
      const read = await served.config();
      checkThere(read, name);
      reply.header("X-Configuration-Tag", read.tag);
      return json(served, read, `resolution ${name} ${backend ?? ""} ${sizeGiB}`, () => ({
        profile: name,
        sizeGiB,
        resolutions: (backend === undefined ? backendNames : [backend]).map((each) => ({
          ...resolutionOn(read, name, each, sizeGiB),
          admitted: admittedOn(served, read, name, each),
        })),
      }));
    },
  }),
  route({
    method: "POST",
    path: PATH,
    id: "setProfile",
    role: "write",
    dryRunRole: "read",
    tag: "configuration",
    summary: "Create or replace a profile",
    description:
      "Changes the configuration, but applies nothing: volumes with this profile are out-of-date afterwards. If there are problems, the file stays unchanged. " +
      "A profile of a shared file is changed only with `in`.",
    query: profileEditQuery,
    body: profileBody,
    isConditional: true,
    answers: {
      200: { description: "The profile was replaced, or this was a dry run", schema: editAnswer, headers: tagged },
      201: { description: "The profile was added to the stack's file", schema: editAnswer, headers: tagged },
    },
    async handle({ served, query, body, ifTag, commit, reply }) {
      const { name, ...definition } = body;
      const dryRun = query.dryRun === "true";
      return served.inTurn(async (state) => {
        const before = await served.config();
        const edit = { kind: "set-profile" as const, name, definition, in: query.in };
        const result = await served.stack.edit([edit], {
          ifTag,
          dryRun,
          state,
          commit,
        });
        throwProblems(result.problems, environmentNotes(before));
        const isNew = !dryRun && query.in !== "catalog" && !before.ownProfiles.includes(name);
        const after = await served.config();
        return reply
          .code(isNew ? 201 : 200)
          .header("X-Configuration-Tag", result.tag)
          .send({ ...writtenBy(result, dryRun), profile: dryRun ? undefined : profileOf(served, after, name) });
      });
    },
  }),
  route({
    method: "DELETE",
    path: `${PATH}/{name}`,
    id: "removeProfile",
    role: "admin",
    tag: "configuration",
    summary: "Remove a profile from the stack's file",
    description:
      "Refused (409) while a volume uses it or another profile extends it. A built-in profile with this name takes effect again.",
    params: ofName("A profile"),
    query: editQuery,
    isConditional: true,
    answers: {
      200: { description: "The profile was removed, or this was a dry run", schema: editAnswer, headers: tagged },
    },
    async handle({ served, params: { name }, query, ifTag, commit, reply }) {
      const dryRun = query.dryRun === "true";
      return served.inTurn(async (state) => {
        const result = await served.stack.edit([{ kind: "remove-profile", name }], { ifTag, dryRun, state, commit });
        throwProblems(result.problems);
        return reply.header("X-Configuration-Tag", result.tag).send(writtenBy(result, dryRun));
      });
    },
  }),
  route({
    method: "GET",
    path: "/v1/configuration/problems",
    id: "listProblems",
    role: "read",
    tag: "configuration",
    summary: "List all problems in the stack's configuration",
    query: ofStack,
    answers: {
      200: {
        description: "The problems; empty if there are none",
        schema: profileAnswer.shape.problem.unwrap().array(),
        headers: tagged,
      },
    },
    async handle({ served, reply }) {
      const read = await served.config();
      reply.header("X-Configuration-Tag", read.tag);
      return read.problems;
    },
  }),
];

/** What an edit did, without the volume or the profile itself. */
export function writtenBy(result: EditResult, dryRun: boolean) {
  const { changed, touched, leftOut, stateUnknown, diff, sharedFile, commit } = result;
  return { applied: false as const, changed, dryRun, touched, leftOut, stateUnknown, diff, sharedFile, commit };
}

// The text of an answer, worked out once for each reading of the config.
function json(served: ServedStack, read: StackConfigRead, key: string, make: () => unknown): string {
  return served.remembered(read, key, () => JSON.stringify(make()));
}

function profileNames(read: StackConfigRead): string[] {
  return [...new Set([...Object.keys(read.catalog.profiles), ...Object.keys(read.catalog.broken)])];
}

function checkThere(read: StackConfigRead, profile: string): void {
  const profiles = profileNames(read);
  if (profiles.includes(profile)) return;
  const [first, ...others] = read.catalog.unread.profiles ?? [];
  if (first) throw new HttpError(409, [first, ...others]);
  const params = { profile, profiles, nearest: nearest(profile, profiles) };
  throw new HttpError(404, [problem("profile-unknown", "name", profile, params)], {}, environmentNotes(read));
}

function profileOf(served: ServedStack, read: StackConfigRead, name: string, sizeGiB?: number) {
  const { profiles, broken } = read.catalog;
  const known = profiles[name];
  const definition =
    read.config.profiles && Object.hasOwn(read.config.profiles, name) ? read.config.profiles[name] : undefined;
  const backends = Object.entries(known?.sections ?? {}).map(([backend, section]) => [
    backend,
    { revision: revisionOf(backend, section), section },
  ]);
  return {
    name,
    description: known?.description ?? definition?.description ?? "",
    ...placeOf(read, name),
    lineage: known?.lineage ?? [],
    backends: Object.fromEntries(backends) as object,
    ...(definition && { definition }),
    volumes: volumesByProfile(served, read).get(name) ?? [],
    ...(broken[name]?.[0] && { problem: broken[name][0] }),
    ...(sizeGiB !== undefined && {
      resolutions: backendNames.map((backend) => resolutionOn(read, name, backend, sizeGiB)),
    }),
  };
}

// One that is broken isn't in the catalog: then its place is where its own definition is.
function placeOf(read: StackConfigRead, name: string): Pick<Profile, "origin" | "file" | "line"> {
  const known = read.catalog.profiles[name];
  if (known) {
    const { origin, file, line } = known;
    return { origin, ...(file !== undefined && { file, line }) };
  }
  const shared = read.ownProfiles.includes(name) ? undefined : sharedFileOf(read, name);
  return shared ? { origin: "catalog", file: shared.name } : { origin: "stack" };
}

function volumesByProfile(served: ServedStack, read: StackConfigRead): Map<string, string[]> {
  return served.remembered(read, "volumes by profile", () => {
    const found = new Map<string, string[]>();
    for (const [name, { profile = "default" }] of Object.entries(read.config.volumes ?? {})) {
      const names = found.get(profile);
      if (names) names.push(name);
      else found.set(profile, [name]);
    }
    return found;
  });
}

function resolutionOn(read: StackConfigRead, profile: string, backend: BackendName, sizeGiB: number) {
  const request = read.requestFor("volume", { profile, backend, sizeGiB });
  const { volume, problems, notes, monthlyCost }: Resolution = resolve(read.catalog, request);
  const all = [...notes, ...environmentNotes(read)];
  return {
    backend,
    ...(volume && { volume }),
    problems: read.placed(problems),
    notes: all,
    ...(monthlyCost && { monthlyCost }),
  };
}

function admittedOn(served: ServedStack, read: StackConfigRead, profile: string, backend: BackendName) {
  return served.remembered(read, `admitted ${profile} ${backend}`, () => {
    const { placement } = read.requestFor("volume", { profile, backend });
    const { admitted = [] } = admittedSizes(read.catalog, { profile, backend, placement: placement ?? {} });
    return admitted.map(({ what, ranges }) => ({ what, ranges }));
  });
}
