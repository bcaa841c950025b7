// A real Ceph cluster for tests, and a Pulumi project of a test's own whose volumes are on it.

import { randomUUID } from "node:crypto";

import type { CephCluster } from "../../components/backends/ceph/cluster";
import { commandCluster } from "../../components/backends/ceph/commands";
import type { WantedVolume } from "../../components/backends/ceph/lifecycle";
import { makeCatalog, resolve, type ProfileDefinition } from "../../src";
import type { CephSettings } from "../../src/backends/ceph";
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

export type Section = NonNullable<ProfileDefinition["ceph"]>;

/** The settings that a profile leads to. */
export const settingsOf = (section: Section): CephSettings => {
  const catalog = makeCatalog({ profiles: { p: { ceph: section } } });
  const request = { name: "v@p", sizeGiB: 1, backend: "ceph", placement: { pools: POOLS } };
  const { volume, problems } = resolve(catalog, request);
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume.settings as CephSettings;
};

/** A volume of a name of its own. */
export const wantedOf = (settings: CephSettings, sizeGiB = 1): WantedVolume => {
  const name = `v-${randomUUID().slice(0, 8)}`;
  return { name, mark: `shop-dev-${name}`, sizeGiB, settings };
};

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
