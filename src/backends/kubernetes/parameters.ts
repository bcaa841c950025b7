// From the settings of the backend below to the parameters of classes, and back: the tables of drivers.ts, carried out.

import type { AskedOfBase } from "../../core/backend";
import { problem, type Problem } from "../../core/problems";
import type { Driver } from "./drivers";

/** Parameters of a class: all of them text. */
export type Parameters = Record<string, string>;

/** The parameters that settings become: those that are fixed for a volume's life, and those that change in place. */
export interface DriverParameters {
  parameters: Parameters;
  attributes: Parameters;
}

/**
 * The parameters that complete settings become. Nothing is left to the driver: what isn't named the volume's type doesn't have, or nobody
 * asked for. Problems: `setting-required`, `setting-not-applicable`, `value-invalid` for tags.
 */
export function parametersOf(
  { settings: rules }: Pick<Driver, "settings">,
  settings: Readonly<Record<string, unknown>>,
  { asked, backend }: Pick<AskedOfBase, "asked" | "backend">,
  helpful: (
    problem: Problem,
    candidates: readonly [way: string, changed: { section: Record<string, unknown> }][],
  ) => string[] = () => [],
): DriverParameters & { problems: Problem[] } {
  const [parameters, attributes]: [Parameters, Parameters] = [{}, {}];
  const problems: Problem[] = [];
  for (const [setting, rule] of Object.entries(rules)) {
    const value = settings[setting];
    const path = `${asked.path}.${setting}`;
    if (isNothing(value)) {
      if (rule.to === "attributes" && rule.unset !== undefined) attributes[rule.key] = rule.unset;
      if (rule.to !== "class" || !rule.isRequired) continue;
      const { because } = rule.isRequired;
      const params = {
        setting,
        because,
        example: `${setting}: <its name>`,
        way: `set it in storage-profiles:${backend}`,
      };
      problems.push(problem("setting-required", path, undefined, params));
    } else if (rule.to === "class") {
      const text = String(value);
      parameters[rule.key] = rule.values?.[text] ?? text;
    } else if (rule.to === "attributes") {
      attributes[rule.key] = rule.times === undefined ? String(value) : String(Number(value) * rule.times);
    } else if (rule.to === "tags") {
      for (const [key, text] of tagsOf(value as Parameters, asked)) {
        problems.push(...wrongTag(key, text, path));
        attributes[`${rule.key}${Object.keys(attributes).filter((each) => each.startsWith(rule.key)).length + 1}`] =
          `${key}=${text}`;
      }
    } else if (rule.to === "nowhere") {
      const [key, part] = rule.in ?? [setting];
      const said = part === undefined ? key : `${key}.${part}`;
      const at = `${asked.path}.${said}`;
      // Several settings may be of one key.
      if (problems.some((each) => each.path === at)) continue;
      const found = (ways: string[]) =>
        problem("setting-not-applicable", at, value, {
          setting: said,
          because: rule.because,
          ways: [...ways, rule.way],
        });
      const whole = (asked.section as Record<string, unknown>)[key];
      const without = part === undefined ? undefined : { ...(whole as object), [part]: undefined };
      problems.push(found(helpful(found([]), [[asked.without(key, part), { section: { [key]: without } }]])));
    }
  }
  return { parameters, attributes, problems };
}

/** The settings that parameters stand for, as far as they say them. What they don't name is nothing. */
export function settingsOf(
  { settings: rules }: Pick<Driver, "settings">,
  { parameters, attributes }: DriverParameters,
): Record<string, unknown> {
  const read = (rule: Driver["settings"][string]): unknown => {
    if (rule.to === "tags") return tagsIn(attributes, rule.key);
    const text =
      rule.to === "class" ? parameters[rule.key] : rule.to === "attributes" ? attributes[rule.key] : undefined;
    if (text === undefined) return null;
    if (rule.to === "class") {
      const spelled = Object.entries(rule.values ?? {}).find(([, spelling]) => spelling === text);
      if (spelled) return spelled[0];
      if (rule.isList) return text.split(",");
    }
    if (rule.to === "attributes" && rule.times !== undefined) return Number(text) / rule.times;
    if (text === "true" || text === "false") return text === "true";
    return /^\d+$/.test(text) ? Number(text) : text;
  };
  const settings: Record<string, unknown> = {};
  for (const [setting, rule] of Object.entries(rules)) settings[setting] = read(rule);
  return settings;
}

// What nobody asked for: no limit, and the values that are the driver's own default.
function isNothing(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value == null || value === false || value === "none" || value === 0;
}

// `Name` is the volume's own unless the profile sets it: then no two claims would have a class in common. The driver names its volumes.
function tagsOf(tags: Parameters, { section }: AskedOfBase["asked"]): [key: string, value: string][] {
  const { tags: ofProfile } = section as { tags?: Parameters | null };
  return Object.entries(tags).filter(([key]) => key !== "Name" || ofProfile?.["Name"] !== undefined);
}

function tagsIn(attributes: Parameters, prefix: string): Parameters {
  const tags = Object.entries(attributes).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(tags.map(([, text]) => [text.replace(/=.*/s, ""), text.replace(/^[^=]*=/, "")]));
}

// Source: aws-ebs-csi-driver docs/tagging.md, pkg/driver/validation.go. Read 2026-11-29.
const RESERVED = /^(CSIVolumeName|CSIVolumeSnapshotName|KubernetesCluster)$|^(ebs\.csi\.aws\.com\/|kubernetes\.io)/;

function wrongTag(key: string, text: string, path: string): Problem[] {
  const wrong = (why: string, allowed: string, given: unknown) =>
    problem("value-invalid", path, given, { why, allowed, fix: `rename or remove the tag "${key}"` });
  if (RESERVED.test(key)) return [wrong(`tag "${key}" is reserved for the CSI driver`, "other keys", key)];
  if (key.includes("="))
    return [wrong(`tag "${key}" contains "="`, "keys without `=`, which ends the key in a class", key)];
  if (text.includes("{{"))
    return [
      wrong(`tag "${key}" contains "{{"`, "values without `{{`, which the CSI driver evaluates as a template", text),
    ];
  return [];
}
