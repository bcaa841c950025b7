// A ContainerIO cluster in memory: nodes, volumes, snapshots, profiles, events. The REST API and the command are two views of it.

import { randomBytes } from "node:crypto";

/** What the cluster answers where it refuses: the text that the command prints. */
export class CioRefusal extends Error {
  constructor(
    message: string,
    /** Whether what was named isn't there. */
    readonly isMissing = false,
  ) {
    super(`Fail: ${message}`);
  }
}

export interface CioNode {
  name: string;
  id: string;
  ip: string;
  role: "sds" | "backup1" | "backup2" | "standard";
  status: "normal" | "maintenance" | "cordoned" | "leaving" | "failed";
}

export interface CioSnapshot {
  id: string;
  date: string;
  description: string;
  type: "Manual" | "Periodic";
  directory: string;
}

/** A volume as the cluster has it. */
export interface CioVolumeState {
  vdisk: number;
  uuid: string;
  node: string;
  name: string;
  capacity: number;
  level: number;
  type: "ssd" | "hdd";
  local: boolean;
  provision: "thin" | "thick";
  iopsMin: number;
  iopsMax: number;
  bandwidthMin: number;
  bandwidthMax: number;
  directory: string;
  filesystem: string;
  labels: Record<string, string>;
  compression: string;
  encryption: boolean;
  snapshot: boolean;
  snapInterval: number;
  snapshotMax: number;
  autoexpand: { enabled: boolean; threshold: number; increment: number; limit: number };
  /** Whether something on the node has it open. */
  open: boolean;
  snapshots: CioSnapshot[];
}

/** What is asked for, as a command or a request says it: text by the names of `cio volume create`. */
export type CioOptions = Partial<Record<string, string>>;

export interface CioEvent {
  time: string;
  category: string;
  module: string;
  content: string;
}

export type CioProfile = Record<string, unknown> & { name: string };

const ROLES = ["sds", "backup1", "backup2"] as const;
export const UNLIMITED = { min: 10, max: 10_000_000 };

/** The profiles that the product ships with, of which a few. */
const shipped = { GOLD: [1000, 2000], SILVER: [300, 1000], BRONZE: [100, 300] } as const;

export class CioModel {
  /** What tells this cluster from others: a new one for each that is started. */
  readonly domainId = randomBytes(4).toString("hex");
  readonly nodes: CioNode[];
  readonly volumes: CioVolumeState[] = [];
  readonly profiles = new Map<string, CioProfile>();
  readonly events: CioEvent[] = [];
  private lastVdisk = 0;

  constructor(
    /** The limits of this release hold: with 2015, a level of 5 is possible. */
    readonly version: 2015 | 1 | 2,
    nodeCount: number,
    private readonly capacityGB: number,
  ) {
    this.nodes = Array.from({ length: nodeCount }, (_, n) => ({
      name: `v${n + 1}`,
      id: randomBytes(4).toString("hex"),
      ip: `192.0.2.${n + 11}`,
      role: ROLES[n] ?? "standard",
      status: "normal",
    }));
    for (const [name, [min, max]] of Object.entries(shipped)) this.profiles.set(name, shippedProfile(name, min, max));
  }

  /** A volume by its name, `vd7`, the number of its vdisk, or its uuid. */
  find(key: string): CioVolumeState {
    const number = /^(?:vd)?(\d+)$/.exec(key)?.[1];
    const found = this.volumes.find(
      ({ name, vdisk, uuid }) => name === key || uuid === key || (number !== undefined && vdisk === Number(number)),
    );
    if (!found) throw new CioRefusal(`volume ${key} not found`, true);
    return found;
  }

  node(key: string): CioNode {
    const found = this.nodes.find(({ name, id }) => name === key || id === key);
    if (!found) throw new CioRefusal(`node ${key} not found`, true);
    return found;
  }

  get used(): number {
    return this.volumes.reduce((sum, { capacity, level }) => sum + capacity * level, 0);
  }

