// What is made when it is first needed, and again only when another backend has been registered since.

import { backendNames } from "./backend";

/** Makes a value once for the backends that are registered. */
export function perRegistration<T>(make: () => T): () => T {
  let made: { value: T; backends: number } | undefined;
  return () => {
    if (made?.backends !== backendNames.length) made = { value: make(), backends: backendNames.length };
    return made.value;
  };
}
