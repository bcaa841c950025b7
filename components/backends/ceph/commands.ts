// A cluster by its commands, `rbd` and `ceph`. Their arguments are an array and never a shell's text, and their exit status is the number of
// an error of the system.

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { connectionsVariable } from "../../named-connections";
import { parseJson } from "../../transport";
import { once, oncePer } from "../../once";
import {
  ENCRYPTION,
  headerBytesFor,
  isReservedKey,
  limitOptions,
  limitSettings,
  MARK,
  readEncryption,
  readMark,
  unitsOf,
  type CephCluster,
  type Image,
  type ImageStatus,
  type LimitSetting,
  type MirrorSchedule,
  type Pool,
} from "./cluster";
import { CONNECTION_NAMESPACE, keyOf, secretKeys, variableOf, type Connection } from "./connection";
import { CephError, type CephErrorCode } from "./errors";

/** How many commands run at a time. Each has dozens of threads. */
const AT_A_TIME = 8;

const imageShape = z.object({
  name: z.string(),
  id: z.string().min(1),
  size: z.number(),
  object_size: z.number().positive(),
  // Of an image that isn't striped in another way, neither is printed.
  stripe_count: z.number().positive().optional(),
  snapshot_count: z.number(),
  snapshot_limit: z.number().optional(),
  features: z.array(z.string()),
  // `disabled`: of an image with a journal that isn't mirrored.
  mirroring: z.object({ mode: z.string(), state: z.string(), primary: z.boolean().optional() }).optional(),
});
const snapshotsShape = z.array(z.object({ name: z.string() }));
const schedulesShape = z.array(z.object({ interval: z.string(), start_time: z.string() }));
const mirrorPoolShape = z.object({
  mode: z.enum(["disabled", "image", "pool"]),
  peers: z.array(z.object({ direction: z.string() })).optional(),
});
// Of an image without metadata, nothing is printed.
const metadataShape = z.record(z.string(), z.string()).nullable();
const optionsShape = z.array(z.object({ name: z.string(), value: z.string() }));
const writtenShape = z.array(z.object({ offset: z.number(), length: z.number(), exists: z.string() }));
const statusShape = z.object({
  watchers: z.array(z.object({ address: z.string(), client: z.number() })),
  migration: z.object({ state: z.string() }).optional(),
});
const poolsShape = z.array(
  z.object({
    pool_name: z.string(),
    type: z.number(),
    size: z.number(),
    crush_rule: z.number(),
    quota_max_bytes: z.number(),
    flags_names: z.string(),
    application_metadata: z.record(z.string(), z.unknown()),
  }),
);
export const rulesShape = z.array(
  z.object({
    rule_id: z.number(),
    steps: z.array(z.object({ op: z.string(), item_name: z.string().optional(), type: z.string().optional() })),
  }),
);
export const treeShape = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      name: z.string(),
      type: z.string(),
      children: z.array(z.number()).optional(),
      device_class: z.string().optional(),
      status: z.string().optional(),
      reweight: z.number().optional(),
    }),
  ),
});
const usageShape = z.object({
  pools: z.array(z.object({ name: z.string(), stats: z.object({ stored: z.number() }) })),
});

type Tree = z.infer<typeof treeShape>["nodes"];

