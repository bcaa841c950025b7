// What became of a change of a claim, as the cluster reports it. The API server accepts a change at once; a controller beside the CSI driver
// carries it out later, or not. Pure.
// Source: KEP-3751 and kubernetes-csi/external-resizer beef24d (pkg/controller, pkg/modifycontroller), KEP-1790. Read 2026-11-30.

import type { Claim } from "./claim";
import { bytes } from "./quantity";

/** What was requested of a claim that exists. */
export interface RequestedChange {
  /** The VolumeAttributesClass; absent where the claim has none. */
  attributesClass?: string | undefined;
  /** The size, as the API has it: "100Gi". */
  storage: string;
}

/** How far a change has come. */
export type Outcome =
  | { state: "done"; remark?: string }
  /** It goes on by itself: the driver works at it, a class is missing, or nothing in the cluster has reacted yet. */
  | { state: "in-progress" | "pending" | "no-answer"; what: string }
  /** It doesn't go on without another change. */
  | { state: "infeasible" | "superseded" | "lost"; what: string; way: string };

/** Reads the outcome out of a claim. `events` are messages of the claim's events, the newest first, for a reason that the claim lacks. */
export function outcomeOf(claim: Claim, requested: RequestedChange, events: readonly string[] = []): Outcome {
  const { metadata, status } = claim;
  if (metadata?.deletionTimestamp !== undefined) {
    return { state: "lost", what: "the claim is being deleted", way: "run `pulumi refresh`" };
  }
  if (status?.phase === "Lost") {
    const way = "restore the PersistentVolume, or import another claim";
    return { state: "lost", what: "the claim has lost its PersistentVolume", way };
  }
  // Nothing exists yet that could be changed: the storage is created as the claim says.
  if (status?.phase !== "Bound") return { state: "done" };
  const parts = [classOutcome(claim, requested, events), sizeOutcome(claim, requested, events)];
  const order = ["lost", "superseded", "infeasible", "in-progress", "pending", "no-answer"] as const;
  const state = order.find((each) => parts.some((part) => part.state === each));
  if (state === undefined) {
    const remark = parts.map((part) => ("remark" in part ? part.remark : undefined)).find((each) => each !== undefined);
    return { state: "done", ...(remark !== undefined && { remark }) };
  }
  const open = parts.filter((part): part is Exclude<Outcome, { state: "done" }> => part.state !== "done");
  const what = open.map((part) => part.what).join("; ");
  const way = open.map((part) => ("way" in part ? part.way : undefined)).find((each) => each !== undefined);
  return { state, what, ...(way !== undefined && { way }) } as Outcome;
}

function classOutcome(claim: Claim, { attributesClass: to }: RequestedChange, events: readonly string[]): Outcome {
  const { spec, status } = claim;
  if (to === undefined) return { state: "done" };
  if (spec?.volumeAttributesClassName !== to) {
    const now = spec?.volumeAttributesClassName ?? "none";
    const way = "run `pulumi up --refresh` to restore the profile's class";
    return { state: "superseded", what: `someone else changed the claim's class to ${now}`, way };
  }
  const { currentVolumeAttributesClassName: current = "none", modifyVolumeStatus } = status ?? {};
  const change = `class ${current} → ${to}`;
  if (!modifyVolumeStatus) {
    return current === to ? { state: "done" } : { state: "no-answer", what: `${change}: no answer from the cluster` };
  }
  const { status: stage, targetVolumeAttributesClassName: target } = modifyVolumeStatus;
  const why = reason(claim, "ModifyVolumeError", events);
  // While it is Pending the resizer names no target.
  if (target !== undefined && target !== to) {
    return {
      state: "in-progress",
      what: `${change}: an earlier change to ${target} is ${stage ?? ""}${why}`,
    };
  }
  switch (stage) {
    case "Infeasible":
      return {
        state: "infeasible",
        what: `${change}: the driver rejected the class (Infeasible)${why}. The volume keeps class ${current}`,
        way: "give the volume another profile, or the previous one",
      };
    case "Pending":
      return { state: "pending", what: `${change}: class ${to} doesn't exist in the cluster (Pending)${why}` };
    default:
      return { state: "in-progress", what: `${change}: ${stage ?? "in progress"}${why}` };
  }
}

function sizeOutcome(claim: Claim, { storage }: RequestedChange, events: readonly string[]): Outcome {
  const { status } = claim;
  const [has, wanted] = [bytes(status?.capacity?.storage), bytes(storage)];
  if (wanted === undefined || (has !== undefined && has >= wanted)) return { state: "done" };
  const request = claim.spec?.resources?.requests?.storage;
  if ((bytes(request) ?? wanted) < wanted) {
    const way = "run `pulumi up --refresh` to restore the volume's size";
    return { state: "superseded", what: `someone else changed the claim's size to ${request ?? "none"}`, way };
  }
  const now = status?.capacity?.storage ?? "unknown";
  const change = `size ${now} → ${storage}`;
  const stage = status?.allocatedResourceStatuses?.storage;
  const waitsForNode = status?.conditions?.some(
    ({ type, status }) => type === "FileSystemResizePending" && status === "True",
  );
  const judged = status?.allocatedResources?.storage;
  // Until a pod uses the claim, the resizer doesn't look at another size.
  const grown: Outcome =
    (bytes(judged) ?? wanted) < wanted
      ? { state: "in-progress", what: `${change}: the earlier growth to ${judged} waits for a pod that uses the claim` }
      : { state: "done", remark: GROWS_WITH_POD };
  switch (stage) {
    case "ControllerResizeInfeasible":
      // What the driver said of an earlier request stays until it has looked at this one.
      if (judged !== undefined && bytes(judged) !== wanted)
        return { state: "in-progress", what: `${change}: an earlier request for ${judged} was rejected` };
      return {
        state: "infeasible",
        what: `${change}: the driver rejected the size (${stage})${reason(claim, "ControllerResizeError", events)}. The volume keeps ${now}`,
        way: `run \`pulumi refresh\`, then give the volume a size above ${now} that the driver accepts; the API server refuses ${now} itself`,
      };
    case "NodeResizeInfeasible":
      return {
        state: "infeasible",
        what: `${change}: the storage has grown, and the node can't grow the file system (${stage})${reason(claim, "NodeResizeError", events)}`,
        way: "check the file system, and restart the pod that uses the claim",
      };
    case "NodeResizePending":
      return grown;
    case undefined:
      break;
    default:
      return { state: "in-progress", what: `${change}: ${stage}${reason(claim, "ControllerResizeError", events)}` };
  }
  if (waitsForNode === true) return grown;
  const isResizing = status?.conditions?.some(({ type, status }) => type === "Resizing" && status === "True");
  if (isResizing === true) {
    return { state: "in-progress", what: `${change}: Resizing${reason(claim, "ControllerResizeError", events)}` };
  }
  return { state: "no-answer", what: `${change}: no answer from the cluster` };
}

const GROWS_WITH_POD = "the storage has the new size; the file system grows when a pod uses the claim";

// The driver's own words.
function reason({ status }: Claim, condition: string, [newest]: readonly string[]): string {
  const { message = newest } =
    status?.conditions?.find((each) => each.type === condition && each.status !== "False") ?? {};
  return message === undefined || message === "" ? "" : `: ${message.trim().replace(/\s+/g, " ").slice(0, 1_000)}`;
}
