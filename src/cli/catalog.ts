// The catalog that a command looks at: the stack's, or what is built in where there is no project.

import { makeCatalog, type Catalog } from "../core/catalog";
import { StackError, type StackConfigRead } from "../stack";
import { textOf, type Context } from "./context";

/** What is known of profiles here. */
export interface Known {
  catalog: Catalog;
  /** The stack's config; nothing where there is no stack. */
  read?: StackConfigRead | undefined;
  stack?: string | undefined;
}

/** Reads the stack's catalog. Outside of a project, or where no stack is meant, profiles are those that are built in. */
export async function knownHere(context: Context): Promise<Known> {
  try {
    const stack = await context.stack();
    await stack.checkKnown();
    const read = await stack.readConfig();
    return { catalog: read.catalog, read, stack: stack.name };
  } catch (error) {
    const isNowhere =
      error instanceof StackError && ["project-missing", "stack-not-named", "engine-missing"].includes(error.code);
    if (!isNowhere || textOf(context, "stack") !== undefined) throw error;
    return { catalog: makeCatalog() };
  }
}