  /** The cluster's own profile comes first, then what is said beside it. */
  create(name: string, said: CioOptions, labels: Record<string, string>): CioVolumeState {
    const opts = { ...this.fromProfile(said["profile"]), ...defined(said) };
    const fail = (text: string) => new CioRefusal(`Add vd: ${text}`);
    if (name !== "" && this.volumes.some((each) => each.name === name))
      throw fail(`volume name ${name} already exists`);
    const capacity = gigabytes(opts["capacity"] ?? "20");
    const level = whole(opts["level"] ?? "2", fail("invalid level"));
    const levels = this.version === 2015 ? [2, 3, 4, 5] : [1, 2, 3];
    if (!levels.includes(level)) throw fail(`level ${level} is not one of ${levels.join(", ")}`);
    if (this.nodes.length < level + 1) throw fail(`level ${level} needs ${level + 1} nodes`);
    if (capacity < 1 || capacity > 65_536) throw fail("capacity must be from 1 to 65536");
    if (this.used + capacity * level > this.capacityGB)
      throw fail("Insufficient cluster capacity available to create this vdisk. Use smaller size");
    const [hasIops, hasBandwidth] = (["iops", "bandwidth"] as const).map(
      (key) => opts[`${key}min`] ?? opts[`${key}max`],
    );
    if (hasIops !== undefined && hasBandwidth !== undefined) throw fail("IOPS and bandwidth exclude each other");
    const type = oneOf(opts["type"]?.toLowerCase() ?? "ssd", ["ssd", "hdd"] as const, fail("invalid type"));
    const node = opts["nodeid"] ?? opts["node"];
    const volume: CioVolumeState = {
      vdisk: ++this.lastVdisk,
      uuid: randomBytes(4).toString("hex"),
      node:
        node === undefined || node === "auto"
          ? (this.nodes[this.lastVdisk % this.nodes.length]?.name ?? "")
          : this.node(node).name,
      name,
      capacity,
      level,
      type,
      local: isYes(opts["local"]),
      provision: oneOf(opts["provision"] ?? "thin", ["thin", "thick"] as const, fail("invalid provision")),
      iopsMin: UNLIMITED.min,
      iopsMax: UNLIMITED.max,
      bandwidthMin: 0,
      bandwidthMax: 0,
      directory: opts["directory"] ?? "/cio/volumes",
      filesystem: oneOf(opts["filesystem"] ?? "btrfs", ["btrfs", "ext4", "xfs"], fail("invalid filesystem")),
      labels: { ...labels },
      compression: isYes(opts["compression"]) ? (opts["algorithm"] ?? "lzo") : "no",
      encryption: isYes(opts["encryption"]),
      snapshot: isYes(opts["snapshot"]),
      snapInterval: whole(opts["interval"] ?? "0", fail("invalid interval")),
      snapshotMax: whole(opts["snapshotMax"] ?? "0", fail("invalid snapshotMax")),
      autoexpand: { enabled: false, threshold: 80, increment: 25, limit: 3 },
      open: false,
      snapshots: [],
    };
    this.limit(volume, opts, fail);
    this.expansion(volume, opts, fail);
    this.volumes.push(volume);
    this.tell(`volume ${name} (vd${volume.vdisk}) created on node ${volume.node}`);
    return volume;
  }

