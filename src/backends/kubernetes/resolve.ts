// A claim: what the driver's backend makes of the profile, worded as classes and a claim, or every problem with the way out.

import { backends } from "../../core/backend";
import { count, note, problem, show, type Note, type Problem } from "../../core/problems";
import { NAMESPACE } from "../../core/config-schema";
import { joinPath, unknownKey } from "../../core/validate";
import { mergeTags, type Answer, type Asked } from "../contract";
import { attributesClassName, classContent, isDriverName, otherParameters, sorted, storageClassName } from "./classes";
import { driverNames, driverOf, SIDECAR_PARAMETERS, type Driver, type DriverName } from "./drivers";
import { parametersOf, type Parameters } from "./parameters";
import { accessModes, SUBDOMAIN, type KubernetesSettings, type Placement, type Section } from "./settings";

type AskedClaim = Asked<Section, Placement, unknown>;

/** What `storage-profiles:kubernetes` is, for problems. */
const STACK = `${NAMESPACE}:kubernetes`;

/** Settings, problems and notes for one claim. */
export function resolveClaim(asked: AskedClaim): Answer<KubernetesSettings> {
  return answerTo(asked, false);
}

/** What is changed of a request, to try a way out of a problem. */
interface Changed {
  /** Settings of the section for the driver's backend. */
  section?: Readonly<Record<string, unknown>>;
  placement?: Partial<Placement>;
  sizeGiB?: number;
}
/** Those ways out, each with what it changes, with which a problem is gone and no other comes. */
type WaysOut = (problem: Problem, candidates: readonly Candidate[]) => string[];
type Candidate = readonly [way: string, ...changes: Changed[]];

// `isQuiet`: only whether there are problems matters, and not the ways out of them, which are found by asking so.
function answerTo(asked: AskedClaim, isQuiet: boolean): Answer<KubernetesSettings> {
  const { placement, base, section } = asked;
  const { driver: name, namespace = "default", volumeMode = "Filesystem", labels, existingClass } = placement;
  if (name === undefined || !base) return { sizeGiB: asked.sizeGiB, problems: [noDriver()], notes: [] };
  const driver = driverOf(name);
  const accepts = isQuiet ? noWayOut : acceptedBy(asked);
  const below = backends[base.backend].resolve({ ...base.asked, accepts }, base.prices);
  const modes = modesOf(placement);
  const problems = [...wrongName(asked), ...wrongOptions(name, driver, placement), ...below.problems];
  const { sizeGiB } = below;
  const made = below.settings as Readonly<Record<string, unknown>> | undefined;
  const notes = below.notes.filter(({ code }) => !driver.dropsNotes?.includes(code));
  const ways: WaysOut = isQuiet ? () => [] : (found, candidates) => helpful(asked, found, candidates);
  const { parameters, attributes, problems: wrong } = parametersOf(driver, made ?? {}, base, ways);
  if (made) {
    problems.push(...wrong, ...wrongModes(driver, made, asked, ways), ...wrongBlocks(name, driver, asked));
    notes.push(...unchecked(driver, made, base.asked.path));
    const byDriver = iopsOfDriver(name, driver, attributes, sizeGiB, base.asked, ways);
    problems.push(...byDriver.problems);
    notes.push(...byDriver.notes);
  }
  if (problems.length > 0) return { sizeGiB, problems, notes: [] };
  if (existingClass !== undefined) {
    const what = `the parameters of StorageClass "${existingClass}"`;
    const because = "only the cluster has them";
    notes.push(note("not-checked", `${asked.placementPath}.existingClass`, { what, because }));
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
    labels: mergeTags(asked, "labels", { ofBackend: labels }).tags,
  };
  return { settings, sizeGiB, problems, notes };
}

function modesOf({ accessModes: asked = ["ReadWriteOnce"] }: Placement): KubernetesSettings["accessModes"] {
  return accessModes.filter((each) => asked.includes(each));
}

const keyOf = ({ code, path, message }: Problem) => `${code} ${path} ${message}`;

// For who reads no ways out: finding them takes most of the time.
const noWayOut = () => false;

// Whether the driver has nothing against what would be a way out on its backend alone.
function acceptedBy(asked: AskedClaim): (changed: { section: unknown; sizeGiB: number }) => boolean {
  const ofDriver = (changed: Changed): string[] => {
    const at = laidOver(asked, changed);
    const { base } = at;
    const of = base && backends[base.backend].resolve({ ...base.asked, accepts: noWayOut }, base.prices);
    const below = of?.problems.map(keyOf) ?? [];
    const all = answerTo(at, true).problems.map(keyOf);
    return all.filter((each) => !below.includes(each));
  };
  // Only where there is a problem does anybody ask.
  let before: string[] | undefined;
  return ({ section, sizeGiB }) => {
    const known = (before ??= ofDriver({}));
    return ofDriver({ section: section as Record<string, unknown>, sizeGiB }).every((each) => known.includes(each));
  };
}

