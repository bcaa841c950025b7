// The escape hatch: a user's function that adjusts what a backend's own resource is made from.

import type * as pulumi from "@pulumi/pulumi";

/** Adjusts the arguments and options of a volume's own resource: what it returns is used instead. */
export type VolumeTransform = (
  args: Record<string, unknown>,
  opts: pulumi.CustomResourceOptions,
  name: string,
) => { args?: Record<string, unknown>; opts?: pulumi.CustomResourceOptions } | undefined;

/** Applies the user's function, where there is one. */
export function transformed(
  { transform, name }: { transform: VolumeTransform | undefined; name: string },
  args: Record<string, unknown>,
  opts: pulumi.CustomResourceOptions,
): { args: Record<string, unknown>; opts: pulumi.CustomResourceOptions } {
  const changed = transform?.(args, opts, name);
  return { args: changed?.args ?? args, opts: changed?.opts ?? opts };
}
