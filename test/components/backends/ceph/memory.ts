// A Ceph cluster in memory, as the real one behaves (test/e2e/ceph.test.ts holds both to the same): a move of pools gives an image another
// id and loses its snapshot limit, and is refused while a client has the image open.

import {
  ENCRYPTION,
  headerBytesFor,
  limitSettings,
  MARK,
  readEncryption,
  readMark,
  type CephCluster,
  type Image,
  type Pool,
} from "../../../../components/backends/ceph/cluster";
import { CephError } from "../../../../components/backends/ceph/errors";

interface Stored extends Image {
  data: string;
  /** How often it was formatted; each has another key. */
  formats: number;
  clients: string[];
  moveState?: string | undefined;
  source?: Stored | undefined;
}

export interface MemoryCluster extends CephCluster {
  images: Map<string, Stored>;
  /** Images whose creation was killed: they have a name, and nothing else. */
  half: Set<string>;
  all: Pool[];
  id: string;
  passphrase: string | undefined;
  /** What a header takes here. */
  header: number;
  mirroring: Awaited<ReturnType<CephCluster["poolMirroring"]>>;
}

const GIB = 1024 ** 3;

const pool = (name: string, copies: number, deviceClass: string): Pool => ({
  ...{ name, isForImages: true, isReplicated: true, copies, deviceClass },
  ...{ places: 3, placeType: "osd", quotaBytes: 0, storedBytes: 0 },
});

