// Who a stack is on a backend where others may use the same names: a random token that only this stack's state has, made before the first
// volume. By it what an interrupted run left is known to be this state's, whatever the projects and stacks of others are called.

import { randomUUID } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { generatedName } from "../src/backends/generated-name";
import { known } from "./engine";
import { onConnection } from "./named-connections";
import { registrationOf, type OwnResource } from "./own-resources";

/** What is known of this stack while its program runs. */
export interface StackIdentity {
  /** Unknown in the preview of a stack that has none yet. */
  token: string | undefined;
  /** The resource whose id it is; nothing where the state doesn't have it yet. */
  resource: pulumi.CustomResource | undefined;
}

// By run: a process may hold several. A program may have two copies of this package, and the engine knows a resource by its name.
const IDENTITIES = Symbol.for("storage-profiles.stack-identities");
type OfRun = Map<string, Promise<StackIdentity>>;
const shared = globalThis as { [IDENTITIES]?: WeakMap<object, OfRun> };
const identities = (shared[IDENTITIES] ??= new WeakMap<object, OfRun>());

/** Where a stack is somebody. */
interface Whereabouts {
  backend: string;
  /** The backend's resource whose id is the token, and what else it tells. */
  resource: OwnResource;
  outputs?: Record<string, undefined>;
  /** The named connection; absent on that of the stack's own keys. */
  connection?: string | undefined;
}

class Identity extends pulumi.CustomResource {
  constructor({ backend, resource, outputs, connection }: Whereabouts) {
    const { type, props, opts } = registrationOf(resource);
    const name = connection === undefined ? backend : `${backend}-${connection}`;
    super(type, name, { ...outputs, ...(connection !== undefined && { connection }), ...props }, opts);
  }
}

/**
 * The identity on one backend of the stack that the calling program belongs to, made when it is first asked for. `run` stands for the run
 * in a unit test with mocks, which may have no stack.
 */
export function stackIdentity(where: Whereabouts, run: object): Promise<StackIdentity> {
  const key = (pulumi.runtime.getStackResource() as object | undefined) ?? run;
  const ofRun: OfRun = identities.get(key) ?? new Map<string, Promise<StackIdentity>>();
  identities.set(key, ofRun);
  const id = onConnection(where.backend, where.connection);
  const made = ofRun.get(id) ?? register(new Identity(where));
  ofRun.set(id, made);
  return made;
}

// What it is registered before is no dependency of it: with --target a volume can be made without it. Such a volume has a token of its
// own, and isn't found again if that run is interrupted.
async function register(resource: pulumi.CustomResource): Promise<StackIdentity> {
  const token = await known<string>(resource.id);
  if (token !== undefined) return { token, resource };
  return { token: pulumi.runtime.isDryRun() ? undefined : randomUUID(), resource: undefined };
}

/** The name that is made for a volume: the token in it keeps it apart from those of every other state. Unknown while the token is. */
export function nameByToken(
  volume: string,
  owner: string | undefined,
  identity: Promise<{ token: string | undefined }>,
): Promise<string | undefined> {
  const stack = {
    organization: pulumi.getOrganization(),
    project: pulumi.getProject(),
    stack: pulumi.getStack(),
  };
  return identity.then(({ token }) => token && generatedName({ ...stack, volume, owner, token }));
}
