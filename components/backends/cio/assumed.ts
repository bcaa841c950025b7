// What no public source tells of ContainerIO, and is assumed here: each assumption once, in one place. docs/cio.md lists them for users.

/** Assumed: the "GB" of the product are GiB, as one of its pages has it ("1 GiB to 64 TiB"). */
export const GIB_PER_CAPACITY = 1;

/** Assumed: a name has the characters that names have here, and may be this long. */
export const MAX_NAME_LENGTH = 31;

/** Assumed: by one of these the API says that there is no such volume. Of a failure only its status is known: 500. */
export const NO_SUCH_VOLUME = {
  status: 404,
  text: /not found|no such|does ?n[o']t exist|unknown v|invalid vdisk id/i,
};

/** Assumed: by one of these the API, or the command, says that a name is in use. */
export const NAME_IN_USE = /already exists|in use|duplicate/i;

/** Assumed: a creation over REST is like a change, `{ name, opts, labels }`, and its `opts` are those of the Docker plugin and of CSI. */
export const CREATION_OPTIONS = {
  capacity: "capacity",
  directory: "directory",
  filesystem: "filesystem",
  iopsMin: "iopsmin",
  iopsMax: "iopsmax",
  bandwidthMin: "bandwidthmin",
  bandwidthMax: "bandwidthmax",
  level: "level",
  node: "node",
  provision: "provision",
  type: "type",
  compression: "compression",
  algorithm: "algorithm",
  encryption: "encryption",
  snapshot: "snapshot",
  interval: "interval",
  snapshotMax: "snapshotMax",
  autoExpand: "autoexpand",
  threshold: "threshold",
  increment: "increment",
  limit: "limit",
} as const;

/** Assumed: a volume without limits by bandwidth reads 0 there, or nothing. */
export const NO_BANDWIDTH = 0;

/** Assumed: every node tells the same `domainID`, and another cluster's nodes tell another. */
export const CLUSTER_ID = "domainID";

/** Assumed: how long to wait, in milliseconds, before a command is tried again that says "try again". */
export const COMMAND_PAUSES = [500, 2_000];
