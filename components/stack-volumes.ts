// StackVolumes: the volumes that the stack's config lists, for programs in languages whose SDK has no `volumesOfStack()`.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, STACK_VOLUMES, unknownKey } from "../src";
import { optionProblems, passedOn } from "./options";
import { ProfiledVolume } from "./profiled-volume";
import { volumesOfStack } from "./run";

/** Where a listed volume is. */
export interface ListedVolume {
  profile: pulumi.Output<string>;
  sizeGiB: pulumi.Output<number>;
  volumeId: pulumi.Output<string>;
  mountPath: pulumi.Output<string | undefined>;
}

/** A {@link ProfiledVolume} for each volume that the stack's config lists below `storage-profiles:volumes`. */
export class StackVolumes extends pulumi.ComponentResource {
  /** The volumes, by name. */
  public readonly declared: readonly ProfiledVolume[];
  /** Where the volumes are, by name. */
  public readonly volumes: Readonly<Record<string, ListedVolume>>;

  /**
   * Declares the volumes.
   * @throws `pulumi.RunError` with every problem of the stack's config, and where arguments or options are given that have no effect.
   */
  constructor(name: string, args: object = {}, opts?: pulumi.ComponentResourceOptions) {
    const unknown = Object.entries(args).map(([key, value]) => unknownKey(key, value, key, []));
    const wrong = [...unknown, ...optionProblems(opts, ["create", "update", "delete"])];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    const listed = Object.entries(volumesOfStack());
    super(STACK_VOLUMES, name, {}, opts);
    // Beside this resource and not below it: they are the volumes that a program in TypeScript declares, and one of them can be a target.
    // So they inherit nothing of it.
    const { parent, protect, provider, providers, dependsOn } = opts ?? {};
    const own = { parent, protect, provider, providers, dependsOn, ...passedOn(opts) };
    const made = listed.map(([each, spec]) => [each, new ProfiledVolume(each, spec, own)] as const);
    this.declared = made.map(([, volume]) => volume);
    this.volumes = Object.fromEntries(
      made.map(([each, { profile, sizeGiB, volumeId, mountPath }]) => [
        each,
        { profile, sizeGiB, volumeId, mountPath },
      ]),
    );
    this.registerOutputs({});
  }
}
