// A claim: what the driver's backend makes of the profile, worded as classes and a claim, or every problem with the way out.

import { backends } from "../../core/backend";
import { nearest } from "../../core/nearest";
import { count, note, problem, type Note, type Problem } from "../../core/problems";
import { NAMESPACE } from "../../core/config-schema";
import { joinPath } from "../../core/validate";
import type { Answer, Asked } from "../contract";
import { attributesClassName, classContent, sorted, storageClassName, type ClassContent } from "./classes";
import { driverNames, driverOf, SIDECAR_PARAMETERS, type Driver, type DriverName } from "./drivers";
import { parametersOf, type Parameters } from "./parameters";
import { accessModes, SUBDOMAIN, type KubernetesSettings, type Placement, type Section } from "./settings";

type AskedClaim = Asked<Section, Placement, unknown>;

/** What `storage-profiles:kubernetes` is, for problems. */
const STACK = `${NAMESPACE}:kubernetes`;

/** Settings, problems and notes for one claim. */
export function resolveClaim(asked: AskedClaim): Answer<KubernetesSettings> {
  const { answer, settings } = resolveWithClass(asked);
  return settings ? { ...answer, settings } : answer;
}

/** The same, with what the StorageClass consists of. */
export function resolveWithClass(asked: AskedClaim): {
  answer: Answer<KubernetesSettings>;
  settings?: KubernetesSettings;
  content?: ClassContent;
} {
  const { placement, base, section, placementPath } = asked;
  const { driver: name, namespace = "default", volumeMode = "Filesystem", labels = {}, existingClass } = placement;
  if (name === undefined || !base) return { answer: { sizeGiB: asked.sizeGiB, problems: [noDriver()], notes: [] } };
  const driver = driverOf(name);
  const below = backends[base.backend].resolve(base.asked, base.prices);
  const modes = accessModes.filter((each) => (placement.accessModes ?? ["ReadWriteOnce"]).includes(each));
  const problems = [...wrongName(asked), ...wrongOptions(name, driver, placement), ...below.problems];
  const { sizeGiB } = below;
  const made = below.settings as Readonly<Record<string, unknown>> | undefined;
  const notes = below.notes.filter(({ code }) => !driver.dropsNotes?.includes(code));
  const { parameters, attributes, problems: wrong } = parametersOf(driver, made ?? {}, base);
  if (made) {
    problems.push(...wrong, ...wrongModes(driver, made, { modes, volumeMode }, base.asked, placementPath));
    const byDriver = iopsOfDriver(name, driver, attributes, sizeGiB, base.asked);
    problems.push(...byDriver.problems);
    notes.push(...byDriver.notes);
  }
  if (problems.length > 0) return { answer: { sizeGiB, problems, notes: [] } };
  if (existingClass !== undefined) {
    const what = `the parameters of StorageClass "${existingClass}"`;
    const because = "only the cluster has them";
    notes.push(note("not-checked", `${placementPath}.existingClass`, { what, because }));
  }
  const content = classContent(name, parameters, section, placement.classes);
  const settings: KubernetesSettings = {
    driver: name,
    namespace,
    accessModes: modes,
    volumeMode,
    storageClass: existingClass ?? storageClassName(content),
    existingClass: existingClass ?? null,
    parameters: existingClass === undefined ? content.parameters : {},
    volumeAttributesClass: Object.keys(attributes).length > 0 ? attributesClassName(name, attributes) : null,
    attributes: sorted(attributes),
    labels: sorted(labels),
  };
  return { answer: { settings, sizeGiB, problems, notes }, settings, content };
}

function noDriver(): Problem {
  const because = "what a claim can be depends on the CSI driver of the cluster";
  const params = { setting: "driver", because, example: `driver: ${driverNames[0]}` };
  return problem("setting-required", `${STACK}.driver`, undefined, params);
}

// The name of a claim is that of an object.
function wrongName({ name, sizePath }: AskedClaim): Problem[] {
  if (SUBDOMAIN.test(name)) return [];
  const why = `"${name}" can't be the name of a claim`;
  const allowed = "lower-case letters, digits, `-` and `.`, beginning and ending with a letter or a digit";
  const fix = "rename the volume, or set `physicalName`";
  return [problem("value-invalid", sizePath.replace(/size(GiB)?$/, "name"), name, { why, allowed, fix })];
}

