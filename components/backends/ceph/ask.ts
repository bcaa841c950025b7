// What is asked at preview before an image on a cluster is taken over: what becomes of it. Why it can't be taken over, its provider says.

import * as pulumi from "@pulumi/pulumi";

import { change, note, type Note, type Problem, type StackConfig } from "../../../src";
import type { CephSettings } from "../../../src/backends/ceph";
import type { AskedOfBackend } from "../contract";
import type { CephCluster } from "./cluster";
import { PerConnection } from "../../named-connections";
import { readConnection } from "./connection";
import { openCluster } from "./dashboard";
import { CephError } from "./errors";
import { imageToImport, type FoundVolume } from "./lifecycle";

const clusters = new WeakMap<StackConfig, PerConnection<CephCluster>>();

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
    const all = pulumi.runtime.allConfig();
    const known =
      clusters.get(config) ??
      new PerConnection((name) => openCluster(readConnection((key) => all[key], process.env, name)));
    clusters.set(config, known);
    const cluster = known.of(settings.connection);
    return (await imageToImport(cluster, id, { settings, takeFrom })).found;
  } catch (error) {
    if (error instanceof CephError) return undefined;
    throw error;
  }
}
