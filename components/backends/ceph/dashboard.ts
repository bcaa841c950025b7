// A cluster by its dashboard. Its REST API has no image metadata, snapshot limits, encryption, migration and clients: what needs them is refused at
// preview (lifecycle.ts). Tested with Ceph 16.2.15, 2026-11-30.

import { z } from "zod";

import { once } from "../../once";
import {
  limitOptions,
  limitSettings,
  unitsOf,
  type CephCluster,
  type Image,
  type LimitSetting,
  type Pool,
} from "./cluster";
import { commandCluster, fullBy, placesOf, rulesShape, treeShape } from "./commands";
import { keyOf, type Connection, type Dashboard } from "./connection";
import { CephError } from "./errors";
import { DashboardApi } from "./rest";

const GIB = 1024 ** 3;

/** The bit of an image's features while it is moved to another pool; it has no name in the API. Source: ceph/ceph src/include/rbd/features.h. */
const MIGRATING = 1 << 9;

const imageShape = z.object({
  id: z.string().min(1),
  size: z.number(),
  features: z.number(),
  features_name: z.array(z.string()),
  snapshots: z.array(z.object({ name: z.string() })),
  configuration: z.array(z.object({ name: z.string(), value: z.string() })),
});
const monitorShape = z.object({ mon_status: z.object({ monmap: z.object({ fsid: z.string().min(1) }) }) });
const poolsShape = z.array(
  z.object({
    pool_name: z.string(),
    type: z.string(),
    size: z.number(),
    crush_rule: z.string(),
    quota_max_bytes: z.number(),
    flags_names: z.string(),
    application_metadata: z.array(z.string()),
    stats: z.object({ stored: z.object({ latest: z.number() }) }),
  }),
);
// A user without the permission to read OSDs has no map in the answer.
const healthShape = z.object({
  osd_map: z
    .object({
      tree: treeShape,
      crush: z.object({ rules: z.array(rulesShape.element.extend({ rule_name: z.string() })) }),
    })
    .optional(),
});

/** A cluster as its connection says it is reached: by the dashboard, or by the commands. */
export function openCluster(connection: Connection): CephCluster {
  return connection.dashboard ? dashboardCluster(connection, connection.dashboard) : commandCluster(connection);
}

