// The resource of a pool, and what the program itself asks the cluster about pools. Loaded when the first component is declared.

import * as pulumi from "@pulumi/pulumi";

import type { Problem, StackConfig } from "../../../src";
import type { PoolSettings } from "../../../src/backends/ceph/pools";
import { generatedName } from "../../../src/backends/generated-name";
import { connectionKeyCheck, missingConnection } from "../../connection-keys";
import { registrationOf } from "../../own-resources";
import { CONNECTION_NAMESPACE, configKeys, readConnection } from "./connection";
import { cephToken } from "./identity";
import { ownResources } from "./own-resources";
import { commandPools } from "./pool-commands";
import { removalProblems } from "./pools";

/** A pool on a Ceph cluster. Its id is its name there. */
class CephPoolResource extends pulumi.CustomResource {
  declare public readonly settings: pulumi.Output<PoolSettings>;

  constructor(name: string, args: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
    const { type, props, opts: all } = registrationOf(ownResources.Pool, opts);
    super(type, name, { ...args, declaredAs: name, poolId: undefined, fsid: undefined, ...props }, all);
  }
}

interface PoolToMake {
  name: string;
  settings: PoolSettings;
  isImported: boolean;
  connection: string | undefined;
}

/** Declares a pool, and returns the settings that it has. */
export function makePool(
  resourceName: string,
  { isImported, ...pool }: PoolToMake,
  config: StackConfig,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<PoolSettings> {
  const mark = cephToken(config, pool.connection).then((token) => {
    if (token === undefined) return undefined;
    return generatedName({
      organization: pulumi.getOrganization(),
      project: pulumi.getProject(),
      stack: pulumi.getStack(),
      owner: config.ceph?.owner,
      // Not that of a volume of the same name.
      volume: `pool-${pool.name}`,
      token,
    });
  });
  return new CephPoolResource(resourceName, { ...pool, mark, ...(isImported && { isImported }) }, opts).settings;
}

const keyProblems = connectionKeyCheck(CONNECTION_NAMESPACE, configKeys, "encryptionPassphrase");

/** What is wrong with the config that leads to the cluster. */
export function connectionProblems(config: StackConfig, connection: string | undefined): Problem[] {
  return [...keyProblems(config), ...missingConnection(CONNECTION_NAMESPACE, connection, config)];
}

/** What keeps these pools from being removed; nothing of those that are gone already. */
export async function problemsOfRemoval(names: readonly string[], connection: string | undefined): Promise<Problem[]> {
  const config = pulumi.runtime.allConfig();
  const cluster = commandPools(readConnection((key) => config[key], process.env, connection));
  const { pools } = await cluster.read();
  const found = await Promise.all(
    pools.filter(({ name }) => names.includes(name)).map((pool) => removalProblems(cluster, pool)),
  );
  return found.flat();
}
