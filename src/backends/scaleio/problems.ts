// The problems and notes that only ScaleIO has.

import { coreProblems, count, defineProblems, noteKind, problemKind } from "../../core/problems";

export const scaleioProblems = defineProblems(
  {
    problems: {
      "place-ambiguous": problemKind<{ what: string; name: string; known: string[] }>({
        meaning: "More than one host on the array has this name.",
        message: ({ what, name }) => `more than one ${what} is named "${name}"`,
        allowed: ({ known }) => known.join(", "),
        fix: () => "use its id instead of the name",
      }),
    },
    notes: {
      "value-rounded-up": noteKind<{ from: number; to: number; unit: string; because: string }>({
        meaning: "A setting was rounded up to a value that the backend supports.",
        message: ({ from, to, unit, because }) =>
          `${count(from)} ${unit} rounded up to ${count(to)} ${unit}: ${because}`,
      }),
      "limits-need-mapping": noteKind<{ what: string }>({
        meaning: "ScaleIO limits belong to the mapping of a volume to a host: without a mapping they have no effect.",
        message: ({ what }) =>
          `${what} take effect when the volume is mapped to an SDC: on ScaleIO, limits belong to the mapping`,
      }),
    },
  },
  coreProblems,
);

export const { note, problem } = scaleioProblems;

declare module "../../core/problems" {
  interface ProblemRooms {
    scaleio: typeof scaleioProblems;
  }
}
