// A real Ceph cluster for tests, and a Pulumi project of a test's own whose volumes are on it.

import { createHash, randomBytes, randomUUID } from "node:crypto";

import type { CephCluster } from "../../components/backends/ceph/cluster";
import { commandCluster } from "../../components/backends/ceph/commands";
import type { Connection } from "../../components/backends/ceph/connection";
import type { WantedVolume } from "../../components/backends/ceph/lifecycle";
import { makeCatalog, resolve, type ProfileDefinition } from "../../src";
import type { CephSettings } from "../../src/backends/ceph";
import { POOLS, type Ceph } from "../labs/ceph/lab.js";
import { diagnostics, Project } from "./engine";

export { Killed, killedAfter } from "./ceph-steps";
export { cephReason, POOLS, startCeph, type Ceph } from "../labs/ceph/lab.js";

/** Of images that tests create encrypted. */
export const PASSPHRASE = "a passphrase, of tests";

/** The connection to a cluster, with what is laid over it. */
export const connectionOf = (ceph: Ceph, over: Partial<Connection> = {}): Connection => ({
  configFile: ceph.configFile,
  commandsDirectory: ceph.commands,
  timeoutMs: 120_000,
  passphrase: () => PASSPHRASE,
  ...over,
});

/** The cluster as a run of its own sees it. */
export const clusterOf = (ceph: Ceph, over: Partial<Connection> = {}): CephCluster =>
  commandCluster(connectionOf(ceph, over));

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

const BYTES = 12 << 20;
/** Writes data into an image, as a client does, and returns its checksum. */
export const fillImage = async (ceph: Ceph, spec: string): Promise<string> => {
  const data = randomBytes(BYTES);
  const { size } = JSON.parse(await ceph.must("rbd", "info", "--format", "json", spec)) as { size: number };
  const head = Buffer.alloc(9 + 17);
  head.write("s", 0);
  head.writeBigUInt64LE(BigInt(size), 1);
  head.write("w", 9);
  head.writeBigUInt64LE(0n, 10);
  head.writeBigUInt64LE(BigInt(BYTES), 18);
  // The format of `rbd import-diff`: the size, then what is written where. Source: doc/dev/rbd-diff.
  const input = Buffer.concat([Buffer.from("rbd diff v1\n"), head, data, Buffer.from("e")]);
  const { code, text } = await ceph.run("rbd", ["import-diff", "--no-progress", "-", spec], { input });
  if (code !== 0) throw new Error(text);
  return createHash("sha256").update(data).digest("hex");
};
/** The checksum of what an image has where `fillImage` wrote. */
export const imageChecksum = async (ceph: Ceph, spec: string): Promise<string> => {
  const reading = ceph.open(["export", "--no-progress", spec, "-"], "pipe");
  const hash = createHash("sha256");
  let left = BYTES;
  for await (const chunk of reading.stdout as AsyncIterable<Buffer>) {
    hash.update(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  await reading.end("SIGKILL");
  return hash.digest("hex");
};

/** A project whose stack has its volumes on a cluster. */
export class CephProject extends Project {
  constructor(
    name: string,
    private readonly ceph: () => Ceph,
  ) {
    super(name, "");
  }

  /** Expects a preview to fail with these messages and without a stack trace, and returns what it printed. */
  async refused(...messages: string[]): Promise<string> {
    const ran = await this.run(["preview"]);
    for (const message of messages)
      expect([ran.code === 0, ran.text]).toEqual([false, expect.stringContaining(message)]);
    expect(diagnostics(ran)).not.toMatch(/\n +at /);
    return ran.text;
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
