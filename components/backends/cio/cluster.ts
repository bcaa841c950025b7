// A cluster as it is used here: volumes and nodes, read and changed over the REST API, and by the command where that lacks something.

import { z } from "zod";

import type { CioSettings } from "../../../src/backends/cio";
import { CLUSTER_ID, CREATION_OPTIONS, GIB_PER_CAPACITY, NO_BANDWIDTH } from "./assumed";
import { CioCommand } from "./command";
import { setCommand } from "../../named-connections";
import { keyOf, type Connection, type ConnectionKey } from "./connection";
import { CioError } from "./errors";
import { CioRest } from "./rest";

/** By these an unlimited volume reads, and a limit is taken away. Source: `cio volume info`. */
export const UNLIMITED = { min: 10, max: 10_000_000 };

const text = z.union([z.string(), z.number()]);
const flag = z.union([z.boolean(), z.string()]);

// What `cio volume info --json` has, and bandwidth. What a release leaves out isn't known.
const volumeShape = z.object({
  vdisk: text,
  uuid: z.string().min(1),
  name: z.string(),
  capacity: text,
  node: z.string().optional(),
  redundancy: text.optional(),
  driveType: z.string().optional(),
  localDriveOnly: flag.optional(),
  provisioning: z.string().optional(),
  minimumIOPS: text.optional(),
  maximumIOPS: text.optional(),
  minimumBandwidth: text.nullish(),
  maximumBandwidth: text.nullish(),
  directory: z.string().optional(),
  autoexpandEnabled: flag.optional(),
  autoexpandThreshold: text.optional(),
  autoexpandIncrement: text.optional(),
  autoexpandLimit: text.optional(),
  encryption: flag.optional(),
  snapshot: flag.optional(),
  snapInterval: text.optional(),
  maximumSnapshots: text.optional(),
  filesystem: z.string().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
});
type RawVolume = z.infer<typeof volumeShape>;

const nodeShape = z.object({ properties: z.object({ [CLUSTER_ID]: z.string().min(1).optional() }) });
const nodesShape = z.object({ nodes: z.record(z.string(), z.object({ status: z.string().optional() })) });

/** A volume as the cluster tells it. */
export interface ClusterVolume {
  name: string;
  uuid: string;
  vdisk: number;
  sizeGiB: number;
  /** What it tells of the settings; the rest can't be read. */
  settings: Partial<CioSettings>;
}

/** A change over REST: only what changes. */
export interface RestChange {
  sizeGiB?: number;
  node?: string;
  iopsMin?: number | null;
  iopsMax?: number;
  bandwidthMinMiBps?: number | null;
  bandwidthMaxMiBps?: number;
  labels?: Record<string, string>;
}

/** A change by the command: what the REST API lacks. */
export type CommandChange = Partial<
  Pick<
    CioSettings,
    | "directory"
    | "snapshots"
    | "autoExpand"
    | "autoExpandThresholdPercent"
    | "autoExpandIncrementPercent"
    | "autoExpandLimit"
  >
>;

/** A cluster. */
export class CioCluster {
  private readonly rest: CioRest;
  private readonly command: CioCommand | undefined;
  private knownNodes: Promise<string[]> | undefined;
  private knownId: Promise<string | undefined> | undefined;

  constructor(private readonly connection: Connection) {
    this.rest = new CioRest(connection);
    this.command = CioCommand.of(connection);
  }

  /** The path of a key of the connection to it, for messages. */
  key(key: ConnectionKey): string {
    return keyOf(this.connection, key);
  }

  /** Whether the command can be used. */
  get hasCommand(): boolean {
    return this.command !== undefined;
  }

  /** A volume by its name; nothing where there is none. */
  async volume(name: string): Promise<ClusterVolume | undefined> {
    const raw = await this.rest.find(`/volumes/${encodeURIComponent(name)}`, volumeShape, `reading volume ${name}`);
    // The same path takes the number of a vdisk: one that is called otherwise isn't the one that is meant.
    return raw?.name === name ? readVolume(raw) : undefined;
  }

  /** The names of the nodes, asked for once. */
  async nodes(): Promise<string[]> {
    this.knownNodes ??= this.rest.find("/nodes", nodesShape, "reading the nodes").then((found) => {
      if (!found)
        throw new CioError("answer-unreadable", `the API has no list of nodes. Check ${this.key("endpoint")}.`);
      return Object.keys(found.nodes).sort();
    });
    this.knownNodes.catch(() => (this.knownNodes = undefined));
    return this.knownNodes;
  }

  /** What tells the cluster from others, asked for once; nothing where the release doesn't tell. */
  async id(): Promise<string | undefined> {
    this.knownId ??= this.readId();
    this.knownId.catch(() => (this.knownId = undefined));
    return this.knownId;
  }

  private async readId(): Promise<string | undefined> {
    const [node] = await this.nodes();
    if (node === undefined) return undefined;
    const found = await this.rest.find(`/nodes/${encodeURIComponent(node)}`, nodeShape, `reading node ${node}`);
    return found?.properties[CLUSTER_ID];
  }

