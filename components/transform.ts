// The escape hatch: a user's function that adjusts what a backend's own resource is made from.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, problem, type BackendName, type Problem } from "../src";
import type { DeclaredVolume } from "./declared";
import { replacingOptions } from "./options";

/**
 * Adjusts the arguments and options of a volume's own resource. The `args` that it returns are used instead; the `opts`
 * override those that were given. What keeps the volume safe and in its place is not up to it: `parent`,
 * `deleteBeforeReplace`, the backend's `ignoreChanges`, the hooks that judge changes, and that it is never replaced.
 */
export type VolumeTransform<Args extends object = Record<string, unknown>> = (
  args: Args,
  opts: pulumi.CustomResourceOptions,
  name: string,
) => { args?: Args; opts?: pulumi.CustomResourceOptions } | undefined;

/** Applies the user's function, where there is one. */
export function transformed(
  { transform, name, declared }: { transform: VolumeTransform | undefined; name: string; declared: DeclaredVolume },
  args: Record<string, unknown>,
  opts: pulumi.CustomResourceOptions,
): { args: Record<string, unknown>; opts: pulumi.CustomResourceOptions } {
  const changed = transform?.(args, opts, name) ?? {};
  const odd = Object.keys(changed).filter((key) => key !== "args" && key !== "opts");
  if (odd.length > 0) {
    throw new pulumi.RunError(
      `${name}: transform.${declared.backend} must return { args, opts }, but returned ${odd.join(", ")}`,
    );
  }
  const replacing = replacingOptions(changed.opts).map((setting) => {
    const params = { setting, because: "replacing a volume loses its data", ways: ["remove it"] };
    return problem("setting-not-applicable", `transform.${declared.backend}.opts.${setting}`, undefined, params);
  });
  if (replacing.length > 0) throw new pulumi.RunError(formatProblems(name, replacing));
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

/**
 * What a transform may not change: arguments whose change would replace the volume. They are given by their names, each with where it is
 * set.
 */
export function fixedByTransform(
  backend: BackendName,
  own: Record<string, unknown>,
  args: Record<string, unknown>,
  fixed: Readonly<Record<string, string>>,
): Problem[] {
  return Object.entries(fixed)
    .filter(([setting]) => args[setting] !== own[setting])
    .map(([setting, where]) => {
      const because = "changing it would replace the volume, which can't be checked in advance";
      const params = { setting, because, ways: [`set it in ${where}`] };
      return problem("setting-not-applicable", `transform.${backend}.args.${setting}`, undefined, params);
    });
}
