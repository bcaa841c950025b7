// Kubernetes: a volume is a PersistentVolumeClaim, and a profile is a StorageClass and a VolumeAttributesClass of the cluster's CSI driver.
// What the storage can be, the driver's backend says; what of that can be said through the driver, its table (drivers.ts).

import { z } from "zod";

import { backends } from "../../core/backend";
import { defineBackend } from "../contract";
import { baseSettings, claimChange, claimProblems, noteClaimChange } from "./change";
import { driverNames, driverOf, drivers } from "./drivers";
import { manifestsOf } from "./manifests";
import { claimRecorded } from "./recorded";
import { resolveClaim } from "./resolve";
import { labelRules, own, place, placement, section, stack, type KubernetesSettings, type Placement } from "./settings";
import { kubernetesProblems } from "./problems";
// Beside what is imported by name: so its codes are in the types of every program.
import "./problems";

export type { KubernetesSettings } from "./settings";

const nothing = z.strictObject({});

export const kubernetes = defineBackend({
  name: "kubernetes",
  title: "Kubernetes",
  section,
  // What a profile means is in the section of the driver's backend.
  builtIn: {},
  basedOn: {
    any: [...new Set(Object.values(drivers).map(({ backend }) => backend))],
    at: ({ driver }: Placement) => (driver === undefined ? undefined : driverOf(driver).backend),
  },
  manifests: manifestsOf,
  placement,
  stack,
  place,
  own,
  tags: { setting: "labels", is: "a label on Kubernetes", rules: () => labelRules },
  questions: [
    {
      option: "driver",
      key: "driver",
      message: "CSI driver of the cluster",
      description: "the CSI driver of the cluster",
      isNeeded: true,
      decidesPrice: true,
      choices: driverNames,
    },
  ],
  hasProvider: true,
  limits: {
    data: {},
    override: nothing.describe("None of Kubernetes itself: the limits of the CSI driver's backend apply"),
    whole: nothing,
  },
  prices: {
    data: {},
    override: nothing.describe("None of Kubernetes itself: the prices of the CSI driver's backend apply"),
    whole: nothing,
  },
  problems: kubernetesProblems,
  resolve: resolveClaim,
  change: claimChange,
  wholeChange: claimProblems,
  noteChange: noteClaimChange,
  monthlyCost(
    { sizeGiB, settings }: { sizeGiB: number; settings: KubernetesSettings },
    { bases = {} }: Placement,
    prices: unknown,
  ) {
    // A claim as the cluster has it doesn't say its driver, and a hook may ask about one.
    const { driver } = settings as Partial<KubernetesSettings>;
    if (driver === undefined) return undefined;
    const { backend } = driverOf(driver);
    const place = bases[backend] ?? {};
    return backends[backend].monthlyCost({ sizeGiB, settings: { ...baseSettings(settings), ...place } }, place, prices);
  },
  recorded: claimRecorded,
  // Nothing is known of a StorageClass that isn't the profile's, nor of a claim that is only read.
  isEncrypted: (settings) =>
    settings.existingClass === null
      ? backends[driverOf(settings.driver).backend].isEncrypted?.(baseSettings(settings))
      : undefined,
  quantities: {},
});
