// Where a setting stands that a profile has by `extends`, or that a shared file has, and how it is taken away there: for problems.

import type { BackendName } from "./backend";
import type { Problem } from "./problems";
import { sectionPath, type Catalog, type Origin, type Profile } from "./catalog";
import { NAMESPACE } from "./config-schema";
import { isBelow } from "./validate";

/** Where a profile's section stands: in the stack's config, or in a shared file. */
export function profilePlace(profile: Profile, backend?: BackendName): string {
  return inItsFile(sectionPath(profile.name, backend), profile);
}

/** The same, by the profile's name. An unknown profile counts as one of the stack's config. */
export function sectionPlace({ profiles }: Catalog, name: string, backend?: BackendName): string {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  return profile ? profilePlace(profile, backend) : sectionPath(name, backend);
}

/** Whether a path names a shared file and the line there. */
export function isInSharedFile(path: string): boolean {
  return /:\d+: (profiles\b|the file$)/.test(path);
}

// `storage-profiles:profiles.gold.aws`, as it is called in a file.
function inItsFile(path: string, { file, line }: Pick<Profile, "file" | "line">): string {
  return file === undefined ? path : `${file}:${line ?? 1}: ${path.slice(NAMESPACE.length + 1)}`;
}

const isOf = (origin: Origin | undefined, { name, origin: where, file }: Profile): boolean =>
  origin?.name === name && origin.origin === where && origin.file === file;

/** How a setting, or a part of it, is taken away from a profile: removed where only the profile itself says it, else by `null`. */
export function wayWithout(profile: Profile, backend: BackendName, setting: string, part?: string): string {
  const [nearest, ...below] = profile.origins[backend]?.[setting] ?? [];
  const isOwn = isOf(nearest, profile) && profile.origin !== "built-in";
  if (!nearest || (isOwn && below.length === 0)) {
    const place = nearest?.file === undefined ? "" : ` from ${nearest.file} (line ${nearest.line ?? 1})`;
    return `remove \`${[setting, part].filter(Boolean).join(".")}\`${place}`;
  }
  const nothing = part === undefined ? "null" : `{ ${part}: null }`;
  const place = `set \`${setting}: ${nothing}\` in ${profilePlace(profile, backend)}`;
  return profile.origin === "built-in" ? `${place}, with \`extends: ${profile.name}\` there` : place;
}

/** A problem of a profile's setting; where it comes by `extends`, with the place where it stands and, where it helps, that `null` takes it away. */
export function traced(
  problem: Problem,
  profile: Profile,
  backend: BackendName,
  helps: (setting: string) => boolean,
): Problem {
  const path = sectionPath(profile.name, backend);
  if (!isBelow(problem.path, path)) return problem;
  const setting = /^\.(\w+)/.exec(problem.path.slice(path.length))?.[1];
  const nearest = setting === undefined ? undefined : profile.origins[backend]?.[setting]?.[0];
  if (setting === undefined || !nearest) return { ...problem, path: inItsFile(problem.path, profile) };
  if (isOf(nearest, profile) && nearest.origin !== "built-in")
    return { ...problem, path: inItsFile(problem.path, nearest) };
  const where =
    nearest.origin === "built-in"
      ? `the built-in profile ${nearest.name}`
      : inItsFile(`${sectionPath(nearest.name, backend)}.${setting}`, nearest);
  const way = wayWithout(profile, backend, setting);
  // Also a part of it: what takes away less comes first.
  const isTold = problem.fix.includes(`set \`${setting}: `) || problem.fix.includes(way) || !helps(setting);
  return {
    ...problem,
    path: inItsFile(problem.path, profile),
    message: `${problem.message} (inherited from ${where})`,
    fix: isTold ? problem.fix : problem.fix === "" ? way : `${problem.fix}; or ${way}`,
  };
}
