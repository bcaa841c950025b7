// What is asked at preview before a volume on an array is taken over: what becomes of it. Why it can't be taken over, its provider says.

import * as pulumi from "@pulumi/pulumi";

import { change, note, type Note, type Problem, type StackConfig } from "../../../src";
import type { ScaleioSettings } from "../../../src/backends/scaleio";
import type { AskedOfBackend } from "../contract";
import { ScaleioArray } from "./array";
import { PerConnection } from "../../named-connections";
import { readConnection } from "./connection";
import { ScaleioError } from "./errors";
import { GatewaySession } from "./session";
import { volumeToImport, type FoundVolume } from "./lifecycle";

interface Answer {
  problems: Problem[];
  notes: Note[];
}

// One login for all volumes of a run.
const arrays = new WeakMap<StackConfig, PerConnection<ScaleioArray>>();

export async function askScaleio({ to, inputs, config }: AskedOfBackend): Promise<Answer> {
  const importId = inputs?.["import"];
  const found = typeof importId === "string" && (await find(config, importId, to.settings as ScaleioSettings));
  if (!found) return { problems: [], notes: [] };
  const { id, sizeGiB, settings } = found;
  const what = change({ ...to, sizeGiB, settings }, to).notes.map(({ message }) => message);
  const taken = note("taken-over", "import", { id, from: undefined, what });
  return { problems: [], notes: [taken, note("owner-unknown", "import", { id, keeper: "the array" })] };
}

async function find(config: StackConfig, id: string, settings: ScaleioSettings): Promise<FoundVolume | undefined> {
  try {
    const all = pulumi.runtime.allConfig();
    const known =
      arrays.get(config) ??
      new PerConnection(
        (name) => new ScaleioArray(new GatewaySession(readConnection((key) => all[key], process.env, name))),
      );
    arrays.set(config, known);
    const array = known.of(settings.connection);
    return (await volumeToImport(array, id.toLowerCase(), settings)).found;
  } catch (error) {
    if (error instanceof ScaleioError) return undefined;
    throw error;
  }
}
