// OpenStack Cinder, by @pulumi/openstack and a companion of ours.

import type { Volume, VolumeArgs } from "@pulumi/openstack/blockstorage/volume";

import { defineBackend } from "../contract";
import type { OpenstackAttachmentOptions, OpenstackVolumeArgs } from "./types";

/* eslint-disable @typescript-eslint/no-require-imports -- each part is loaded when it is first used */
export const openstack = defineBackend<{
  overrides: OpenstackVolumeArgs;
  resource: Volume;
  args: VolumeArgs;
  attachment: OpenstackAttachmentOptions;
}>({
  volumes: () => (require("./resource") as typeof import("./resource")).openstackBackend,
  providers() {
    const { provider, identity } = require("./provider") as typeof import("./provider");
    return { CinderVolume: provider, Identity: identity };
  },
  resources: () => (require("./own-resources") as typeof import("./own-resources")).ownResources,
  attachments: () => (require("./attachment") as typeof import("./attachment")).openstackAttacher,
  host: () => (require("./host") as typeof import("./host")).openstackNode,
});
