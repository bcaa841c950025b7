// Creates, changes, moves and removes a volume on a cluster. Each step first checks the current state, so that the next run finishes what an
// interrupted one left half done.

import { setTimeout } from "node:timers/promises";

import { change, count, nearest, problem, type Problem } from "../../../src";
import { SWITCHABLE, type CephSettings, type ImageFeature } from "../../../src/backends/ceph";
import { isSame } from "../../../src/core/revision";
import {
  ENCRYPTION,
  encryptionText,
  headerBytesFor,
  limitSettings,
  MARK,
  markText,
  type CephCluster,
  type Image,
  type LimitSetting,
  type MirrorSchedule,
  type Pool,
} from "./cluster";
import { CephError, refuseFor } from "./errors";

/** What a volume must be. */
export interface WantedVolume {
  /** Its name on the cluster. */
  name: string;
  /** Whose it is: what only this stack's state has for this volume. */
  mark: string;
  sizeGiB: number;
  settings: CephSettings;
}

/** What a volume is. */
export interface FoundVolume extends WantedVolume {
  imageId: string;
  fsid: string;
}

/** What the state has of a volume. */
export type KnownVolume = FoundVolume;

const PATH = "settings";
const GIB = 1024 ** 3;

/**
 * What keeps a volume from being made, or from being changed where it exists (`from`) or is taken over (`isMarked`: what marks it is written).
 * Problems: `place-unknown`, `place-cannot`, `place-full`.
 */
export async function volumeProblems(
  cluster: CephCluster,
  { name, sizeGiB, settings }: { name?: string | undefined; sizeGiB: number; settings: CephSettings },
  from?: { sizeGiB: number; settings: CephSettings },
  isMarked = false,
): Promise<Problem[]> {
  const pools = await cluster.pools();
  const pool = pools.find((each) => each.name === settings.pool);
  if (!pool) {
    const known = pools.filter(({ isForImages }) => isForImages).map((each) => each.name);
    const params = { what: "pool", name: settings.pool, where: "in the cluster", known };
    return [
      problem("place-unknown", `${PATH}.pool`, settings.pool, { ...params, nearest: nearest(settings.pool, known) }),
    ];
  }
  if (!from && settings.encryption) cluster.checkPassphrase();
  const moves = from !== undefined && from.settings.pool !== settings.pool;
  const problems = poolProblems(pool, settings, from === undefined || moves);
  // A move writes to both: what it leaves goes to the trash of the pool.
  const source = moves ? pools.find((each) => each.name === from.settings.pool) : undefined;
  const writes = !from || isMarked || !isSame([from.sizeGiB, onImage(from.settings)], [sizeGiB, onImage(settings)]);
  const full = writes ? [pool, ...(source ? [source] : [])].flatMap(fullProblems) : [];
  problems.push(...full);
  const moreGiB = sizeGiB - (from && !moves ? from.sizeGiB : 0);
  const roomGiB = (pool.quotaBytes - pool.storedBytes) / GIB;
  if (full.length === 0 && pool.quotaBytes > 0 && moreGiB > roomGiB) {
    const wants = `the volume needs ${count(moreGiB)} GiB${from && !moves ? " more" : ""} when it is full`;
    const params = { place: `the quota of pool "${pool.name}"`, wants, roomGiB: Math.max(0, Math.floor(roomGiB)) };
    problems.push(problem("place-full", "sizeGiB", sizeGiB, params));
  }
  // What the pool doesn't allow, Ceph would refuse after the volume was made.
  const isMirrored = settings.mirrorMode !== null && (moves || from?.settings.mirrorMode !== settings.mirrorMode);
  if (isMirrored && !cluster.isDashboard) problems.push(...(await mirrorProblems(cluster, pool.name)));
  if (cluster.isDashboard) problems.push(...dashboardProblems(cluster, settings, from?.settings));
  else if (moves && name !== undefined) problems.push(...(await moveProblems(cluster, from.settings, name)));
  return problems;
}

/** What the dashboard can neither do nor report. What a volume has of it already, made by the commands, may stay. */
function dashboardProblems(
  { configKey }: CephCluster,
  settings: CephSettings,
  from: CephSettings | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const lacks = (setting: keyof CephSettings, because: string, way: string) => {
    const ways = [way, `use the commands \`rbd\` and \`ceph\`: remove ${configKey}`];
    const params = { place: "the dashboard's REST API", because, ways };
    problems.push(problem("place-cannot", `${PATH}.${setting}`, settings[setting], params));
  };
  if (from && from.pool !== settings.pool)
    lacks("pool", "it can't move an image to another pool (`rbd migration`)", `keep pool "${from.pool}"`);
  // The size that it reports of an encrypted image includes the header.
  if (settings.encryption)
    lacks("encryption", "it can't encrypt an image, or report whether one is encrypted", "leave `encryption` out");
  if (settings.snapshotLimit !== (from?.snapshotLimit ?? 0))
    lacks("snapshotLimit", "it can't limit snapshots", `leave \`snapshotLimit\` ${from ? "as it is" : "out"}`);
  if (!isSame(mirrorOf(settings), mirrorOf(from)))
    lacks("mirrorMode", "it can't mirror an image", `leave \`mirror\` ${from ? "as it is" : "out"}`);
  if (!isSame(settings.metadata, from?.metadata ?? {}))
    lacks("metadata", "it has no metadata of images", `leave \`metadata\` and tags ${from ? "as they are" : "out"}`);
  return problems;
}

