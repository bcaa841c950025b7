// What a cloud tells of its volume types, quotas and volumes, judged: whether Cinder would take what is asked for. Pure: who asks
// Cinder, and when, is not decided here.

import { nearest } from "../../core/nearest";
import { count, type Note, type Problem } from "../../core/problems";
import type { MigrationPolicy } from "./settings";
import { sizesOf } from "./specs";
import { note, problem } from "./problems";

/** A volume type as the project sees it. What only administrators see is missing for others. */
export interface CinderType {
  name: string;
  extraSpecs: Readonly<Record<string, string>>;
  /** Whether its volumes are encrypted. Only administrators are told. */
  encrypted?: boolean | undefined;
  /** The QoS specs that the hypervisor reads, `null` for none. Only administrators are told. */
  frontEndQos?: string | null | undefined;
}

/** A quota; `limit` -1 is none. */
export interface CinderQuota {
  limit: number;
  inUse: number;
  reserved: number;
}

/** What one run asks Cinder for once. */
export interface CinderFacts {
  types: readonly CinderType[];
  /** The type of volumes for which no type is named, where Cinder tells it. */
  defaultType: string | undefined;
  /** The project's quotas by Cinder's names: `volumes`, `gigabytes`, `gigabytes_gold`, `per_volume_gigabytes`. */
  quotas: Readonly<Record<string, CinderQuota>>;
}

/** A volume as Cinder tells it. */
export interface CinderVolume {
  id: string;
  name: string;
  status: string;
  sizeGiB: number;
  volumeType: string | null;
  encrypted: boolean;
  multiattach: boolean;
  /** How many attachments it has. */
  attachments: number;
  /** Whether it is part of a group. */
  grouped: boolean;
  createdAt: Date;
  updatedAt: Date;
  metadata: Readonly<Record<string, string>>;
}

/** What one volume of a run takes of the quotas. */
export interface Demand {
  /** The volume's name in the program. */
  name: string;
  /** Its type; `null` for the cloud's default type. */
  volumeType: string | null;
  /** Its size afterwards, in GiB. */
  sizeGiB: number;
  /** How much more it takes of the project's quota, in GiB. */
  moreGiB: number;
  /** Whether the volume is new to the project. */
  isNew: boolean;
  /** Whether the volume is new to its type. */
  isNewToType: boolean;
}

/** Where a request says its type, size and zone, for problems. */
export interface Paths {
  volumeType: string;
  size: string;
}

/** Whether the type is there and makes the size. Problems: `place-unknown`, `size-beyond-limit`. */
export function typeProblems(
  { types, defaultType }: CinderFacts,
  { volumeType, sizeGiB }: Pick<Demand, "volumeType" | "sizeGiB">,
  paths: Paths,
): Problem[] {
  const name = volumeType ?? defaultType;
  if (name === undefined) return [];
  const known = types.map((each) => each.name).sort();
  const type = types.find((each) => each.name === name);
  if (!type) {
    if (volumeType === null) return [];
    const where = "that this project may use";
    const params = { what: "volume type", name, where, known, nearest: nearest(name, known) };
    return [problem("place-unknown", paths.volumeType, volumeType, params)];
  }
  const { min = 1, max = Infinity } = sizesOf(type.extraSpecs);
  if (sizeGiB >= min && sizeGiB <= max) return [];
  const most = Math.min(max, 2_147_483_647);
  const fitting = types.filter((each) => {
    const { min: least = 1, max: top = Infinity } = sizesOf(each.extraSpecs);
    return each !== type && sizeGiB >= least && sizeGiB <= top;
  });
  const ways = fitting.length > 0 ? [`use type ${fitting.map((each) => each.name).join(" or ")}`] : [];
  const params = { what: `a volume of type "${name}"`, sizeGiB, min, max: most, ways };
  return [problem("size-beyond-limit", paths.size, sizeGiB, params)];
}

/**
 * Whether the quotas have room for a volume beside all that the run asks for. Problem: `quota-exceeded`, for each quota that
 * this volume takes of.
 */
