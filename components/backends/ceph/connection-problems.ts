// What is wrong with the config that leads to a cluster, as volumes and pools report it: of its keys once a run.

import type { Problem, StackConfig } from "../../../src";
import { connectionKeyCheck, missingConnection } from "../../connection-keys";
import { CONNECTION_NAMESPACE, configKeys, secretKeys } from "./connection";

const keyProblems = connectionKeyCheck(CONNECTION_NAMESPACE, configKeys, ...secretKeys);

export function connectionProblems(config: StackConfig, connection: string | undefined): Problem[] {
  return [...keyProblems(config), ...missingConnection(CONNECTION_NAMESPACE, connection, config)];
}