/** An image with what the dashboard doesn't report of it, as it should be: only by the commands is that compared and changed. */
function assumed(
  cluster: CephCluster,
  image: Image,
  { mark, settings }: Pick<WantedVolume, "mark" | "settings">,
): Image {
  if (!cluster.isDashboard) return image;
  const { snapshotLimit, metadata, encryption, mirrorMode: mode } = settings;
  const mirroring = mode && { mode, isPrimary: true, schedules: schedulesOf(settings) };
  return { ...image, mark, markedPool: image.pool, encryption, snapshotLimit, metadata, mirroring };
}

// An image that the commands encrypted: what the dashboard reports as its size isn't what a client has.
function refuseEncrypted(cluster: CephCluster, { name, settings }: Pick<WantedVolume, "name" | "settings">): void {
  if (!cluster.isDashboard || !settings.encryption) return;
  const text = `image ${settings.pool}/${name} is encrypted, and the dashboard reports neither that nor its size without the header. Use the commands: remove ${cluster.configKey}.`;
  throw new CephError("not-possible", text);
}

// The settings that are written to an image. Others are only asked of its pool, or lead to the cluster.
function onImage(settings: CephSettings): Partial<CephSettings> {
  const { copies: _, deviceClass: __, connection: ___, ...written } = settings;
  return written;
}

// What a pool is, and what the profile asks for.
function poolProblems(pool: Pool, { copies, deviceClass }: CephSettings, isNew: boolean): Problem[] {
  const problems: Problem[] = [];
  const place = `pool "${pool.name}"`;
  const cannot = (setting: string, given: unknown, because: string, ways: string[]) =>
    problems.push(problem("place-cannot", `${PATH}.${setting}`, given, { place, because, ways }));
  if (!pool.isReplicated)
    cannot("pool", pool.name, "it is erasure-coded, and an image needs a replicated pool", ["use another pool"]);
  else if (!pool.isForImages)
    cannot("pool", pool.name, "it isn't initialized for RBD images", [`run \`rbd pool init ${pool.name}\``]);
  if (copies !== null && pool.copies !== copies) {
    const because = `it keeps ${count(pool.copies)} copies, not ${count(copies)}`;
    cannot("copies", copies, because, [
      `correct the pool in storage-profiles:ceph.pools, or use a pool with ${count(copies)} copies`,
      `have an administrator run \`ceph osd pool set ${pool.name} size ${copies}\``,
    ]);
  }
  if (deviceClass !== null && pool.deviceClass !== deviceClass) {
    const has = pool.deviceClass === null ? "takes any device" : `is on device class ${pool.deviceClass}`;
    cannot("deviceClass", deviceClass, `its CRUSH rule ${has}, not on ${deviceClass}`, [
      "correct the pool in storage-profiles:ceph.pools, or use a pool on that device class",
    ]);
  }
  if (isNew && pool.places < pool.copies) {
    const has = `${count(pool.places)} ${pool.placeType}${pool.places === 1 ? "" : "s"}`;
    cannot(
      "pool",
      pool.name,
      `its ${count(pool.copies)} copies need as many ${pool.placeType}s, and ${has} can be used`,
      [`add ${pool.placeType}s, or bring back those that are down`, "use another pool"],
    );
  }
  return problems;
}

// Commands that write to it, also to the settings of an image alone, wait until it isn't full any more.
function fullProblems({ name, full }: Pool): Problem[] {
  if (full === undefined) return [];
  const because = `it is full (${full === "quota" ? "its quota is used up" : "its devices are"}), and Ceph lets nothing be written to it`;
  const room = "add OSDs, or remove data (`ceph health detail`)";
  const ways = [full === "quota" ? `raise its quota: \`ceph osd pool set-quota ${name} max_bytes …\`` : room];
  return [problem("place-cannot", `${PATH}.pool`, name, { place: `pool "${name}"`, because, ways })];
}

// What mirroring needs of a pool. Without a peer Ceph takes no snapshots, and a journal grows for nobody.
async function mirrorProblems(cluster: CephCluster, pool: string): Promise<Problem[]> {
  const { mode, hasPeer } = await cluster.poolMirroring(pool);
  const cannot = (because: string, way: string) => [
    problem("place-cannot", `${PATH}.mirrorMode`, undefined, {
      ...{ place: `pool "${pool}"`, because },
      ways: [`have an administrator run \`${way}\``, "leave `mirror` out of the profile"],
    }),
  ];
  const enable = `rbd mirror pool enable ${pool} image`;
  if (mode === "disabled") return cannot("mirroring isn't enabled for it", enable);
  if (mode === "pool") return cannot("it mirrors all images that have a journal, and no single ones", enable);
  if (hasPeer) return [];
  return cannot("no other cluster is a peer of it that copies go to", `rbd mirror pool peer bootstrap create ${pool}`);
}

