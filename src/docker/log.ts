// The plugin's log: JSON lines, made by the same logger as those of the HTTP service.

import { fastify } from "fastify";

/** Takes what there is to tell, and how much it matters. Default: info. */
export type Log = (line: string, level?: "info" | "warn" | "error") => void;

/** A log that is written line by line. */
export function logTo(write: (line: string) => void): Log {
  const { log } = fastify({ logger: { stream: { write } } });
  return (line, level = "info") => log[level](line);
}
