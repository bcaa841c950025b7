// The problems of two volumes with misspelt profiles, in the same words for every language.

import { diagnostics, type Ran } from "./engine";

/** What a refusal lists of `data@glod` and of `logs` with profile `sliver`, in the order of their names. */
export function problems(ran: Ran): string[] {
  return [...diagnostics(ran).matchAll(/(?:data|logs): \d problems?\n(?: +(?:-|given:|allowed:|fix:).*\n)+/g)]
    .map(([text]) => text.replace(/^ +/gm, ""))
    .sort();
}

/** What it has to list. */
export const MISSPELT = [
  `data: 1 problem
- profile: unknown profile "glod" [profile-unknown]
given:   "glod"
allowed: default, gold, silver, bronze
fix:     did you mean "gold"?
`,
  `logs: 2 problems
- sizeGiB: size is missing [size-missing]
allowed: sizeGiB: 100, or size: "100GiB"
fix:     set the size of the volume; there is no default
- profile: unknown profile "sliver" [profile-unknown]
given:   "sliver"
allowed: default, gold, silver, bronze
fix:     did you mean "silver"?
`,
];