// An image is moved only while no client has it open, and while nobody mirrors it.
async function moveProblems(
  cluster: CephCluster,
  { pool, mirrorMode }: Pick<CephSettings, "pool" | "mirrorMode">,
  name: string,
): Promise<Problem[]> {
  const image = await cluster.image(pool, name);
  if (!image) return [];
  // What this stack mirrors is mirrored anew from the other pool.
  if (image.mirroring && !mirrorMode) {
    const because = `${pool}/${name} is mirrored, though not by this stack, and a mirrored image can't move to another pool`;
    const ways = [`run \`rbd mirror image disable ${pool}/${name}\``, "set `mirror` in the profile before"];
    return [problem("place-cannot", `${PATH}.pool`, pool, { place: "the cluster", because, ways })];
  }
  const { clients } = await cluster.status(pool, name);
  if (clients.length === 0) return [];
  const because = `an image moves to another pool only while no client has it open, and ${pool}/${name} is open by ${clients.join(", ")}`;
  const ways = [
    "stop what uses it, and run pulumi up again (a client that died is forgotten after 30 s)",
    "keep the pool",
  ];
  return [problem("place-cannot", `${PATH}.pool`, pool, { place: "the cluster", because, ways })];
}

/** Who has a name that a volume was explicitly given. Problem: `physical-name-taken`. */
export async function nameProblems(
  cluster: CephCluster,
  { name, mark, settings }: { name: string; mark: string | undefined; settings: CephSettings },
): Promise<Problem[]> {
  if (!(await cluster.pools()).some((each) => each.name === settings.pool)) return [];
  const other = await cluster.image(settings.pool, name);
  if (!other || (mark !== undefined && other.mark === mark)) return [];
  const by = `an image of ${count(other.sizeGiB)} GiB${other.mark === undefined ? "" : `, volume ${other.mark},`} has it`;
  return [problem("physical-name-taken", "physicalName", name, { name, by, id: `${settings.pool}/${name}` })];
}

/**
 * Makes a volume. One that an interrupted run left behind is taken up and finished, wherever it is: it has the mark, or, unmarked as yet, a
 * name that only this state can have (`ownName`).
 * @throws {CephError} `name-taken`, `not-possible`, `not-configured`, and those of the cluster
 */
export async function createVolume(
  cluster: CephCluster,
  wanted: WantedVolume,
  ownName: boolean,
): Promise<FoundVolume & { found: boolean }> {
  const { name, mark, sizeGiB, settings } = wanted;
  refuseFor(await volumeProblems(cluster, { sizeGiB, settings }));
  const isLeftOver = (image: Image) => image.mark === mark || (ownName && image.mark === undefined);
  const finish = async (image: Image, found: boolean) => {
    const encrypted = settings.encryption ? await encrypt(cluster, image) : image;
    return { ...(await makeSame(cluster, encrypted, wanted)), found };
  };
  for (const { name: pool } of await imagePools(cluster)) {
    // Without marks, only the name tells what a run of ours left: in its own pool, where it was made.
    if (cluster.isDashboard && pool !== settings.pool) continue;
    const names = cluster.isDashboard
      ? [name]
      : await (pool === settings.pool ? cluster.names(pool) : ifAllowed(cluster.names(pool)));
    if (!names?.includes(name)) continue;
    const image = await cluster.image(pool, name);
    if (image && isLeftOver(image) && (pool === settings.pool || !isCopy(image))) return finish(image, true);
    if (image && pool === settings.pool) throw nameTaken(image);
  }
  const size = { sizeGiB, headerBytes: settings.encryption ? headerBytesFor(1) : 0 };
  const create = () => cluster.create(settings.pool, name, size, settings.imageFeatures);
  try {
    await create();
  } catch (error) {
    if (!(error instanceof CephError) || error.code !== "exists") throw error;
    const other = await cluster.image(settings.pool, name);
    // One of the name came in between.
    if (other && !isLeftOver(other)) throw nameTaken(other);
    if (other) return finish(other, true);
    if (!ownName) throw halfMade(settings.pool, name);
    // Only a command of ours that was killed can have begun it, and it has no header yet, and so no data.
    await cluster.remove(settings.pool, name).catch((failed: unknown) => {
      if (!(failed instanceof CephError && failed.code === "gone")) throw failed;
    });
    await create();
  }
  if (!cluster.isDashboard) await cluster.setMetadata(settings.pool, name, MARK, markText(mark, settings.pool));
  const image = await cluster.image(settings.pool, name);
  if (!image) throw new CephError("not-possible", `image ${settings.pool}/${name} was created, and is gone.`);
  return finish(image, false);
}

/**
 * Encrypts an image that is being created. The format makes a new key, with which nothing can be read that was written before: so it is never
 * made of an image that has data, whoever wrote them, nor a second time after the mark says that it is done. A run that ends in between leaves
 * "begun", which the next one finishes.
 */
