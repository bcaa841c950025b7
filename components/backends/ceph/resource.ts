// The resource of a volume on a Ceph cluster, and how the backend makes it for a ProfiledVolume.

import * as pulumi from "@pulumi/pulumi";

import { stackPlacement } from "../../../src";
import type { CephSettings } from "../../../src/backends/ceph";
import { keepAtPreview } from "../../engine";
import { leadsTo, onConnection } from "../../named-connections";
import { registrationOf } from "../../own-resources";
import { nameByToken, stackIdentity } from "../../stack-identity";
import { transformed } from "../../transform";
import type { VolumeBackend } from "../contract";
import { askOfImport } from "../../asks-of-import";
import { CONNECTION_NAMESPACE, readConnection, variableOf } from "./connection";
import { connectionProblems } from "./connection-problems";
import { openCluster } from "./dashboard";
import { CephError } from "./errors";
import { imageToImport } from "./lifecycle";
import { ownResources } from "./own-resources";

/** What a volume on a cluster is made from. */
export interface CephVolumeArgs {
  /** Its name on the cluster. Decided once; missing in a preview that can't know it. */
  name: pulumi.Input<string | undefined>;
  /** The owner, as recorded in the metadata of the image. Set once; missing in a preview that doesn't know it yet. */
  mark: pulumi.Input<string | undefined>;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: pulumi.Input<string> | undefined;
  sizeGiB: pulumi.Input<number>;
  /** The complete settings. */
  settings: pulumi.Input<CephSettings>;
  /** An image that exists, as `pool/name`, to take over instead of making one. */
  import?: pulumi.Input<string> | undefined;
  /** The volume from which it is taken over, if it is marked as another's. */
  takeFrom?: pulumi.Input<string> | undefined;
}

/** A volume on a Ceph cluster. Its id is its name there. Usually made by a `ProfiledVolume`. */
export class CephVolume extends pulumi.CustomResource {
  declare public readonly name: pulumi.Output<string>;
  /** The image, as `rbd` takes it: `pool/name`. */
  declare public readonly image: pulumi.Output<string>;
  /** The size that it has, in GiB. */
  declare public readonly sizeGiB: pulumi.Output<number>;
  /** The settings that it has. */
  declare public readonly settings: pulumi.Output<CephSettings>;

  constructor(name: string, args: CephVolumeArgs, opts?: pulumi.CustomResourceOptions) {
    const { type, props, opts: all } = registrationOf(ownResources.Volume, opts);
    super(
      type,
      name,
      { ...args, declaredAs: name, image: undefined, imageId: undefined, fsid: undefined, ...props },
      all,
    );
  }
}

const place = (connection: string | undefined) => {
  const by = (key: "configFile" | "dashboardUrl") =>
    leadsTo(CONNECTION_NAMESPACE, { key, variable: variableOf(key) }, connection, pulumi.runtime.allConfig());
  // Without the key, it is the connection's name.
  const dashboard = by("dashboardUrl");
  return dashboard === connection ? by("configFile") : dashboard;
};

export const cephBackend: VolumeBackend = {
  takesFrom: true,
  unattachable: {
    because: "nothing attaches an image to a host from outside: a client of Ceph maps it itself",
    ways: [
      "on the host, run `rbd device map` with the volume's `resource.image` (it needs the kernel module `rbd`, or, with `-t nbd`, `nbd` and the package rbd-nbd)",
    ],
  },
  // A volume may move from pool to pool, so that a name is one volume's in all of them.
  identity({ name, physicalName, importId, own, config }) {
    const { connection = config.ceph?.connection } = (own ?? {}) as { connection?: string };
    const chosen = importId?.split("/").pop() ?? physicalName;
    // Of each connection the stack has an own token, which is part of the names that are made.
    if (chosen === undefined) return onConnection(`name made from ${name}`, connection);
    return onConnection(`name ${chosen}`, place(connection));
  },
  hasConnections: true,
  placement: (config) => stackPlacement("ceph", config),
  problems: ({ settings }, { config }) => connectionProblems(config, (settings as CephSettings).connection),
  ask: askOfImport({
    errorClass: CephError,
    connect: (config, name) => openCluster(readConnection(config, process.env, name)),
    find: (cluster, id, { to, declared: { takeFrom } }) =>
      imageToImport(cluster, id, { settings: to.settings as CephSettings, takeFrom }),
  }),
  make(toMake) {
    const { name, declared, physicalName, explicitName, volume, importId, takeFrom, connection, config, opts } = toMake;
    const identity = stackIdentity({ backend: "ceph", resource: ownResources.Identity, connection }, config);
    const mark = nameByToken(name, config.ceph?.owner, identity);
    const own: Record<string, unknown> = {
      name: explicitName ? physicalName : mark,
      mark,
      physicalName: explicitName ? physicalName : undefined,
      sizeGiB: volume.sizeGiB,
      settings: volume.settings as pulumi.Input<CephSettings>,
      import: importId,
      takeFrom,
    } satisfies CephVolumeArgs;
    // A replacement that a user forces must not meet the name of the volume that it is to replace.
    const { args, opts: finalOpts } = transformed(toMake, own, { ...opts, deleteBeforeReplace: true });
    const resource = new CephVolume(name, args as unknown as CephVolumeArgs, finalOpts);
    keepAtPreview(resource, ["name"], () => declared.before);
    return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
  },
  read({ name, id, connection, opts }) {
    const args = { connection, name: undefined, sizeGiB: undefined, settings: undefined };
    const resource = new CephVolume(name, args as unknown as CephVolumeArgs, { ...opts, id });
    return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
  },
};