// A parameter that a driver doesn't know it either ignores, or no volume is ever created.
function wrongOptions(name: DriverName, driver: Driver, { classes = {}, zones }: Placement): Problem[] {
  const ours = Object.values(driver.settings).flatMap((rule) => (rule.to === "class" ? [rule.key] : []));
  const known = [...driver.others, ...SIDECAR_PARAMETERS];
  const problems = Object.keys(classes.parameters ?? {}).flatMap((key): Problem[] => {
    const path = joinPath(`${STACK}.parameters`, [key]);
    if (known.includes(key)) return [];
    if (!ours.some((each) => each.toLowerCase() === key.toLowerCase()))
      return [
        problem("unknown-key", path, classes.parameters?.[key], { key, keys: known, nearest: nearest(key, known) }),
      ];
    const because = "profiles set it";
    return [problem("setting-not-applicable", path, undefined, { setting: key, because, ways: [`remove \`${key}\``] })];
  });
  if (zones === undefined || driver.zoneLabel !== undefined) return problems;
  const because = `${name} has no zones`;
  const params = { setting: "zones", because, ways: ["remove `zones`"] };
  return [...problems, problem("setting-not-applicable", `${STACK}.zones`, zones, params)];
}

// Several nodes at once: the claim asks for it, and the profile must allow it.
function wrongModes(
  { shared }: Driver,
  settings: Readonly<Record<string, unknown>>,
  { modes, volumeMode }: Pick<KubernetesSettings, "volumeMode"> & { modes: readonly string[] },
  { path, without }: Asked<unknown, unknown, unknown>,
  placementPath: string,
): Problem[] {
  if (!shared) return [];
  const { setting, types } = shared;
  const type = String(settings[shared.type]);
  const many = modes.filter((each) => each.endsWith("Many"));
  const isShared = settings[setting] === true;
  const refused = (at: string, what: string, given: unknown, because: string, ways: string[]) =>
    problem("setting-not-applicable", at, given, { setting: what, because, ways });
  if (isShared && !types.includes(type)) {
    const because = `the CSI driver supports it for ${types.join(" and ")} only, and the type is ${type}`;
    return [refused(`${path}.${setting}`, setting, true, because, [`use ${types.join(" or ")}`, without(setting)])];
  }
  const wanted = "set `volumeMode: Block` and `accessModes: [ReadWriteMany]` on the volume";
  if (isShared && !(many.includes("ReadWriteMany") && volumeMode === "Block")) {
    const because = "a claim is used by several nodes only as a block device with ReadWriteMany";
    return [refused(`${path}.${setting}`, setting, true, because, [wanted, without(setting)])];
  }
  if (isShared || many.length === 0) return [];
  const because = `${many.join(" and ")} requires a profile with \`${setting}: true\``;
  const ways = [`add \`${setting}: true\` to the profile`, "remove `accessModes`"];
  return [refused(`${placementPath}.accessModes`, "accessModes", modes, because, ways)];
}

// The driver's own rules, whatever limits a stack may have set: nothing that it would change without a word.
function iopsOfDriver(
  name: DriverName,
  { iops: rules }: Driver,
  { type = "", iops: text }: Parameters,
  sizeGiB: number,
  { path, profile }: Asked<unknown, unknown, unknown>,
): { problems: Problem[]; notes: Note[] } {
  const rule = rules && Object.hasOwn(rules, type) ? rules[type] : undefined;
  if (!rule || text === undefined) return { problems: [], notes: [] };
  const iops = Number(text);
  const most = Math.max(rule.min, rule.perGiB * sizeGiB);
  if (iops < rule.min || iops > most) {
    const wants = `"${profile}" sets ${count(iops)} IOPS`;
    const ways = [`use ${count(rule.min)} to ${count(most)} IOPS`, "use a bigger volume"];
    const params = { what: `${name} with ${type} at ${count(sizeGiB)} GiB`, wants, min: rule.min, max: most, ways };
    return { problems: [problem("iops-beyond-limit", `${path}.iops`, iops, params)], notes: [] };
  }
  if (iops <= rule.max) return { problems: [], notes: [] };
  const because = `the CSI driver caps at ${count(rule.max)} IOPS if it isn't permitted to read EC2's maximum`;
  return {
    problems: [],
    notes: [note("limit-unsure", `${path}.iops`, { what: `${type} with ${count(iops)} IOPS`, because })],
  };
}
