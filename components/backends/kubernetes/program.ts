// What can be seen of the program around a claim: whether it may create what the cluster doesn't have yet, and whether the claim has a provider
// of the program's own.

import * as pulumi from "@pulumi/pulumi";

import type { DeclaredVolume } from "../../declared";
import { known } from "../../engine";
import { inPlugin } from "../../plugin-mode";
import { registered } from "../../pulumi-internals";

/** What a claim can be created in or with. */
export type Kind = "Namespace" | "StorageClass" | "VolumeAttributesClass";

const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";
// What consists of objects that the program names elsewhere.
const MANY = /^kubernetes:(yaml|helm|kustomize)|^command:|^pulumi-nodejs:dynamic(:|\/(?!storage-profiles:))/;

const claims = new WeakMap<DeclaredVolume, pulumi.Resource>();
const classes = new WeakMap<pulumi.Resource, ReadonlySet<string>>();

/** Takes note of the claim of a volume. */
export function rememberClaim(declared: DeclaredVolume, claim: pulumi.Resource): void {
  claims.set(declared, claim);
}

/** Takes note of the names of the classes that a component creates. */
export function rememberClasses(component: pulumi.Resource, names: readonly string[]): void {
  classes.set(component, new Set(names));
}

/** Whether the claim is created by a provider of the program's own, which may lead to another cluster than the default one. */
export function hasOwnProvider(declared: DeclaredVolume): boolean {
  return claims.get(declared)?.getProvider(CLAIM) !== undefined;
}

/**
 * Whether the claim's program creates an object of the cluster: `yes` by our own classes, `maybe` where it declares an object of this kind
 * that may have the name, or something that can't be looked into.
 */
export async function isCreatedBesides(
  declared: DeclaredVolume,
  kind: Kind,
  name: string,
): Promise<"yes" | "maybe" | "no"> {
  const claim = claims.get(declared);
  // There the program is another process.
  if (inPlugin() || !claim) return "maybe";
  const declaredSoFar = [...below(rootOf(claim))];
  const creators = declaredSoFar.filter((each) => classes.get(each)?.has(name));
  if (creators.some((each) => each.getProvider(CLAIM) === claim.getProvider(CLAIM))) return "yes";
  // Two providers may lead to one cluster.
  if (creators.length > 0) return "maybe";
  const mayCreate = async (each: pulumi.Resource) => {
    const { type } = registered(each);
    if (type.endsWith(`:${kind}`)) return [undefined, name].includes(await nameOf(each));
    return MANY.test(type) || isClosed(each, type);
  };
  return (await Promise.all(declaredSoFar.map(mayCreate))).includes(true) ? "maybe" : "no";
}

// The name of an object, where it is known by now. What isn't known yet may depend on the claim.
async function nameOf(object: pulumi.Resource): Promise<string | undefined> {
  const { metadata } = object as { metadata?: pulumi.Output<{ name?: string }> };
  if (metadata === undefined) return undefined;
  const soon = new Promise<undefined>((done) => setImmediate(done, undefined));
  return (await Promise.race([known(metadata).catch(() => undefined), soon]))?.name;
}

// What is below our own classes is known by their names.
function* below(resource: pulumi.Resource): Iterable<pulumi.Resource> {
  yield resource;
  if (!classes.has(resource)) for (const each of registered(resource).children) yield* below(each);
}

// What a component of another package consists of isn't known in this process.
function isClosed(resource: pulumi.Resource, type: string): boolean {
  return (
    !pulumi.CustomResource.isInstance(resource) &&
    !type.startsWith("storage-profiles:") &&
    registered(resource).children.size === 0
  );
}

function rootOf(resource: pulumi.Resource): pulumi.Resource {
  const { parent } = registered(resource);
  return parent ? rootOf(parent) : resource;
}