/** A cluster by its commands. */
export function commandCluster(connection: Connection): CephCluster {
  const run = runner(connection);
  const rbd = (args: readonly string[], what: string, takes: "short" | "long" = "short") =>
    run("rbd", args, what, takes === "short");
  const json = jsonOf(run);
  const scheduleArgs = (verb: string, pool: string, name: string, ...more: string[]) => [
    ...["mirror", "snapshot", "schedule", verb, "--pool", pool, "--image", name],
    ...more,
  ];
  const schedulesOf = async (pool: string, name: string): Promise<MirrorSchedule[]> => {
    const what = `reading the mirror schedule of image ${pool}/${name}`;
    try {
      const found = await json("rbd", scheduleArgs("ls", pool, name), schedulesShape, what);
      // A time of day without a time zone is one in UTC.
      return found.map(({ interval: every, start_time: start }) => ({
        every,
        start: start === "" ? null : start.replace(/^(\d\d:\d\d):00$/, "$1"),
      }));
    } catch (error) {
      // Of an image that has none, the command prints nothing and fails with 2.
      if (error instanceof CephError && error.status === 2) return [];
      throw error;
    }
  };

  return {
    configKey: keyOf(connection, "configFile"),
    // rbd's watches time out after 30 s (osd_client_watch_timeout).
    forgetsAfterMs: 40_000,
    fsid: once(async () => (await run("ceph", ["fsid"], "reading the cluster's id", true)).trim()),

    pools: once(async () => {
      const what = "reading the pools";
      const [pools, rules, { nodes }, usage] = await Promise.all([
        json("ceph", ["osd", "pool", "ls", "detail"], poolsShape, what),
        json("ceph", ["osd", "crush", "rule", "dump"], rulesShape, what),
        json("ceph", ["osd", "tree"], treeShape, what),
        json("ceph", ["df"], usageShape, what),
      ]);
      return pools.map((pool): Pool => {
        const steps = rules.find(({ rule_id }) => rule_id === pool.crush_rule)?.steps ?? [];
        return {
          name: pool.pool_name,
          isForImages: "rbd" in pool.application_metadata,
          isReplicated: pool.type === 1,
          copies: pool.size,
          ...placesOf(nodes, steps),
          quotaBytes: pool.quota_max_bytes,
          full: fullBy(pool.flags_names.split(",")),
          storedBytes: usage.pools.find(({ name }) => name === pool.pool_name)?.stats.stored ?? 0,
        };
      });
    }),

    names: oncePer((pool) => json("rbd", ["ls", pool], z.array(z.string()), `listing pool ${pool}`)),

    async image(pool, name) {
      const spec = `${pool}/${name}`;
      const what = `reading image ${spec}`;
      let info: z.infer<typeof imageShape>;
      try {
        info = await json("rbd", ["info", spec], imageShape, what);
      } catch (error) {
        if (error instanceof CephError && error.code === "gone") return undefined;
        throw error;
      }
      const { mirroring: mirror, snapshot_count: snapshots } = info;
      const isMirrored = mirror?.state === "enabled";
      const [all, options, schedules, users] = await Promise.all([
        json("rbd", ["image-meta", "list", spec], metadataShape, what),
        json("rbd", ["config", "image", "list", spec], optionsShape, what),
        isMirrored && mirror.mode === "snapshot" ? schedulesOf(pool, name) : [],
        // The count has those that mirroring takes, too; the list hasn't.
        isMirrored && snapshots > 0 ? json("rbd", ["snap", "ls", spec], snapshotsShape, what) : undefined,
      ]);
      const {
        encryption,
        headerBytes = encryption === null ? 0 : headerBytesFor(info.object_size * (info.stripe_count ?? 1)),
      } = readEncryption(all?.[ENCRYPTION]);
      const limit = (setting: LimitSetting) => {
        const value = options.find(({ name: option }) => option === limitOptions[setting])?.value;
        return Number(value ?? 0) / unitsOf(setting);
      };
      return {
        pool,
        name,
        imageId: info.id,
        sizeGiB: (info.size - headerBytes) / 1024 ** 3,
        encryption,
        headerBytes,
        features: info.features,
        snapshots: users?.length ?? snapshots,
        mirroring: isMirrored
          ? {
              mode: mirror.mode === "journal" ? "journal" : "snapshot",
              isPrimary: mirror.primary === true,
              schedules,
            }
          : null,
        snapshotLimit: info.snapshot_limit ?? 0,
        limits: Object.fromEntries(limitSettings.map((each) => [each, limit(each)])) as Image["limits"],
        metadata: Object.fromEntries(Object.entries(all ?? {}).filter(([key]) => !isReservedKey(key))),
        ...readMark(all?.[MARK]),
        isMoving: info.features.includes("migrating"),
      };
    },

    async status(pool, name): Promise<ImageStatus> {
      const what = `reading the status of image ${pool}/${name}`;
      const { watchers, migration } = await json("rbd", ["status", `${pool}/${name}`], statusShape, what);
      const clients = new Set(watchers.map(({ client, address }) => `client.${client} at ${address}`));
      return { clients: [...clients], moveState: migration?.state };
    },

    poolMirroring: oncePer(async (pool) => {
      const what = `reading the mirroring of pool ${pool}`;
      const { mode, peers = [] } = await json("rbd", ["mirror", "pool", "info", pool], mirrorPoolShape, what);
      // A peer that only sends gets no copies from this cluster.
      return { mode, hasPeer: peers.some(({ direction }) => direction.includes("tx")) };
    }),

    checkPassphrase: () => void connection.passphrase(),
    async create(pool, name, size, features) {
      const flags = (features ?? []).flatMap((each) => ["--image-feature", each]);
      await rbd(["create", `${pool}/${name}`, "--size", sizeText(size), ...flags], `creating image ${pool}/${name}`);
    },
    async grow(pool, name, size) {
      await rbd(
        ["resize", `${pool}/${name}`, "--size", sizeText(size), "--no-progress"],
        `growing image ${pool}/${name}`,
      );
    },
    async writtenBytes(pool, name) {
      const what = `reading what has been written to image ${pool}/${name}`;
      const extents = await json("rbd", ["diff", `${pool}/${name}`], writtenShape, what);
      return extents.reduce(
        (end, { offset, length, exists }) => (exists === "true" ? Math.max(end, offset + length) : end),
        0,
      );
    },
    async headerBytes(pool, name) {
      const args = ["export", "--no-progress", `${pool}/${name}`, "-"];
      return luks2HeaderBytes(
        await run("rbd", args, `reading the header of image ${pool}/${name}`, true, { first: LUKS2_BYTES }),
      );
    },
    async format(pool, name) {
      const args = ["encryption", "format", `${pool}/${name}`, "luks2", "/dev/stdin"];
      const input = connection.passphrase();
      await run("rbd", args, `encrypting image ${pool}/${name}`, false, { input });
    },
    async setLimit(pool, name, setting, value) {
      const args = [limitOptions[setting], String(value * unitsOf(setting))];
      await rbd(["config", "image", "set", `${pool}/${name}`, ...args], `setting ${setting} of image ${pool}/${name}`);
    },
    async setSnapshotLimit(pool, name, limit) {
      const args = limit > 0 ? ["set", `${pool}/${name}`, "--limit", String(limit)] : ["clear", `${pool}/${name}`];
      await rbd(["snap", "limit", ...args], `setting the snapshot limit of image ${pool}/${name}`);
    },
    async setMirroring(pool, name, mode) {
      const args = mode === null ? ["disable", `${pool}/${name}`] : ["enable", `${pool}/${name}`, mode];
      await rbd(["mirror", "image", ...args], `switching mirroring ${mode ?? "off"} for image ${pool}/${name}`);
    },
    async setMirrorSchedule(pool, name, schedule) {
      const what = `setting the mirror schedule of image ${pool}/${name}`;
      // All that it has: one alone is removed only by its exact time. Where there has never been any, the command fails.
      if ((await schedulesOf(pool, name)).length > 0) await rbd(scheduleArgs("remove", pool, name), what);
      if (!schedule) return;
      const { every, start } = schedule;
      await rbd(scheduleArgs("add", pool, name, every, ...(start === null ? [] : [start])), what);
    },
    async switchFeatures(pool, name, features, on) {
      const what = `switching ${features.join(", ")} ${on ? "on" : "off"} for image ${pool}/${name}`;
      await rbd(["feature", on ? "enable" : "disable", `${pool}/${name}`, ...features], what);
    },
    async setMetadata(pool, name, key, value) {
      const what = `setting metadata ${key} of image ${pool}/${name}`;
      // A value may begin as an option does.
      const args =
        value === undefined ? ["remove", `${pool}/${name}`, key] : ["set", `${pool}/${name}`, key, "--", value];
      await rbd(["image-meta", ...args], what);
    },
    async prepareMove(pool, name, to) {
      const what = `preparing the move of image ${pool}/${name} to pool ${to}`;
      await rbd(["migration", "prepare", `${pool}/${name}`, `${to}/${name}`], what, "long");
    },
    async executeMove(pool, name) {
      const what = `moving the data of image ${pool}/${name}`;
      await rbd(["migration", "execute", `${pool}/${name}`, "--no-progress"], what, "long");
    },
    async commitMove(pool, name) {
      const what = `committing the move of image ${pool}/${name}`;
      await rbd(["migration", "commit", `${pool}/${name}`, "--no-progress"], what, "long");
    },
    async abortMove(pool, name) {
      const what = `taking back the move of image ${pool}/${name}`;
      await rbd(["migration", "abort", `${pool}/${name}`, "--no-progress"], what, "long");
    },
    async remove(pool, name) {
      await rbd(["rm", `${pool}/${name}`, "--no-progress"], `removing image ${pool}/${name}`, "long");
    },
  };
}

