// What is asked for once, as long as the answer is no error.

/** Asks when it is first needed; who comes while the answer is under way shares it. After a failure the next one asks again. */
export function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => {
    if (known) return known;
    const asked = ask();
    known = asked;
    asked.catch(() => (known = undefined));
    return asked;
  };
}

/** The same for each of several names. */
export function oncePer<T>(ask: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const known = new Map<string, () => Promise<T>>();
  return (name) => {
    const of = known.get(name) ?? once(() => ask(name));
    known.set(name, of);
    return of();
  };
}
