// From the engine's event log to what people and programs want to know of an operation. Pure.

import { z } from "zod";

import { PROFILED_VOLUME } from "../core/resource-types";
import { withoutCredentials } from "./redact";
import type { OperationEvent } from "./types";

const step = z.object({ metadata: z.object({ op: z.string(), urn: z.string() }) });
const eventSchema = z.object({
  timestamp: z.number().optional(),
  resourcePreEvent: step.optional(),
  resOutputsEvent: step.optional(),
  resOpFailedEvent: step.optional(),
  diagnosticEvent: z
    .object({
      urn: z.string().optional(),
      message: z.string(),
      severity: z.string(),
      ephemeral: z.boolean().optional(),
    })
    .optional(),
  summaryEvent: z
    .object({ resourceChanges: z.record(z.string(), z.number()).nullish(), durationSeconds: z.number().optional() })
    .optional(),
});

/** An event without what numbers and dates it. */
export type Told = OperationEvent extends infer E
  ? E extends OperationEvent
    ? Omit<E, "sequence" | "at">
    : never
  : never;

const SILENT = new Set(["same", "read", "read-replacement", "refresh"]);

/** What an event of the engine tells; nothing of those that are its own business. */
export function toldBy(event: unknown): Told | undefined {
  const read = eventSchema.safeParse(event);
  if (!read.success) return undefined;
  const { resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent, summaryEvent } = read.data;
  const phases = [
    ["started", resourcePreEvent],
    ["done", resOutputsEvent],
    ["failed", resOpFailedEvent],
  ] as const;
  for (const [phase, found] of phases) {
    if (!found) continue;
    const { op, urn } = found.metadata;
    if ((SILENT.has(op) && phase !== "failed") || urn.includes("::pulumi:pulumi:Stack::")) return undefined;
    return { type: "resource", phase, operation: op, resource: shortName(urn), urn, volume: volumeOf(urn) };
  }
  if (diagnosticEvent) {
    const { message, severity, urn, ephemeral } = diagnosticEvent;
    const text = withoutCredentials(withoutColours(message).trim());
    if (ephemeral === true || severity === "debug" || text === "") return undefined;
    const kind = severity === "error" ? "error" : severity === "warning" ? "warning" : "info";
    return { type: "message", severity: kind, text, volume: urn === undefined ? undefined : volumeOf(urn) };
  }
  if (summaryEvent) {
    return { type: "summary", changes: summaryEvent.resourceChanges ?? {}, seconds: summaryEvent.durationSeconds ?? 0 };
  }
  return undefined;
}

/** The volume to which a resource belongs, by its URN. */
export function volumeOf(urn: string): string | undefined {
  const [types = "", name] = urn.split("::").slice(-2);
  return types.split("$").includes(PROFILED_VOLUME) ? name : undefined;
}

/** Whether a resource is a volume's component, or below one. */
export function isOfVolume(urn: string): boolean {
  return volumeOf(urn) !== undefined;
}

/** What a targeted run is limited to, for what may come below a component. */
export function belowOf(urn: string): string {
  return urn.replace(/(::[^:]*)$/, "$**$1");
}

/** What a targeted run is limited to, for a volume that isn't in the state: the component of its name, wherever it stands, and what is below it. */
export function targetOf(stack: string, project: string, volume: string): string {
  return `urn:pulumi:${stack.split("/").at(-1) ?? stack}::${project}::**${PROFILED_VOLUME}**::${volume}`;
}

function shortName(urn: string): string {
  const [types = "", name = ""] = urn.split("::").slice(-2);
  return `${types.split(/[:/$]/).at(-1) ?? types} ${name}`;
}

function withoutColours(text: string): string {
  // eslint-disable-next-line no-control-regex -- the engine's own marks, and those of terminals
  return text.replace(/<\{%[^%]*%\}>|\u001b\[[0-9;]*m/g, "");
}
