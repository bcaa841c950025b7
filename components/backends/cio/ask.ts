// What is asked at preview before a volume on a cluster is taken over: what becomes of it. Why it can't be taken over, its provider says.

import * as pulumi from "@pulumi/pulumi";

import { change, note, type Note, type Problem, type StackConfig } from "../../../src";
import type { CioSettings } from "../../../src/backends/cio";
import type { AskedOfBackend } from "../contract";
import { CioCluster } from "./cluster";
import { PerConnection } from "../../named-connections";
import { readConnection } from "./connection";
import { CioError } from "./errors";
import { volumeToImport, type FoundVolume } from "./lifecycle";

const clusters = new WeakMap<StackConfig, PerConnection<CioCluster>>();

export async function askCio({ to, inputs, config }: AskedOfBackend): Promise<{ problems: Problem[]; notes: Note[] }> {
  const importId = inputs?.["import"];
  const found = typeof importId === "string" && (await find(config, importId, to.settings as CioSettings));
  if (!found) return { problems: [], notes: [] };
  const { name: id, sizeGiB, settings, unread } = found;
  const what = change({ ...to, sizeGiB, settings }, to).notes.map(({ message }) => message);
  const notes = [
    note("taken-over", "import", { id, from: undefined, what }),
    note("owner-unknown", "import", { id, keeper: "the cluster" }),
  ];
  const because = "the cluster doesn't report it";
  if (unread.length > 0) notes.push(note("not-checked", "import", { what: `${unread.join(", ")} of ${id}`, because }));
  return { problems: [], notes };
}

async function find(config: StackConfig, id: string, settings: CioSettings): Promise<FoundVolume | undefined> {
  try {
    const all = pulumi.runtime.allConfig();
    const known =
      clusters.get(config) ??
      new PerConnection((name) => new CioCluster(readConnection((key) => all[key], process.env, name)));
    clusters.set(config, known);
    const cluster = known.of(settings.connection);
    return (await volumeToImport(cluster, id, settings)).found;
  } catch (error) {
    if (error instanceof CioError) return undefined;
    throw error;
  }
}
