// What the engine must be able to do.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { coerce, lt } from "semver";

import { isKnown, monitor, outputOf, partsOf, promiseOf, registered, UNAVAILABLE } from "./pulumi-internals";

/**
 * The oldest Pulumi that does what this package relies on: a component's inputs go to the engine (3.202.0), hooks get
 * them (3.182.0), and a dynamic provider's `read` may return inputs, so that a refresh shows drift (3.216.0).
 */
export const MINIMUM_PULUMI = "3.216.0";

/** Whether a real engine runs the program, and no unit test with `pulumi.runtime.setMocks`: its monitor lacks the method. */
export function hasHooks(): boolean {
  return typeof monitor()?.registerResourceHook === "function";
}

/**
 * Does something when the program has declared everything and before the engine deletes anything. Its error has the program fail, and nothing
 * is deleted then. Not called where the program fails before, nor by engines too old to be told.
 */
export function beforeDeletions(act: () => Promise<void>): void {
  const engine = monitor();
  const signal = engine?.signalAndWaitForShutdown?.bind(engine);
  if (!engine || !signal) return;
  engine.signalAndWaitForShutdown = (request, callback) => {
    act().then(
      () => signal(request, callback),
      (error: unknown) => {
        // An error of the signal itself would only be logged.
        void Promise.reject(runError((error as Error).message));
        setImmediate(() => callback({ code: UNAVAILABLE }));
      },
    );
  };
}

/**
 * Has the program fail, with a message that is asked for when it has gone on for a turn: the engine deletes nothing then, whatever it was
 * told to leave out or to go on after (--target, --exclude, --continue-on-error).
 *
 * @returns resolves when the engine has the message. Under load that takes a while, and an engine that stops meanwhile never shows it.
 */
export function failProgram(message: () => string): Promise<void> {
  const engine = monitor();
  // A program of the Automation API is reported as done in spite of a rejection that nobody handles.
  if (engine?.signalAndWaitForShutdown) {
    engine.signalAndWaitForShutdown = (_request, callback) => callback({ code: UNAVAILABLE });
  }
  return new Promise((told) => {
    setImmediate(() => {
      void Promise.reject(runError(message()));
      // By the next turn the SDK has put it into its queue, which also holds what it logs itself about each resource.
      setImmediate(() => void pulumi.log.debug("storage-profiles has reported the problems").finally(told));
    });
  });
}

/** An error for people: the SDK would show the stack of one that comes when the program itself has ended. */
export function runError(message: string): Error {
  return Object.assign(new pulumi.RunError(message), { stack: "" });
}

/**
 * Refuses what is only known when an output is: the value of an `apply` that is never there. An error with a stack, as one that is thrown in
 * an `apply`, is formatted by the SDK with all that it refers to: for an input of a resource that took 34 s and 3.6 GB. It is a promise that
 * rejects, for the callback to return; its type says that no value comes of it.
 */
export function refusedLater(message: string): never {
  return Promise.reject(runError(message)) as never;
}

/** The URNs by which a resource was known before, by its own `aliases` and by those of what it is below. */
function formerUrns(resource: pulumi.Resource): pulumi.Output<string>[] {
  const { name, type, aliases, parent } = registered(resource);
  const own = aliases.map((urn) => pulumi.output(urn));
  if (!parent) return own;
  const { name: parentName } = registered(parent);
  const inherited = formerUrns(parent).flatMap((former) =>
    [pulumi.output(`${type}::${name}`), ...own].map((urn) => {
      // As the engine does it: a child that is named after its parent was named after the former one.
      const called = pulumi.all([urn, former]).apply(([urn, parentUrn]) => {
        const text = nameIn(urn);
        return text.startsWith(parentName) ? nameIn(parentUrn) + text.slice(parentName.length) : text;
      });
      return pulumi.createUrn(called, urn.apply(typeIn), former);
    }),
  );
  return [...own, ...inherited];
}

/** The URNs by which a resource was known before, as soon as they are known. */
export async function knownFormerUrns(resource: pulumi.Resource): Promise<string[]> {
  const urns = formerUrns(resource).map((each) => new Promise<string>((resolve) => void each.apply(resolve)));
  return [...new Set(await Promise.all(urns))];
}

/**
 * The aliases of a component's child that has its name. The engine passes those of a component on only where it finds the component
 * itself by one of them, and not where an `up` that failed has recorded it under its new name.
 */
export function aliasesOfChild(component: pulumi.Resource): pulumi.Alias[] {
  return formerUrns(component).map((urn) => ({ parent: urn, name: urn.apply(nameIn) }));
}

/** The component that a resource is directly below: urn:pulumi:stack::project::types$Of$the$parents$and::type::name, without the last of the types. */
export const componentOf = (urn: string): string => urn.replace(/\$[^$]*(::[^:]*)$/, "$1");

export const nameIn = (urn: string) => urn.split("::").at(-1) ?? urn;
const typeIn = (urn: string) => urn.split("::").at(-2)?.split("$").at(-1) ?? urn;

/**
 * The outputs that the engine has of a resource when it is registered, as for a reference to it; none where they are no longer `wanted`
 * then. Rejects for a resource that the engine has left out.
 */
export async function outputsOf(resource: pulumi.Resource, wanted: () => boolean): Promise<Record<string, unknown>> {
  const urn = await promiseOf(resource.urn);
  if (!wanted()) return {};
  const found: unknown = await pulumi.runtime.invoke("pulumi:pulumi:getResource", { urn }, { async: true });
  return (found as { state?: Record<string, unknown> }).state ?? {};
}