async function encrypt(cluster: CephCluster, image: Image): Promise<Image> {
  const { pool, name, encryption } = image;
  // Both are for `makeSame` to judge.
  if (encryption === "luks2" || image.isMoving) return image;
  const spec = `${pool}/${name}`;
  // Where a run was interrupted, its own command may be the client, for as long as the cluster doesn't know that it died.
  const until = Date.now() + (encryption === "begun" ? cluster.forgetsAfterMs : 0);
  let { clients } = await cluster.status(pool, name);
  while (clients.length > 0 && Date.now() < until) {
    await setTimeout(1_000);
    ({ clients } = await cluster.status(pool, name));
  }
  if (clients.length > 0) {
    const text = `image ${spec} is to be encrypted, and is open by ${clients.join(", ")}. Stop what uses it, and run pulumi up again. A client that died is forgotten after 30 s.`;
    throw new CephError("in-use", text);
  }
  const written = await cluster.writtenBytes(pool, name);
  const marked = encryption === null && written > 0 ? await withHeader(cluster, image) : image;
  if (marked.encryption === "luks2") return marked;
  if (written > image.headerBytes || image.snapshots > 0) {
    const text =
      `image ${spec} has data, which encryption would make unreadable: it is left as it is. ` +
      `If they are needed, take it over with \`encryption\` as it is (import: "${spec}"). If not, remove it: rbd rm ${spec}`;
    throw new CephError("not-possible", text);
  }
  if (encryption === null) await cluster.setMetadata(pool, name, ENCRYPTION, "begun");
  await cluster.format(pool, name);
  const headerBytes = await cluster.headerBytes(pool, name);
  if (headerBytes === undefined) {
    const text = `the cluster encrypted image ${spec}, and the image doesn't begin with a header of LUKS2. Run pulumi up again.`;
    throw new CephError("not-possible", text);
  }
  await cluster.setMetadata(pool, name, ENCRYPTION, encryptionText(headerBytes));
  return reread(cluster, pool, name);
}

/** An image that is encrypted, and no mark of ours tells that: as its header tells. Others encrypted it, or the mark was removed. */
async function withHeader(cluster: CephCluster, image: Image): Promise<Image> {
  const headerBytes = await cluster.headerBytes(image.pool, image.name);
  if (headerBytes === undefined) return image;
  return {
    ...image,
    encryption: "luks2",
    hasWrongMark: true,
    headerBytes,
    sizeGiB: image.sizeGiB + (image.headerBytes - headerBytes) / GIB,
  };
}

// Where a run of ours began to encrypt it, and never ended, only the header tells how far that came.
async function ofSettings(cluster: CephCluster, image: Image, { encryption }: CephSettings): Promise<Image> {
  if (image.encryption === "luks2" || (!encryption && image.encryption === null)) return image;
  const known = await withHeader(cluster, image);
  if (known.encryption !== "begun") return known;
  const sizeGiB = image.sizeGiB + image.headerBytes / GIB;
  return { ...image, encryption: null, hasWrongMark: true, headerBytes: 0, sizeGiB };
}

// What somebody has copied to another pool, as a backup, isn't the volume.
const isCopy = ({ pool, markedPool }: Image): boolean => markedPool !== undefined && markedPool !== pool;

function nameTaken({ pool, name, sizeGiB, mark }: Image): CephError {
  const whose = mark === undefined ? "it isn't marked as this stack's" : `it is volume ${mark}`;
  return new CephError(
    "name-taken",
    `There is an image ${pool}/${name} of ${count(sizeGiB)} GiB already, and ${whose}. If it is this volume, take it over with its data: ` +
      `import: "${pool}/${name}". If it is no longer needed, remove it from the cluster.`,
  );
}

function halfMade(pool: string, name: string): CephError {
  const text = `image ${pool}/${name} was created only halfway, by a command that was killed. Remove it: rbd rm ${pool}/${name}`;
  return new CephError("name-taken", text);
}

async function imagePools(cluster: CephCluster): Promise<Pool[]> {
  return (await cluster.pools()).filter(({ isForImages, isReplicated }) => isForImages && isReplicated);
}

// In a pool that the user has no access to, no run of ours can have left anything.
function ifAllowed<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof CephError && error.code === "forbidden") return undefined;
    throw error;
  });
}

/**
 * The image of a volume that the state has, in whichever pool it is: a move that was interrupted, or whose result the state missed, leaves it in
 * another.
 */
async function locate(
  cluster: CephCluster,
  known: KnownVolume,
): Promise<{ image?: Image; other?: Image; elsewhere?: Image }> {
  const { name, mark, imageId, fsid, settings } = known;
  const actual = await cluster.fsid();
  if (actual !== fsid) {
    throw new CephError(
      "other-cluster",
      `volume ${name} is on cluster ${fsid}, and the config leads to cluster ${actual}. Correct ${cluster.configKey}.`,
    );
  }
  const isIt = (image: Image) => image.mark === mark || (image.mark === undefined && image.imageId === imageId);
  const pools = await imagePools(cluster);
  const others = pools.map((each) => each.name).filter((each) => each !== settings.pool);
  // A pool that was renamed leaves its images their ids; a copy has another one. The former name can't be asked about.
  const isPool = (await cluster.pools()).some((each) => each.name === settings.pool);
  const isHere = (image: Image) => image.pool === settings.pool || !isCopy(image) || image.imageId === imageId;
  let other: Image | undefined;
  let elsewhere: Image | undefined;
  for (const pool of isPool ? [settings.pool, ...others] : [...others, settings.pool]) {
    const image = await (pool === settings.pool ? cluster.image(pool, name) : ifAllowed(cluster.image(pool, name)));
    if (image && isIt(image) && isHere(image)) return { image };
    if (pool === settings.pool && image) other = image;
    else if (image && isIt(image)) elsewhere = image;
    // Without marks, nothing tells a volume that was moved from another of its name. It doesn't count as gone.
    else if (image && cluster.isDashboard) {
      const text = `volume ${name} isn't in pool ${settings.pool}, and pool ${pool} has an image of its name. The dashboard doesn't report whether that is the volume: use the commands (remove ${cluster.configKey}), or move the image back.`;
      throw new CephError("other-volume", text);
    }
  }
  return { ...(other && { other }), ...(elsewhere && { elsewhere }) };
}

