// What `docker volume inspect` shows of a volume.

import { formatCost } from "..";
import { statusByName } from "../stack/status";
import type { RecordedVolume, StackConfigRead } from "../stack/types";

/** What a volume has, and how it stands to what is declared. */
export function statusMap(volume: RecordedVolume, read: StackConfigRead): Record<string, unknown> {
  const { name, asked, has, volumeId } = volume;
  if (!asked || !has) return {};
  const { status, causes, monthlyCost, notes = [] } = statusByName(read, name, volume);
  return {
    profile: asked.profile,
    size: `${has.sizeGiB}GiB`,
    backend: asked.backend,
    status,
    ...(notes.length > 0 ? { notes: notes.map(({ message }) => message) } : {}),
    ...(causes.length > 0 ? { causes: causes.map(({ message }) => message) } : {}),
    cost: monthlyCost ? `${formatCost(monthlyCost)}/month` : "unknown",
    volumeId,
  };
}

/** Whether a volume is what is declared. */
export function isCompliant(volume: RecordedVolume, read: StackConfigRead): boolean {
  return statusByName(read, volume.name, volume).status === "compliant";
}
