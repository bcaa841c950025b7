// What one run knows of the clouds that its volumes are in: each is asked once for what is the same for all volumes.

import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import type { StackConfig } from "../../../src";
import type { Demand } from "../../../src/backends/openstack/facts";
import { defaultType, detailsOf, listTypes, listZones, readQuotas, volumesMarked, type SeenType } from "./cinder";
import { readConnection, type ConnectionHints } from "./connection";
import { STACK_MARK, STATE_MARK, VOLUME_MARK } from "./marks";
import { CinderSession } from "./session";

/** The marks of a volume; `token` is missing in the preview of a stack that has none yet. */
export function marksOf(config: StackConfig, urn: string, token: string | undefined): Record<string, string> {
  return {
    [STACK_MARK]: stackMark(config),
    [VOLUME_MARK]: volumeMark(urn),
    ...(token !== undefined && { [STATE_MARK]: token }),
  };
}

/** What marks the volumes of this stack. */
export function stackMark(config: StackConfig): string {
  const parts = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack(), config.openstack?.owner];
  return parts.filter((each) => each !== undefined).join("/");
}

/**
 * What marks a volume in its stack. A name alone is that of a volume directly below the stack; others may share it, and are marked with
 * what they are below.
 */
function volumeMark(urn: string): string {
  const [types = "", name = ""] = urn.split("::").slice(-2);
  if (!types.includes("$")) return name;
  return `${name}-${createHash("sha256").update(types).digest("hex").slice(0, 8)}`;
}

/** What one run knows of one cloud: each is asked when it is first wanted, and once. */
export class Cloud {
  readonly session: CinderSession;
  private readonly answers = new Map<string, Promise<unknown>>();
  /** What the run's volumes take of the quotas. */
  readonly demands: Demand[] = [];

  constructor(hints: ConnectionHints) {
    const config = (key: string) => pulumi.runtime.getConfig(key);
    this.session = new CinderSession(readConnection(config, process.env, hints));
  }

  readonly types = () => this.once("types", () => listTypes(this.session));
  readonly zones = () => this.once("zones", () => listZones(this.session));
  readonly quotas = () => this.once("quotas", () => readQuotas(this.session));
  readonly defaultType = () => this.once("default", () => defaultType(this.session));
  readonly marked = (stack: string) => this.once("marked", () => volumesMarked(this.session, STACK_MARK, stack));
  readonly details = (type: SeenType) => this.once(`type ${type.id}`, () => detailsOf(this.session, type));

  private once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.answers.get(key) ?? ask();
    this.answers.set(key, known);
    return known as Promise<T>;
  }
}

/** What a run remembers between asking and making. */
interface RunState {
  clouds: Map<string, Cloud>;
}

const states = new WeakMap<StackConfig, RunState>();

export function runState(config: StackConfig): RunState {
  const known = states.get(config) ?? { clouds: new Map<string, Cloud>() };
  states.set(config, known);
  return known;
}

/** The cloud that a volume, or a type, is in. */
export function cloudOf(config: StackConfig, hints: ConnectionHints = {}): Cloud {
  const { clouds } = runState(config);
  const key = JSON.stringify([hints.cloud, hints.region]);
  const known = clouds.get(key) ?? new Cloud(hints);
  clouds.set(key, known);
  return known;
}