function helpful(asked: AskedClaim, found: Problem, candidates: readonly Candidate[]): string[] {
  const problemsWith = (changed: Changed) => answerTo(laidOver(asked, changed), true).problems.map(keyOf);
  const before = problemsWith({});
  const helps = (changed: Changed) =>
    problemsWith(changed).every((each) => each !== keyOf(found) && before.includes(each));
  return candidates.filter(([, ...changes]) => changes.every(helps)).map(([way]) => way);
}

function laidOver(asked: AskedClaim, { section, placement, sizeGiB = asked.sizeGiB }: Changed): AskedClaim {
  const { base } = asked;
  const ofBase = base && { ...base.asked, sizeGiB, section: { ...(base.asked.section as object), ...section } };
  return {
    ...asked,
    sizeGiB,
    placement: { ...asked.placement, ...placement },
    ...(base && ofBase && { base: { ...base, asked: ofBase } }),
  };
}

function noDriver(): Problem {
  const because = "what a claim can be depends on the CSI driver of the cluster";
  const params = { setting: "driver", because, example: `driver: ${driverNames[0]}` };
  return problem("setting-required", `${STACK}.driver`, undefined, params);
}

// The name of a claim is that of an object. Of a volume that the config lists it is a key there, and the volume has no other name.
function wrongName({ name, sizePath }: AskedClaim): Problem[] {
  if (SUBDOMAIN.test(name)) return [];
  const why = `"${name}" can't be the name of a claim`;
  const allowed = "lower-case letters, digits, `-` and `.`, beginning and ending with a letter or a digit";
  const where = sizePath.replace(/size(GiB)?$/, "");
  const isListed = where.endsWith(".");
  const fix = isListed ? "rename the volume" : "rename the volume, or set `physicalName`";
  return [problem("value-invalid", isListed ? where.slice(0, -1) : `${where}name`, name, { why, allowed, fix })];
}

// A parameter that a driver doesn't know it either ignores, or no volume is ever created.
function wrongOptions(name: DriverName, driver: Driver, { classes = {}, zones, existingClass }: Placement): Problem[] {
  const { parameters = {} } = classes;
  const ours = Object.values(driver.settings).flatMap((rule) => (rule.to === "class" ? [rule.key] : []));
  ours.push(...Object.keys(driver.fixed ?? {}));
  const known = [...driver.others, ...SIDECAR_PARAMETERS];
  const wrong = (path: string, key: string, given: unknown): Problem[] => {
    if (known.includes(key)) return [];
    if (!ours.some((each) => each.toLowerCase() === key.toLowerCase())) return [unknownKey(path, given, key, known)];
    const because = Object.hasOwn(driver.fixed ?? {}, key) ? "each class of the driver's has it" : "profiles set it";
    return [problem("setting-not-applicable", path, undefined, { setting: key, because, ways: [`remove \`${key}\``] })];
  };
  const problems = Object.entries(parameters).flatMap(([key, given]): Problem[] => {
    const path = joinPath(`${STACK}.parameters`, [key]);
    // What is below another driver's name is judged when that is the cluster's.
    if (typeof given === "string") return wrong(path, key, given);
    if (!isDriverName(key)) return [unknownKey(path, given, key, driverNames)];
    if (key !== name) return [];
    return Object.entries(given).flatMap(([each, text]) => wrong(joinPath(path, [each]), each, text));
  });
  const has = otherParameters(name, parameters);
  for (const [key, because] of Object.entries(driver.required ?? {})) {
    if (has[key] !== undefined || existingClass !== undefined) continue;
    const params = { setting: key, because, example: `${key}: <its value>` };
    problems.push(problem("setting-required", `${STACK}.parameters.${key}`, undefined, params));
  }
  if (zones === undefined || driver.zoneLabel !== undefined) return problems;
  const because = `${name} has no zones`;
  const params = { setting: "zones", because, ways: ["remove `zones`"] };
  return [...problems, problem("setting-not-applicable", `${STACK}.zones`, zones, params)];
}

// A file system that several nodes write to is destroyed.
function wrongBlocks(name: DriverName, driver: Driver, { placement, placementPath }: AskedClaim): Problem[] {
  const { accessModes: modes, volumeMode = "Filesystem" } = placement;
  if (!driver.sharesBlocks || volumeMode === "Block" || !modes?.includes("ReadWriteMany")) return [];
  const because = `several nodes can write to a volume of ${name} only as a block device`;
  const ways = ["set `volumeMode: Block`", "remove `accessModes`"];
  const params = { setting: "accessModes", because, ways };
  return [problem("setting-not-applicable", `${placementPath}.accessModes`, modes, params)];
}