/** Runs a command that prints JSON, and checks that it is of a shape. */
export const jsonOf =
  (run: Run) =>
  async <T>(command: "rbd" | "ceph", args: readonly string[], shape: z.ZodType<T>, what: string): Promise<T> => {
    const text = await run(command, [...args, "--format", "json"], what, true);
    const parsed = shape.safeParse(text.trim() === "" ? null : parseJson(text));
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues
      .map(({ path, code }) => `${path.join(".") || "the output"} (${code})`)
      .join(", ");
    throw new CephError(
      "answer-unreadable",
      `${what}: the output of \`${command}\` isn't what is known of it: ${issues}`,
    );
  };

// Source: ceph/ceph src/osd/osd_types.h, pg_pool_t FLAG_FULL and FLAG_FULL_QUOTA. A pool over its quota has both.
export function fullBy(flags: readonly string[]): Pool["full"] {
  if (flags.includes("full_quota")) return "quota";
  return flags.includes("full") ? "devices" : undefined;
}

/** Where a rule puts copies: on which devices, and how many places have one of those that is up and in. */
export function placesOf(
  tree: Tree,
  steps: z.infer<typeof rulesShape>[number]["steps"],
): Pick<Pool, "deviceClass" | "places" | "placeType"> {
  const [root = "", deviceClass] = (steps.find(({ op }) => op === "take")?.item_name ?? "").split("~");
  const placeType = steps.find(({ op }) => op.startsWith("choose"))?.type ?? "osd";
  return { deviceClass: deviceClass ?? null, places: placesBelow(tree, root, deviceClass, placeType), placeType };
}

