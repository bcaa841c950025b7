// A setting's value as people read it: with its unit, and never a bare 0 where there is no limit. Wherever a person reads a
// setting, this is what writes it (the status page has the same table, from quantities.js).

import { backendNames, backends, type BackendName } from "./backend";
import type { Quantity } from "./backend";
import { perRegistration } from "./per-registration";
import { count, NOT_SET, show } from "./problems";

const SIZE: Quantity = { unit: "GiB" };

/** How the settings of each backend read that are numbers, the size among them. */
export const quantities = perRegistration(
  () =>
    Object.fromEntries(
      backendNames.map((name) => [name, withoutRepeats({ sizeGiB: SIZE, ...backends[name].quantities })]),
    ) as Readonly<Record<BackendName, Readonly<Record<string, Quantity>>>>,
);

/** A setting's value as text: "3,000 IOPS", "unlimited", "not set". */
export function settingText(backend: BackendName, setting: string, value: unknown): string {
  const known = quantities()[backend];
  const quantity = Object.hasOwn(known, setting) ? known[setting] : undefined;
  if (value === null || value === undefined) return NOT_SET;
  if (typeof value !== "number" || !quantity) return show(value);
  if (value === 0 && quantity.isUnlimitedAtZero) return "unlimited";
  return `${count(value)}${/^\w/.test(quantity.unit) ? " " : ""}${quantity.unit}`;
}

/** A volume's settings as `key: value`; those that nobody asked for, and empty ones, are left out. */
export function settingTexts({ backend, settings }: { backend: BackendName; settings: object }): string[] {
  return Object.entries(settings)
    .filter(([, value]) => value !== null && value !== undefined && !isEmpty(value))
    .map(([key, value]) => `${key}: ${settingText(backend, key, value).replace(/^"(.*)"$/, "$1")}`);
}

/** A volume in a line: its size, and its settings. */
export function volumeText(volume: { backend: BackendName; sizeGiB: number; settings: object }): string {
  return [settingText(volume.backend, "sizeGiB", volume.sizeGiB), ...settingTexts(volume)].join(", ");
}

const isEmpty = (value: unknown): boolean => typeof value === "object" && Object.keys(value ?? {}).length === 0;

// Where the setting's name is already the word for what is counted, the number stands alone: `copies: 3`.
function withoutRepeats(all: Record<string, Quantity>): Record<string, Quantity> {
  const isRepeated = (setting: string, { unit }: Quantity) =>
    /^[a-z]+s$/.test(unit) && setting.toLowerCase().includes(unit.slice(0, -1));
  return Object.fromEntries(
    Object.entries(all).map(([setting, each]) => [setting, isRepeated(setting, each) ? { ...each, unit: "" } : each]),
  );
}
