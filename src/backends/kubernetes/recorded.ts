// What Pulumi's state tells of a claim: the object as the API has it, read back as settings.

import type { ReadBack, Recorded } from "../contract";
import { accessModes, type KubernetesSettings } from "./settings";

interface Claim {
  metadata?: { namespace?: string };
  spec?: {
    accessModes?: string[];
    volumeMode?: string;
    storageClassName?: string;
    volumeAttributesClassName?: string;
    resources?: { requests?: { storage?: string } };
  };
  status?: {
    currentVolumeAttributesClassName?: string;
    modifyVolumeStatus?: { status?: string };
  };
}

export const claimRecorded: Recorded<KubernetesSettings> = {
  type: "kubernetes:core/v1:PersistentVolumeClaim",
  read(properties): ReadBack<KubernetesSettings> {
    const { metadata, spec, status } = properties as Claim;
    const sizeGiB = gibibytes(spec?.resources?.requests?.storage);
    if (!spec || sizeGiB === undefined) return {};
    // A change that the driver can't make stays in the claim, and the volume is as it was.
    const isInfeasible = status?.modifyVolumeStatus?.status === "Infeasible";
    const attributesClass = isInfeasible ? status.currentVolumeAttributesClassName : spec.volumeAttributesClassName;
    const settings: Partial<KubernetesSettings> = {
      namespace: metadata?.namespace ?? "default",
      accessModes: accessModes.filter((each) => spec.accessModes?.includes(each)),
      volumeMode: spec.volumeMode === "Block" ? "Block" : "Filesystem",
      ...(spec.storageClassName !== undefined && { storageClass: spec.storageClassName }),
      volumeAttributesClass: attributesClass ?? null,
    };
    return { sizeGiB, settings };
  },
  decided: [],
  own: ["namespace", "accessModes", "volumeMode", "existingClass"],
};

// Source: apimachinery, resource.Quantity. Read 2026-11-29.
const UNITS: Record<string, number> = {
  ...Object.fromEntries(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((unit, index) => [unit, 1024 ** (index + 1)])),
  ...Object.fromEntries(["k", "M", "G", "T", "P", "E"].map((unit, index) => [unit, 1000 ** (index + 1)])),
  "": 1,
};

/** A quantity of storage as whole GiB, rounded up; nothing where it is none. */
export function gibibytes(quantity: unknown): number | undefined {
  const [, number, unit = ""] =
    /^(\d+(?:\.\d+)?(?:e\d+)?)([A-Za-z]*)$/.exec(typeof quantity === "string" ? quantity : "") ?? [];
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (number === undefined || factor === undefined) return undefined;
  return Math.ceil((Number(number) * factor) / 1024 ** 3);
}
