// A claim as the API has it.

import type { KubernetesSettings } from "./settings";

/** The spec of a PersistentVolumeClaim. */
export interface ClaimSpec {
  accessModes: string[];
  volumeMode: string;
  storageClassName: string;
  volumeAttributesClassName?: string;
  resources: { requests: { storage: string } };
}

/** The spec of a claim: all that a volume is, as one patch changes it. */
export function claimSpec({ sizeGiB, settings }: { sizeGiB: number; settings: KubernetesSettings }): ClaimSpec {
  const { accessModes, volumeMode, storageClass, volumeAttributesClass } = settings;
  return {
    accessModes,
    volumeMode,
    storageClassName: storageClass,
    ...(volumeAttributesClass !== null && { volumeAttributesClassName: volumeAttributesClass }),
    resources: { requests: { storage: storageOf(sizeGiB) } },
  };
}

/** A size as the API has it. */
export const storageOf = (sizeGiB: number): string => `${sizeGiB}Gi`;
