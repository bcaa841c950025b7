// A real Ceph cluster for tests, and a Pulumi project of a test's own whose volumes are on it.

import type { CephCluster } from "../../components/backends/ceph/cluster";
import { commandCluster } from "../../components/backends/ceph/commands";
import { POOLS, type Ceph } from "../labs/ceph/lab.js";
import { Project } from "./engine";

export { Killed, killedAfter } from "./ceph-steps";
export { cephReason, POOLS, startCeph, type Ceph } from "../labs/ceph/lab.js";

/** Of images that tests create encrypted. */
export const PASSPHRASE = "a passphrase, of tests";

/** The cluster as a run of its own sees it, with the connection laid over. */
export const clusterOf = (ceph: Ceph, over: Partial<Parameters<typeof commandCluster>[0]> = {}): CephCluster =>
  commandCluster({
    configFile: ceph.configFile,
    commandsDirectory: ceph.commands,
    timeoutMs: 120_000,
    passphrase: () => PASSPHRASE,
    ...over,
  });

/** A project whose stack has its volumes on a cluster. */
export class CephProject extends Project {
  constructor(
    name: string,
    private readonly ceph: () => Ceph,
  ) {
    super(name, "");
  }

  /** The stack's config, with the connection to the cluster; `connection` is laid over it. */
  async connect(values: Record<string, unknown> = {}, connection: Record<string, string> = {}): Promise<this> {
    await this.init();
    const { configFile, commands: commandsDirectory } = this.ceph();
    const all = { configFile, commandsDirectory, ...connection };
    this.config(
      // Without an SSD to ask for, a volume is on the slow pool.
      { backend: "ceph", ceph: { pools: [...POOLS].reverse() }, deletionProtection: false, ...values },
      Object.fromEntries(Object.entries(all).map(([key, value]) => [`ceph:${key}`, value])),
    );
    return this;
  }
}