  /** Changes what is said and nothing else; returns the lines that the command prints. */
  update(volume: CioVolumeState, said: CioOptions, labels: Record<string, string>): string[] {
    const vd = `vd${volume.vdisk}`;
    const fail = (text: string) => new CioRefusal(`Update ${vd}: ${text}`);
    const changed = { ...volume, autoexpand: { ...volume.autoexpand }, labels: { ...volume.labels, ...labels } };
    const lines: string[] = [];
    const grow = said["grow"] === undefined ? undefined : volume.capacity + gigabytes(said["grow"]);
    const capacity = grow ?? (said["capacity"] === undefined ? undefined : gigabytes(said["capacity"]));
    if (capacity !== undefined && capacity !== volume.capacity) {
      if (capacity < volume.capacity) throw fail("capacity can only be increased");
      if (this.used + (capacity - volume.capacity) * volume.level > this.capacityGB)
        throw fail("Insufficient cluster capacity available to expand this vdisk. Use smaller size");
      changed.capacity = capacity;
      lines.push(`Succeed: Update ${vd} capacity: increased to ${capacity}GB`);
      this.tell(`volume ${volume.name} (${vd}) expanded on node ${volume.node}`);
    }
    this.limit(changed, said, fail);
    if (said["iopsmin"] !== undefined || said["iopsmax"] !== undefined)
      lines.push(`Succeed: Update ${vd} iops: iops_min:${changed.iopsMin} iops_max:${changed.iopsMax}`);
    if (said["bandwidthmin"] !== undefined || said["bandwidthmax"] !== undefined)
      lines.push(
        `Succeed: Update ${vd} bandwidth: bandwidth_min:${changed.bandwidthMin} bandwidth_max:${changed.bandwidthMax}`,
      );
    if (said["directory"] !== undefined) {
      changed.directory = said["directory"];
      lines.push(`Succeed: Update ${vd} directory: ${changed.directory}`);
    }
    if (said["snapshot"] !== undefined) {
      changed.snapshot = isYes(said["snapshot"]);
      lines.push(`Succeed: Update ${vd} snapshot: ${changed.snapshot ? "enabled" : "disabled"}`);
    }
    if (["autoexpand", "threshold", "increment", "limit"].some((key) => said[key] !== undefined)) {
      this.expansion(changed, said, fail);
      lines.push(`Succeed: Update ${vd} autoexpand`);
    }
    if (Object.keys(labels).length > 0) lines.push(`Succeed: Update ${vd} labels`);
    Object.assign(volume, changed);
    const node = said["nodeid"] ?? said["node"];
    if (node !== undefined && node !== "") lines.push(...this.move(volume, node));
    return lines.length > 0 ? lines : [`Succeed: Update ${vd}`];
  }

  move(volume: CioVolumeState, to: string): string[] {
    const [from, node] = [this.node(volume.node), this.node(to)];
    if (from === node) return [];
    if (volume.open) throw new CioRefusal(`Move vd${volume.vdisk}: vdisk is opened`);
    volume.node = node.name;
    return [`Succeed: Move vd${volume.vdisk} from ${from.id} to ${node.id}`];
  }

  remove(volume: CioVolumeState): string {
    if (volume.open) throw new CioRefusal(`Remove vd${volume.vdisk}: vdisk is opened`);
    this.volumes.splice(this.volumes.indexOf(volume), 1);
    this.tell(`volume ${volume.name} (vd${volume.vdisk}) removed on node ${volume.node}`);
    return `Succeed: Remove vd${volume.vdisk}`;
  }

  takeSnapshot(volume: CioVolumeState, description: string): CioSnapshot {
    const now = new Date();
    const day = now.toISOString().slice(0, 10);
    const time = now.toISOString().slice(11, 16).replace(":", "");
    const base = `${day}-${time}-${this.node(volume.node).id}`;
    // One volume may have several of one minute.
    let number = volume.vdisk;
    while (this.snapshot(`${base}-${pad(number)}`)) number += 1_000;
    const id = `${base}-${pad(number)}`;
    const directory = `${volume.directory}/vd${volume.vdisk}/.snap/${id}`;
    const snapshot: CioSnapshot = { id, date: now.toUTCString(), description, type: "Manual", directory };
    volume.snapshots.push(snapshot);
    return snapshot;
  }

  snapshot(id: string): { volume: CioVolumeState; snapshot: CioSnapshot } | undefined {
    for (const volume of this.volumes) {
      const snapshot = volume.snapshots.find((each) => each.id === id);
      if (snapshot) return { volume, snapshot };
    }
    return undefined;
  }

