// What `docker volume inspect` shows of a volume.

import { formatCost, monthlyCostOf } from "..";
import type { RecordedVolume, StackConfigRead } from "../stack/types";
import { entryOf } from "./entries";

/** What a volume has, and how it stands to what is declared. */
export function statusMap(volume: RecordedVolume, read: StackConfigRead): Record<string, unknown> {
  const { name, asked, has, volumeId } = volume;
  if (!asked || !has) return {};
  const entry = entryOf(read, name);
  const request = entry && read.requestFor(name, entry);
  const cost = monthlyCostOf(read.catalog, { ...asked, ...has }, request?.placement);
  return {
    profile: asked.profile,
    size: `${has.sizeGiB}GiB`,
    backend: asked.backend,
    cost: cost ? `${formatCost(cost)} a month` : "unknown",
    volumeId,
  };
}
