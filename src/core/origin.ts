// Where a setting stands that a profile has by `extends`, and how it is taken away there: for problems.

import type { BackendName } from "./backend";
import type { Problem } from "./problems";
import { sectionPath, type Profile } from "./catalog";
import { isBelow } from "./validate";

/** How a setting, or a part of it, is taken away from a profile: removed where only the profile itself says it, else by `null`. */
export function wayWithout(profile: Profile, backend: BackendName, setting: string, part?: string): string {
  const [nearest, ...below] = profile.origins[backend]?.[setting] ?? [];
  const isOwn = nearest?.name === profile.name && nearest.origin === "stack";
  if (!nearest || (isOwn && below.length === 0)) return `remove \`${[setting, part].filter(Boolean).join(".")}\``;
  const nothing = part === undefined ? "null" : `{ ${part}: null }`;
  const place = `set \`${setting}: ${nothing}\` in ${sectionPath(profile.name, backend)}`;
  return profile.origin === "stack" ? place : `${place}, with \`extends: ${profile.name}\` there`;
}

/** A problem of a profile's setting; where it comes by `extends`, with the place where it stands and, where it helps, that `null` takes it away. */
export function traced(
  problem: Problem,
  profile: Profile,
  backend: BackendName,
  helps: (setting: string) => boolean,
): Problem {
  const path = sectionPath(profile.name, backend);
  const setting = isBelow(problem.path, path) ? /^\.(\w+)/.exec(problem.path.slice(path.length))?.[1] : undefined;
  const nearest = setting === undefined ? undefined : profile.origins[backend]?.[setting]?.[0];
  if (setting === undefined || !nearest) return problem;
  if (nearest.name === profile.name && nearest.origin === "stack") return problem;
  const where =
    nearest.origin === "built-in"
      ? `the built-in profile ${nearest.name}`
      : `${sectionPath(nearest.name, backend)}.${setting}`;
  const way = wayWithout(profile, backend, setting);
  // Also a part of it: what takes away less comes first.
  const isTold = problem.fix.includes(`set \`${setting}: `) || problem.fix.includes(way) || !helps(setting);
  return {
    ...problem,
    message: `${problem.message} (inherited from ${where})`,
    fix: isTold ? problem.fix : problem.fix === "" ? way : `${problem.fix}; or ${way}`,
  };
}
