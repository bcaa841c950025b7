// Paths as Compose puts them together: by their text alone, and relative ones stay relative. Pure.

import { dirname, isAbsolute, join, normalize, sep } from "node:path";

/** A path below a directory, or itself where it is absolute. */
export function pathIn(directory: string, path: string): string {
  return isAbsolute(path) ? path : joined(directory, path);
}

/** Two parts put together, and made as short as they can be. */
export function joined(directory: string, path: string): string {
  return shortest(join(directory, path));
}

/** The directory of a file. */
export function directoryOf(path: string): string {
  return shortest(normalize(dirname(path)));
}

/** How `path` is called from a directory; `path` itself where one is absolute and the other isn't, or the way can't be told. */
export function pathFrom(directory: string, path: string): string {
  if (isAbsolute(directory) !== isAbsolute(path)) return path;
  const [from, to] = [directory, path].map((each) =>
    normalize(each)
      .split(sep)
      .filter((part) => part !== "" && part !== "."),
  ) as [string[], string[]];
  const same = from.findIndex((part, index) => part !== to[index]);
  const common = same < 0 ? from.length : same;
  const up = from.slice(common);
  if (up.includes("..")) return path;
  return [...up.map(() => ".."), ...to.slice(common)].join(sep) || ".";
}

function shortest(path: string): string {
  return path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path;
}
