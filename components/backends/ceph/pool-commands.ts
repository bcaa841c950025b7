// Pools of a cluster by its commands.

import { z } from "zod";

import type { ActualPool, PoolStep, Rule } from "../../../src/backends/ceph/pools";
import { jsonOf, placesBelow, rulesShape, runner, treeShape } from "./commands";
import { keyOf, type Connection } from "./connection";
import { CephError } from "./errors";
import { POOL_MARK, type PoolCluster } from "./pools";

const poolsShape = z.array(
  z.object({
    pool_id: z.number(),
    pool_name: z.string(),
    type: z.number(),
    size: z.number(),
    min_size: z.number(),
    crush_rule: z.number(),
    quota_max_bytes: z.number(),
    flags_names: z.string(),
    application_metadata: z.record(z.string(), z.record(z.string(), z.string())),
    options: z.object({
      compression_mode: z.string().optional(),
      compression_algorithm: z.string().optional(),
      compression_required_ratio: z.number().optional(),
    }),
  }),
);
const namedRules = z.array(rulesShape.element.extend({ rule_name: z.string() }));
const usageShape = z.object({
  stats: z.object({ total_avail_bytes: z.number() }),
  stats_by_class: z.record(z.string(), z.object({ total_avail_bytes: z.number() })),
  pools: z.array(z.object({ id: z.number(), stats: z.object({ stored: z.number(), objects: z.number() }) })),
});
const statsShape = z.array(
  z.object({ pool_id: z.number(), recovery: z.object({ degraded_objects: z.number().optional() }) }),
);

/** What rules of ours are below. */
const ROOT = "default";

/**
 * The pools of a cluster by its commands.
 * @throws {CephError} `not-possible` where the connection is to a dashboard: the commands would look for another cluster
 */
export function commandPools(connection: Connection): PoolCluster {
  if (connection.dashboard) {
    const text = `pools are created by the commands \`rbd\` and \`ceph\`, and ${keyOf(connection, "dashboardUrl")} is set. Use a connection without it for CephPools`;
    throw new CephError("not-possible", text);
  }
  const run = runner(connection);
  const json = jsonOf(run);
  const ceph = async (args: readonly string[], what: string) => {
    await run("ceph", args, what, true);
  };
  return {
    async read() {
      const what = "reading the pools";
      const [fsid, pools, rules, { nodes }, usage, stats] = await Promise.all([
        run("ceph", ["fsid"], "reading the cluster's id", true),
        json("ceph", ["osd", "pool", "ls", "detail"], poolsShape, what),
        json("ceph", ["osd", "crush", "rule", "dump"], namedRules, what),
        json("ceph", ["osd", "tree"], treeShape, what),
        json("ceph", ["df"], usageShape, what),
        json("ceph", ["osd", "pool", "stats"], statsShape, what),
      ]);
      const classes = nodes.flatMap((node) => (node.type === "osd" ? (node.device_class ?? []) : []));
      return {
        fsid: fsid.trim(),
        rules: rules.map(asRule),
        pools: pools.map((pool): ActualPool => {
          const { rbd } = pool.application_metadata;
          const used = usage.pools.find(({ id }) => id === pool.pool_id)?.stats;
          const rule = rules.find(({ rule_id }) => rule_id === pool.crush_rule);
          return {
            name: pool.pool_name,
            id: pool.pool_id,
            isReplicated: pool.type === 1,
            applications: Object.keys(pool.application_metadata),
            copies: pool.size,
            minCopies: pool.min_size,
            rule: rule ? asRule(rule) : { name: "", failureDomain: null, deviceClass: null },
            compression: {
              mode: pool.options.compression_mode ?? null,
              algorithm: pool.options.compression_algorithm ?? null,
              requiredRatio: pool.options.compression_required_ratio ?? null,
            },
            quotaBytes: pool.quota_max_bytes,
            storedBytes: used?.stored ?? 0,
            objects: used?.objects ?? 0,
            degradedObjects: stats.find(({ pool_id }) => pool_id === pool.pool_id)?.recovery.degraded_objects ?? 0,
            flags: pool.flags_names.split(","),
            mark: rbd?.[POOL_MARK],
          };
        }),
        places: (failureDomain, deviceClass) => placesBelow(nodes, ROOT, deviceClass ?? undefined, failureDomain),
        deviceClasses: [...new Set(classes)].sort(),
        freeBytes: (deviceClass) =>
          (deviceClass === null ? usage.stats : usage.stats_by_class[deviceClass])?.total_avail_bytes ?? 0,
      };
    },

    async contents(pool) {
      const what = `listing what pool ${pool} has`;
      const [images, trash, namespaces] = await Promise.all([
        json("rbd", ["ls", pool], z.array(z.string()), what),
        json("rbd", ["trash", "ls", pool, "--all"], z.array(z.unknown()), what),
        json("rbd", ["namespace", "ls", pool], z.array(z.object({ name: z.string() })), what),
      ]);
      const more = images.length > MOST_SHOWN ? [`${images.length - MOST_SHOWN} more`] : [];
      return [
        ...images.slice(0, MOST_SHOWN).map((name) => `image ${name}`),
        ...more,
        ...(trash.length > 0 ? [`${trash.length} in its trash`] : []),
        ...namespaces.map(({ name }) => `namespace ${name}`),
      ];
    },

    async carryOut(pool, step) {
      const what = `${WORDS[step.do]} of pool ${pool}`;
      if (step.do === "initialize") await run("rbd", ["pool", "init", pool], what, true);
      else await ceph(argsOf(pool, step), what);
    },

    async removePool(pool) {
      await ceph(["osd", "pool", "rm", pool, pool, "--yes-i-really-really-mean-it"], `removing pool ${pool}`);
    },
  };
}

/** How many images a message names. */
const MOST_SHOWN = 5;

const WORDS: Readonly<Record<PoolStep["do"], string>> = {
  createRule: "creating the CRUSH rule",
  createPool: "the creation",
  initialize: "initializing the images",
  setMark: "setting the mark",
  set: "changing a setting",
  setQuota: "setting the quota",
  removeRule: "removing a CRUSH rule",
};

function argsOf(pool: string, step: Exclude<PoolStep, { do: "initialize" }>): string[] {
  switch (step.do) {
    case "createRule": {
      const { name, failureDomain, deviceClass } = step.rule;
      const ofClass = deviceClass === null ? [] : [deviceClass];
      return ["osd", "crush", "rule", "create-replicated", name, ROOT, failureDomain, ...ofClass];
    }
    case "createPool":
      return ["osd", "pool", "create", pool, "replicated", step.rule, "--size", String(step.copies)];
    case "setMark":
      return ["osd", "pool", "application", "set", pool, "rbd", POOL_MARK, step.mark];
    case "set":
      return ["osd", "pool", "set", pool, step.key, step.value];
    case "setQuota":
      return ["osd", "pool", "set-quota", pool, "max_bytes", String(step.bytes)];
    case "removeRule":
      return ["osd", "crush", "rule", "rm", step.name];
  }
}

// A plain rule takes the default root (or what of it is of a class), and chooses that many of one type.
function asRule({ rule_name: name, steps }: z.infer<typeof namedRules>[number]): Rule {
  const [take, choose, emit, ...more] = steps.filter(({ op }) => !op.startsWith("set_"));
  const [root, deviceClass = null] = (take?.item_name ?? "").split("~");
  const isPlain =
    take?.op === "take" && root === ROOT && choose?.op.startsWith("choose") && emit?.op === "emit" && more.length === 0;
  return { name, failureDomain: isPlain ? (choose?.type ?? null) : null, deviceClass };
}
