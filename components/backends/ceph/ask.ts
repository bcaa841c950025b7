// What is asked at preview before an image on a cluster is taken over: what becomes of it. Why it can't be taken over, its provider says.

import * as pulumi from "@pulumi/pulumi";

import { change, note, type Note, type Problem, type StackConfig } from "../../../src";
import type { CephSettings } from "../../../src/backends/ceph";
import type { AskedOfBackend } from "../contract";
import type { CephCluster } from "./cluster";
import { commandCluster } from "./commands";
import { readConnection } from "./connection";
import { CephError } from "./errors";
import { imageToImport, type FoundVolume } from "./lifecycle";

const clusters = new WeakMap<StackConfig, CephCluster>();

export async function askCeph({
  to,
  inputs,
  config,
  declared,
}: AskedOfBackend): Promise<{ problems: Problem[]; notes: Note[] }> {
  const id = inputs?.["import"];
  const { takeFrom } = declared;
  const found = typeof id === "string" && (await find(config, id, to.settings as CephSettings, takeFrom));
  if (!found) return { problems: [], notes: [] };
  const { sizeGiB, settings } = found;
  const what = change({ ...to, sizeGiB, settings }, to).notes.map(({ message }) => message);
  return { problems: [], notes: [note("taken-over", "import", { id, from: takeFrom, what })] };
}

async function find(
  config: StackConfig,
  id: string,
  settings: CephSettings,
  takeFrom: string | undefined,
): Promise<FoundVolume | undefined> {
  try {
    const connection = pulumi.runtime.allConfig();
    const cluster = clusters.get(config) ?? commandCluster(readConnection((key) => connection[key], process.env));
    clusters.set(config, cluster);
    return (await imageToImport(cluster, id, { settings, takeFrom })).found;
  } catch (error) {
    if (error instanceof CephError) return undefined;
    throw error;
  }
}