// Nothing tells an image that others have moved to another pool from a copy that they keep there.
function inOtherPool({ pool, name }: Image, { mark, settings }: KnownVolume): CephError {
  const text =
    `volume ${name} isn't in pool ${settings.pool}, and pool ${pool} has an image of its name with its mark: a copy, or the volume itself, moved outside Pulumi. ` +
    `If it is the volume, run \`rbd image-meta set ${pool}/${name} ${MARK} '${markText(mark, pool)}'\` and pulumi refresh. If it is a copy, ` +
    "remove the volume from the state (pulumi state delete): pulumi up then makes it anew, empty.";
  return new CephError("other-volume", text);
}

/** A volume as it is; `undefined` where it is gone. */
export async function readVolume(cluster: CephCluster, known: KnownVolume): Promise<FoundVolume | undefined> {
  refuseEncrypted(cluster, known);
  const { image, elsewhere } = await locate(cluster, known);
  if (!image && elsewhere) throw inOtherPool(elsewhere, known);
  return image && (await asFound(cluster, await ofSettings(cluster, image, known.settings), known));
}

/**
 * An image that no state of ours knows, by its name or as `pool/name`.
 * @throws {CephError} `gone`, `not-possible` where several pools have an image of the name, and those of the cluster
 */
export async function findVolume(cluster: CephCluster, id: string): Promise<FoundVolume> {
  const [name = "", ...pool] = id.split("/").reverse();
  const pools = pool.length > 0 ? [pool.reverse().join("/")] : (await imagePools(cluster)).map((each) => each.name);
  const images = await Promise.all(pools.map((each) => ifAllowed(cluster.image(each, name))));
  const found = images.filter((image) => image !== undefined).filter((image) => pool.length > 0 || !isCopy(image));
  const [image] = found;
  if (!image) throw new CephError("gone", `the cluster has no image ${id}`);
  if (found.length > 1) {
    const where = found.map((each) => `${each.pool}/${name}`).join(", ");
    throw new CephError("not-possible", `several pools have an image ${name}: ${where}. Give its id as pool/name.`);
  }
  // All that can be read of it, as if it were asked for.
  const settings = { copies: 1, deviceClass: "", imageFeatures: [], metadata: image.metadata };
  const volume = await asFound(cluster, image, {
    name,
    mark: image.mark ?? "",
    settings: settings as unknown as CephSettings,
  });
  if (!cluster.isDashboard) return volume;
  // What the dashboard doesn't report.
  const untold = ["encryption", "snapshotLimit", "mirrorMode", "mirrorEvery", "mirrorStart"];
  const told = Object.fromEntries(Object.entries(volume.settings).filter(([setting]) => !untold.includes(setting)));
  return { ...volume, settings: told as unknown as CephSettings };
}

// `known`: what the state has of it, or what is wanted. Metadata of others stay theirs; where the cluster chose the features, or nobody asked
// for a kind of pool, it may go on choosing.
async function asFound(cluster: CephCluster, found: Image, known: Omit<WantedVolume, "sizeGiB">): Promise<FoundVolume> {
  const { settings, mark } = known;
  const image = assumed(cluster, found, known);
  const pool = (await cluster.pools()).find((each) => each.name === image.pool);
  const metadata = Object.entries(image.metadata).filter(([key]) => Object.hasOwn(settings.metadata, key));
  return {
    name: image.name,
    mark,
    imageId: image.imageId,
    fsid: await cluster.fsid(),
    sizeGiB: image.sizeGiB,
    settings: {
      pool: image.pool,
      copies: settings.copies === null || !pool ? settings.copies : pool.copies,
      deviceClass: settings.deviceClass === null || !pool ? settings.deviceClass : pool.deviceClass,
      ...limitsOf(image),
      encryption: image.encryption === "luks2" ? "luks2" : null,
      snapshotLimit: image.snapshotLimit,
      mirrorMode: image.mirroring?.mode ?? null,
      mirrorEvery: joined(image.mirroring?.schedules.map(({ every }) => every)),
      mirrorStart: joined(image.mirroring?.schedules.map(({ start }) => start)),
      imageFeatures: settings.imageFeatures && ownFeatures(image),
      metadata: Object.fromEntries(metadata),
      ...(settings.connection !== undefined && { connection: settings.connection }),
    },
  };
}

