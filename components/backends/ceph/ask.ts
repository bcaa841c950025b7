// What is asked at preview before an image on a cluster is taken over.

import type { CephSettings } from "../../../src/backends/ceph";
import { askOfImport } from "../../asks-of-import";
import { commandCluster } from "./commands";
import { readConnection } from "./connection";
import { CephError } from "./errors";
import { imageToImport } from "./lifecycle";

export const askCeph = askOfImport({
  errorClass: CephError,
  connect: (config, name) => commandCluster(readConnection(config, process.env, name)),
  find: (cluster, id, { to, declared: { takeFrom } }) =>
    imageToImport(cluster, id, { settings: to.settings as CephSettings, takeFrom }),
});
