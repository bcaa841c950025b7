// The problems and notes that only Cinder has.

import { coreProblems, count, defineProblems, either, listed, noteKind, problemKind, show } from "../../core/problems";

export const openstackProblems = defineProblems(
  {
    problems: {
      "specs-differ": problemKind<{ type: string; profile: string; other: string }>({
        meaning: "Two profiles define the same volume type differently.",
        message: ({ type, profile, other }) => `"${profile}" and "${other}" define volume type "${type}" differently`,
        allowed: () => "one definition per volume type",
        fix: ({ profile }) =>
          `give "${profile}" its own \`volumeType\` or the same \`specs\`; set \`specs: null\` if it only uses the type`,
      }),
      "type-in-use": problemKind<{ type: string; goes: boolean; volumes: string[]; total: number }>({
        meaning: "A volume type that is in use by volumes would be changed or deleted, which Cinder refuses.",
        message: ({ type, goes, volumes, total }) =>
          `${count(total)} ${total === 1 ? "volume uses" : "volumes use"} type "${type}", and Cinder doesn't ` +
          `${goes ? "delete a type" : "change the extra specs of a type"} that is in use: ` +
          `${listed(volumes)}${total > volumes.length ? ", …" : ""}`,
        allowed: () => "changes of its description, access and QoS",
        fix: ({ type, goes }) =>
          goes
            ? `first retype its volumes, or keep a profile that defines "${type}"`
            : "keep them, and define a new type: a new profile with these `specs`; then move the volumes to it one by one",
      }),
      "quota-exceeded": problemKind<{
        quota: string;
        unit: string;
        limit: number;
        used: number;
        asked: number;
        own: number;
        others: string[];
      }>({
        meaning: "A project quota has no room for the volume, or for all volumes of this run.",
        message: ({ quota, unit, limit, used, asked, own, others }) =>
          `quota "${quota}" has ${count(Math.max(0, limit - used))} of ${count(limit)} ${unit} left; ` +
          (others.length === 0
            ? `${count(own)} more are required`
            : `this run requires ${count(asked)} more: ${count(own)} here, the rest for ${listed(others)}`),
        allowed: ({ limit, used, unit }) => `up to ${count(Math.max(0, limit - used))} ${unit} more`,
        fix: () => "reduce the request, delete unused volumes, or have an administrator raise the quota",
      }),
      "retype-not-possible": problemKind<{ from: string | null; to: string; because: string; ways: string[] }>({
        meaning: "Cinder would refuse to retype the volume, or accept the request and do nothing.",
        message: ({ from, to, because }) => `the volume can't be retyped from ${show(from)} to ${show(to)}: ${because}`,
        allowed: () => "a type that Cinder can give this volume in its present state",
        fix: ({ ways }) => either(ways),
      }),
      "left-over": problemKind<{ id: string; because: string }>({
        meaning: "A volume created for this declaration exists on the backend, but isn't in the state.",
        message: ({ id, because }) =>
          `volume ${id} was created for this declaration but isn't in the state; it isn't adopted automatically: ${because}`,
        allowed: () => "one volume per declaration",
        fix: ({ id }) => `import it with its data (\`import: "${id}"\`), or delete it if it isn't needed`,
      }),
      "backend-refuses": problemKind<{ because: string; way: string }>({
        meaning:
          "The backend can't be queried: the connection isn't set up, or the backend rejected the login or the request.",
        message: ({ because }) => because,
        allowed: () => "a working connection, and a user with access to volumes",
        fix: ({ way }) => way,
      }),
      "volume-taken": problemKind<{ id: string; owner: string }>({
        meaning: "Another stack has imported the volume, which can no longer be changed or deleted from here.",
        message: ({ id, owner }) =>
          `volume ${id} now belongs to ${owner}, which imported it; it can't be changed or deleted from here`,
        allowed: () => "a volume of this stack",
        fix: ({ owner }) =>
          `remove it from this stack's state (\`pulumi state delete\`) and from the program, or import it back with takeFrom: "${owner}"`,
      }),
    },
    notes: {
      "left-over-adopted": noteKind<{ id: string }>({
        meaning: "A volume created for this declaration by an unfinished run is adopted.",
        message: ({ id }) => `volume ${id} was created by an unfinished run; it is adopted instead of created again`,
      }),
      "left-over-deleted": noteKind<{ id: string; isDone: boolean }>({
        meaning: "The remains of a failed creation are deleted, and the volume is created again.",
        message: ({ id, isDone }) =>
          `volume ${id}, left in status "error" by a failed creation, ${isDone ? "was" : "will be"} deleted and created again`,
      }),
      "retype-unsure": noteKind<{ because: string }>({
        meaning: "Cinder accepts the type change, but may not carry it out.",
        message: ({ because }) => `the type may not change: ${because}`,
      }),
      "specs-not-reapplied": noteKind<{ type: string; volumes: string[]; total: number }>({
        meaning: "A volume type changes, but Cinder doesn't apply the change to existing volumes of that type.",
        message: ({ type, volumes, total }) =>
          `${count(total)} ${total === 1 ? "volume has" : "volumes have"} type "${type}" and won't get the change until retyped to another type and back ` +
          `(front-end QoS: until reattached): ${listed(volumes)}${total > volumes.length ? ", …" : ""}`,
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = openstackProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    openstack: typeof openstackProblems;
  }
}
