// What Pulumi's state tells of a claim: the object as the API has it, read back as settings.

import type { ReadBack, Recorded } from "../contract";
import type { Claim } from "./claim";
import { PREFIX } from "./classes";
import { gibibytes } from "./quantity";
import { accessModes, type KubernetesSettings } from "./settings";

export const claimRecorded: Recorded<KubernetesSettings> = {
  type: "kubernetes:core/v1:PersistentVolumeClaim",
  // A claim waits for the classes of an edited profile. Those of profiles' own names are left to a `pulumi up`: they are replaced, and deleted.
  preparedBy: { type: "storage-profiles:index:ProfileClasses", prefix: `-${PREFIX}` },
  read(properties): ReadBack<KubernetesSettings> {
    const { metadata, spec, status } = properties as Claim;
    // A change that the driver can't make stays in the claim, and the volume is as it was.
    const isSizeInfeasible = status?.allocatedResourceStatuses?.storage === "ControllerResizeInfeasible";
    const sizeGiB = gibibytes(isSizeInfeasible ? status.capacity?.storage : spec?.resources?.requests?.storage);
    if (!spec || sizeGiB === undefined) return {};
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
