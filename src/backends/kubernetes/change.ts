// What may happen to a claim that exists. Its class of attributes and its size change in place, in one patch; all else is fixed.
// Source: kubernetes 1.34.3, pkg/apis/core/validation (ValidatePersistentVolumeClaimUpdate), tried on that API server. Read 2026-11-29.

import { backends } from "../../core/backend";
import { problem, show, type Note, type Problem } from "../../core/problems";
import { inPlace, refused, type Backend, type Made } from "../contract";
import { driverOf, type DriverName } from "./drivers";
import { settingsOf, type Parameters } from "./parameters";
import type { KubernetesSettings } from "./settings";
import { note } from "./problems";

const NEW_CLAIM_WAY = "restore the previous value; or declare a new volume, copy the data, then destroy this one";

/** What a driver that can't modify volumes never applied, the API server takes away; but a profile that has no class doesn't name one to remove. */
export const WAY_WITH_CLASS =
  "give the volume a profile that has one. A class that the driver never applied can be removed: " +
  `\`kubectl patch pvc NAME --type merge -p '{"spec":{"volumeAttributesClassName":null}}'\``;

export const claimChange: Backend<"kubernetes", unknown, KubernetesSettings>["change"] = {
  driver: refused("a volume stays with the driver that created it", NEW_CLAIM_WAY),
  namespace: refused("a claim can't be moved to another namespace", NEW_CLAIM_WAY),
  accessModes: refused("Kubernetes can't change them on an existing claim", NEW_CLAIM_WAY),
  volumeMode: refused("Kubernetes can't change it on an existing claim", NEW_CLAIM_WAY),
  // Judged as a whole below, by what it is of the class that changes.
  storageClass: () => undefined,
  existingClass: () => undefined,
  parameters: () => undefined,
  volumeAttributesClass: (_from, to) =>
    to === null
      ? refused("Kubernetes doesn't accept a claim without the class once it has one", WAY_WITH_CLASS)()
      : inPlace(),
  attributes: inPlace,
  labels: inPlace,
};

/** The StorageClass of a claim never changes: a problem for each of its parameters that would. */
export function classProblems(
  { settings: from }: Made<KubernetesSettings>,
  { settings: to }: Made<KubernetesSettings>,
): Problem[] {
  if (from.storageClass === to.storageClass || from.driver !== to.driver) return [];
  const cantModify = known(to.driver)?.cantModify;
  const because =
    cantModify === undefined
      ? "it is part of the StorageClass, which an existing claim keeps"
      : `${to.driver} can't change an existing volume: ${cantModify}`;
  // Of a claim as the cluster has it only the class's name is known.
  const [before, after] = [from, to].map(({ parameters }) => parameters as Parameters | undefined);
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
  const differing = keys.filter((key) => before?.[key] !== after?.[key]);
  if (!before || differing.length === 0) {
    const way = `for an imported claim, set \`kubernetes: { existingClass: ${show(from.storageClass)} }\`; otherwise ${NEW_CLAIM_WAY}`;
    const params = { setting: "storageClass", from: show(from.storageClass), to: show(to.storageClass), because, way };
    return [problem("change-not-possible", "settings.storageClass", to.storageClass, params)];
  }
  return differing.map((key) => {
    const params = { setting: key, from: show(before[key]), to: show(after?.[key]), because, way: NEW_CLAIM_WAY };
    return problem("change-not-possible", `settings.parameters.${key}`, after?.[key], params);
  });
}

/** All that refuses a change as a whole: also what the driver's backend refuses. */
export function claimProblems(from: Made<KubernetesSettings>, to: Made<KubernetesSettings>): Problem[] {
  return [
    ...classProblems(from, to),
    ...ofBase(from, to, (base, before, after) => base.wholeChange?.(before, after) ?? []),
  ];
}

/** What is to be known of a change: what the driver's backend notes, and which tags a class can't take away. */
export function noteClaimChange(from: Made<KubernetesSettings>, to: Made<KubernetesSettings>): Note[] {
  return ofBase(from, to, (base, before, after) => {
    const tags = (of: Made<object>) => (of.settings as { tags?: Record<string, string> | null }).tags ?? {};
    const gone = Object.keys(tags(before)).filter((key) => !Object.hasOwn(tags(after), key));
    const kept = gone.length > 0 ? [note("tags-kept", "settings.attributes", { tags: gone })] : [];
    return [...(base.noteChange?.(before, after) ?? []), ...kept];
  });
}

function ofBase<T>(
  from: Made<KubernetesSettings>,
  to: Made<KubernetesSettings>,
  judge: (base: Backend, from: Made<object>, to: Made<object>) => T[],
): T[] {
  const driver = known(to.settings.driver);
  if (!driver || from.settings.driver !== to.settings.driver) return [];
  const read = ({ sizeGiB, settings }: Made<KubernetesSettings>) => ({ sizeGiB, settings: baseSettings(settings) });
  return judge(backends[driver.backend], read(from), read(to));
}

/** The settings of the driver's backend that a claim's classes stand for. */
export function baseSettings({ driver, parameters, attributes, accessModes, volumeMode }: KubernetesSettings): object {
  const rules = driverOf(driver);
  const shared = accessModes.includes("ReadWriteMany") && volumeMode === "Block";
  return {
    ...settingsOf(rules, { parameters, attributes }),
    ...(rules.shared && { [rules.shared.setting]: shared }),
  };
}

// A claim as the cluster has it doesn't say its driver.
function known(driver: DriverName | undefined) {
  return driver === undefined ? undefined : driverOf(driver);
}