// All schedules that the image has: somebody else may have added some.
function joined(texts: (string | null)[] = []): string | null {
  const all = texts.filter((text) => text !== null);
  return all.length > 0 ? all.join(", ") : null;
}

/** The mirroring that settings ask for. Settings that an older release recorded have none. */
const mirrorOf = (settings?: CephSettings) => ({
  mode: settings?.mirrorMode ?? null,
  schedules: settings ? schedulesOf(settings) : [],
});

function schedulesOf({ mirrorEvery: every, mirrorStart: start }: CephSettings): MirrorSchedule[] {
  return every == null ? [] : [{ every, start: start ?? null }];
}

// What Ceph has as 0: a limit that is unlimited, and a burst that there is none of.
function limitsOf({ limits }: Image): Pick<CephSettings, LimitSetting> {
  const values = limitSettings.map((setting) => [
    setting,
    setting.includes("Burst") ? limits[setting] || null : limits[setting],
  ]);
  return Object.fromEntries(values) as Pick<CephSettings, LimitSetting>;
}

// Without those that Ceph sets itself, as `migrating`.
function ownFeatures({ features }: Image): ImageFeature[] {
  const own = features.filter((each) => each !== "migrating" && each !== "operations" && each !== "data-pool");
  return own.sort() as ImageFeature[];
}

/** An image that exists and may be taken over: `pool/name`, or its name alone. Problem: `import-not-possible`. */
export async function imageToImport(
  cluster: CephCluster,
  id: string,
  { mark, settings, takeFrom }: { mark?: string | undefined; settings: CephSettings; takeFrom?: string | undefined },
): Promise<{ found?: FoundVolume; problems: Problem[] }> {
  const refusal = (because: string, way: string) => ({
    problems: [problem("import-not-possible", "import", id, { id, because, way })],
  });
  if (cluster.isDashboard) {
    const because = "the dashboard reports neither the owner of an image nor whether it is encrypted";
    return refusal(because, `use the commands \`rbd\` and \`ceph\`: remove ${cluster.configKey}`);
  }
  const [name = "", pool = settings.pool, ...more] = id.split("/").reverse();
  const pools = (await imagePools(cluster)).map((each) => each.name);
  if (more.length > 0 || !pools.includes(pool))
    return refusal("it names no pool of the cluster", `give it as pool/name; pools: ${pools.join(", ")}`);
  const existing = await cluster.image(pool, name);
  if (!existing) return refusal("the cluster has no such image", `give its pool and name, as in \`rbd ls ${pool}\``);
  const image = await ofSettings(cluster, existing, settings);
  if (image.mark !== undefined && image.mark !== mark && image.mark !== takeFrom) {
    const way = `remove it from that stack's state (pulumi state delete), and set takeFrom: "${image.mark}"`;
    return refusal(`it is volume ${image.mark}`, way);
  }
  return { found: await asFound(cluster, image, { name, mark: mark ?? "", settings }), problems: [] };
}

/** What keeps an image that exists from being taken over into a declaration. */
export async function importProblems(
  cluster: CephCluster,
  id: string,
  wanted: Omit<WantedVolume, "name" | "mark"> & {
    mark?: string | undefined;
    physicalName?: string | undefined;
    takeFrom?: string | undefined;
  },
): Promise<{ found?: FoundVolume; problems: Problem[] }> {
  const { sizeGiB, settings, physicalName } = wanted;
  const { found, problems } = await imageToImport(cluster, id, wanted);
  if (!found) return { problems };
  if (physicalName !== undefined && physicalName !== found.name) {
    const because = `it is called "${found.name}", and an image is never renamed`;
    const params = { id, because, way: "set physicalName to that, or leave it out" };
    return { problems: [problem("import-not-possible", "import", id, params)] };
  }
  const label = { name: found.name, profile: "", revision: "", backend: "ceph" } as const;
  const to = { ...label, sizeGiB, settings };
  const changed = change({ ...label, sizeGiB: found.sizeGiB, settings: found.settings }, to);
  if (changed.problems.length > 0) return { problems: changed.problems };
  const wrong = await volumeProblems(cluster, { name: found.name, sizeGiB, settings }, found, true);
  return wrong.length > 0 ? { problems: wrong } : { found, problems: [] };
}

/** Takes an image over, and makes it what is wanted. */
export async function importVolume(
  cluster: CephCluster,
  id: string,
  wanted: Omit<WantedVolume, "name"> & { physicalName?: string | undefined; takeFrom?: string | undefined },
): Promise<FoundVolume> {
  const { found, problems } = await importProblems(cluster, id, wanted);
  refuseFor(problems);
  const existing = found && (await cluster.image(found.settings.pool, found.name));
  if (!existing) throw new CephError("gone", `${id} is no longer on the cluster.`);
  return makeSame(cluster, await ofSettings(cluster, existing, wanted.settings), { ...wanted, name: existing.name });
}

/**
 * Makes a volume what is wanted, whatever it is now. `known`: what the state has of it.
 * @throws {CephError} `gone`, `other-volume`, `shrink`, `not-possible`, and those of the cluster
 */
