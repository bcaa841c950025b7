// A setting's value as people read it: with its unit, and never a bare 0 where there is no limit. Wherever a person reads a
// setting, this is what writes it (the status page has the same table, from quantities.js).

import { backendNames, backends, type BackendName } from "./backend";
import type { Quantity } from "./backend";
import { perRegistration } from "./per-registration";
import { count, show } from "./problems";

const SIZE: Quantity = { unit: "GiB" };

/** How the settings of each backend read that are numbers, the size among them. */
export const quantities = perRegistration(
  () =>
    Object.fromEntries(backendNames.map((name) => [name, { sizeGiB: SIZE, ...backends[name].quantities }])) as Record<
      string,
      Record<string, Quantity>
    > as Readonly<Record<BackendName, Readonly<Record<string, Quantity>>>>,
);

/** A setting's value as text: "3,000 IOPS", "unlimited", "nothing". */
export function settingText(backend: BackendName, setting: string, value: unknown): string {
  const known = quantities()[backend];
  const quantity = Object.hasOwn(known, setting) ? known[setting] : undefined;
  if (typeof value !== "number" || !quantity) return show(value);
  return value === 0 && quantity.isUnlimitedAtZero ? "unlimited" : `${count(value)} ${quantity.unit}`;
}

/** A volume's settings as `key: value`; those that nobody asked for are left out. */
export function settingTexts({ backend, settings }: { backend: BackendName; settings: object }): string[] {
  return Object.entries(settings)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}: ${settingText(backend, key, value).replace(/^"(.*)"$/, "$1")}`);
}
