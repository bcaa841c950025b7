// What Docker asks for: a name, perhaps with a profile behind an `@`, and options.

import { nearest, parseReference, parseSize, type Problem } from "..";
import { problem } from "./problems";

/** A request of Docker, taken apart. */
export interface Asked {
  /** The volume's name: without a profile, which is never part of a volume's identity. */
  name: string;
  /** The profile that was named; nothing where none was. Then a new volume gets the default one, and one that exists is taken as it is. */
  profile?: string | undefined;
  /** The size that was named, as text with a unit. */
  size?: string | undefined;
}

export type ReadAsked = { asked: Asked; problems: [] } | { asked?: undefined; problems: Problem[] };

/** The options that there are: of `docker volume create -o` and `--mount volume-opt=`. */
export const options = ["profile", "size"] as const;

/** A name that Docker made up: `docker run -v /data` asks for a volume without one. */
export function isAnonymous(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Takes a request apart. Problems: `option-unknown`, and those of `parseReference` and `parseSize`, all at once. */
export function readAsked(reference: string, given: Readonly<Record<string, string>> = {}): ReadAsked {
  const problems: Problem[] = [];
  for (const [option, value] of Object.entries(given)) {
    if (options.some((each) => each === option)) continue;
    const params = { option, options: [...options], nearest: nearest(option, [...options]) };
    problems.push(problem("option-unknown", `-o ${option}`, value, params));
  }
  const [profile, size] = [given["profile"], given["size"]];
  const parsed = parseReference(reference, profile, "volume", "-o profile");
  problems.push(...parsed.problems);
  if (size !== undefined) {
    const { problems: wrong } = parseSize({ size });
    problems.push(
      ...wrong.map(({ message, fix }) =>
        problem("size-invalid", "-o size", size, { why: message, fix, isOption: true }),
      ),
    );
  }
  if (!parsed.reference || problems.length > 0) return { problems };
  const isNamed = profile !== undefined || reference.includes("@");
  const asked: Asked = { name: parsed.reference.name };
  if (isNamed) asked.profile = parsed.reference.profile;
  if (size !== undefined) asked.size = size;
  return { asked, problems: [] };
}
