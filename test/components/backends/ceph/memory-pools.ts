// Pools of a Ceph cluster in memory, as the real one has them (test/e2e/ceph-pools.test.ts): to set a size sets the minimum, too, a rule in use
// stays, and a pool gets an id that no other ever gets.

import type { ClusterState, PoolCluster } from "../../../../components/backends/ceph/pools";
import { CephError } from "../../../../components/backends/ceph/errors";
import type { ActualPool, Rule } from "../../../../src/backends/ceph/pools";

export interface MemoryPools extends PoolCluster {
  pools: Map<string, ActualPool>;
  rules: Map<string, Rule>;
  images: Map<string, string[]>;
  /** The device class of each OSD; each is on a host of its own. */
  osds: string[];
  freeBytes: number;
  fsid: string;
  /** What was changed. */
  changes: string[];
  /** After how many changes the run is killed. */
  killedAfter: number;
}

/** A run's end in the middle. */
export class Killed extends Error {}

export function memoryPools(): MemoryPools {
  let ids = 0;
  const get = (name: string): ActualPool => {
    const pool = cluster.pools.get(name);
    if (!pool) throw new CephError("refused", `no pool ${name}`);
    return pool;
  };
  const ruleOf = (name: string): Rule => {
    const rule = cluster.rules.get(name);
    if (!rule) throw new CephError("refused", `no rule ${name}`);
    return rule;
  };
  const change = async (what: string, act: () => void): Promise<void> => {
    await Promise.resolve();
    if (cluster.changes.length >= cluster.killedAfter) throw new Killed();
    act();
    cluster.changes.push(what);
    if (cluster.changes.length >= cluster.killedAfter) throw new Killed();
  };
  const set = (pool: ActualPool, key: string, value: string): void => {
    const given = value === "unset" ? null : value;
    if (key === "size") {
      pool.copies = Number(value);
      pool.minCopies = pool.copies - Math.floor(pool.copies / 2);
    } else if (key === "min_size") {
      if (Number(value) > pool.copies) throw new CephError("refused", "min_size is more than size");
      pool.minCopies = Number(value);
    } else if (key === "crush_rule") pool.rule = ruleOf(value);
    else if (key === "compression_mode") pool.compression.mode = given;
    else if (key === "compression_algorithm") pool.compression.algorithm = given;
    // As on a real cluster: 0 takes a number away.
    else if (key === "compression_required_ratio" && given !== null)
      pool.compression.requiredRatio = Number(given) === 0 ? null : Number(given);
    else throw new CephError("refused", `invalid key ${key}`);
  };
  const cluster: MemoryPools = {
    pools: new Map(),
    rules: new Map(),
    images: new Map(),
    osds: ["ssd", "ssd", "ssd", "hdd", "hdd"],
    freeBytes: 100 * 1024 ** 3,
    fsid: "one",
    changes: [],
    killedAfter: Infinity,
    read(): Promise<ClusterState> {
      const { fsid, osds, freeBytes } = cluster;
      return Promise.resolve({
        ...structuredClone({ fsid, pools: [...cluster.pools.values()], rules: [...cluster.rules.values()] }),
        places: (domain, deviceClass) =>
          ["host", "osd"].includes(domain)
            ? osds.filter((each) => deviceClass === null || each === deviceClass).length
            : 0,
        deviceClasses: [...new Set(osds)].sort(),
        freeBytes: () => freeBytes,
      });
    },
    contents: (pool) => Promise.resolve((cluster.images.get(pool) ?? []).map((name) => `image ${name}`)),
    carryOut: (name, step) =>
      change(step.do === "set" ? step.key : step.do, () => {
        switch (step.do) {
          case "createRule":
            return void cluster.rules.set(step.rule.name, step.rule);
          case "createPool": {
            if (cluster.pools.has(name)) throw new CephError("exists", name);
            const pool: ActualPool = {
              ...{ name, id: ++ids, isReplicated: true, applications: [], copies: step.copies },
              ...{ minCopies: step.copies - Math.floor(step.copies / 2), rule: ruleOf(step.rule) },
              compression: { mode: null, algorithm: null, requiredRatio: null },
              ...{ quotaBytes: 0, storedBytes: 0, objects: 0, degradedObjects: 0, flags: [], mark: undefined },
            };
            return void cluster.pools.set(name, pool);
          }
          case "initialize":
            return void get(name).applications.push("rbd");
          case "setMark":
            if (!get(name).applications.includes("rbd")) throw new CephError("refused", "application not enabled");
            get(name).mark = step.mark;
            return;
          case "set":
            return set(get(name), step.key, step.value);
          case "setQuota":
            get(name).quotaBytes = step.bytes;
            return;
          case "removeRule":
            if ([...cluster.pools.values()].some(({ rule }) => rule.name === step.name))
              throw new CephError("in-use", step.name);
            cluster.rules.delete(step.name);
        }
      }),
    removePool: (name) => change("removePool", () => void cluster.pools.delete(name)),
  };
  return cluster;
}
