// What is asked of Cinder, and how its answers are read.

import { z } from "zod";

import type { CinderQuota, CinderType, CinderVolume } from "../../../src/backends/openstack/facts";
import { isStatus, OpenstackError } from "./errors";
import type { CinderSession } from "./session";

const typeShape = z.object({
  id: z.string(),
  name: z.string(),
  extra_specs: z.record(z.string(), z.string()).nullish(),
  // Only administrators are told.
  qos_specs_id: z.string().nullish(),
});
const linksShape = z.array(z.object({ rel: z.string(), href: z.string() })).nullish();
const typesShape = z.object({ volume_types: z.array(typeShape), volume_type_links: linksShape });

/** A volume type with what it takes to ask for more about it. */
export interface SeenType extends CinderType {
  id: string;
  /** `undefined`: not told to this user. */
  qosSpecsId: string | null | undefined;
}

const volumeShape = z.object({
  id: z.string(),
  name: z.string().nullish(),
  status: z.string(),
  size: z.number(),
  volume_type: z.string().nullish(),
  encrypted: z.boolean().nullish(),
  multiattach: z.boolean().nullish(),
  attachments: z.array(z.unknown()).nullish(),
  consistencygroup_id: z.string().nullish(),
  group_id: z.string().nullish(),
  migration_status: z.string().nullish(),
  availability_zone: z.string().nullish(),
  snapshot_id: z.string().nullish(),
  source_volid: z.string().nullish(),
  volume_image_metadata: z.record(z.string(), z.unknown()).nullish(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

/** All volume types that the project may use. */
export async function listTypes(session: CinderSession): Promise<SeenType[]> {
  // Administrators see only public ones unless they ask for all; for others it means nothing.
  const pages = await listed(session, "/types?is_public=None", typesShape, "reading the volume types", (page) => [
    page.volume_types,
    page.volume_type_links,
  ]);
  return pages.map(({ id, name, extra_specs, ...others }) => ({
    id,
    name,
    extraSpecs: extra_specs ?? {},
    qosSpecsId: others.qos_specs_id,
  }));
}

/** The name of the cloud's default type; nothing where there is none, or it isn't told. */
export async function defaultType(session: CinderSession): Promise<string | undefined> {
  const shape = z.object({ volume_type: z.object({ name: z.string() }) });
  try {
    return (await session.get("/types/default", shape, "reading the default volume type")).volume_type.name;
  } catch (error) {
    if (isStatus(error, 403, 404)) return undefined;
    throw error;
  }
}

/** A type with what only administrators are told of it, where this is one. */
export async function detailsOf(session: CinderSession, type: SeenType): Promise<CinderType> {
  if (type.qosSpecsId === undefined) return type;
  const encryption = z.object({ encryption_id: z.string().nullish() });
  const qos = z.object({ qos_specs: z.object({ consumer: z.string() }) });
  try {
    const { encryption_id: encryptionId } = await session.get(
      `/types/${type.id}/encryption`,
      encryption,
      `reading the encryption of type "${type.name}"`,
    );
    const consumer =
      type.qosSpecsId === null
        ? undefined
        : (await session.get(`/qos-specs/${type.qosSpecsId}`, qos, `reading the QoS of type "${type.name}"`)).qos_specs
            .consumer;
    const frontEndQos = consumer === undefined || consumer === "back-end" ? null : type.qosSpecsId;
    return { ...type, encrypted: encryptionId != null, frontEndQos };
  } catch (error) {
    if (isStatus(error, 403, 404)) return type;
    throw error;
  }
}

/** The project's quotas with what is used of them. */
export async function readQuotas(session: CinderSession): Promise<Record<string, CinderQuota>> {
  const amounts = z.object({ limit: z.number(), in_use: z.number(), reserved: z.number() });
  const shape = z.object({ quota_set: z.record(z.string(), z.unknown()) });
  const path = `/os-quota-sets/${await session.projectId()}?usage=True`;
  const { quota_set: found } = await session.get(path, shape, "reading the project's quotas");
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) => {
      const parsed = amounts.safeParse(value);
      if (!parsed.success) return [];
      const { limit, in_use: inUse, reserved } = parsed.data;
      return [[name, { limit, inUse, reserved }]];
    }),
  );
}

/** The names of the zones that take volumes. */
export async function listZones(session: CinderSession): Promise<string[]> {
  const zone = z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) });
  const shape = z.object({ availabilityZoneInfo: z.array(zone) });
  const found = await session.get("/os-availability-zone", shape, "reading the availability zones");
  return found.availabilityZoneInfo.filter((each) => each.zoneState.available).map((each) => each.zoneName);
}

