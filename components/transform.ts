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

/** Options by which a resource becomes what has another id. The engine deletes what it was. */
const OTHER_VOLUME = ["import", "id", "urn"] as const;

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
  const others = OTHER_VOLUME.filter((key) => changed.opts?.[key] !== undefined && changed.opts[key] !== opts[key]);
  const replacing = [...replacingOptions(changed.opts), ...others].map((setting) => {
    const ways = ["remove it", ...(setting === "import" ? ["use the volume's argument `import`"] : [])];
    const params = { setting, because: "replacing a volume loses its data", ways };
    return problem("setting-not-applicable", `transform.${declared.backend}.opts.${setting}`, undefined, params);
  });
  if (replacing.length > 0) throw new pulumi.RunError(formatProblems(name, replacing));
  const { parent, deleteBeforeReplace, hooks = {} } = opts;
  const own = changed.opts?.hooks ?? {};
  const both = (when: "beforeCreate" | "beforeUpdate") => [...new Set([...(hooks[when] ?? []), ...(own[when] ?? [])])];
  const judging = { beforeCreate: both("beforeCreate"), beforeUpdate: both("beforeUpdate") };
  const transforms = new Set([...(opts.transforms ?? []), ...(changed.opts?.transforms ?? [])]);
  const ignoreChanges = [...(opts.ignoreChanges ?? []), ...(changed.opts?.ignoreChanges ?? [])];
  return {
    args: changed.args ?? args,
    opts: {
      ...opts,
      ...changed.opts,
      parent,
      deleteBeforeReplace,
      ...(transforms.size > 0 && { transforms: [...transforms] }),
      ...(ignoreChanges.length > 0 && { ignoreChanges: [...new Set(ignoreChanges)] }),
      ...(Object.values(judging).some((each) => each.length > 0) && { hooks: { ...hooks, ...own, ...judging } }),
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
