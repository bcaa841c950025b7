// Who a stack is on an array: a random text that only this stack's state has, made before the first volume, and the array that its
// volumes are on. A volume is called by it (names.ts). So no two states ever mean one volume by one name, whatever their projects and
// stacks are called, and what an interrupted run left is surely this state's.

import { randomUUID } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { known } from "../engine";
import { providerText } from "./provider-text";

/** What is known of this stack while its program runs. */
export interface StackIdentity {
  /** Unknown in the preview of a stack that has none yet. */
  token: string | undefined;
  /** The id of the array that the stack's volumes are on; unknown where the state has no identity yet. */
  systemId: string | undefined;
}

class ScaleioIdentity extends pulumi.CustomResource {
  declare public readonly systemId: pulumi.Output<string>;

  constructor() {
    const props = { systemId: undefined, __provider: providerText("identity") };
    super("pulumi-nodejs:dynamic/storage-profiles:ScaleioIdentity", "scaleio", props);
  }
}

// By run: a process may hold several. A program may have two copies of this package, and the engine knows a resource by its name.
const IDENTITIES = Symbol.for("storage-profiles.scaleio-identities");
const shared = globalThis as { [IDENTITIES]?: WeakMap<object, Promise<StackIdentity>> };
const identities = (shared[IDENTITIES] ??= new WeakMap());

/**
 * The identity of the stack that the calling program belongs to, made when it is first asked for. `run` stands for the run in a unit
 * test with mocks, which may have no stack.
 */
export function stackIdentity(run: object): Promise<StackIdentity> {
  const key = (pulumi.runtime.getStackResource() as object | undefined) ?? run;
  const made = identities.get(key) ?? register();
  identities.set(key, made);
  return made;
}

// What it is registered before is no dependency of it: with --target a volume can be made without it. Such a volume has a text of its
// own, and isn't found again if that run is interrupted.
async function register(): Promise<StackIdentity> {
  const { id, systemId } = new ScaleioIdentity();
  const token = await known<string>(id);
  if (token !== undefined) return { token, systemId: await known<string>(systemId) };
  return { token: pulumi.runtime.isDryRun() ? undefined : randomUUID(), systemId: undefined };
}
