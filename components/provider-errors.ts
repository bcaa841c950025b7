// How the errors of our dynamic providers reach people: once, by the engine. The SDK's process writes each to its own standard error as
// well, as `${error}: ${error.stack}`, which the engine then shows as another message that says the same twice.

const ours = new Set<string>();

/** Keeps the SDK's process from writing errors of this class itself. */
export function leaveToEngine(className: string): void {
  ours.add(className);
  if (ours.size > 1) return;
  const write = console.error.bind(console);
  console.error = (...args: unknown[]) => {
    if (!(args.length === 1 && isRepetition(args[0]))) write(...args);
  };
}

// Our errors have no stack of calls (backend-error.ts): the SDK prints the error a second time in its place.
function isRepetition(text: unknown): boolean {
  if (typeof text !== "string" || !ours.has(text.split(": ", 1)[0] ?? "")) return false;
  const shown = text.slice(0, (text.length - 2) / 2);
  return text === `${shown}: ${shown}`;
}