  /** Makes a volume: by the command where there is one, since its words are documented, else over REST. */
  async create(name: string, sizeGiB: number, settings: CioSettings): Promise<void> {
    const what = `creating volume ${name}`;
    if (this.command) {
      await this.command.carryOut(["volume", "create", name, ...creationFlags(sizeGiB, settings)], what);
      return;
    }
    const opts = creationOptions(sizeGiB, settings);
    await this.rest.carryOut("POST", "/volumes", { name, opts, labels: settings.labels }, what);
  }

  /** Changes what the REST API changes. */
  async change(name: string, change: RestChange): Promise<void> {
    const { sizeGiB, node, iopsMin, iopsMax, bandwidthMinMiBps, bandwidthMaxMiBps, labels = {} } = change;
    const opts = {
      ...(sizeGiB !== undefined && { capacity: capacityText(sizeGiB) }),
      ...(node !== undefined && { node }),
      ...(iopsMin !== undefined && { iopsmin: String(iopsMin ?? UNLIMITED.min) }),
      ...(iopsMax !== undefined && { iopsmax: String(iopsMax || UNLIMITED.max) }),
      ...(bandwidthMinMiBps != null && { bandwidthmin: String(bandwidthMinMiBps) }),
      ...(bandwidthMaxMiBps !== undefined && { bandwidthmax: String(bandwidthMaxMiBps) }),
    };
    const what = `${node === undefined ? "changing" : "moving"} volume ${name}`;
    await this.rest.carryOut("POST", `/volumes/${encodeURIComponent(name)}`, { name, opts, labels }, what);
  }

  /** Changes what only the command changes. */
  async changeByCommand(name: string, change: CommandChange): Promise<void> {
    const { directory, snapshots, autoExpand } = change;
    const flags = [
      ...(directory === undefined ? [] : ["--directory", directory]),
      ...(snapshots === undefined ? [] : ["--snapshot", yesNo(snapshots)]),
      ...(autoExpand === undefined ? [] : ["--autoexpand", yesNo(autoExpand)]),
      ...numberFlags({
        "--threshold": change.autoExpandThresholdPercent,
        "--increment": change.autoExpandIncrementPercent,
        "--limit": change.autoExpandLimit,
      }),
    ];
    const what = `changing volume ${name}`;
    if (!this.command) throw needsCommand(this, `${what}: ${Object.keys(change).join(", ")}`);
    await this.command.carryOut(["volume", "update", name, ...flags], what);
  }

  /** Removes a volume with its data. */
  async remove(name: string): Promise<void> {
    await this.rest.carryOut("DELETE", `/volumes/${encodeURIComponent(name)}`, undefined, `removing volume ${name}`);
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.rest.close();
  }
}

/** That something can only be done by the command, and none is configured. */
export function needsCommand(cluster: CioCluster, what: string): CioError {
  return new CioError(
    "not-configured",
    `${what} can't be set over the REST API. Give the path of the command: ${setCommand(cluster.key("cliPath"), "/usr/bin/cio")}`,
  );
}

const yesNo = (value: boolean) => (value ? "yes" : "no");
const capacityText = (sizeGiB: number) => String(sizeGiB / GIB_PER_CAPACITY);

function numberFlags(flags: Record<string, number | null | undefined>): string[] {
  return Object.entries(flags).flatMap(([flag, value]) => (value == null ? [] : [flag, String(value)]));
}

// Each value is an argument of its own; names, nodes and paths are checked never to begin as an option does.
function creationFlags(sizeGiB: number, settings: CioSettings): string[] {
  const { labels, compression } = settings;
  return [
    ...["--capacity", capacityText(sizeGiB), "--directory", settings.directory, "--filesystem", settings.filesystem],
    ...numberFlags({
      "--iopsmin": settings.iopsMin,
      "--iopsmax": settings.iopsMax || null,
      "--bandwidthmin": settings.bandwidthMinMiBps,
      "--bandwidthmax": settings.bandwidthMaxMiBps || null,
    }),
    ...["--level", String(settings.level), "--provision", settings.provision, "--type", settings.type],
    ...(settings.local ? ["--local"] : []),
    ...(settings.node === null ? [] : ["--node", settings.node]),
    ...(compression === "none" ? [] : ["--compression", "yes", "--algorithm", compression]),
    ...(settings.encryption ? ["--encryption", "yes"] : []),
    ...(settings.snapshots
      ? [
          ...["--snapshot", "yes", "--interval", String(settings.snapshotIntervalMinutes)],
          ...["--snapshotMax", String(settings.snapshotMax)],
        ]
      : []),
    ...(settings.autoExpand
      ? [
          ...["--autoexpand", "yes", "--threshold", String(settings.autoExpandThresholdPercent)],
          ...["--increment", String(settings.autoExpandIncrementPercent), "--limit", String(settings.autoExpandLimit)],
        ]
      : []),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
  ];
}

