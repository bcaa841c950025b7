// Every route there is.

import type { Route } from "../route";
import { volumeRoutes } from "./volumes";
import { operationRoutes } from "./operations";
import { pinRoutes } from "./pins";
import { profileRoutes } from "./profiles";
import { serviceRoutes } from "./service";
import { stateRoutes } from "./state";

export const routes: readonly Route[] = [
  ...profileRoutes,
  ...pinRoutes,
  ...volumeRoutes,
  ...stateRoutes,
  ...operationRoutes,
  ...serviceRoutes,
];