export async function updateVolume(
  cluster: CephCluster,
  wanted: Pick<WantedVolume, "sizeGiB" | "settings">,
  known: KnownVolume,
): Promise<FoundVolume> {
  const { image, other, elsewhere } = await locate(cluster, known);
  if (!image && elsewhere) throw inOtherPool(elsewhere, known);
  if (!image) throw other ? otherVolume(other, known, "changed") : gone(known);
  const actual = await ofSettings(cluster, image, wanted.settings);
  return makeSame(cluster, actual, { ...wanted, name: known.name, mark: known.mark }, known.settings);
}

/** Makes an image what is wanted: what an earlier run left half done is finished, and nothing is sent that is so already. */
async function makeSame(
  cluster: CephCluster,
  existing: Image,
  wanted: WantedVolume,
  before?: CephSettings,
): Promise<FoundVolume> {
  const { name, mark, sizeGiB, settings } = wanted;
  refuseEncrypted(cluster, wanted);
  let found = assumed(cluster, existing, wanted);
  const spec = `${found.pool}/${name}`;
  if (found.encryption !== (settings.encryption ?? null)) {
    const is = { luks2: "is encrypted", begun: "was begun as an encrypted one, by a run that was interrupted" };
    const has = found.encryption === null ? "isn't encrypted" : is[found.encryption];
    const text = `image ${spec} ${has}, which is decided when an image is made. Correct \`encryption\`, or declare a new volume and copy the data. If it has no data, remove it: rbd rm ${spec}`;
    throw new CephError("not-possible", text);
  }
  if (found.sizeGiB > sizeGiB) {
    const has = count(found.sizeGiB);
    const text = `image ${spec} has ${has} GiB, and would shrink to ${count(sizeGiB)} GiB. Ask for ${has} GiB or more.`;
    throw new CephError("shrink", text);
  }
  const switches = featureChanges(found, settings.imageFeatures);
  const fixed = [...switches.off, ...switches.on].find((each) => !(each in SWITCHABLE));
  if (fixed !== undefined) {
    const text = `image ${spec} ${switches.on.includes(fixed) ? "lacks" : "has"} \`${fixed}\`, which is set when an image is made. Correct \`imageFeatures\`.`;
    throw new CephError("not-possible", text);
  }
  if (found.mirroring?.isPrimary === false) {
    const text = `image ${spec} is the copy of an image of another cluster (rbd mirror), and must not be written to. To go on with it here, run \`rbd mirror image promote ${spec}\`.`;
    throw new CephError("not-possible", text);
  }
  // The mark first: it goes with the image to another pool, and tells the next run whose that is.
  if (found.mark !== mark) {
    await cluster.setMetadata(found.pool, name, MARK, markText(mark, found.pool));
    found = { ...found, mark, markedPool: found.pool };
  }
  if (found.hasWrongMark === true) {
    const text = found.encryption === "luks2" ? encryptionText(found.headerBytes) : undefined;
    await cluster.setMetadata(found.pool, name, ENCRYPTION, text);
  }
  let image = found.isMoving ? await finishMove(cluster, found) : found;
  // What others mirror stays so, where the profile never said anything: the copies elsewhere would be removed.
  const isOurs = before === undefined || (before.mirrorMode ?? null) !== null || settings.mirrorMode !== null;
  const moves = image.pool !== settings.pool;
  if (image.mirroring && isOurs && (moves || image.mirroring.mode !== settings.mirrorMode)) {
    if (moves && settings.mirrorMode) refuseFor(await mirrorProblems(cluster, settings.pool));
    await cluster.setMirroring(image.pool, name, null);
    image = await reread(cluster, image.pool, name);
  }
  if (moves) {
    refuseFor(await volumeProblems(cluster, { name, sizeGiB, settings }, await asFound(cluster, image, wanted)));
    await cluster.setMetadata(image.pool, name, MARK, markText(mark, settings.pool));
    await cluster.prepareMove(image.pool, name, settings.pool);
    image = await finishMove(cluster, await reread(cluster, settings.pool, name));
  }

  // What a move loses (the limit of snapshots) and what it keeps is all compared again.
  const { pool } = image;
  if (image.markedPool !== pool) await cluster.setMetadata(pool, name, MARK, markText(mark, pool));
  if (image.sizeGiB < sizeGiB) await cluster.grow(pool, name, { sizeGiB, headerBytes: image.headerBytes });
  for (const setting of limitSettings)
    if (image.limits[setting] !== (settings[setting] ?? 0))
      await cluster.setLimit(pool, name, setting, settings[setting] ?? 0);
  if (image.snapshotLimit !== settings.snapshotLimit)
    await cluster.setSnapshotLimit(pool, name, settings.snapshotLimit);
  const { off, on } = featureChanges(image, settings.imageFeatures);
  if (off.length > 0) await cluster.switchFeatures(pool, name, off, false);
  if (on.length > 0) await cluster.switchFeatures(pool, name, on, true);
  for (const [key, value] of metadataChanges(image, settings, before))
    await cluster.setMetadata(pool, name, key, value);
  const { mirrorMode } = settings;
  const [schedule] = schedulesOf(settings);
  if (mirrorMode && image.mirroring?.mode !== mirrorMode) await cluster.setMirroring(pool, name, mirrorMode);
  const schedules = mirrorMode === image.mirroring?.mode ? image.mirroring.schedules : [];
  if (mirrorMode === "snapshot" && !isSame(schedules, schedulesOf(settings)))
    await cluster.setMirrorSchedule(pool, name, schedule ?? null);

  const after = assumed(cluster, await reread(cluster, pool, name), wanted);
  const left = [
    ...(after.mark === mark && after.markedPool === pool ? [] : ["its mark"]),
    ...(after.sizeGiB < sizeGiB ? ["sizeGiB"] : []),
    ...limitSettings.filter((setting) => after.limits[setting] !== (settings[setting] ?? 0)),
    ...(after.snapshotLimit === settings.snapshotLimit ? [] : ["snapshotLimit"]),
    ...(isOurs && mirrorMode !== (after.mirroring?.mode ?? null) ? ["mirrorMode"] : []),
    ...(mirrorMode !== "snapshot" || isSame(schedulesOf(settings), after.mirroring?.schedules) ? [] : ["mirrorEvery"]),
    ...Object.values(featureChanges(after, settings.imageFeatures)).flat(),
    ...metadataChanges(after, settings, before).map(([key]) => `metadata ${key}`),
  ];
  if (left.length > 0) {
    const text = `the cluster took the change of image ${pool}/${name}, and didn't carry out ${left.join(", ")}. Run pulumi up again.`;
    throw new CephError("not-possible", text);
  }
  return asFound(cluster, after, wanted);
}

