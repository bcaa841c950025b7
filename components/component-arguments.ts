// What is wrong with the arguments of an administrator's component. Programs in JavaScript may pass anything.

import { nearest, problem, unknownKey, wrongType, type Problem } from "../src";

/** The arguments that a component doesn't have. */
export function unknownArguments(args: object, keys: string[]): Problem[] {
  return Object.keys(args)
    .filter((key) => !keys.includes(key))
    .map((key) => unknownKey(key, undefined, key, keys));
}

/** Of the argument `profiles`: those that the stack doesn't have. */
export function unknownProfiles(profiles: unknown, known: string[]): Problem[] {
  if (!Array.isArray(profiles)) return [wrongType("profiles", profiles, "array")];
  return (profiles as string[])
    .filter((profile) => !known.includes(profile))
    .map((profile) => {
      const params = { profile, profiles: known, nearest: nearest(profile, known) };
      return problem("profile-unknown", "profiles", profile, params);
    });
}
