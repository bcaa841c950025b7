// What is asked at preview before a volume on a cluster is taken over.

import { note } from "../../../src";
import type { CioSettings } from "../../../src/backends/cio";
import { askOfImport } from "../../asks-of-import";
import { CioCluster } from "./cluster";
import { readConnection } from "./connection";
import { CioError } from "./errors";
import { volumeToImport } from "./lifecycle";

export const askCio = askOfImport({
  errorClass: CioError,
  connect: (config, name) => new CioCluster(readConnection(config, process.env, name)),
  find: (cluster, id, { to }) => volumeToImport(cluster, id, to.settings as CioSettings),
  notes(id, { unread }) {
    const owner = note("owner-unknown", "import", { id, keeper: "the cluster" });
    const because = "the cluster doesn't report it";
    const what = `${unread.join(", ")} of ${id}`;
    return unread.length === 0 ? [owner] : [owner, note("not-checked", "import", { what, because })];
  },
});
