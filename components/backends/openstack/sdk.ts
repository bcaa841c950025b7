// The parts of @pulumi/openstack that are used, each loaded when it is first needed: a program on another backend loads none of them.

/* eslint-disable @typescript-eslint/no-require-imports -- loaded when it is needed */

import { loadPackage } from "../../load";

const load = <Module>(requireIt: () => Module) => loadPackage("openstack", "@pulumi/openstack", "3", requireIt);

/** What makes volumes. */
export const blockstorageVolume = (): typeof import("@pulumi/openstack/blockstorage/volume") =>
  load(
    () => require("@pulumi/openstack/blockstorage/volume") as typeof import("@pulumi/openstack/blockstorage/volume"),
  );

/** What makes volume types. */
export const volumeType = (): typeof import("@pulumi/openstack/blockstorage/volumeTypeV3") =>
  load(
    () =>
      require("@pulumi/openstack/blockstorage/volumeTypeV3") as typeof import("@pulumi/openstack/blockstorage/volumeTypeV3"),
  );

/** What lets projects use volume types that aren't public. */
export const volumeTypeAccess = (): typeof import("@pulumi/openstack/blockstorage/volumeTypeAccessV3") =>
  load(
    () =>
      require("@pulumi/openstack/blockstorage/volumeTypeAccessV3") as typeof import("@pulumi/openstack/blockstorage/volumeTypeAccessV3"),
  );

/** What makes QoS specs. */
export const qosSpecs = (): typeof import("@pulumi/openstack/blockstorage/qosV3") =>
  load(() => require("@pulumi/openstack/blockstorage/qosV3") as typeof import("@pulumi/openstack/blockstorage/qosV3"));

/** What gives QoS specs to volume types. */
export const qosAssociation = (): typeof import("@pulumi/openstack/blockstorage/qosAssociationV3") =>
  load(
    () =>
      require("@pulumi/openstack/blockstorage/qosAssociationV3") as typeof import("@pulumi/openstack/blockstorage/qosAssociationV3"),
  );

/** What attaches volumes where there is a Nova. */
export const computeAttachment = (): typeof import("@pulumi/openstack/compute/volumeAttach") =>
  load(
    () => require("@pulumi/openstack/compute/volumeAttach") as typeof import("@pulumi/openstack/compute/volumeAttach"),
  );

/** What attaches volumes where there is none. */
export const blockstorageAttachment = (): typeof import("@pulumi/openstack/blockstorage/volumeAttach") =>
  load(
    () =>
      require("@pulumi/openstack/blockstorage/volumeAttach") as typeof import("@pulumi/openstack/blockstorage/volumeAttach"),
  );
