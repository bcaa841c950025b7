// What Pulumi's state has of volumes: from the text of `pulumi stack export` to components with what they last got. Pure.

import { z } from "zod";

import { backends, isBackend, isRecordedType } from "../core/backend";
import type { Backend } from "../core/backend";
import type { ResolvedVolume } from "../core/resolve";
import { isMappingType, PROFILED_VOLUME, VOLUME_ATTACHMENT } from "../core/resource-types";
import type { Follower, RecordedVolume, StackState } from "./types";

const properties = z.record(z.string(), z.unknown());
const resourceSchema = z.object({
  urn: z.string(),
  type: z.string(),
  id: z.string().optional(),
  parent: z.string().optional(),
  delete: z.boolean().optional(),
  protect: z.boolean().optional(),
  inputs: properties.optional(),
  outputs: properties.optional(),
  dependencies: z.array(z.string()).nullish(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
});
type Resource = z.infer<typeof resourceSchema>;

const exportSchema = z.object({
  deployment: z.object({
    manifest: z.object({ time: z.string().optional() }).optional(),
    resources: z.array(resourceSchema).nullish(),
    pending_operations: z.array(z.object({ resource: z.object({ urn: z.string() }), type: z.string() })).nullish(),
  }),
});

const volumeSchema = z.object({
  name: z.string(),
  profile: z.string(),
  revision: z.string(),
  backend: z.string().refine(isBackend),
  sizeGiB: z.number(),
  settings: z.record(z.string(), z.unknown()),
  tags: z.record(z.string(), z.string()).optional(),
});

/** The state of a stack that the engine doesn't know. */
export const NO_STATE: StackState = { exists: false, volumes: [], pending: [], resources: 0 };

/** Reads an export. Nothing where it isn't one. */
export function readExport(exported: unknown): StackState | { problem: string } {
  const read = exportSchema.safeParse(exported);
  if (!read.success) return { problem: z.prettifyError(read.error) };
  const { manifest, resources, pending_operations } = read.data.deployment;
  // What is marked to be deleted was replaced already.
  const all = (resources ?? []).filter((each) => each.delete !== true);
  const below = new Map<string, Resource[]>();
  for (const each of all) {
    if (each.parent === undefined) continue;
    below.set(each.parent, [...(below.get(each.parent) ?? []), each]);
  }
  const descendants = (urn: string): Resource[] =>
    (below.get(urn) ?? []).flatMap((each) => [each, ...descendants(each.urn)]);
  const followers = all.filter(({ type }) => type === VOLUME_ATTACHMENT || isMappingType(type));
  const volumes = all
    .filter(({ type }) => type === PROFILED_VOLUME)
    .map((component) => {
      const children = descendants(component.urn);
      return volumeOf(component, children, followersOf(component, children, followers, descendants));
    });
  const components = all
    .filter(
      ({ type }) => type.startsWith("storage-profiles:index:") && ![PROFILED_VOLUME, VOLUME_ATTACHMENT].includes(type),
    )
    .map(({ urn, type }) => ({ urn, type }));
  const pending = (pending_operations ?? []).map(({ resource, type }) => ({ urn: resource.urn, type }));
  const found = components.length > 0 ? { components } : {};
  return {
    ...{ exists: true, updatedAt: resources ? manifest?.time : undefined, volumes, ...found },
    ...{ pending, resources: all.length },
  };
}

function volumeOf(component: Resource, children: Resource[], followers: Follower[]): RecordedVolume {
  const { urn, inputs = {}, outputs = {} } = component;
  const name = typeof inputs["name"] === "string" ? inputs["name"] : (urn.split("::").at(-1) ?? urn);
  const asked = volumeSchema.safeParse(inputs);
  const volume = asked.success ? (asked.data as unknown as ResolvedVolume) : undefined;
  const { volumeId, mountPath, sizeGiB, settings, isTransformed } = outputs;
  // The outputs come only when the volume is done.
  const isDone =
    typeof volumeId === "string" && typeof sizeGiB === "number" && typeof settings === "object" && settings !== null;
  const got = isDone ? ({ sizeGiB, settings } as RecordedVolume["got"]) : undefined;
  return {
    name,
    urn,
    children: children.map((each) => ({ urn: each.urn, type: each.type, id: each.id })),
    followers,
    asked: volume,
    got,
    given: volume && isTransformed === true ? givenOf(volume, children) : undefined,
    has: volume && hasOf(volume, got, children),
    takenBy: children.map(({ outputs }) => outputs?.["takenBy"]).find((each) => typeof each === "string"),
    incomplete: children.map(({ outputs }) => outputs?.["incomplete"]).find((each) => typeof each === "string"),
    volumeId: typeof volumeId === "string" ? volumeId : undefined,
    mountPath: typeof mountPath === "string" ? mountPath : undefined,
    protected: [component, ...children].some(({ protect }) => protect === true),
  };
}

function givenOf({ backend }: ResolvedVolume, children: Resource[]): RecordedVolume["given"] {
  const { recorded }: Backend = backends[backend];
  const child = children.find(({ type }) => isRecordedType(recorded, type));
  return child?.inputs && (recorded.read(child.inputs, {}) as RecordedVolume["given"]);
}

// What the volume's own resource has. Settings that it doesn't tell are as they were got.
function hasOf(volume: ResolvedVolume, got: RecordedVolume["got"], children: Resource[]): RecordedVolume["has"] {
  const { recorded }: Backend = backends[volume.backend];
  const child = children.find(({ type }) => isRecordedType(recorded, type));
  if (!child?.outputs) return undefined;
  const { sizeGiB, settings } = recorded.read(child.outputs, child.outputs);
  if (sizeGiB === undefined || settings === undefined) return undefined;
  const before = got?.settings ?? volume.settings;
  const asked = before as unknown as Record<string, unknown>;
  // What nobody asked for may be whatever the backend chose.
  const told = Object.entries(settings as Record<string, unknown>).filter(([key]) => asked[key] != null);
  return { sizeGiB, settings: { ...before, ...Object.fromEntries(told) } };
}

// Mappings and attachments keep the limits of the volume's profile at their own place.
function followersOf(
  component: Resource,
  children: Resource[],
  candidates: Resource[],
  descendants: (urn: string) => Resource[],
): Follower[] {
  const own = new Set([component, ...children].map(({ urn }) => urn));
  const isOwn = (urn: string) => own.has(urn);
  const dependsOnIt = (each: Resource) =>
    [
      ...(each.dependencies ?? []),
      ...Object.values(each.propertyDependencies ?? {}).flatMap((urns) => urns ?? []),
    ].some(isOwn);
  const isItsOwn = ({ outputs }: Resource) => outputs?.["volume"] === component.urn;
  const found = candidates
    .filter((each) => !own.has(each.urn) && (isItsOwn(each) || [each, ...descendants(each.urn)].some(dependsOnIt)))
    .flatMap((each) => [each, ...descendants(each.urn)]);
  return [...new Map(found.map((each) => [each.urn, each])).values()].map((each) => {
    // Declared with the volume itself, and not with its id and limits of its own, it has the array from the volume. What that input is tells
    // nothing: a refresh sets it for every mapping.
    const isOfVolume = isMappingType(each.type) && (each.propertyDependencies?.["volumeSystemId"] ?? []).some(isOwn);
    const limits = Object.entries(each.outputs ?? {}).filter(
      (entry): entry is [string, number] => LIMITS.includes(entry[0]) && typeof entry[1] === "number",
    );
    const name = each.urn.split("::").at(-1) ?? each.urn;
    // What a refresh finds gone it takes out of the state, and an attachment's component stays; a mapping says it of itself.
    const isGone =
      each.outputs?.["gone"] === true ||
      (each.type === VOLUME_ATTACHMENT && isItsOwn(each) && descendants(each.urn).length === 0);
    return {
      urn: each.urn,
      name,
      ...(isGone && { isGone }),
      ...(isOfVolume && !isGone && { limits: Object.fromEntries(limits) }),
    };
  });
}

const LIMITS = ["iopsLimit", "bandwidthLimitKBps"];