/** The URNs that the stack's state has. The whole state is read: only for what nothing else can tell. */
export async function recordedUrns(): Promise<string[]> {
  return Object.keys(await recordedResources());
}

/** The outputs of the resources that the stack's state has, by URN. The whole state is read. */
export async function recordedResources(): Promise<Record<string, { outputs?: Record<string, unknown> }>> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  const token = "pulumi:pulumi:readStackResourceOutputs";
  const found: unknown = await pulumi.runtime.invoke(token, { stackName }, { async: true });
  return (found as { outputs?: Record<string, object> }).outputs ?? {};
}

/** What an output is, or nothing where that isn't known yet. */
export function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  return isKnown(output).then((is) => (is ? promiseOf(output) : undefined));
}

/**
 * The same outputs, with their values in the place of those that are known and not secret. For each output that the SDK waits for it takes
 * a stack trace. Never rejects: an output that does is left to who waits for it.
 */
export async function settled(outputs: Record<string, unknown>): Promise<Record<string, unknown>> {
  const entries = Object.entries(outputs).map(async ([key, output]): Promise<[string, unknown]> => {
    if (!pulumi.Output.isInstance(output)) return [key, output];
    const value = await promiseOf(output);
    return [key, (await isKnown(output)) && !(await partsOf(output).isSecret) ? value : output];
  });
  return Promise.all(entries).then(
    (all) => Object.fromEntries(all),
    () => outputs,
  );
}

/**
 * Whether this `up` skips a resource (--target, --exclude) that was never created, and so has no id. False at preview, where no new resource has
 * one.
 */
export async function isLeftOut({ id }: pulumi.CustomResource): Promise<boolean> {
  return !pulumi.runtime.isDryRun() && (await known(id)) === undefined;
}

/** The id of a resource when its companion is done, too. A companion that is left out isn't waited for: the id goes into the state. */
export function idWhenDone(resource: pulumi.CustomResource, companion: pulumi.CustomResource): pulumi.Output<string> {
  return resource.id.apply(async (id) => {
    await known(companion.id);
    return id;
  });
}

/**
 * An output with what is `otherwise` known, where a preview leaves it unknown. It depends on the same resources. In an `up` it is what it
 * is: there everything is known in the end.
 */
export function knownAtPreview<T>(
  output: pulumi.Output<T>,
  otherwise: () => Promise<T | undefined> | T | undefined,
): pulumi.Output<T> {
  if (!pulumi.runtime.isDryRun() || !hasHooks()) return output;
  const parts = partsOf(output);
  const found = parts.isKnown.then(async (is) => {
    const value = is ? await promiseOf(output) : await otherwise();
    return { value: value as T, isKnown: is || value !== undefined };
  });
  return outputOf(
    found.then(({ value }) => value),
    { ...parts, isKnown: found.then((each) => each.isKnown) },
  );
}

/** Has outputs of a resource that no change of it touches be known at preview: as they were. The engine forgets those of dynamic resources. */
export function keepAtPreview<R extends pulumi.Resource>(
  resource: R,
  keys: readonly (keyof R & string)[],
  before: () => Promise<Record<string, unknown> | undefined> | Record<string, unknown> | undefined,
): void {
  for (const key of keys) {
    const output = resource[key] as pulumi.Output<unknown>;
    const recorded = async () => {
      const value = (await before())?.[key];
      // A secret is no text there.
      return typeof value === "string" ? value : undefined;
    };
    Object.assign(resource, { [key]: knownAtPreview(output, recorded) });
  }
}

const inProject = (file: string) => join(pulumi.getRootDirectory() || process.cwd(), file);
const projectFile = () =>
  !existsSync(inProject("Pulumi.yaml")) && existsSync(inProject("Pulumi.yml")) ? "Pulumi.yml" : "Pulumi.yaml";

/** The name of the stack's config file, for messages. It ends as the project's own file does. */
export function stackFile(): string {
  return projectFile().replace(".", `.${pulumi.getStack()}.`);
}

/** The config file that sets a key of the stack's config, for messages: the project's own where only that one names the key. */
export function fileOfKey(key: string): string {
  const names = (file: string) => {
    try {
      return new RegExp(`${key.replace(":", ":(config:)?")}(?![\\w-])`).test(readFileSync(inProject(file), "utf8"));
    } catch {
      // Stack files may lie elsewhere (`stackConfigDir`).
      return file === stackFile();
    }
  };
  return !names(stackFile()) && names(projectFile()) ? projectFile() : stackFile();
}

/** Refuses a Pulumi that can't show a change at preview: what it doesn't show, nobody could refuse. */
export function checkEngine(version: string, environment: NodeJS.ProcessEnv): void {
  // A pre-release counts as its release.
  if (lt(coerce(version) ?? version, MINIMUM_PULUMI)) {
    throw new pulumi.RunError(
      `storage-profiles needs @pulumi/pulumi ${MINIMUM_PULUMI} or newer; this program uses ${version}. ` +
        `Run: npm install @pulumi/pulumi@latest, and update the Pulumi CLI to the same version.`,
    );
  }
  if (environment["PULUMI_NODEJS_SKIP_COMPONENT_INPUTS"]) {
    throw new pulumi.RunError(
      "storage-profiles can't run with PULUMI_NODEJS_SKIP_COMPONENT_INPUTS set: without a component's inputs, changes " +
        "of volumes can't be checked in advance. Unset it and run again.",
    );
  }
}