/** How many places below a root have an OSD of the class that is up and in. */
export function placesBelow(tree: Tree, root: string, deviceClass: string | undefined, placeType: string): number {
  const byId = new Map(tree.map((node) => [node.id, node]));
  const places = new Set<number>();
  const visit = (id: number, place: number | undefined): void => {
    const node = byId.get(id);
    if (!node) return;
    const here = node.type === placeType ? node.id : place;
    const isUsable = node.type === "osd" && node.status === "up" && (node.reweight ?? 1) > 0;
    if (isUsable && here !== undefined && (deviceClass === undefined || node.device_class === deviceClass))
      places.add(here);
    for (const child of node.children ?? []) visit(child, here);
  };
  for (const { id, name } of tree) if (name === root) visit(id, undefined);
  return places.size;
}

/** A size as the commands take it. */
const sizeText = ({ sizeGiB, headerBytes }: { sizeGiB: number; headerBytes: number }): string =>
  headerBytes === 0 ? `${sizeGiB}G` : `${sizeGiB * 1024 ** 3 + headerBytes}B`;

// The header of LUKS2: 4 KiB of numbers, then JSON with where the data begins. Source: LUKS2 On-Disk Format Specification 1.1.1.
const LUKS2_BYTES = 16 * 1024;
const luks2Shape = z.object({ segments: z.record(z.string(), z.object({ offset: z.string().regex(/^\d+$/) })) });