function creationOptions(sizeGiB: number, settings: CioSettings): Record<string, string> {
  const { compression, snapshots, autoExpand } = settings;
  const values: Record<keyof typeof CREATION_OPTIONS, string | number | null> = {
    capacity: capacityText(sizeGiB),
    directory: settings.directory,
    filesystem: settings.filesystem,
    iopsMin: settings.iopsMin,
    iopsMax: settings.iopsMax || null,
    bandwidthMin: settings.bandwidthMinMiBps,
    bandwidthMax: settings.bandwidthMaxMiBps || null,
    level: settings.level,
    node: settings.node,
    provision: settings.provision,
    type: settings.type,
    compression: compression === "none" ? null : "yes",
    algorithm: compression === "none" ? null : compression,
    encryption: settings.encryption ? "yes" : null,
    snapshot: snapshots ? "yes" : null,
    interval: snapshots ? settings.snapshotIntervalMinutes : null,
    snapshotMax: snapshots ? settings.snapshotMax : null,
    autoExpand: autoExpand ? "yes" : null,
    threshold: autoExpand ? settings.autoExpandThresholdPercent : null,
    increment: autoExpand ? settings.autoExpandIncrementPercent : null,
    limit: autoExpand ? settings.autoExpandLimit : null,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === null ? [] : [[CREATION_OPTIONS[key as keyof typeof CREATION_OPTIONS], String(value)]],
    ),
  );
}

function readVolume(raw: RawVolume): ClusterVolume {
  return {
    name: raw.name,
    uuid: raw.uuid,
    vdisk: numberOf(raw.vdisk) ?? 0,
    sizeGiB: (numberOf(raw.capacity) ?? 0) * GIB_PER_CAPACITY,
    settings: readSettings(raw),
  };
}

// What isn't told, or isn't understood, is left out: it is not known.
function readSettings(raw: RawVolume): Partial<CioSettings> {
  const [min, max, level] = [numberOf(raw.minimumIOPS), numberOf(raw.maximumIOPS), numberOf(raw.redundancy)];
  const [local, encryption, snapshots, autoExpand] = [
    onOff(raw.localDriveOnly),
    onOff(raw.encryption),
    onOff(raw.snapshot),
    onOff(raw.autoexpandEnabled),
  ];
  const [bandwidthMin, bandwidthMax] = [bandwidthOf(raw.minimumBandwidth), bandwidthOf(raw.maximumBandwidth)];
  const type = raw.driveType?.toLowerCase();
  const { provisioning, filesystem, directory, node } = raw;
  return {
    ...(min !== undefined && { iopsMin: min <= UNLIMITED.min ? null : min }),
    ...(max !== undefined && { iopsMax: max >= UNLIMITED.max || max <= 0 ? 0 : max }),
    ...(bandwidthMin !== undefined && { bandwidthMinMiBps: bandwidthMin || null }),
    ...(bandwidthMax !== undefined && { bandwidthMaxMiBps: bandwidthMax }),
    ...(level !== undefined && { level }),
    ...(local !== undefined && { local }),
    ...(node !== undefined && { node }),
    ...((provisioning === "thin" || provisioning === "thick") && { provision: provisioning }),
    ...((type === "ssd" || type === "hdd") && { type }),
    ...((filesystem === "btrfs" || filesystem === "ext4" || filesystem === "xfs") && { filesystem }),
    ...(directory !== undefined && { directory }),
    ...(raw.labels && { labels: raw.labels }),
    ...(encryption !== undefined && { encryption }),
    ...(snapshots !== undefined && { snapshots }),
    // What a service that is off has there isn't what a profile says of it.
    ...(snapshots === true &&
      defined({
        snapshotIntervalMinutes: numberOf(raw.snapInterval),
        snapshotMax: numberOf(raw.maximumSnapshots),
      })),
    ...(autoExpand !== undefined && { autoExpand }),
    ...(autoExpand === true &&
      defined({
        autoExpandThresholdPercent: numberOf(raw.autoexpandThreshold),
        autoExpandIncrementPercent: numberOf(raw.autoexpandIncrement),
        autoExpandLimit: numberOf(raw.autoexpandLimit),
      })),
  };
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

// "20GB", "2", 1000.
function numberOf(value: string | number | null | undefined): number | undefined {
  if (typeof value === "number") return value;
  const [, digits] = /^\s*(\d+(?:\.\d+)?)/.exec(value ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function bandwidthOf(value: string | number | null | undefined): number | undefined {
  if (value === undefined) return undefined;
  return value === null || value === "" ? NO_BANDWIDTH : numberOf(value);
}

function onOff(value: boolean | string | undefined): boolean | undefined {
  if (typeof value !== "string") return value;
  if (/^(yes|true|enabled|on)$/i.test(value)) return true;
  return /^(no|false|disabled|off)$/i.test(value) ? false : undefined;
}
