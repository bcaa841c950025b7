#!/usr/bin/env node
// storage-profiles: the command line.

import { isatty } from "node:tty";

import { run } from "./run";
import { columnsIn } from "./text";

const { env, stdout, stderr } = process;

// Who reads only the beginning of what is written (`| head`) has seen enough.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

void run(process.argv.slice(2), {
  cwd: process.cwd(),
  env,
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
  isTerminal: isatty(0) && isatty(1),
  columns: columnsIn(env) ?? (stdout.isTTY ? stdout.columns : 120),
  onInterrupt(interrupted) {
    process.on("SIGINT", interrupted);
    process.on("SIGTERM", interrupted);
    return () => {
      process.off("SIGINT", interrupted);
      process.off("SIGTERM", interrupted);
    };
  },
}).then((code) => (process.exitCode = code));
