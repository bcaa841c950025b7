// The escape hatch: a user's function that adjusts what a backend's own resource is made from.

import * as pulumi from "@pulumi/pulumi";

/**
 * Adjusts the arguments and options of a volume's own resource. The `args` that it returns are used instead; the `opts` are
 * laid over those that were given. What keeps the volume safe and in its place is not up to it: `parent`,
 * `deleteBeforeReplace`, the backend's `ignoreChanges`, and the hooks that judge changes.
 */
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
  const changed = transform?.(args, opts, name) ?? {};
  const odd = Object.keys(changed).filter((key) => key !== "args" && key !== "opts");
  if (odd.length > 0) {
    throw new pulumi.RunError(`${name}: transform.volume must return { args, opts }, and returned ${odd.join(", ")}`);
  }
  const { parent, deleteBeforeReplace, hooks = {} } = opts;
  const beforeUpdate = new Set([...(hooks.beforeUpdate ?? []), ...(changed.opts?.hooks?.beforeUpdate ?? [])]);
  const merged = { ...hooks, ...changed.opts?.hooks, beforeUpdate: [...beforeUpdate] };
  const ignoreChanges = [...(opts.ignoreChanges ?? []), ...(changed.opts?.ignoreChanges ?? [])];
  return {
    args: changed.args ?? args,
    opts: {
      ...opts,
      ...changed.opts,
      parent,
      deleteBeforeReplace,
      ...(ignoreChanges.length > 0 && { ignoreChanges: [...new Set(ignoreChanges)] }),
      ...(beforeUpdate.size > 0 && { hooks: merged }),
    },
  };
}
