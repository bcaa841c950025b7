// The named connection of a volume: which of several arrays or clusters has it.

import { z } from "zod";

import type { SettingRule } from "../core/backend";

/** The name of a connection, in the stack's config or for one volume. */
export const connectionSchema = (namespace: string, what: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    .describe(`Name of the connection to ${what}, of those in ${namespace}:connections. Fixed at creation`);

/** A volume is on what its connection leads to. */
export const connectionChange = (): SettingRule => ({
  verdict: "refused",
  because: "another connection leads to other storage, where the volume isn't",
  way:
    "restore the connection (a default of the stack that was set since: unset it, and name that connection on the new volumes); " +
    "or declare a new volume with the other one, copy the data, and destroy this one",
});
