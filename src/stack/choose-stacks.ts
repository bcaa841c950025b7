// Which of many stacks are meant: by patterns over their names. Pure.

/** A stack as patterns know it. */
export interface NamedStack {
  project: string;
  stack: string;
  /** The project's folder, relative to where the search began, with slashes; empty where it is that folder itself. */
  folder: string;
}

/** Whether a text is a pattern, and not the name of one stack. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * The stacks that patterns choose, each once and in their own order, and the patterns that choose none. A pattern is a stack's name, or
 * `project/stack`, or `folder/stack`; `*` stands for any characters but a slash, and `?` for one.
 */
export function chooseStacks<S extends NamedStack>(
  all: readonly S[],
  patterns: readonly string[],
): { chosen: S[]; unmatched: string[] } {
  const matchers = patterns.map((pattern) => ({ pattern, matches: matcherOf(pattern) }));
  return {
    chosen: all.filter((each) => matchers.some(({ matches }) => matches(each))),
    unmatched: matchers.filter(({ matches }) => !all.some(matches)).map(({ pattern }) => pattern),
  };
}

/** What a stack is called among others: by its project as well where there are several, and by its folder where these have one name. */
export function labelOf(one: NamedStack, all: readonly NamedStack[]): string {
  const folders = (project?: string) =>
    new Set(all.filter((each) => project === undefined || each.project === project).map(({ folder }) => folder)).size;
  if (folders() <= 1) return one.stack;
  return `${folders(one.project) > 1 ? one.folder || "." : one.project}/${one.stack}`;
}

function matcherOf(pattern: string): (one: NamedStack) => boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|/]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  const whole = new RegExp(`^${source}$`, "u");
  return ({ project, stack, folder }) => {
    const names = pattern.includes("/") ? [`${project}/${stack}`, `${folder || "."}/${stack}`] : [stack];
    return names.some((name) => whole.test(name));
  };
}