export function quotaProblems(
  { quotas, defaultType }: CinderFacts,
  demands: readonly Demand[],
  own: Demand,
  paths: Paths,
): Problem[] {
  const typeName = (demand: Demand) => demand.volumeType ?? defaultType;
  const type = typeName(own);
  const problems: Problem[] = [];
  const judge = (quota: string, unit: string, amount: (demand: Demand) => number) => {
    const found = quotas[quota];
    if (!found || found.limit < 0 || amount(own) <= 0) return;
    const asked = demands.reduce((sum, demand) => sum + amount(demand), 0);
    const used = found.inUse + found.reserved;
    if (used + asked <= found.limit) return;
    const others = demands.filter((demand) => demand !== own && amount(demand) > 0).map(({ name }) => name);
    const params = { quota, unit, limit: found.limit, used, asked, own: amount(own), others };
    problems.push(problem("quota-exceeded", paths.size, undefined, params));
  };
  judge("volumes", "volumes", ({ isNew }) => (isNew ? 1 : 0));
  judge("gigabytes", "GiB", ({ moreGiB }) => moreGiB);
  if (type !== undefined) {
    const ofType = (demand: Demand, amount: number) => (typeName(demand) === type ? amount : 0);
    judge(`volumes_${type}`, "volumes", (each) => ofType(each, each.isNewToType ? 1 : 0));
    judge(`gigabytes_${type}`, "GiB", (each) => ofType(each, each.isNewToType ? each.sizeGiB : each.moreGiB));
  }
  const each = quotas["per_volume_gigabytes"];
  if (each && each.limit >= 0 && own.moreGiB > 0 && own.sizeGiB > each.limit) {
    const params = { what: "a volume of this project (quota per_volume_gigabytes)", sizeGiB: own.sizeGiB };
    problems.push(problem("size-beyond-limit", paths.size, own.sizeGiB, { ...params, min: 1, max: each.limit }));
  }
  return problems;
}

/** Whether the zone is there. Problem: `place-unknown`. */
export function zoneProblems(zones: readonly string[], zone: string, path: string): Problem[] {
  if (zones.includes(zone)) return [];
  const known = [...zones].sort();
  const params = { what: "availability zone", name: zone, where: "for volumes", known };
  return [problem("place-unknown", path, zone, { ...params, nearest: nearest(zone, known) })];
}

/** A change of a volume's type. */
export interface Retype {
  volume: CinderVolume;
  /** The types as far as they are known. */
  from: CinderType | undefined;
  to: CinderType | undefined;
  /** The name of the new type. */
  volumeType: string;
  migrationPolicy: MigrationPolicy;
  /** How many snapshots the volume has, where that is known. */
  snapshots: number | undefined;
  path: string;
}

/**
 * Whether Cinder would refuse to retype a volume, or take the request and do nothing. What only administrators are told and
 * isn't known is not judged. Problem: `retype-not-possible`. Note: `retype-unsure`.
 *
 * Source: cinder/volume/api.py retype, cinder/volume/manager.py retype, cinder/db/api.py volume_qos_allows_retype, 29.0. Read
 * 2026-11-24.
 */
