// The table of commands. Adding one means a file beside this one and a line here.

import { apply } from "./apply";
import { classes } from "./classes";
import type { CommandSpec } from "../context";
import { completion } from "../completion";
import { cost } from "./cost";
import { dockerPlugin } from "./docker-plugin";
import { explain } from "./explain";
import { init } from "./init";
import { pin, unpin } from "./pin";
import { plan } from "./plan";
import { profiles } from "./profiles";
import { schema } from "./schema";
import { serve, token } from "./serve";
import { status } from "./status";
import { validate } from "./validate";
import { volumes } from "./volumes";

/** The commands, in the order in which they are listed. */
export const commands: readonly CommandSpec[] = [
  init,
  validate,
  profiles,
  explain,
  classes,
  volumes,
  status,
  plan,
  apply,
  pin,
  unpin,
  cost,
  dockerPlugin,
  schema,
  serve,
  token,
  completion,
];
