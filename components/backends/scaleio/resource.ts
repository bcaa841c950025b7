// The resource of a volume on ScaleIO / PowerFlex, and how the backend makes it for a ProfiledVolume.

import * as pulumi from "@pulumi/pulumi";

import { NAMESPACE, note, problem, stackPlacement } from "../../../src";
import type { ScaleioSettings } from "../../../src/backends/scaleio";
import { MAX_NAME_LENGTH } from "../../../src/backends/generated-name";
import type { VolumeBackend } from "../contract";
import { connectionKeyCheck, missingConnection } from "../../connection-keys";
import { keepAtPreview } from "../../engine";
import { leadsTo, onConnection } from "../../named-connections";
import { registrationOf } from "../../own-resources";
import { nameByToken } from "../../stack-identity";
import { transformed } from "../../transform";
import { askOfImport } from "../../asks-of-import";
import { CONNECTION_NAMESPACE, configKeys, variableOf, readConnection } from "./connection";
import { ScaleioArray } from "./array";
import { ScaleioError } from "./errors";
import { volumeToImport } from "./lifecycle";
import { GatewaySession } from "./session";
import { scaleioStack } from "./identity";
import { ownResources } from "./own-resources";

/** What a volume on an array is made from. */
export interface ScaleioVolumeArgs {
  /** Its name on the array. Decided once; missing in a preview that can't know it. */
  name: pulumi.Input<string | undefined>;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: pulumi.Input<string> | undefined;
  /** The size in GiB, a multiple of 8. */
  sizeGiB: pulumi.Input<number>;
  /** The complete settings. */
  settings: pulumi.Input<ScaleioSettings>;
  /** The id of a volume that exists, to take over instead of making one. */
  import?: pulumi.Input<string> | undefined;
  /** The id of the array that this stack's volumes are on, where the state has it: a new one is made on no other. */
  stackSystemId?: pulumi.Input<string | undefined>;
}

/** A volume on ScaleIO / PowerFlex. Usually made by a `ProfiledVolume`. */
export class ScaleioVolume extends pulumi.CustomResource {
  /** The id of the array that has it. */
  declare public readonly systemId: pulumi.Output<string>;
  /** Its name on the array. */
  declare public readonly name: pulumi.Output<string>;
  /** The size that it has, in GiB. */
  declare public readonly sizeGiB: pulumi.Output<number>;
  /** The settings that it has; its limits are kept by its mappings. */
  declare public readonly settings: pulumi.Output<ScaleioSettings>;

  constructor(name: string, args: ScaleioVolumeArgs, opts?: pulumi.CustomResourceOptions) {
    const { type, props, opts: all } = registrationOf(ownResources.Volume, opts);
    super(type, name, { ...args, declaredAs: name, systemId: undefined, ...props }, all);
  }
}

const ADDRESS = { key: "endpoint", variable: variableOf("endpoint") };
const place = (connection: string | undefined) =>
  leadsTo(CONNECTION_NAMESPACE, ADDRESS, connection, pulumi.runtime.allConfig());

export const scaleioBackend: VolumeBackend = {
  // A name belongs to one volume of an array. Where no physical name is given, one is made from the volume's name.
  identity({ name, physicalName, importId, own, config }) {
    const { connection = config.scaleio?.connection } = (own ?? {}) as { connection?: string };
    if (importId !== undefined) return onConnection(`id ${importId}`.toLowerCase(), place(connection));
    // Of each connection the stack has an own token, which is part of the names that are made.
    if (physicalName === undefined) return onConnection(`name made from ${name}`, connection);
    return onConnection(`name ${physicalName}`, place(connection));
  },
  hasConnections: true,
  // An administrator can move a volume, and rename pools and domains.
  changedElsewhere: ["provisioning", "protectionDomain", "storagePool"] satisfies (keyof ScaleioSettings)[],
  placement: (config) => stackPlacement("scaleio", config),
  problems({ settings }, { physicalName, config }) {
    const { protectionDomain, storagePool, connection } = settings as ScaleioSettings;
    const problems = [...connectionProblems(config), ...missingConnection(CONNECTION_NAMESPACE, connection, config)];
    if (physicalName !== undefined && physicalName.length > MAX_NAME_LENGTH) {
      const params = { what: "the ScaleIO volume", length: physicalName.length, max: MAX_NAME_LENGTH };
      problems.push(problem("physical-name-too-long", "physicalName", physicalName, params));
    }
    for (const [setting, value] of Object.entries({ protectionDomain, storagePool })) {
      if (value !== null) continue;
      const because = "a ScaleIO volume requires a storage pool in a protection domain";
      const example = `${setting}: <its name>`;
      const way = `set it in the profile's section scaleio`;
      problems.push(
        problem("setting-required", `${NAMESPACE}:scaleio.${setting}`, undefined, { setting, because, example, way }),
      );
    }
    return problems;
  },
  ask: askOfImport({
    errorClass: ScaleioError,
    connect: (config, name) => new ScaleioArray(new GatewaySession(readConnection(config, process.env, name))),
    // The array writes ids in lower case.
    find: (array, id, { to }) => volumeToImport(array, id.toLowerCase(), to.settings as ScaleioSettings),
    notes: (id) => [note("owner-unknown", "import", { id, keeper: "the array" })],
  }),
  make(toMake) {
    const { name, declared, physicalName, explicitName, volume, importId, connection, config, opts } = toMake;
    const identity = scaleioStack(config, connection);
    const own: Record<string, unknown> = {
      name: explicitName ? physicalName : nameByToken(name, config.scaleio?.owner, identity),
      physicalName: explicitName ? physicalName : undefined,
      sizeGiB: volume.sizeGiB,
      settings: volume.settings as pulumi.Input<ScaleioSettings>,
      import: importId,
      stackSystemId: identity.then(({ systemId }) => systemId),
    } satisfies ScaleioVolumeArgs;
    // A replacement that a user forces must not meet the name of the volume that it is to replace.
    const { args, opts: finalOpts } = transformed(toMake, own, { ...opts, deleteBeforeReplace: true });
    const resource = new ScaleioVolume(name, args as unknown as ScaleioVolumeArgs, finalOpts);
    keepAtPreview(resource, ["name", "systemId"], () => declared.before);
    return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
  },
  read({ name, id, connection, opts }) {
    const args = { connection, name: undefined, sizeGiB: undefined, settings: undefined };
    const resource = new ScaleioVolume(name, args as unknown as ScaleioVolumeArgs, { ...opts, id });
    return { resource, volumeId: resource.id, sizeGiB: resource.sizeGiB, settings: resource.settings };
  },
};

const connectionProblems = connectionKeyCheck(CONNECTION_NAMESPACE, configKeys, "password");