// What the storage has to be, and neither the driver nor the API server knows.
function unchecked({ settings: rules }: Driver, settings: Readonly<Record<string, unknown>>, path: string): Note[] {
  return Object.entries(rules).flatMap(([setting, rule]) =>
    rule.to === "unchecked" && settings[setting] != null
      ? [
          note("not-checked", `${path}.${setting}`, {
            what: `${setting} ${show(settings[setting])}`,
            because: rule.because,
          }),
        ]
      : [],
  );
}

// Several nodes at once: the claim asks for it, and the profile must allow it.
function wrongModes(
  { shared }: Driver,
  settings: Readonly<Record<string, unknown>>,
  { placement, base, placementPath }: AskedClaim,
  ways: WaysOut,
): Problem[] {
  if (!shared || !base) return [];
  const { setting, types } = shared;
  const { path, without } = base.asked;
  const type = String(settings[shared.type]);
  const modes = modesOf(placement);
  const many = modes.filter((each) => each.endsWith("Many"));
  const isShared = settings[setting] === true;
  const refused =
    (at: string, what: string, given: unknown, because: string) =>
    (ways: string[]): Problem =>
      problem("setting-not-applicable", at, given, { setting: what, because, ways });
  const helping = (found: (ways: string[]) => Problem, ...candidates: Candidate[]) => ways(found([]), candidates);
  const block: Changed = { placement: { volumeMode: "Block", accessModes: ["ReadWriteMany"] } };
  const onVolume = "`volumeMode: Block` and `accessModes: [ReadWriteMany]` on the volume";
  const alone: Candidate = [without(setting), { section: { [setting]: undefined } }];
  const problems: Problem[] = [];
  if (isShared && !types.includes(type)) {
    const because = `the CSI driver supports it for ${types.join(" and ")} only, and the type is ${type}`;
    const others = types.map((each): Candidate => [`use ${each}`, { section: { [shared.type]: each } }]);
    const found = refused(`${path}.${setting}`, setting, true, because);
    problems.push(found(helping(found, ...others, alone)));
  }
  if (isShared && !(many.includes("ReadWriteMany") && placement.volumeMode === "Block")) {
    const because = "a claim is used by several nodes only as a block device with ReadWriteMany";
    const found = refused(`${path}.${setting}`, setting, true, because);
    problems.push(found(helping(found, [`set ${onVolume}`, block], alone)));
  }
  if (isShared || many.length === 0) return problems;
  const because = `${many.join(" and ")} requires a profile with \`${setting}: true\``;
  const allowed = [{}, ...types.map((each) => ({ [shared.type]: each }))].flatMap((also): Candidate[] => {
    const section = { ...also, [setting]: true };
    const said = Object.entries(section).map(([key, value]) => `\`${key}: ${value}\``);
    const way = `set ${said.join(" and ")} in the profile`;
    return [
      [way, { section }],
      [`${way}, with ${onVolume}`, { section, ...block }],
    ];
  });
  const found = refused(`${placementPath}.accessModes`, "accessModes", placement.accessModes, because);
  // Of those, the one that changes least.
  const least = helping(found, ...allowed).slice(0, 1);
  const away = helping(found, ["remove `accessModes`", { placement: { accessModes: undefined } }]);
  return [...problems, found([...least, ...away])];
}

// The driver's own rules, whatever limits a stack may have set: nothing that it would change without a word.
function iopsOfDriver(
  name: DriverName,
  { iops: rules }: Driver,
  { type = "", iops: text }: Parameters,
  sizeGiB: number,
  { path, profile }: Asked<unknown, unknown, unknown>,
  ways: WaysOut,
): { problems: Problem[]; notes: Note[] } {
  const rule = rules && Object.hasOwn(rules, type) ? rules[type] : undefined;
  if (!rule || text === undefined) return { problems: [], notes: [] };
  const iops = Number(text);
  const most = Math.max(rule.min, rule.perGiB * sizeGiB);
  if (iops < rule.min || iops > most) {
    const wants = `"${profile}" sets ${count(iops)} IOPS`;
    const found = (ways: string[]) => {
      const params = { what: `${name} with ${type} at ${count(sizeGiB)} GiB`, wants, min: rule.min, max: most, ways };
      return problem("iops-beyond-limit", `${path}.iops`, iops, params);
    };
    const bigger = Math.ceil(iops / rule.perGiB);
    const helping = ways(found([]), [
      [`use ${count(rule.min)} to ${count(most)} IOPS`, { section: { iops: rule.min } }, { section: { iops: most } }],
      [`increase the size to at least ${count(bigger)} GiB`, { sizeGiB: bigger }],
    ]);
    return { problems: [found(helping.length > 0 ? helping : ["change the profile's iops or volumeType"])], notes: [] };
  }
  if (iops <= rule.max) return { problems: [], notes: [] };
  const because = `the CSI driver caps at ${count(rule.max)} IOPS if it isn't permitted to read EC2's maximum`;
  return {
    problems: [],
    notes: [note("limit-unsure", `${path}.iops`, { what: `${type} with ${count(iops)} IOPS`, because })],
  };
}
