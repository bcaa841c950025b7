// The resource of a volume on a ContainerIO cluster, and how the backend makes it for a ProfiledVolume.

import * as pulumi from "@pulumi/pulumi";

import { NAMESPACE, note, problem, stackPlacement } from "../../../src";
import type { CioSettings } from "../../../src/backends/cio";
import type { VolumeBackend } from "../contract";
import { connectionKeyCheck, missingConnection } from "../../connection-keys";
import { keepAtPreview } from "../../engine";
import { nameByToken, stackIdentity } from "../../stack-identity";
import { transformed } from "../../transform";
import { askOfImport } from "../../asks-of-import";
import { MAX_NAME_LENGTH } from "./assumed";
import { CONNECTION_NAMESPACE, configKeys, variableOf, readConnection } from "./connection";
import { CioCluster } from "./cluster";
import { CioError } from "./errors";
import { volumeToImport } from "./lifecycle";
import { ownResources } from "./own-resources";
import { leadsTo, onConnection } from "../../named-connections";
import { registrationOf } from "../../own-resources";

/** What a volume on a cluster is made from. */
export interface CioVolumeArgs {
  /** Its name on the cluster. Decided once; missing in a preview that can't know it. */
  name: pulumi.Input<string | undefined>;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: pulumi.Input<string> | undefined;
  sizeGiB: pulumi.Input<number>;
  /** The complete settings. */
  settings: pulumi.Input<CioSettings>;
  /** The name of a volume that exists, to take over instead of making one. */
  import?: pulumi.Input<string> | undefined;
}

/** A volume on a ContainerIO cluster. Its id is its name there. Usually made by a `ProfiledVolume`. */
export class CioVolume extends pulumi.CustomResource {
  declare public readonly name: pulumi.Output<string>;
  /** What the cluster knows it by: 8 hex digits. */
  declare public readonly uuid: pulumi.Output<string>;
  /** The device on the node that has it: `/dev/vdisk/vd7`. */
  declare public readonly devicePath: pulumi.Output<string>;
  /** The size that it has, in GiB. */
  declare public readonly sizeGiB: pulumi.Output<number>;
  /** The settings that it has. */
  declare public readonly settings: pulumi.Output<CioSettings>;

  constructor(name: string, args: CioVolumeArgs, opts?: pulumi.CustomResourceOptions) {
    const { type, props, opts: all } = registrationOf(ownResources.Volume, opts);
    super(type, name, { ...args, declaredAs: name, uuid: undefined, devicePath: undefined, ...props }, all);
  }
}

const ADDRESS = { key: "endpoint", variable: variableOf("endpoint") };
const place = (connection: string | undefined) =>
  leadsTo(CONNECTION_NAMESPACE, ADDRESS, connection, pulumi.runtime.allConfig());

export const cioBackend: VolumeBackend = {
  // On one cluster, a name is one volume's.
  identity({ name, physicalName, importId, own, config }) {
    const { connection = config.cio?.connection } = (own ?? {}) as { connection?: string };
    const chosen = importId ?? physicalName;
    // Of each connection the stack has an own token, which is part of the names that are made.
    if (chosen === undefined) return onConnection(`name made from ${name}`, connection);
    return onConnection(`name ${chosen}`, place(connection));
  },
  hasConnections: true,
  placement: (config) => stackPlacement("cio", config),
  problems({ settings }, { physicalName, config }) {
    const { connection } = settings as CioSettings;
    const problems = [...connectionProblems(config), ...missingConnection(CONNECTION_NAMESPACE, connection, config)];
    if (physicalName !== undefined && physicalName.length > MAX_NAME_LENGTH) {
      const params = { what: "a ContainerIO volume", length: physicalName.length, max: MAX_NAME_LENGTH };
      problems.push(problem("physical-name-too-long", "physicalName", physicalName, params));
    }
    if (config.cio?.version === undefined) {
      const because = "which settings are possible depends on the cluster's release";
      const params = { setting: "version", because, example: "version: 2" };
      problems.push(problem("setting-required", `${NAMESPACE}:cio.version`, undefined, params));
    }
    return problems;
  },
  ask: askOfImport({
    errorClass: CioError,
    connect: (config, name) => new CioCluster(readConnection(config, process.env, name)),
    find: (cluster, id, { to }) => volumeToImport(cluster, id, to.settings as CioSettings),
    notes(id, { unread }) {
      const owner = note("owner-unknown", "import", { id, keeper: "the cluster" });
      const because = "the cluster doesn't report it";
      const what = `${unread.join(", ")} of ${id}`;
      return unread.length === 0 ? [owner] : [owner, note("not-checked", "import", { what, because })];
    },
  }),
  make(toMake) {
    const { name, declared, physicalName, explicitName, volume, importId, connection, config, opts } = toMake;
    const identity = () => stackIdentity({ backend: "cio", resource: ownResources.Identity, connection }, config);
    const own: Record<string, unknown> = {
      name: explicitName ? physicalName : nameByToken(name, config.cio?.owner, identity()),
      physicalName: explicitName ? physicalName : undefined,
      sizeGiB: volume.sizeGiB,
      settings: volume.settings as pulumi.Input<CioSettings>,
      import: importId,
    } satisfies CioVolumeArgs;
    // A replacement that a user forces must not meet the name of the volume that it is to replace.
    const { args, opts: finalOpts } = transformed(toMake, own, { ...opts, deleteBeforeReplace: true });
    const resource = new CioVolume(name, args as unknown as CioVolumeArgs, finalOpts);
    keepAtPreview(resource, ["name", "uuid", "devicePath"], () => declared.before);
    return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
  },
  read({ name, id, connection, opts }) {
    const args = { connection, name: undefined, sizeGiB: undefined, settings: undefined };
    const resource = new CioVolume(name, args as unknown as CioVolumeArgs, { ...opts, id });
    return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
  },
};

const connectionProblems = connectionKeyCheck(CONNECTION_NAMESPACE, configKeys);