  private limit(volume: CioVolumeState, said: CioOptions, fail: (text: string) => CioRefusal): void {
    const take = (key: string, atLeast: number, atMost: number, byDefault: number) => {
      const text = said[key];
      if (text === undefined || text === "") return byDefault;
      const value = whole(text, fail(`invalid ${key}`));
      if (value < atLeast || value > atMost) throw fail(`${key} must be from ${atLeast} to ${atMost}`);
      return value;
    };
    volume.iopsMin = take("iopsmin", UNLIMITED.min, 1_000_000, volume.iopsMin);
    volume.iopsMax = take("iopsmax", 30, UNLIMITED.max, volume.iopsMax);
    volume.bandwidthMin = take("bandwidthmin", 1, 1_000_000, volume.bandwidthMin);
    volume.bandwidthMax = take("bandwidthmax", 1, 1_000_000, volume.bandwidthMax);
    if (volume.iopsMin > volume.iopsMax) throw fail("iopsmin is above iopsmax");
    if (volume.iopsMin !== UNLIMITED.min && volume.type === "hdd") throw fail("minimum IOPS needs SSDs");
  }

  private expansion(volume: CioVolumeState, said: CioOptions, fail: (text: string) => CioRefusal): void {
    const { autoexpand } = volume;
    if (said["autoexpand"] !== undefined) autoexpand.enabled = isYes(said["autoexpand"]);
    for (const key of ["threshold", "increment", "limit"] as const) {
      const text = said[key];
      if (text !== undefined) autoexpand[key] = whole(text, fail(`invalid ${key}`));
    }
  }

  private fromProfile(name: string | undefined): CioOptions {
    if (name === undefined || name === "") return {};
    const profile = this.profiles.get(name);
    if (!profile) throw new CioRefusal(`profile ${name} not found`, true);
    const {
      iops = {},
      bandwidth = {},
      filesystem,
    } = profile as { iops?: Bounds; bandwidth?: Bounds; filesystem?: { type?: string } };
    const { capacity, directory, level, local, provision, type } = profile as Record<
      string,
      string | number | undefined
    >;
    const text = (value: string | number | undefined) => (value === undefined ? undefined : String(value));
    return defined({
      ...{ capacity: text(capacity), directory: text(directory), level: text(level), local: text(local) },
      ...{ provision: text(provision), type: text(type), filesystem: filesystem?.type },
      ...{ iopsmin: text(iops.min), iopsmax: text(iops.max) },
      ...{ bandwidthmin: text(bandwidth.min), bandwidthmax: text(bandwidth.max) },
    });
  }

  private tell(content: string): void {
    this.events.unshift({ time: new Date().toISOString(), category: "info", module: "DFS", content });
  }
}

interface Bounds {
  min?: number | string;
  max?: number | string;
}

function shippedProfile(name: string, min: number, max: number): CioProfile {
  return {
    name,
    ...{
      capacity: 20,
      directory: "/cio/volumes",
      iops: { min, max },
      level: 2,
      local: "no",
      provision: "thin",
      type: "ssd",
    },
    filesystem: { type: "btrfs" },
    service: {
      autoexpand: { enabled: "no", threshold: 80, increment: 25, limit: 3 },
      compression: { enabled: "no", algorithm: "lzo" },
      dedupe: "no",
      encryption: { enabled: "no" },
      replication: { enabled: "no", destination: "none", interval: 120, type: "synchronous" },
      snapshot: { enabled: "no", interval: 60, max: 10 },
    },
  };
}

function defined(options: CioOptions): CioOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== ""));
}

const pad = (vdisk: number) => String(vdisk).padStart(4, "0");
const isYes = (text: string | undefined) => text !== undefined && /^(yes|true|on|enabled|1)$/i.test(text);

function whole(text: string, refusal: CioRefusal): number {
  if (!/^\d+$/.test(text)) throw refusal;
  return Number(text);
}

// "25", "25GB".
function gigabytes(text: string): number {
  const digits = /^(\d+)(GB)?$/.exec(text)?.[1];
  if (digits === undefined) throw new CioRefusal(`invalid capacity ${text}`);
  return Number(digits);
}

function oneOf<T extends string>(text: string, values: readonly T[], refusal: CioRefusal): T {
  const found = values.find((each) => each === text);
  if (found === undefined) throw refusal;
  return found;
}