export function memoryCluster(): MemoryCluster {
  const images = new Map<string, Stored>();
  let ids = 0;
  const get = (of: string, name: string): Stored => {
    const image = images.get(`${of}/${name}`);
    if (!image) throw new CephError("gone", `${of}/${name} is gone`);
    return image;
  };
  const free = (image: Stored) => {
    if (image.clients.length > 0) throw new CephError("in-use", "image has watchers");
  };
  const change = (act: (image: Stored) => void) => (of: string, name: string) =>
    Promise.resolve().then(() => act(get(of, name)));
  const half = new Set<string>();
  const cluster: MemoryCluster = {
    images,
    half,
    all: [pool("fast", 3, "ssd"), pool("slow", 2, "hdd")],
    configKey: "ceph:configFile",
    forgetsAfterMs: 0,
    id: "the-cluster",
    passphrase: "secret",
    header: headerBytesFor(1),
    mirroring: { mode: "image", hasPeer: true },
    poolMirroring: () => Promise.resolve(cluster.mirroring),
    fsid: () => Promise.resolve(cluster.id),
    pools: () => Promise.resolve(cluster.all),
    names: (of) => Promise.resolve([...images.values()].filter((each) => each.pool === of).map(({ name }) => name)),
    image(of, name) {
      const stored = images.get(`${of}/${name}`);
      if (!stored) return Promise.resolve(undefined);
      const { data: _, clients: __, source: ___, formats: ____, moveState, ...image } = stored;
      const { encryption, headerBytes = encryption === null ? 0 : cluster.header } = readEncryption(
        stored.metadata[ENCRYPTION],
      );
      const metadata = Object.fromEntries(Object.entries(image.metadata).filter(([key]) => key !== ENCRYPTION));
      const sizeGiB = image.sizeGiB - headerBytes / GIB;
      return Promise.resolve(
        structuredClone({ ...image, sizeGiB, encryption, headerBytes, metadata, isMoving: moveState !== undefined }),
      );
    },
    status: (of, name) =>
      Promise.resolve().then(() => ({ clients: get(of, name).clients, moveState: get(of, name).moveState })),
    checkPassphrase() {
      if (cluster.passphrase === undefined) throw new CephError("not-configured", "encryptionPassphrase is missing");
    },
    async create(of, name, { sizeGiB, headerBytes }, features) {
      if (images.has(`${of}/${name}`) || half.has(`${of}/${name}`)) throw new CephError("exists", "File exists");
      images.set(`${of}/${name}`, {
        ...{
          pool: of,
          name,
          imageId: `id${++ids}`,
          sizeGiB: sizeGiB + headerBytes / GIB,
          encryption: null,
          headerBytes: 0,
          formats: 0,
          snapshots: 0,
          snapshotLimit: 0,
          mirroring: null,
          mark: undefined,
          markedPool: undefined,
        },
        features: [...(features ?? ["layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten"])],
        limits: Object.fromEntries(limitSettings.map((each) => [each, 0])) as Image["limits"],
        ...{ metadata: {}, isMoving: false, moveState: undefined, data: "", clients: [] },
      });
      return Promise.resolve();
    },
    grow: (of, name, { sizeGiB, headerBytes }) =>
      change((image) => (image.sizeGiB = sizeGiB + headerBytes / GIB))(of, name),
    writtenBytes: (of, name) =>
      Promise.resolve().then(() => {
        const { data, formats } = get(of, name);
        return data === "" ? (formats > 0 ? cluster.header : 0) : cluster.header + data.length;
      }),
    headerBytes: (of, name) => Promise.resolve().then(() => (get(of, name).formats > 0 ? cluster.header : undefined)),
    format: (of, name) =>
      change((image) => {
        cluster.checkPassphrase();
        image.formats += 1;
        if (image.data !== "") image.data = "unreadable";
      })(of, name),
    setLimit: (of, name, setting, value) => change((image) => (image.limits[setting] = value))(of, name),
    setSnapshotLimit: (of, name, limit) => change((image) => (image.snapshotLimit = limit))(of, name),
    setMirroring: (of, name, mode) =>
      change((image) => {
        if (mode && image.mirroring && image.mirroring.mode !== mode)
          throw new CephError("refused", "invalid current image mirror mode");
        if (mode === "snapshot" && image.snapshotLimit > 0)
          throw new CephError("full", "failed to create mirror snapshot");
        image.mirroring = mode && { mode, isPrimary: true, schedules: [] };
      })(of, name),
    setMirrorSchedule: (of, name, schedule) =>
      change((image) => {
        if (image.mirroring?.mode !== "snapshot") throw new CephError("refused", "is not in snapshot mirror mode");
        image.mirroring.schedules = schedule ? [schedule] : [];
      })(of, name),
    switchFeatures: (of, name, features, on) =>
      change((image) => {
        image.features = image.features.filter((each) => !features.includes(each)).concat(on ? features : []);
      })(of, name),
    setMetadata: (of, name, key, value) =>
      change((image) => {
        if (key === MARK) Object.assign(image, readMark(value));
        else if (value === undefined) Reflect.deleteProperty(image.metadata, key);
        else image.metadata[key] = value;
      })(of, name),
    prepareMove: (of, name, to) =>
      change((source) => {
        free(source);
        if (source.mirroring?.mode === "snapshot")
          throw new CephError("in-use", "image has non-user type snapshots that are not supported by migration");
        images.delete(`${of}/${name}`);
        const image = { ...source, pool: to, imageId: `id${++ids}`, snapshotLimit: 0, data: "", source };
        images.set(`${to}/${name}`, { ...image, moveState: "prepared" });
      })(of, name),
    executeMove: change((image) => {
      if (image.moveState !== "prepared" && image.moveState !== "executing")
        throw new CephError("refused", "current migration state is wrong");
      image.data = image.source!.data;
      image.moveState = "executed";
    }),
    commitMove: change((image) => {
      if (image.moveState !== "executed") throw new CephError("refused", "getting migration status failed");
      image.moveState = undefined;
      image.source = undefined;
    }),
    abortMove: change((image) => (image.moveState = undefined)),
    remove: (of, name) =>
      half.delete(`${of}/${name}`)
        ? Promise.reject(new CephError("gone", "delete error"))
        : change((image) => {
            if (image.moveState !== undefined) throw new CephError("in-use", "image in migration state");
            free(image);
            if (image.snapshots > 0) throw new CephError("has-snapshots", "image has snapshots");
            images.delete(`${of}/${name}`);
          })(of, name),
  };
  return cluster;
}
