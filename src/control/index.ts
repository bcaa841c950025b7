// The HTTP service over a stack's profiles and volumes, as `storage-profiles/control`.

export { openapiDocument } from "./openapi";
export { checkListening, DEFAULT_LISTEN, defaultLimits, type ControlOptions, type Limits } from "./options";
export { routes } from "./routes";
export { startControl, type Control } from "./server";
export { makeToken, roles, type Identity, type Role } from "./tokens";
