// A Ceph cluster, for runs that end in the middle.

import type { CephCluster } from "../../components/backends/ceph/cluster";

/** What changes something on a cluster. */
const CHANGING = [
  "create",
  "grow",
  "format",
  "setLimit",
  "setSnapshotLimit",
  "switchFeatures",
  "setMirroring",
  "setMirrorSchedule",
  "setMetadata",
  "prepareMove",
  "executeMove",
  "commitMove",
  "abortMove",
  "remove",
] as const;

/** A run's end in the middle. */
export class Killed extends Error {}

/** The same cluster, for a run that is killed right after its `last`th change. `changes` counts them. */
export function killedAfter<C extends CephCluster>(cluster: C, last: number): C & { changes: string[] } {
  const changes: string[] = [];
  const steps = CHANGING.map((step) => [
    step,
    async (...args: unknown[]) => {
      if (changes.length >= last) throw new Killed();
      await (cluster[step] as (...args: unknown[]) => Promise<void>)(...args);
      changes.push(step);
      if (changes.length >= last) throw new Killed();
    },
  ]);
  return { ...cluster, ...(Object.fromEntries(steps) as object), changes };
}