/** A cluster by its dashboard. */
export function dashboardCluster(connection: Connection, dashboard: Dashboard): CephCluster {
  const api = new DashboardApi(connection, dashboard);
  const configKey = keyOf(connection, "dashboardUrl");
  const pathOf = (pool: string, name: string) => `/api/block/image/${encodeURIComponent(`${pool}/${name}`)}`;

  const image = async (pool: string, name: string): Promise<Image | undefined> => {
    let read: z.infer<typeof imageShape>;
    try {
      // Without it, the dashboard counts what the image uses, which takes long.
      read = await api.get(`${pathOf(pool, name)}?omit_usage=true`, imageShape, `reading image ${pool}/${name}`);
    } catch (error) {
      if (error instanceof CephError && error.code === "gone") return undefined;
      throw error;
    }
    const limit = (setting: LimitSetting) => {
      const value = read.configuration.find((each) => each.name === limitOptions[setting])?.value;
      return Number(value ?? 0) / unitsOf(setting);
    };
    return {
      pool,
      name,
      imageId: read.id,
      sizeGiB: read.size / GIB,
      encryption: null,
      headerBytes: 0,
      features: read.features_name,
      snapshots: read.snapshots.length,
      mirroring: null,
      snapshotLimit: 0,
      limits: Object.fromEntries(limitSettings.map((each) => [each, limit(each)])) as Image["limits"],
      metadata: {},
      mark: undefined,
      markedPool: undefined,
      isMoving: (read.features & MIGRATING) !== 0,
    };
  };
  const present = async (pool: string, name: string): Promise<Image> => {
    const found = await image(pool, name);
    if (!found) throw new CephError("gone", `image ${pool}/${name} is no longer on the cluster.`);
    return found;
  };
  const edit = (pool: string, name: string, body: object, what: string, isDone: (image: Image) => boolean) =>
    api.change("PUT", pathOf(pool, name), body, what, async () => isDone(await present(pool, name)));
  const lacking = (what: string) => (pool: string, name: string) =>
    Promise.reject(
      new CephError(
        "not-possible",
        `${what} image ${pool}/${name}: the dashboard can't do that. Use the commands: remove ${configKey}.`,
      ),
    );

  return {
    configKey,
    isDashboard: true,
    forgetsAfterMs: 0,
    fsid: once(async () => {
      const { mon_status: status } = await api.get("/api/monitor", monitorShape, "reading the cluster's id");
      return status.monmap.fsid;
    }),

    pools: once(async () => {
      const what = "reading the pools";
      const [pools, { osd_map: map }] = await Promise.all([
        api.get("/api/pool?stats=true", poolsShape, what),
        api.get("/api/health/full", healthShape, what),
      ]);
      if (!map) {
        const text = `${what}: user "${dashboard.username}" of the dashboard ${dashboard.url} may not read the OSDs. Give the user the role \`read-only\` too (ceph dashboard ac-user-add-roles).`;
        throw new CephError("forbidden", text);
      }
      return pools.map((pool): Pool => {
        const steps = map.crush.rules.find(({ rule_name }) => rule_name === pool.crush_rule)?.steps ?? [];
        return {
          name: pool.pool_name,
          isForImages: pool.application_metadata.includes("rbd"),
          isReplicated: pool.type === "replicated",
          copies: pool.size,
          ...placesOf(map.tree.nodes, steps),
          quotaBytes: pool.quota_max_bytes,
          full: fullBy(pool.flags_names.split(",")),
          storedBytes: pool.stats.stored.latest,
        };
      });
    }),

    // The dashboard's list of images is up to 30 s old: each is asked for by its name.
    names: (pool) => lacking("listing")(pool, "*"),
    image,
    status: lacking("reading the clients and the move of"),
    poolMirroring: (pool) => lacking("reading the mirroring of")(pool, "*"),
    checkPassphrase: () => undefined,

    async create(pool, name, { sizeGiB }, features) {
      const what = `creating image ${pool}/${name}`;
      const body = { pool_name: pool, name, size: sizeGiB * GIB, features };
      await api.change("POST", "/api/block/image", body, what, async () => {
        // Whose it is then, the caller finds out.
        if (await image(pool, name)) throw new CephError("exists", `${what}: there is such an image.`);
        return false;
      });
    },
    async grow(pool, name, { sizeGiB }) {
      // The dashboard would shrink it as well, and cut off its data.
      const has = (await present(pool, name)).sizeGiB;
      if (has > sizeGiB) {
        const text = `image ${pool}/${name} has grown to ${has} GiB in the meantime, and isn't resized to ${sizeGiB} GiB. Run pulumi refresh.`;
        throw new CephError("shrink", text);
      }
      const body = { size: sizeGiB * GIB };
      await edit(pool, name, body, `growing image ${pool}/${name}`, (now) => now.sizeGiB >= sizeGiB);
    },
    async setLimit(pool, name, setting, value) {
      const body = { configuration: { [limitOptions[setting]]: value * unitsOf(setting) } };
      const what = `setting ${setting} of image ${pool}/${name}`;
      await edit(pool, name, body, what, ({ limits }) => limits[setting] === value);
    },
    async switchFeatures(pool, name, features, on) {
      const what = `switching ${features.join(", ")} ${on ? "on" : "off"} for image ${pool}/${name}`;
      const others = (await present(pool, name)).features.filter((each) => !features.includes(each));
      const body = { features: on ? [...others, ...features] : others };
      await edit(pool, name, body, what, (now) => features.every((each) => now.features.includes(each) === on));
    },
    async remove(pool, name) {
      const what = `removing image ${pool}/${name}`;
      const found = await image(pool, name);
      // The dashboard would remove them with it.
      if (found && found.snapshots > 0) {
        const text = `${what}: it has snapshots. Remove them first, or keep the volume.`;
        throw new CephError("has-snapshots", text);
      }
      const send = () =>
        api.change("DELETE", pathOf(pool, name), undefined, what, async () => (await image(pool, name)) === undefined);
      if (found)
        await send().catch((error: unknown) => {
          // Sent twice, the second finds nothing any more.
          if (!(error instanceof CephError && error.code === "gone")) throw error;
        });
    },

    writtenBytes: lacking("reading what has been written to"),
    headerBytes: lacking("reading the header of"),
    format: lacking("encrypting"),
    setSnapshotLimit: lacking("limiting the snapshots of"),
    setMirroring: lacking("mirroring"),
    setMirrorSchedule: lacking("setting the mirror schedule of"),
    setMetadata: lacking("setting metadata of"),
    prepareMove: lacking("moving"),
    executeMove: lacking("moving"),
    commitMove: lacking("moving"),
    abortMove: lacking("moving"),
  };
}
