// References: what a volume is called and which profile it has. `data@gold` is the volume `data` with the profile
// `gold`; `data` alone means `data@default`. The profile is never part of the volume's identity.

import { problem, type Problem } from "./problems";

/** The profile of a volume that names none. */
export const DEFAULT_PROFILE = "default";

/** What names of volumes and of profiles look like. In words: `NAME_RULE` in problems.ts. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A reference, taken apart. */
export interface Reference {
  /** The volume's name. */
  name: string;
  /** The profile's name; {@link DEFAULT_PROFILE} where the reference names none. */
  profile: string;
}

/** What was made of a reference: the reference, or the problems with it. */
export type ParsedReference = { reference: Reference; problems: [] } | { reference?: undefined; problems: Problem[] };

/**
 * Takes `name` or `name@profile` apart. The profile may also be given beside the name; given twice, it must be the same.
 * Problems: `reference-blank`, `reference-without-profile`, `reference-without-name`, `reference-many-ats`,
 * `name-invalid`, `profile-conflict`.
 */
export function parseReference(
  text: string,
  profile?: string,
  path = "name",
  profilePath = "profile",
): ParsedReference {
  const parts = text.split("@");
  const [name = "", suffix] = parts;
  if (text.trim() === "") return { problems: [problem("reference-blank", path, text, { what: "reference" })] };
  if (parts.length > 2) {
    return { problems: [problem("reference-many-ats", path, text, { count: parts.length - 1 })] };
  }
  if (suffix?.trim() === "" && name.trim() === "") {
    return { problems: [problem("reference-blank", path, text, { what: "reference" })] };
  }
  if (suffix?.trim() === "") return { problems: [problem("reference-without-profile", path, text, { name })] };
  if (name.trim() === "") {
    return { problems: [problem("reference-without-name", path, text, { profile: suffix ?? DEFAULT_PROFILE })] };
  }

  const problems = [...checkName("volume", name, path)];
  if (suffix !== undefined) problems.push(...checkName("profile", suffix, path));
  if (profile !== undefined) problems.push(...checkName("profile", profile, profilePath));
  if (suffix !== undefined && profile !== undefined && suffix !== profile) {
    problems.push(problem("profile-conflict", profilePath, profile, { reference: suffix, profile }));
  }
  if (problems.length > 0) return { problems };
  return { reference: { name, profile: suffix ?? profile ?? DEFAULT_PROFILE }, problems: [] };
}

/** Whether a name is in the pattern, and if not, which part of it isn't. */
export function checkName(what: "volume" | "profile" | "physical" | "token", name: string, path: string): Problem[] {
  if (NAME_PATTERN.test(name)) return [];
  return [problem("name-invalid", path, name, { what, why: whatIsWrong(name), name })];
}

function whatIsWrong(name: string): string {
  if (name === "") return "is empty";
  if (name.length > 64) return `is ${name.length} characters long (max 64)`;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const control = /[\u0000-\u001f\u007f-\u009f]/.exec(name);
  if (control)
    return `contains a control character (U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")})`;
  if (/\s/.test(name)) return "contains whitespace";
  const odd = /[^A-Za-z0-9._-]/u.exec(name);
  if (odd) return `contains "${String.fromCodePoint(name.codePointAt(odd.index) ?? 0)}"`;
  return `begins with "${name[0] ?? ""}"`;
}
