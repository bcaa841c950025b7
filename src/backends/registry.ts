// The backends there are. Adding one means a folder beside this file and a line here, and the same in components/backends.

import { registerBackends, type Backend, type TypesOf } from "../core/backend";

/* eslint-disable @typescript-eslint/no-require-imports -- each is loaded when it is first used */
const loaders = {
  aws: () => (require("./aws") as typeof import("./aws")).aws,
  openstack: () => (require("./openstack") as typeof import("./openstack")).openstack,
  scaleio: () => (require("./scaleio") as typeof import("./scaleio")).scaleio,
  cio: () => (require("./cio") as typeof import("./cio")).cio,
  ceph: () => (require("./ceph") as typeof import("./ceph")).ceph,
  kubernetes: () => (require("./kubernetes") as typeof import("./kubernetes")).kubernetes,
  local: () => (require("./local") as typeof import("./local")).local,
};

/** The definitions of the backends that ship. */
export type ShippedBackends = { [B in keyof typeof loaders]: ReturnType<(typeof loaders)[B]> };

declare module "../core/backend" {
  interface BackendTypes extends TypesOfAll<ShippedBackends> {}
}

// `Backend` is named here since the compiler names it in this file's declarations, and imports it there only where it is imported here.
type TypesOfAll<All> = { [B in keyof All]: All[B] extends Pick<Backend, "name"> ? TypesOf<All[B]> : never };

registerBackends(loaders);
