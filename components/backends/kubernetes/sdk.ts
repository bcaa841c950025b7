// The parts of @pulumi/kubernetes that are used, each loaded when it is first needed: a program on another backend loads none of them.

/* eslint-disable @typescript-eslint/no-require-imports -- loaded when it is needed */

import { loadPackage } from "../../load";

const load = <Module>(requireIt: () => Module) => loadPackage("kubernetes", "@pulumi/kubernetes", "4", requireIt);

/** What makes claims. */
export const persistentVolumeClaim = (): typeof import("@pulumi/kubernetes/core/v1/persistentVolumeClaim") =>
  load(
    () =>
      require("@pulumi/kubernetes/core/v1/persistentVolumeClaim") as typeof import("@pulumi/kubernetes/core/v1/persistentVolumeClaim"),
  );

/** What makes StorageClasses. */
export const storageClass = (): typeof import("@pulumi/kubernetes/storage/v1/storageClass") =>
  load(
    () =>
      require("@pulumi/kubernetes/storage/v1/storageClass") as typeof import("@pulumi/kubernetes/storage/v1/storageClass"),
  );

/** What makes VolumeAttributesClasses. */
export const volumeAttributesClass = (): typeof import("@pulumi/kubernetes/storage/v1/volumeAttributesClass") =>
  load(
    () =>
      require("@pulumi/kubernetes/storage/v1/volumeAttributesClass") as typeof import("@pulumi/kubernetes/storage/v1/volumeAttributesClass"),
  );
