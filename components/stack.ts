// What the stack's config says, for programs that want to read it.

import type { Catalog, VolumeDefinition } from "../src";
import { currentRun } from "./run";

/**
 * The volumes that the stack's config lists below `storage-profiles:volumes`, by name.
 * @throws `pulumi.RunError` with every problem of the stack's config.
 */
export function volumesOfStack(): Record<string, VolumeDefinition> {
  return currentRun().config.volumes ?? {};
}

/**
 * The profiles in force for the stack, with the limits and prices that hold there.
 * @throws `pulumi.RunError` with every problem of the stack's config.
 */
export function catalogOfStack(): Catalog {
  return currentRun().catalog;
}
