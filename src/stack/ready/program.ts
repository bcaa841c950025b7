// The process that will run a program: it has loaded what programs load first, and waits to be told which run it is for. Then it does
// what Pulumi's own language host would have started: `cmd/run` of the SDK, with these arguments and this environment. One run, one
// process, as ever.

import { createRequire } from "node:module";

import { preload, PROGRAM_MODULES } from "./modules";

/** What a run is told. */
export interface ProgramRun {
  /** The path of the SDK's `cmd/run`. */
  main: string;
  args: string[];
  env: Record<string, string>;
}

const load = createRequire(`${process.cwd()}/_`);
preload(load, PROGRAM_MODULES);

// Nobody will ask any more.
const leave = () => process.exit();
process.on("disconnect", leave);
process.once("message", (told: ProgramRun) => {
  process.off("disconnect", leave);
  // An open channel would keep the program from ending.
  process.disconnect();
  Object.assign(process.env, told.env);
  process.argv = [process.execPath, told.main, ...told.args];
  load(told.main);
});
process.send?.("ready");
