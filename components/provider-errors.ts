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

// Our errors have no stack: the SDK prints the message a second time in its place.
function isRepetition(text: unknown): boolean {
  if (typeof text !== "string") return false;
  const [name] = text.split(": ", 1);
  if (name === undefined || !ours.has(name)) return false;
  const said = (text.length - 2) / 2;
  const [shown, message] = [text.slice(0, said), text.slice(name.length + 2)];
  return text === `${shown}: ${shown}` || isTwice(message);
}

// Where the stack is the message without the class's name.
function isTwice(text: string): boolean {
  const half = (text.length - 2) / 2;
  return Number.isInteger(half) && text === `${text.slice(0, half)}: ${text.slice(0, half)}`;
}
