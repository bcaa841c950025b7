// ProfileClasses: the StorageClasses and VolumeAttributesClasses that the stack's profiles need, for whoever runs a cluster.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, nearest, parseSize, problem, wrongType, type Problem } from "../../../src";
import type { StorageClassObject } from "../../../src/backends/kubernetes/classes";
import type { DriverName } from "../../../src/backends/kubernetes/drivers";
import type { ClassesOfProfile } from "../../../src/backends/kubernetes/manifests";
import type { Placement } from "../../../src/backends/kubernetes/settings";
import { unknownArguments, unknownProfiles } from "../../component-arguments";
import { optionProblems } from "../../options";
import { currentRun } from "../../run";
import { rememberClasses } from "./program";
import { storageClass, volumeAttributesClass } from "./sdk";

/* eslint-disable @typescript-eslint/no-require-imports -- loaded when the first component is declared */
const manifests = () =>
  require("../../../src/backends/kubernetes/manifests") as typeof import("../../../src/backends/kubernetes/manifests");
const drivers = () =>
  require("../../../src/backends/kubernetes/drivers") as typeof import("../../../src/backends/kubernetes/drivers");
/* eslint-enable @typescript-eslint/no-require-imports */

/** The type token of the component. */
export const PROFILE_CLASSES = "storage-profiles:index:ProfileClasses";

/** Which classes are made. */
export interface ProfileClassesArgs {
  /**
   * The CSI driver of the cluster.
   * @default `storage-profiles:kubernetes.driver`
   */
  driver?: DriverName | undefined;
  /**
   * The profiles whose classes are made.
   * @default all profiles with a section for the driver's backend
   */
  profiles?: string[] | undefined;
  /**
   * The sizes of the claims, in GiB or with a unit, for profiles whose IOPS depend on the size: each size has a class of its own.
   * @default the sizes of the volumes on Kubernetes that the stack's config lists
   */
  sizes?: (number | string)[] | undefined;
  /**
   * Whether each profile has a StorageClass of its own name as well, for claims that people write: `storageClassName: silver`. Its content
   * follows the profile. A profile whose IOPS depend on the size has none.
   * @default true
   */
  aliases?: boolean | undefined;
  /**
   * The profile whose StorageClass is the cluster's default, by its alias.
   * @default none
   */
  defaultProfile?: string | undefined;
}

/**
 * The classes of the stack's profiles, for one CSI driver.
 *
 * ```ts
 * new ProfileClasses("classes", { driver: "ebs.csi.aws.com", sizes: [100, 500] });
 * ```
 *
 * Names carry a hash of what a class consists of, so that a changed profile has new classes beside the old ones, and stacks with claims know
 * the names without the cluster. Classes that no profile needs any more stay in the cluster, since claims may use them: delete them there
 * (Kubernetes keeps a VolumeAttributesClass until no claim uses it).
 */
export class ProfileClasses extends pulumi.ComponentResource {
  /** The names of the classes that each profile uses. */
  public readonly profiles: pulumi.Output<Record<string, ClassesOfProfile>>;

  /**
   * Declares the classes.
   * @throws `pulumi.RunError` with every problem of the arguments, of the stack's config and of the profiles.
   */
  constructor(name: string, args: ProfileClassesArgs = {}, opts: pulumi.ComponentResourceOptions = {}) {
    const run = currentRun();
    const wrong = [...wrongArguments(args, Object.keys(run.catalog.profiles)), ...optionProblems(opts)];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    const { driver, sizes, ...others } = args;
    const placement: Placement = { ...run.placementOf("kubernetes"), ...(driver !== undefined && { driver }) };
    const sizesGiB = sizes?.flatMap((size) => sizeOf(size).sizeGiB ?? []) ?? run.sizesOf("kubernetes");
    const classes = manifests().classesOf(run.catalog, { ...others, sizesGiB, placement });
    if (classes.problems.length > 0) throw new pulumi.RunError(formatProblems(name, classes.problems));
    super(PROFILE_CLASSES, name, { driver: placement.driver, profiles: classes.profiles }, opts);
    const { storageClasses, attributesClasses } = classes;
    rememberClasses(
      this,
      [...storageClasses, ...attributesClasses].map(({ metadata }) => metadata.name),
    );
    for (const { message } of classes.notes) void pulumi.log.info(message, this);

    const { StorageClass } = storageClass();
    const made = classes.storageClasses.map(
      (each) => new StorageClass(`${name}-${each.metadata.name}`, argsOf(each), { parent: this, retainOnDelete: true }),
    );
    for (const each of classes.aliases) {
      // A class of a fixed name can't be changed. Claims refer to it by its name only, and the new one has that again.
      const replaceOnChanges = ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"];
      new StorageClass(`${name}-${each.metadata.name}`, argsOf(each), {
        parent: this,
        deleteBeforeReplace: true,
        replaceOnChanges,
      });
    }
    const { VolumeAttributesClass } = volumeAttributesClass();
    const attributes = classes.attributesClasses.map(
      ({ metadata, driverName, parameters }) =>
        new VolumeAttributesClass(
          `${name}-${metadata.name}`,
          { metadata, driverName, parameters },
          { parent: this, retainOnDelete: true },
        ),
    );
    // Whoever uses a name uses a class that exists.
    this.profiles = pulumi.all([...made, ...attributes].map(({ id }) => id)).apply(() => classes.profiles);
    this.registerOutputs({ profiles: this.profiles });
  }
}

function argsOf({ apiVersion: _version, kind: _kind, ...args }: StorageClassObject) {
  return args;
}

const sizeOf = (size: number | string) => parseSize(typeof size === "number" ? { sizeGiB: size } : { size }, "");

function wrongArguments(args: ProfileClassesArgs, known: string[]): Problem[] {
  const problems = unknownArguments(args, ["driver", "profiles", "sizes", "aliases", "defaultProfile"]);
  const { driver, profiles = [], sizes = [], aliases } = args as Record<keyof ProfileClassesArgs, unknown>;
  const { driverNames } = drivers();
  if (driver !== undefined && !driverNames.some((each) => each === driver)) {
    const params = {
      given: JSON.stringify(driver),
      values: [...driverNames],
      nearest: typeof driver === "string" ? nearest(driver, driverNames) : undefined,
    };
    problems.push(problem("value-not-allowed", "driver", driver, params));
  }
  if (aliases !== undefined && typeof aliases !== "boolean") problems.push(wrongType("aliases", aliases, "boolean"));
  problems.push(...unknownProfiles(profiles, known));
  if (!Array.isArray(sizes)) problems.push(wrongType("sizes", sizes, "array"));
  else
    problems.push(
      ...(sizes as (number | string)[]).flatMap((size, index) =>
        sizeOf(size).problems.map((each) => ({ ...each, path: `sizes[${index}]` })),
      ),
    );
  return problems;
}
