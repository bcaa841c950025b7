// A volume's entry in the stack's config against what Docker asks for and what the state has. Pure.

import {
  DEFAULT_PROFILE,
  nearest,
  parseSize,
  resolve,
  resolveListed,
  type Note,
  type Problem,
  type VolumeDefinition,
} from "..";
import { volumePath } from "../core/catalog";
import type { StackError } from "../stack/errors";
import type { RecordedVolume, StackConfigRead } from "../stack/types";
import type { Asked } from "./request";
import type { NodeVolume } from "../../components/host/contract";
import type { Seen } from "./stack-view";
import { problem, stackError } from "./problems";

/** The size of a volume where neither the request, nor its profile, nor the stack's config says one. */
export const DEFAULT_SIZE = "8GiB";

/** A volume's entry in the config; nothing where it has none. */
export function entryOf({ config }: StackConfigRead, name: string): VolumeDefinition | undefined {
  const volumes = config.volumes ?? {};
  return Object.hasOwn(volumes, name) ? volumes[name] : undefined;
}

/**
 * The entry of a volume that Docker asks for and the config doesn't have. It may be deleted without further ado: `docker volume rm`,
 * and `--rm` for what has no name, are how Docker's users say that they mean it.
 */
export function newEntry(asked: Asked, { config, catalog }: StackConfigRead): VolumeDefinition {
  const profile = asked.profile ?? DEFAULT_PROFILE;
  const ofProfile = Object.hasOwn(catalog.profiles, profile) ? catalog.profiles[profile]?.defaultSize : undefined;
  const size = asked.size ?? ofProfile ?? config.docker?.defaultSize ?? DEFAULT_SIZE;
  return { profile, size, deletionProtection: false };
}

/**
 * What keeps the stack from having a volume like this: what is wrong with the request first, else with the config as a whole. What Docker has
 * asked for is named by its option.
 */
export function problemsOf(read: StackConfigRead, { name, profile, size }: Asked, volume: VolumeDefinition): Problem[] {
  const { problems } = resolveListed(read.catalog, name, read.requestFor(name, volume));
  const at = (key: string) => `${volumePath(name)}.${key}`;
  const options: Record<string, string> = {
    ...(profile !== undefined && { [at("profile")]: "profile" }),
    ...(size !== undefined && { [at("size")]: "-o size", [at("sizeGiB")]: "-o size" }),
  };
  return problems.length > 0
    ? read.placed(problems).map((each) => ({ ...each, path: options[each.path] ?? each.path }))
    : read.problems;
}

/** What is worth knowing of a new volume: that its size is rounded up, say. */
export function notesOf(read: StackConfigRead, name: string, volume: VolumeDefinition): Note[] {
  return resolve(read.catalog, read.requestFor(name, volume)).notes;
}

/** That a volume has another profile than the one asked for. Who names no profile takes the volume as it is. */
export function differenceOf({ name, profile }: Asked, { config: read, made }: Seen): Problem | undefined {
  const entry = entryOf(read, name);
  const has = entry ? (entry.profile ?? DEFAULT_PROFILE) : made?.asked?.profile;
  if (profile === undefined || has === undefined || has === profile) return undefined;
  // A profile that there isn't is no way out: that is told first.
  const [wrong] = entry ? resolve(read.catalog, read.requestFor(name, { ...entry, profile })).problems : [];
  if (wrong) return wrong;
  const command = `npx storage-profiles apply ${name}@${profile}`;
  return problem("volume-differs", name, `${name}@${profile}`, {
    ...{ name, what: "profile", has, asked: `"${profile}"`, command },
  });
}

/** That a volume has another size than the one asked for. */
export function sizeDifferenceOf({ name, size }: Asked, { config: read, made }: Seen): Problem[] {
  const entry = entryOf(read, name);
  const has = made?.asked?.sizeGiB ?? (entry && parseSize(entry).sizeGiB);
  // As the backend makes it: 10 GiB are 16 GiB on ScaleIO.
  const like = {
    profile: made?.asked?.profile ?? entry?.profile,
    backend: made?.asked?.backend ?? entry?.backend,
    size,
  };
  const wanted = resolve(read.catalog, read.requestFor(name, like)).volume?.sizeGiB ?? parseSize({ size }).sizeGiB;
  if (size === undefined || has === undefined || has === wanted) return [];
  const way = `set its size in ${volumePath(name)}, and run \`pulumi up\``;
  const command = wanted !== undefined && wanted < has ? "declare a new volume: volumes can't shrink" : way;
  const params = { name, what: "size", has: `${has} GiB`, asked: size, command };
  return [problem("volume-differs", "-o size", size, params)];
}

/** Whether a volume can be mounted without an `up`. What only its settings have not got yet is no reason to wait: its status says it. */
export function isInOrder({ profile }: Asked, { made }: Pick<Seen, "made">): boolean {
  return made !== undefined && (profile === undefined || made.asked?.profile === profile);
}

export function absent(name: string, others: Iterable<string>): StackError {
  const volumes = [...others].sort();
  return stackError("volume-unknown", name, undefined, { volume: name, volumes, nearest: nearest(name, volumes) });
}

/** A volume as the backend's part for this machine wants it. */
export function nodeVolume({ name, asked, has, volumeId, mountPath }: RecordedVolume): NodeVolume {
  if (!asked || !has || volumeId === undefined) throw new Error(`${name} isn't created yet`);
  return { name, backend: asked.backend, volumeId, mountPath, sizeGiB: has.sizeGiB, settings: has.settings };
}
