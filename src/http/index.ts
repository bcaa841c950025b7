// The HTTP service over a stack's profiles and volumes, as `storage-profiles/http`.

import "../system/service-package";
import "../backends/registry";
import "./problems";

export { openapiDocument } from "./openapi";
export { checkListening, DEFAULT_LISTEN, defaultLimits, type ServiceOptions, type Limits } from "./options";
export { routes } from "./routes";
export { startService, type Service } from "./server";
export { makeToken, roles, type Identity, type Role } from "./tokens";