export function judgeRetype(retype: Retype): { problems: Problem[]; notes: Note[] } {
  const { volume, from, to, volumeType, migrationPolicy, snapshots, path } = retype;
  const problems: Problem[] = [];
  const refuse = (because: string, ways: string[]) =>
    problems.push(
      problem("retype-not-possible", path, volumeType, { from: volume.volumeType, to: volumeType, because, ways }),
    );
  const isInUse = volume.status === "in-use";
  const detach = "detach the volume first";
  if (!isInUse && volume.status !== "available" && volume.status !== "retyping") {
    refuse(`Cinder only retypes volumes that are available or in use; the status is "${volume.status}"`, [
      `check its status (openstack volume show ${volume.id}), and run \`pulumi up\` again when it is available`,
    ]);
  }
  if (volume.grouped) refuse("it is part of a volume group", ["remove it from the group"]);
  if (to) {
    const isMulti = isMultiattach(to);
    if (isInUse && isMulti !== volume.multiattach) {
      refuse(`multi-attach can't be switched ${isMulti ? "on" : "off"} while the volume is in use`, [detach]);
    }
    if (isMulti && to.encrypted === true) {
      refuse("a volume can't be both encrypted and multi-attach", ["use a type that is only one of the two"]);
    }
  }
  const differs = <T>(a: T | undefined, b: T | undefined) => a !== undefined && b !== undefined && a !== b;
  if (isInUse && differs(from?.frontEndQos, to?.frontEndQos)) {
    refuse("the types have different front-end QoS, which Cinder can't change while a volume is in use", [detach]);
  }
  const changesEncryption = differs(volume.encrypted, to?.encrypted);
  const backend = "volume_backend_name";
  const moves = changesEncryption || differs(from?.extraSpecs[backend], to?.extraSpecs[backend]);
  const why = changesEncryption
    ? `the data must be rewritten to ${to?.encrypted ? "encrypt" : "decrypt"} it`
    : `"${volumeType}" is on another backend (${to?.extraSpecs[backend] ?? ""})`;
  if (moves && migrationPolicy === "never") {
    refuse(`${why}, and migrationPolicy is "never"`, ["set `migrationPolicy: on-demand` in the profile"]);
  } else if (moves && isInUse && changesEncryption) {
    refuse(`${why}, which isn't possible while it is in use`, [detach]);
  } else if (moves && snapshots) {
    refuse(`${why}, which isn't possible while it has snapshots (${count(snapshots)})`, ["delete its snapshots first"]);
  }
  const notes =
    problems.length === 0 && !moves && migrationPolicy === "on-demand" && snapshots
      ? [
          note("retype-unsure", path, {
            because: `Cinder can't move the volume while it has snapshots (${count(snapshots)})`,
          }),
        ]
      : [];
  return { problems, notes };
}

/** Whether volumes of a type may be attached to several hosts. */
export function isMultiattach({ extraSpecs }: CinderType): boolean {
  return extraSpecs["multiattach"]?.trim().toLowerCase() === "<is> true";
}

/** What becomes of a volume that has our mark and that no state knows. */
export type LeftOver = { verdict: "adopt" } | { verdict: "delete" } | { verdict: "refuse"; because: string };

const HOURS = 3_600_000;
const YOUNG = 24 * HOURS;
/** A creation that failed ended in this time. What changed later was in use. */
const AT_ONCE = HOURS / 6;

/**
 * Of volumes with our mark that no state knows, some run that was interrupted made them, or its state was lost. One that may hold
 * data is never deleted, and taken up only if it is young, unattached and no bigger than what is asked for.
 */
export function judgeLeftOver(volume: CinderVolume, asked: { sizeGiB: number; now: Date }): LeftOver {
  const age = asked.now.getTime() - volume.createdAt.getTime();
  const refuse = (because: string): LeftOver => ({ verdict: "refuse", because });
  if (volume.attachments > 0 || volume.status === "in-use") return refuse("it is attached");
  if (age > YOUNG) return refuse("it is older than 24 hours");
  if (volume.status === "error") {
    const changed = volume.updatedAt.getTime() - volume.createdAt.getTime();
    return changed <= AT_ONCE ? { verdict: "delete" } : refuse(`its status is "error", and it may contain data`);
  }
  if (volume.status === "available") {
    return volume.sizeGiB <= asked.sizeGiB
      ? { verdict: "adopt" }
      : refuse(`its size is ${count(volume.sizeGiB)} GiB, more than the requested ${count(asked.sizeGiB)} GiB`);
  }
  const stuck = /^(creating|downloading)$/.test(volume.status)
    ? "; if that doesn't change, an administrator can reset it (cinder reset-state --state error)"
    : "";
  return refuse(`its status is "${volume.status}"${stuck}`);
}
