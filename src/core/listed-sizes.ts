// The sizes of the volumes that a stack's config lists.

import type { BackendName } from "./backend";
import type { StackConfig } from "./config-schema";
import { parseSize } from "./size";

/** The sizes of a backend's volumes, in GiB, each once, the smallest first. */
export function listedSizes({ volumes = {}, backend: ofStack }: StackConfig, backend: BackendName): number[] {
  const sizes = Object.values(volumes)
    .filter((each) => (each.backend ?? ofStack) === backend)
    .flatMap(({ sizeGiB, size }) => parseSize({ sizeGiB, size }, "").sizeGiB ?? []);
  return [...new Set(sizes)].sort((a, b) => a - b);
}
