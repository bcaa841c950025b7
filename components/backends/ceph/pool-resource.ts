// The resource of a pool, and what the program itself asks the cluster about pools. Loaded when the first component is declared.

import * as pulumi from "@pulumi/pulumi";

import { problem, type Problem, type StackConfig } from "../../../src";
import type { PoolSettings } from "../../../src/backends/ceph/pools";
import { connectionSource } from "../../named-connections";
import { registrationOf } from "../../own-resources";
import { nameByToken, stackIdentity } from "../../stack-identity";
import { CONNECTION_NAMESPACE, keyOf, readConnection, variableOf } from "./connection";
import { connectionProblems } from "./connection-problems";
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
  const { connection } = pool;
  const identity = stackIdentity({ backend: "ceph", resource: ownResources.Identity, connection }, config);
  // Not that of a volume of the same name.
  const mark = nameByToken(`pool-${pool.name}`, config.ceph?.owner, identity);
  return new CephPoolResource(resourceName, { ...pool, mark, ...(isImported && { isImported }) }, opts).settings;
}

/** What is wrong with the config that leads to the cluster, once for all pools. */
export function poolConnectionProblems(config: StackConfig, connection: string | undefined): Problem[] {
  return [...connectionProblems(config, connection), ...dashboardProblem(connection)];
}

// Where commandPools refuses it, each pool would repeat it.
function dashboardProblem(connection: string | undefined): Problem[] {
  const all = pulumi.runtime.allConfig();
  const source = connectionSource(CONNECTION_NAMESPACE, (key) => all[key], process.env, connection);
  if ("missing" in source) return [];
  const variable = variableOf("dashboardUrl");
  const isInConfig = source.config(`${CONNECTION_NAMESPACE}:dashboardUrl`) !== undefined;
  if (!isInConfig && source.environment[variable] === undefined) return [];
  const path = isInConfig ? keyOf({ name: connection }, "dashboardUrl") : variable;
  const params = {
    why: "CephPools creates pools by the commands `rbd` and `ceph`, and this connection is to a dashboard",
    allowed: "a connection without dashboardUrl",
    fix: `set \`connection\` of CephPools to one without it in ceph:connections, or unset ${path}`,
  };
  return [problem("value-invalid", path, undefined, params)];
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