/** The project's volumes with that metadata. */
export async function volumesMarked(session: CinderSession, key: string, value: string): Promise<CinderVolume[]> {
  const query = new URLSearchParams({ metadata: JSON.stringify({ [key]: value }) });
  const shape = z.object({ volumes: z.array(volumeShape), volumes_links: linksShape });
  const found = await listed(
    session,
    `/volumes/detail?${query.toString()}`,
    shape,
    "looking for volumes of this stack",
    (page) => [page.volumes, page.volumes_links],
  );
  // Whatever a cloud makes of the filter.
  return found.map(toVolume).filter((each) => each.metadata[key] === value);
}

/** The volumes of a type, of all projects; for administrators. */
export async function volumesOfType(
  session: CinderSession,
  type: { id: string; name: string },
): Promise<CinderVolume[]> {
  const query = new URLSearchParams({ all_tenants: "1", volume_type_id: type.id });
  const shape = z.object({ volumes: z.array(volumeShape), volumes_links: linksShape });
  const what = `reading the volumes of type "${type.name}"`;
  const found = await listed(session, `/volumes/detail?${query.toString()}`, shape, what, (page) => [
    page.volumes,
    page.volumes_links,
  ]);
  return found.map(toVolume).filter((each) => each.volumeType === type.name);
}

/** A volume as it is told when it is asked for by its id. */
export interface SeenVolume extends CinderVolume {
  migrationStatus: string | undefined;
  availabilityZone: string | null;
  /** What it was made from. */
  snapshotId: string | null;
  imageId: string | null;
  sourceVolumeId: string | null;
}

/** A volume; nothing where it isn't there. */
export async function readVolume(session: CinderSession, id: string): Promise<SeenVolume | undefined> {
  const shape = z.object({ volume: volumeShape });
  try {
    const { volume } = await session.get(`/volumes/${id}`, shape, `reading volume ${id}`);
    const imageId = volume.volume_image_metadata?.["image_id"];
    return {
      ...toVolume(volume),
      migrationStatus: volume.migration_status ?? undefined,
      availabilityZone: volume.availability_zone ?? null,
      snapshotId: volume.snapshot_id ?? null,
      imageId: typeof imageId === "string" ? imageId : null,
      sourceVolumeId: volume.source_volid ?? null,
    };
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** The size of a snapshot in GiB; nothing where it isn't there. */
export async function snapshotSize(session: CinderSession, id: string): Promise<number | undefined> {
  const shape = z.object({ snapshot: z.object({ size: z.number() }) });
  try {
    return (await session.get(`/snapshots/${id}`, shape, `reading snapshot ${id}`)).snapshot.size;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** How many snapshots a volume has. */
export async function countSnapshots(session: CinderSession, volumeId: string): Promise<number> {
  const shape = z.object({ snapshots: z.array(z.unknown()) });
  const query = new URLSearchParams({ volume_id: volumeId });
  const what = `reading the snapshots of volume ${volumeId}`;
  return (await session.get(`/snapshots?${query.toString()}`, shape, what)).snapshots.length;
}

/** What Cinder tells its users of a failure, the newest first. */
export async function messagesOf(session: CinderSession, volumeId: string): Promise<string[]> {
  const shape = z.object({
    messages: z.array(z.object({ user_message: z.string(), resource_uuid: z.string().nullish() })),
  });
  const query = new URLSearchParams({ resource_uuid: volumeId });
  const { messages } = await session.get(`/messages?${query.toString()}`, shape, "reading Cinder's messages", "3.5");
  return messages.filter((each) => each.resource_uuid === volumeId).map((each) => each.user_message);
}

function toVolume(found: z.infer<typeof volumeShape>): CinderVolume {
  // Cinder's times are UTC, and don't say so.
  const time = (text: string) => new Date(/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  return {
    id: found.id,
    name: found.name ?? "",
    status: found.status,
    sizeGiB: found.size,
    volumeType: found.volume_type ?? null,
    encrypted: found.encrypted ?? false,
    multiattach: found.multiattach ?? false,
    attachments: found.attachments?.length ?? 0,
    grouped: Boolean(found.consistencygroup_id) || Boolean(found.group_id),
    createdAt: time(found.created_at),
    updatedAt: time(found.updated_at ?? found.created_at),
    metadata: found.metadata ?? {},
  };
}

const MOST_PAGES = 1_000;

async function listed<Page, Item>(
  session: CinderSession,
  path: string,
  shape: z.ZodType<Page>,
  what: string,
  read: (page: Page) => [Item[], z.infer<typeof linksShape>],
): Promise<Item[]> {
  const items: Item[] = [];
  let next: string | undefined = path;
  for (let pages = 0; next !== undefined; pages++) {
    if (pages === MOST_PAGES) throw new OpenstackError("answer-unreadable", `${what}: Cinder's list has no end`);
    const [some, links]: [Item[], z.infer<typeof linksShape>] = read(await session.get(next, shape, what));
    items.push(...some);
    const href: string | undefined = links?.find((each) => each.rel === "next")?.href;
    // Behind a proxy the link may name a host that can't be reached: only its query counts.
    next = href === undefined ? undefined : `${path.split("?")[0]}${new URL(href).search}`;
  }
  return items;
}