/** What a header of LUKS2 takes; nothing where a text (of bytes) doesn't begin with one. */
export function luks2HeaderBytes(text: string): number | undefined {
  if (!text.startsWith("LUKS\xba\xbe\x00\x02")) return undefined;
  const [area = ""] = text.slice(4096).split("\0", 1);
  const parsed = luks2Shape.safeParse(parseJson(area));
  const [first] = parsed.success ? Object.values(parsed.data.segments) : [];
  return first && Number(first.offset);
}

/** What of a command isn't as usual. */
interface Piped {
  /** What it reads. */
  input?: string;
  /** How many bytes of its output are wanted, each as a character; it is ended then. */
  first?: number;
}
export type Run = (
  command: "rbd" | "ceph",
  args: readonly string[],
  what: string,
  isTimed: boolean,
  piped?: Piped,
) => Promise<string>;

// What the commands take from the environment in place of the connection's own: one that has a name has nothing from there.
const OF_ENVIRONMENT = ["CEPH_CONF", "CEPH_ARGS", "CEPH_KEYRING"];

export function runner(connection: Connection): Run {
  const { name, configFile, user, keyringFile, commandsDirectory } = connection;
  // These may have the passphrase or a password; PULUMI_CONFIG has all of the stack's config in plain text, and other variables of Pulumi's have its own secrets.
  const secret = [...secretKeys.map(variableOf), connectionsVariable(CONNECTION_NAMESPACE)];
  const left = [...secret, ...(name === undefined ? [] : OF_ENVIRONMENT)];
  const passed = Object.entries(process.env).filter(([key]) => !left.includes(key) && !key.startsWith("PULUMI_"));
  const env = Object.fromEntries(passed);
  const path = (command: string) => (commandsDirectory === undefined ? command : join(commandsDirectory, command));
  const common = [
    ...(configFile === undefined ? [] : ["--conf", configFile]),
    ...(user === undefined ? [] : ["--id", user]),
    ...(keyringFile === undefined ? [] : ["--keyring", keyringFile]),
  ];
  // Without it, a command waits for minutes for monitors that don't answer.
  const seconds = String(Math.max(1, Math.floor(connection.timeoutMs / 1000) - 1));
  const waits = { rbd: ["--client-mount-timeout", seconds], ceph: ["--connect-timeout", seconds] };
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (command, args, what, isTimed, piped = {}) => {
    if (running >= AT_A_TIME) await new Promise<void>((begin) => waiting.push(begin));
    else running += 1;
    try {
      const all = [...common, ...waits[command], ...args];
      return await start(path(command), all, what, isTimed, { connection, env, ...piped });
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

function start(
  file: string,
  args: string[],
  what: string,
  isTimed: boolean,
  { connection, env, input, first }: { connection: Connection; env: NodeJS.ProcessEnv } & Piped,
): Promise<string> {
  const timeoutMs = isTimed ? connection.timeoutMs : 0;
  return new Promise((done, fail) => {
    const stdin = input === undefined ? undefined : unnamedFile(input, what);
    const stdio = [stdin ?? "ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"];
    const child = spawn(file, args, { env, stdio, windowsHide: true });
    if (stdin !== undefined) closeSync(stdin);
    let [out, err, isLate] = ["", "", false];
    const timer = timeoutMs > 0 && setTimeout(() => (isLate = child.kill()), timeoutMs);
    const isEnough = () => first !== undefined && out.length >= first;
    child.stdout.setEncoding(first === undefined ? "utf8" : "latin1").on("data", (text: string) => {
      out += text;
      if (!isEnough()) return;
      child.kill();
      child.stdout.destroy();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.once("error", ({ message }) => {
      if (timer) clearTimeout(timer);
      const text = `${what}: ${file} can't be run: ${message}. Install ceph-common, or set ${keyOf(connection, "commandsDirectory")}.`;
      fail(new CephError("unreachable", text));
    });
    child.once("close", (code, signal) => {
      if (timer) clearTimeout(timer);
      if (isEnough()) return done(out.slice(0, first));
      if (isLate) {
        const text = `${what}: ${file} did not end within ${timeoutMs / 1000} s (${keyOf(connection, "timeoutSeconds")}). Are the cluster's monitors reachable, its OSDs up and its pools not full? See \`ceph health detail\`.`;
        return fail(new CephError("timed-out", text));
      }
      if (code === 0) return done(out);
      fail(failure(what, code ?? 0, code === null ? `ended by ${signal}` : err, connection));
    });
  });
}

/**
 * A file without a name that has a text, open to be read. A secret gets to a command by it: not as an argument, which all on the machine can
 * see, and with nothing left if this process is killed. (A pipe of Node.js is a socket, which can't be opened as /dev/stdin.)
 */
function unnamedFile(text: string, what: string): number {
  let directory: string | undefined;
  let writing: number | undefined;
  try {
    directory = mkdtempSync(join(tmpdir(), "storage-profiles-"));
    const file = join(directory, "input");
    writing = openSync(file, "wx+", 0o600);
    rmSync(file);
    // By its place: what reads begins at the beginning, also where /dev/stdin is the same open file and not another.
    writeSync(writing, text, 0);
    return writing;
  } catch (error) {
    if (writing !== undefined) closeSync(writing);
    const text = `${what}: the passphrase needs a temporary file: ${(error as Error).message}. Make room there, or set TMPDIR.`;
    throw new CephError("not-possible", text);
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

// Errors of the system that decide what is done about a failure. What a status means depends on what was being done: without a keyring it is
// the same as without an image.
const CAPABILITIES = "Give the user the capabilities mon 'profile rbd', osd 'profile rbd' and mgr 'profile rbd'.";
const LOGIN = (connection: Connection) => `Check ${keyOf(connection, "user")} and ${keyOf(connection, "keyringFile")}.`;
const FULL = "The pool is full: raise its quota (ceph osd pool set-quota), or make room (ceph health detail).";
type Advice = string | ((connection: Connection) => string);
const CAUSES: [status: number, pattern: RegExp, code: CephErrorCode, advice: Advice][] = [
  // `rbd rm` in a full pool: its own words are that there is no such image.
  [2, /Disk quota exceeded|No space left/, "full", FULL],
  [122, /Disk quota exceeded/, "full", FULL],
  [2, /error opening image |delete error: /, "gone", ""],
  [2, /error opening pool /, "pool-missing", ""],
  [2, /keyring/, "forbidden", LOGIN],
  [1, /error connecting/, "forbidden", LOGIN],
  [13, /couldn't connect|error connecting/, "forbidden", LOGIN],
  [1, /not permitted/, "forbidden", CAPABILITIES],
  [13, /./, "forbidden", CAPABILITIES],
  [16, /./, "in-use", "Stop what uses it. A client that died is forgotten after 30 s."],
  [17, /./, "exists", ""],
  [39, /./, "has-snapshots", "Remove them first (rbd snap purge), or keep the volume."],
  [110, /./, "unreachable", "Are the cluster's monitors reachable?"],
  [1, /timed out/, "unreachable", "Are the cluster's monitors reachable?"],
];

function failure(what: string, status: number, stderr: string, connection: Connection): CephError {
  const lines = stderr
    // The log of the libraries, also within a line, and the progress of what is done.
    .replace(/\d{4}-\d\d-\d\dT\S+ [0-9a-f]+ +-?\d+ [^\r\n]*/g, "")
    .replace(/[^\r\n]*% complete\.+(failed|done)?\.?/g, "")
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const said = lines
    .slice(0, 2)
    .join(" ")
    .replace(/^rbd: /, "")
    .replace(/\.$/, "");
  const [, , code, given] = CAUSES.find(([number, pattern]) => number === status && pattern.test(stderr)) ?? [];
  const advice = typeof given === "function" ? given(connection) : given;
  const words = said === "" ? `exit status ${status}` : said;
  const text = `${what}: the cluster says "${words}".${advice ? ` ${advice}` : ""}`;
  return new CephError(code ?? "refused", text, { status });
}
