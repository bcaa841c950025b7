// How often a property is checked with random input: the one place that decides it.

/**
 * The number of runs of a property: all of them with `npm test -- --all` (or `STORAGE_PROFILES_TEST_ALL` in the environment), a
 * quarter in the default tier, but at least 25 (or all, where fewer were wanted).
 */
export function runs(all: number, env: NodeJS.ProcessEnv = process.env): number {
  return env["STORAGE_PROFILES_TEST_ALL"] ? all : Math.min(all, Math.max(25, Math.ceil(all / 4)));
}
