// A Pulumi project of a test's own whose volumes are on an emulated ContainerIO cluster in the test's process.

import type { CioClusterHandle } from "../../emulators";
import { Project } from "./engine";

/** A volume on the cluster, in few words: `data: 100 GB, 5 copies, local, 100-1000 IOPS`. */
export function onCluster(cluster: CioClusterHandle): string[] {
  return cluster.volumes
    .map(({ name, capacity, level, local, iopsMin, iopsMax }) => {
      const what = [`${capacity} GB`, `${level} copies`, ...(local ? ["local"] : []), `${iopsMin}-${iopsMax} IOPS`];
      // Without the characters that keep names apart.
      return `${name.replace(/-[0-9a-z]{9}$/, "")}: ${what.join(", ")}`;
    })
    .sort();
}

/** A project whose stack has its volumes on a cluster. */
export class CioProject extends Project {
  constructor(
    name: string,
    private readonly cluster: () => CioClusterHandle,
  ) {
    super(name, "");
  }

  /** The stack's config, with the connection to the cluster; `connection` is laid over it, and `null` takes a key away. */
  async connect(
    values: Record<string, unknown> = {},
    connection: Partial<Record<string, string | null>> = {},
  ): Promise<this> {
    await this.init();
    const { url: endpoint, cliPath } = this.cluster();
    const all: Partial<Record<string, string | null>> = { endpoint, cliPath, ...connection };
    const given = Object.entries(all).filter(([, value]) => value !== null);
    this.config(
      { backend: "cio", cio: { version: 2015 }, deletionProtection: false, ...values },
      Object.fromEntries(given.map(([key, value]) => [`cio:${key}`, value])),
    );
    return this;
  }
}