/** Brings a move to another pool to its end, wherever it was interrupted. */
async function finishMove(cluster: CephCluster, image: Image): Promise<Image> {
  const { pool, name } = image;
  const { moveState } = await cluster.status(pool, name);
  if (moveState === "prepared" || moveState === "executing") await cluster.executeMove(pool, name);
  if (moveState === "prepared" || moveState === "executing" || moveState === "executed")
    await cluster.commitMove(pool, name);
  // Before it is prepared completely no client can have opened the new image: nothing is lost with it.
  else if (moveState === "preparing") await cluster.abortMove(pool, name);
  else if (moveState !== undefined) {
    const text = `the move of image ${pool}/${name} to another pool is in state "${moveState}". See \`rbd status ${pool}/${name}\`.`;
    throw new CephError("not-possible", text);
  }
  return reread(cluster, pool, name);
}

async function reread(cluster: CephCluster, pool: string, name: string): Promise<Image> {
  const image = await cluster.image(pool, name);
  if (!image) throw new CephError("gone", `image ${pool}/${name} is no longer on the cluster.`);
  return image;
}

/** The features to switch off and on. */
function featureChanges(image: Image, wanted: readonly ImageFeature[] | null): { off: string[]; on: string[] } {
  const has = ownFeatures(image);
  return {
    off: wanted === null ? [] : has.filter((each) => !wanted.includes(each)),
    on: (wanted ?? []).filter((each) => !has.includes(each)),
  };
}

// Only what the last run had set is taken away.
function metadataChanges(
  { metadata: has }: Image,
  { metadata }: CephSettings,
  before: CephSettings | undefined,
): [key: string, value: string | undefined][] {
  const gone = Object.keys(before?.metadata ?? {}).filter(
    (key) => !Object.hasOwn(metadata, key) && Object.hasOwn(has, key),
  );
  const set = Object.entries(metadata).filter(([key, value]) => !Object.hasOwn(has, key) || !isSame(has[key], value));
  return [...gone.map((key): [string, undefined] => [key, undefined]), ...set];
}

function otherVolume({ pool, name, mark, imageId }: Image, known: KnownVolume, what: "changed" | "removed"): CephError {
  return new CephError(
    "other-volume",
    `image ${pool}/${name} is ${mark === undefined ? imageId : `volume ${mark}`} on the cluster, and volume ${known.mark} in the state: another one ` +
      `has the name now, and is not ${what}. Run pulumi refresh: the volume of the state is gone.`,
  );
}

function gone({ name, settings }: KnownVolume): CephError {
  return new CephError(
    "gone",
    `image ${settings.pool}/${name} is no longer on the cluster. Run pulumi refresh; pulumi up then makes it anew, empty.`,
  );
}

/**
 * Removes a volume for good. Gone already is as good.
 * @throws {CephError} `other-volume`, `in-use`, `has-snapshots`, and those of the cluster
 */
export async function removeVolume(cluster: CephCluster, known: KnownVolume): Promise<void> {
  const { image, other } = await locate(cluster, known);
  if (other) throw otherVolume(other, known, "removed");
  if (!image) return;
  // Ceph refuses both as well; of an image with snapshots that is said before a move is brought to its end.
  if (image.snapshots > 0) {
    const text = `image ${image.pool}/${image.name} has ${count(image.snapshots)} snapshot${image.snapshots === 1 ? "" : "s"}, and is not removed. Remove them first (rbd snap purge ${image.pool}/${image.name}), or keep the volume.`;
    throw new CephError("has-snapshots", text);
  }
  const { pool, name } = image.isMoving ? await finishMove(cluster, image) : image;
  await cluster.remove(pool, name);
}
