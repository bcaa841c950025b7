// What only the cluster knows of a change, asked before anything is touched: the API server judges the patch in a dry run. The provider's own dry
// run passes over what the server forbids (quotas, a StorageClass that is gone), and an `up` without a preview has none.

import * as pulumi from "@pulumi/pulumi";

import type { Note, Problem, StackConfig } from "../../../src";
import { claimSpec, type Claim } from "../../../src/backends/kubernetes/claim";
import type { KubernetesSettings } from "../../../src/backends/kubernetes/settings";
import type { AskedOfBackend } from "../contract";
import { KubernetesError } from "./cluster-errors";
import { OLD_CLUSTER_WAY, refusalOf } from "./errors";
import { readCluster } from "./kubeconfig";
import { ClusterSession, type Refusal } from "./session";
import { note, problem } from "../../../src/backends/kubernetes/problems";

interface Answer {
  problems: Problem[];
  notes: Note[];
}

const sessions = new WeakMap<StackConfig, ClusterSession | KubernetesError>();

function sessionOf(config: StackConfig): ClusterSession {
  const known = sessions.get(config);
  // A cluster that couldn't be reached once isn't waited for by each volume of the run.
  if (known instanceof KubernetesError) throw known;
  if (known) return known;
  const value = (key: string) => {
    const [namespace = "", name = ""] = key.split(":");
    return new pulumi.Config(namespace).get(name);
  };
  const session = new ClusterSession(readCluster(value, process.env));
  sessions.set(config, session);
  return session;
}

/** Asks about the change of a claim that exists. Where the cluster can't be asked, a note says so. */
export async function askCluster({ declared, config, from, to }: AskedOfBackend): Promise<Answer> {
  const [had, wanted] = [from?.settings, to.settings] as [KubernetesSettings | undefined, KubernetesSettings];
  const isSame = had?.volumeAttributesClass === wanted.volumeAttributesClass && from?.sizeGiB === to.sizeGiB;
  const { metadata } = (declared.before ?? {}) as Claim;
  if (isSame || metadata?.name === undefined) return { problems: [], notes: [] };
  const claim = `${metadata.namespace ?? "default"}/${metadata.name}`;
  try {
    // A claim doesn't say its driver; the resolution does.
    const { driver } = (declared.volume?.settings ?? wanted) as Partial<KubernetesSettings>;
    const asked = { claim, uid: metadata.uid, before: had?.volumeAttributesClass, to, wanted, driver };
    return await judge(sessionOf(config), asked);
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    if (error.code !== "other-cluster" && error.code !== "forbidden") sessions.set(config, error);
    return {
      problems: [],
      notes: [note("not-checked", "settings", { what: `claim ${claim}`, because: error.message })],
    };
  }
}

interface Asked {
  claim: string;
  uid: string | undefined;
  before: string | null | undefined;
  to: AskedOfBackend["to"];
  wanted: KubernetesSettings;
  driver: string | undefined;
}

async function judge(session: ClusterSession, { claim, uid, before, to, wanted, driver }: Asked): Promise<Answer> {
  const found = await session.readClaim(claim, uid);
  if (!found) throw new KubernetesError("other-cluster", "the kubeconfig's cluster doesn't have it");
  const { resources, volumeAttributesClassName } = claimSpec({ sizeGiB: to.sizeGiB, settings: wanted });
  const spec = { resources, ...(volumeAttributesClassName !== undefined && { volumeAttributesClassName }) };
  const refusal = await session.refusal(claim, { spec });
  const known = refusal && problemOf(refusal);
  const ofClass =
    volumeAttributesClassName === undefined || volumeAttributesClassName === before
      ? undefined
      : await judgeClass(session, volumeAttributesClassName, driver);
  return { problems: [...(known ? [known] : []), ...(ofClass?.problems ?? [])], notes: ofClass?.notes ?? [] };
}

// What the server refuses as invalid the provider's dry run tells, in the server's words; what it forbids that passes over.
function problemOf({ message, isForbidden }: Refusal): Problem | undefined {
  const known = refusalOf([message]);
  if (known || !isForbidden) return known;
  const because = `the API server forbids the change: ${message.trim().replace(/\s+/g, " ").slice(0, 1_000)}`;
  return problem("claim-refused", "settings", undefined, { because, way: "meet the rule, or ask who administers it" });
}

async function judgeClass(session: ClusterSession, name: string, driver: string | undefined): Promise<Answer> {
  const path = "settings.volumeAttributesClass";
  const noted = (each: Note): Answer => ({ problems: [], notes: [each] });
  const refused = (because: string, way: string): Answer => ({
    problems: [problem("claim-refused", path, name, { because, way })],
    notes: [],
  });
  let found: Awaited<ReturnType<typeof session.readAttributesClass>>;
  try {
    found = await session.readAttributesClass(name);
  } catch (error) {
    // What the server has said of the change counts all the same.
    if (!(error instanceof KubernetesError)) throw error;
    return noted(note("not-checked", path, { what: `VolumeAttributesClass ${name}`, because: error.message }));
  }
  if (found === "not-served") {
    return refused(
      "the cluster doesn't serve VolumeAttributesClass in storage.k8s.io/v1, and removes the class from a claim without an error",
      OLD_CLUSTER_WAY,
    );
  }
  // It may be created by this very run.
  if (!found) return noted(note("class-missing", path, { name }));
  if (found.metadata?.deletionTimestamp !== undefined) {
    return refused(
      `VolumeAttributesClass ${name} is being deleted`,
      "wait until it is gone, and create it again (ProfileClasses, or `npx storage-profiles classes`)",
    );
  }
  if (driver !== undefined && found.driverName !== driver) {
    return refused(
      `VolumeAttributesClass ${name} is one of driver ${found.driverName ?? "none"}`,
      "delete it, and create the classes of the cluster's driver",
    );
  }
  return { problems: [], notes: [] };
}
