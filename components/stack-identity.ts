// Who a stack is on a backend where others may use the same names: a random token that only this stack's state has, made before the first
// volume. By it what an interrupted run left is known to be this state's, whatever the projects and stacks of others are called.

import { randomUUID } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { known } from "./engine";

/** What is known of this stack while its program runs. */
export interface StackIdentity<Resource extends pulumi.CustomResource = pulumi.CustomResource> {
  /** Unknown in the preview of a stack that has none yet. */
  token: string | undefined;
  /** The resource whose id it is; nothing where the state doesn't have it yet. */
  resource: Resource | undefined;
}

// By run: a process may hold several. A program may have two copies of this package, and the engine knows a resource by its name.
const IDENTITIES = Symbol.for("storage-profiles.stack-identities");
type OfRun = Map<string, Promise<StackIdentity>>;
const shared = globalThis as { [IDENTITIES]?: WeakMap<object, OfRun> };
const identities = (shared[IDENTITIES] ??= new WeakMap());

/**
 * The identity on one backend of the stack that the calling program belongs to, made when it is first asked for. `run` stands for the run
 * in a unit test with mocks, which may have no stack.
 */
export function stackIdentity<Resource extends pulumi.CustomResource>(
  backend: string,
  run: object,
  make: () => Resource,
): Promise<StackIdentity<Resource>> {
  const key = (pulumi.runtime.getStackResource() as object | undefined) ?? run;
  const ofRun = identities.get(key) ?? new Map<string, Promise<StackIdentity>>();
  identities.set(key, ofRun);
  const made = (ofRun.get(backend) as Promise<StackIdentity<Resource>> | undefined) ?? register(make());
  ofRun.set(backend, made);
  return made;
}

// What it is registered before is no dependency of it: with --target a volume can be made without it. Such a volume has a token of its
// own, and isn't found again if that run is interrupted.
async function register<Resource extends pulumi.CustomResource>(resource: Resource): Promise<StackIdentity<Resource>> {
  const token = await known<string>(resource.id);
  if (token !== undefined) return { token, resource };
  return { token: pulumi.runtime.isDryRun() ? undefined : randomUUID(), resource: undefined };
}
