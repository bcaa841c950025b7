// Every route there is.

import type { Route } from "../route";
import { datasetRoutes } from "./datasets";
import { operationRoutes } from "./operations";
import { profileRoutes } from "./profiles";
import { serviceRoutes } from "./service";
import { stateRoutes } from "./state";

export const routes: readonly Route[] = [
  ...profileRoutes,
  ...datasetRoutes,
  ...stateRoutes,
  ...operationRoutes,
  ...serviceRoutes,
];
