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

/** A claim as it is read: any part may be missing. */
export interface Claim {
  metadata?: { name?: string; namespace?: string; uid?: string; resourceVersion?: string; deletionTimestamp?: string };
  spec?: {
    accessModes?: string[];
    volumeMode?: string;
    volumeName?: string;
    storageClassName?: string;
    volumeAttributesClassName?: string;
    resources?: { requests?: { storage?: string } };
  };
  status?: {
    phase?: string;
    capacity?: { storage?: string };
    /** The size that `allocatedResourceStatuses` is about. */
    allocatedResources?: { storage?: string };
    allocatedResourceStatuses?: { storage?: string };
    conditions?: { type?: string; status?: string; reason?: string; message?: string }[];
    currentVolumeAttributesClassName?: string;
    modifyVolumeStatus?: { status?: string; targetVolumeAttributesClassName?: string };
  };
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
