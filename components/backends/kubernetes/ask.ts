// What only the cluster knows of a new claim or of a change, asked before anything is touched: the API server judges the object or the patch in a
// dry run. The provider's own dry run passes over what the server forbids (quotas, a StorageClass that is gone), and an `up` without a preview has
// none. Classes are read beside it, since the API server accepts a claim of any.

import * as pulumi from "@pulumi/pulumi";

import type { Note, Problem, StackConfig } from "../../../src";
import { claimSpec, type Claim } from "../../../src/backends/kubernetes/claim";
import {
  differences,
  isOtherAttributesClass,
  isOtherStorageClass,
  OUR_NAME,
  type StorageClassRead,
} from "../../../src/backends/kubernetes/classes";
import type { DriverName } from "../../../src/backends/kubernetes/drivers";
import type { Parameters } from "../../../src/backends/kubernetes/parameters";
import { note, problem } from "../../../src/backends/kubernetes/problems";
import { quotaProblems, usageOf, type Demand } from "../../../src/backends/kubernetes/quota";
import { claimRecorded } from "../../../src/backends/kubernetes/recorded";
import type { KubernetesSettings } from "../../../src/backends/kubernetes/settings";
import type { DeclaredVolume } from "../../declared";
import { recordedResources } from "../../engine";
import type { AskedOfBackend } from "../contract";
import { KubernetesError } from "./cluster-errors";
import { OLD_CLUSTER_WAY, refusalOf } from "./errors";
import { readCluster } from "./kubeconfig";
import { hasOwnProvider, isCreatedBesides, type Kind } from "./program";
import { ClusterSession, type Refusal } from "./session";

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

/** Asks about a claim that is new, or that changes. Where the cluster can't be asked, a note says so. */
export function askCluster(asked: AskedOfBackend): Promise<Answer> {
  return asked.inputs ? askNew(asked, asked.inputs) : askChange(asked);
}

const NOTHING: Answer = { problems: [], notes: [] };

async function askNew({ declared, config, to }: AskedOfBackend, inputs: Record<string, unknown>): Promise<Answer> {
  const { metadata, spec } = inputs as Claim;
  // What another resource decides is known in the `up`, which asks again.
  if (pulumi.containsUnknowns(inputs) || metadata?.name === undefined || spec === undefined) return NOTHING;
  const claim = `${metadata.namespace ?? "default"}/${metadata.name}`;
  try {
    const object = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata, spec };
    const judged = await judgeNew(sessionOf(config), { declared, claim, object, spec, settings: settingsOf(to) });
    return hasOwnProvider(declared) ? unsure(claim, judged) : judged;
  } catch (error) {
    return notChecked(claim, config, error);
  }
}

const settingsOf = ({ settings }: AskedOfBackend["to"]) => settings as KubernetesSettings;

// Nothing tells new claims of the same name in two clusters apart.
function unsure(claim: string, { problems, notes }: Answer): Answer {
  const found = problems.map(({ message }) => {
    const because =
      "the volume has a provider of the program's own. If its cluster is that of the kubeconfig, the claim is refused: " +
      message;
    return note("not-checked", "settings", { what: `claim ${claim}`, because });
  });
  return { problems: [], notes: [...found, ...notes] };
}

async function askChange({ declared, config, from, to }: AskedOfBackend): Promise<Answer> {
  const [had, wanted] = [from?.settings, to.settings] as [KubernetesSettings | undefined, KubernetesSettings];
  const isSame = had?.volumeAttributesClass === wanted.volumeAttributesClass && from?.sizeGiB === to.sizeGiB;
  const { metadata } = (declared.before ?? {}) as Claim;
  if (isSame || metadata?.name === undefined) return NOTHING;
  const claim = `${metadata.namespace ?? "default"}/${metadata.name}`;
  try {
    // A claim doesn't say its driver; the resolution does.
    const { driver } = (declared.volume?.settings ?? wanted) as Partial<KubernetesSettings>;
    const asked = { claim, uid: metadata.uid, before: had?.volumeAttributesClass, to, wanted, driver };
    return await judge(sessionOf(config), asked);
  } catch (error) {
    return notChecked(claim, config, error);
  }
}

function notChecked(claim: string, config: StackConfig, error: unknown): Answer {
  if (!(error instanceof KubernetesError)) throw error;
  if (error.code !== "other-cluster" && error.code !== "forbidden") sessions.set(config, error);
  return { problems: [], notes: [note("not-checked", "settings", { what: `claim ${claim}`, because: error.message })] };
}

/**
 * Whether the cluster has a claim that the state has. Where the kubeconfig leads to another cluster, the provider creates a claim there and deletes
 * the one that it left: so what isn't found isn't known to be gone.
 */
export async function isClaimThere(
  _declared: DeclaredVolume,
  config: StackConfig,
  { metadata }: Pick<Claim, "metadata">,
): Promise<boolean> {
  // A claim that the state doesn't have is found by its name, as any other.
  if (!metadata) return false;
  const { namespace = "default", name = "", uid } = metadata;
  const claim = `${namespace}/${name}`;
  if (uid !== undefined && (await sessionOf(config).readClaim(claim, uid))) return true;
  throw new KubernetesError(
    "other-cluster",
    `the kubeconfig's cluster doesn't have claim ${claim} with uid ${uid ?? "unknown"}. If that is another cluster, correct the ` +
      "kubeconfig. If the claim was deleted, run `pulumi refresh`; `pulumi up` then creates it again, empty",
  );
}

interface New {
  declared: DeclaredVolume;
  /** `namespace/name`. */
  claim: string;
  object: object;
  spec: NonNullable<Claim["spec"]>;
  settings: KubernetesSettings;
}

async function judgeNew(session: ClusterSession, asked: New): Promise<Answer> {
  const { claim, object, spec, declared, settings } = asked;
  const [namespace = ""] = claim.split("/");
  const { storageClassName: storageClass = "", volumeAttributesClassName: attributesClass } = spec;
  const demands = session.demandsOf(hasOwnProvider(declared) ? `${namespace} of another cluster` : namespace);
  // Before anything is waited for: all who ask at once must find it.
  demands.set(claim, usageOf({ spec }));
  let refusal: Refusal | undefined;
  const answers: Answer[] = [];
  try {
    refusal = await session.refusalOfNew(claim, object);
  } catch (error) {
    // The rights to read classes and quotas are others.
    if (!(error instanceof KubernetesError) || error.code !== "forbidden") throw error;
    answers.push(noted("settings", `claim ${claim}`, error.message));
  }
  // It is counted already: it is refused, or its replacement takes its place.
  if (refusal?.status === 409) demands.delete(claim);
  const [quotas, ...classes] = await Promise.all([
    judgeQuotas(session, claim, demands),
    storageClass === "" ? NOTHING : judgeStorageClass(session, declared, storageClass, settings),
    attributesClass === undefined
      ? NOTHING
      : judgeClass(session, attributesClass, settings.driver, { declared, attributes: settings.attributes }),
  ]);
  // The quotas themselves say more than the server's refusal.
  const isTold = refusal !== undefined && isOfQuota(refusal) && quotas.problems.length > 0;
  if (refusal && !isTold) answers.push(await judgeRefusal(session, asked, namespace, refusal));
  answers.push(quotas, ...classes);
  return {
    problems: answers.flatMap(({ problems }) => problems),
    notes: answers.flatMap(({ notes }) => notes),
  };
}

const isOfQuota = ({ message, isForbidden }: Refusal) => isForbidden && message.includes("exceeded quota");

const NAMESPACE_PATH = "kubernetes.namespace";

async function judgeRefusal(
  session: ClusterSession,
  { claim, declared }: New,
  namespace: string,
  refusal: Refusal,
): Promise<Answer> {
  const { message, status, isForbidden } = refusal;
  const said = message.trim().replace(/\s+/g, " ").slice(0, 1_000);
  const refused = (path: string, because: string, way: string) => refusedAs(path, undefined, because, way);
  if (/namespaces "[^"]*" not found/.test(message)) {
    const because = `namespace "${namespace}" doesn't exist in the cluster`;
    // It exists when the `up` needs it.
    if ((await isCreatedBesides(declared, "Namespace", namespace)) !== "no")
      return noted(NAMESPACE_PATH, `claim ${claim}`, `${because} yet`);
    const way =
      `create it (\`kubectl create namespace ${namespace}\`, or a \`Namespace\` of the same program whose name is the volume's ` +
      "`namespace`), or correct `namespace`";
    return refused(NAMESPACE_PATH, because, way);
  }
  if (message.includes("because it is being terminated")) {
    const way = "wait until it is gone and create it again, or use another namespace";
    return refused(NAMESPACE_PATH, `namespace "${namespace}" is being deleted`, way);
  }
  if (status === 409) return judgeExisting(session, claim, declared, said);
  if (isOfQuota(refusal)) {
    const way = `raise the quota (\`kubectl describe resourcequota -n ${namespace}\`), or remove other claims`;
    return refused("settings", `a quota of namespace ${namespace} has no room for the claim: ${said}`, way);
  }
  if (isForbidden && message.includes(" usage per PersistentVolumeClaim is ")) {
    const way = `change the size, or the limit (\`kubectl describe limitrange -n ${namespace}\`)`;
    return refused("sizeGiB", `a LimitRange of namespace ${namespace} doesn't allow the size: ${said}`, way);
  }
  if (isForbidden)
    return refused("settings", `the API server forbids the claim: ${said}`, "meet the rule, or ask who administers it");
  // What it refuses as invalid the provider's dry run tells.
  return status === 422
    ? NOTHING
    : noted("settings", `claim ${claim}`, `the API server answered HTTP ${status}: ${said}`);
}

// A claim of the volume's own is there where the engine replaces it.
async function judgeExisting(
  session: ClusterSession,
  claim: string,
  declared: DeclaredVolume,
  said: string,
): Promise<Answer> {
  let found: Claim | undefined;
  try {
    found = await session.readClaim(claim, undefined);
  } catch (error) {
    // What else is known of the new claim counts all the same.
    if (!(error instanceof KubernetesError) || error.code !== "forbidden") throw error;
    return noted("name", `claim ${claim}`, `${said}, and whose it is can't be read: ${error.message}`);
  }
  if (!found) return NOTHING;
  const { uid, deletionTimestamp } = found.metadata ?? {};
  let owner: string | undefined;
  try {
    const recorded = Object.entries(await recordedResources());
    owner = recorded.find(
      ([, { outputs }]) => uid !== undefined && (outputs as Claim | undefined)?.metadata?.uid === uid,
    )?.[0];
  } catch (error) {
    const because = `${said}, and the stack's state can't be read: ${error instanceof Error ? error.message : String(error)}`;
    return noted("name", `claim ${claim}`, because);
  }
  const refused = (because: string, way: string) => refusedAs("name", claim, because, way);
  const isOwn = [declared.urn ?? "", ...(declared.formerUrns ?? [])].some(
    (urn) => owner === urn.replace(/(::[^:]*)$/, `$$${claimRecorded.type}$1`),
  );
  if (isOwn) return NOTHING;
  const other = "give the volume another name (`physicalName`)";
  if (owner !== undefined) {
    const name = owner.split("::").at(-1) ?? "";
    const way = `if the volume was renamed, keep its former name: \`aliases: [{ name: "${name}" }]\`; otherwise ${other}`;
    return refused(`claim ${claim} already belongs to "${name}" of this stack`, way);
  }
  if (deletionTimestamp !== undefined) {
    const way = `wait until it is gone (pods that use it keep it: \`kubectl describe pvc\`), or ${other}`;
    return refused(`the cluster has a claim ${claim} that is still being deleted`, way);
  }
  return refused(
    `the cluster already has a claim ${claim}, which isn't in this stack's state`,
    `import it with \`import: "${claim}"\`, or ${other}`,
  );
}

async function judgeQuotas(
  session: ClusterSession,
  claim: string,
  demands: ReadonlyMap<string, Demand>,
): Promise<Answer> {
  const [namespace = ""] = claim.split("/");
  const own = demands.get(claim);
  try {
    const quotas = await session.readQuotas(namespace);
    return { problems: own ? quotaProblems(quotas, [...demands.values()], own, namespace) : [], notes: [] };
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    // Each claim by itself was judged by the API server. Of several, one says it.
    if ([...demands.keys()][1] !== claim) return NOTHING;
    const what = `whether the quotas of namespace ${namespace} have room for all claims of the run together is`;
    return noted("settings", what, error.message);
  }
}

async function judgeStorageClass(
  session: ClusterSession,
  declared: DeclaredVolume,
  name: string,
  settings: KubernetesSettings,
): Promise<Answer> {
  const [kind, path] = ["StorageClass", "settings.storageClass"] as const;
  const isOurs = settings.existingClass === null && name === settings.storageClass;
  let found: StorageClassRead | undefined;
  try {
    found = await session.readStorageClass(name);
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    return noted(path, `${kind} ${name}`, error.message);
  }
  if (!found) return missing(declared, { kind, name, path, isOurs });
  const { provisioner, parameters } = found;
  if (provisioner !== settings.driver) {
    const way = isOurs ? RECREATE : "name one of the cluster's driver, or correct `driver`";
    return refusedAs(path, name, `${kind} ${name} is one of driver ${provisioner ?? "none"}`, way);
  }
  if (!isOurs || !isOtherStorageClass(name, found)) return NOTHING;
  const differing =
    differences(parameters ?? {}, settings.parameters) || "its reclaimPolicy, volumeBindingMode or mountOptions differ";
  return refusedAs(path, name, `${kind} ${name} of the cluster isn't what the profile says: ${differing}`, RECREATE);
}

const RECREATE = "delete the class, and create it again (ProfileClasses, or `npx storage-profiles classes`)";

async function missing(
  declared: DeclaredVolume,
  { kind, name, path, isOurs }: { kind: Kind; name: string; path: string; isOurs: boolean },
): Promise<Answer> {
  const created = await isCreatedBesides(declared, kind, name);
  if (created === "yes") return NOTHING;
  if (created === "maybe")
    return { problems: [], notes: [note("class-missing", path, { kind, name, waits: "the claim" })] };
  const way = isOurs
    ? "create the classes first (ProfileClasses, or `npx storage-profiles classes`), with the same profiles, " +
      "`storage-profiles:kubernetes` and sizes"
    : "correct the name, or create the class first";
  return refusedAs(path, name, `${kind} ${name} doesn't exist in the cluster, and the program doesn't create it`, way);
}

function refusedAs(path: string, given: unknown, because: string, way: string): Answer {
  return { problems: [problem("claim-refused", path, given, { because, way })], notes: [] };
}

function noted(path: string, what: string, because: string): Answer {
  return { problems: [], notes: [note("not-checked", path, { what, because })] };
}

interface Asked {
  claim: string;
  uid: string | undefined;
  before: string | null | undefined;
  to: AskedOfBackend["to"];
  wanted: KubernetesSettings;
  driver: DriverName | undefined;
}

async function judge(session: ClusterSession, { claim, uid, before, to, wanted, driver }: Asked): Promise<Answer> {
  const found = await session.readClaim(claim, uid);
  if (!found) throw new KubernetesError("other-cluster", "the kubeconfig's cluster doesn't have it");
  const { resources, volumeAttributesClassName } = claimSpec({ sizeGiB: to.sizeGiB, settings: wanted });
  const spec = { resources, ...(volumeAttributesClassName !== undefined && { volumeAttributesClassName }) };
  const [namespace = ""] = claim.split("/");
  const demands = session.demandsOf(namespace);
  demands.set(claim, { ...usageOf({ ...found, spec: { ...found.spec, ...spec } }), had: usageOf(found) });
  const [refusal, quotas] = await Promise.all([session.refusal(claim, { spec }), judgeQuotas(session, claim, demands)]);
  const known = refusal && problemOf(refusal);
  const ofClass =
    volumeAttributesClassName === undefined || volumeAttributesClassName === before
      ? undefined
      : await judgeClass(session, volumeAttributesClassName, driver);
  // What this claim can't have alone the server has said.
  const together = refusal ? NOTHING : quotas;
  return {
    problems: [...(known ? [known] : []), ...together.problems, ...(ofClass?.problems ?? [])],
    notes: [...together.notes, ...(ofClass?.notes ?? [])],
  };
}

// What the server refuses as invalid the provider's dry run tells, in the server's words; what it forbids that passes over.
function problemOf({ message, isForbidden }: Refusal): Problem | undefined {
  const known = refusalOf([message]);
  if (known || !isForbidden) return known;
  const because = `the API server forbids the change: ${message.trim().replace(/\s+/g, " ").slice(0, 1_000)}`;
  return problem("claim-refused", "settings", undefined, { because, way: "meet the rule, or ask who administers it" });
}

/** `created`: the volume that is to be created with it, and the parameters that the class has by the profile. */
async function judgeClass(
  session: ClusterSession,
  name: string,
  driver: DriverName | undefined,
  created?: { declared: DeclaredVolume; attributes: Parameters },
): Promise<Answer> {
  const [kind, path] = ["VolumeAttributesClass", "settings.volumeAttributesClass"] as const;
  const refused = (because: string, way: string) => refusedAs(path, name, because, way);
  let found: Awaited<ReturnType<typeof session.readAttributesClass>>;
  try {
    found = await session.readAttributesClass(name);
  } catch (error) {
    // What the server has said of the claim counts all the same.
    if (!(error instanceof KubernetesError)) throw error;
    return noted(path, `${kind} ${name}`, error.message);
  }
  if (found === "not-served") {
    return refused(
      "the cluster doesn't serve VolumeAttributesClass in storage.k8s.io/v1, and removes the class from a claim without an error",
      OLD_CLUSTER_WAY,
    );
  }
  if (!found) {
    if (created) return missing(created.declared, { kind, name, path, isOurs: OUR_NAME.test(name) });
    // It may be created by this very run.
    return { problems: [], notes: [note("class-missing", path, { kind, name, waits: "the change" })] };
  }
  if (found.metadata?.deletionTimestamp !== undefined) {
    return refused(
      `${kind} ${name} is being deleted`,
      "wait until it is gone, and create it again (ProfileClasses, or `npx storage-profiles classes`)",
    );
  }
  if (driver !== undefined && found.driverName !== driver) {
    return refused(
      `${kind} ${name} is one of driver ${found.driverName ?? "none"}`,
      "delete it, and create the classes of the cluster's driver",
    );
  }
  const parameters = found.parameters ?? {};
  if (driver === undefined || !OUR_NAME.test(name) || !isOtherAttributesClass(name, driver, parameters)) return NOTHING;
  const differing = created ? `: ${differences(parameters, created.attributes)}` : "";
  return refused(`${kind} ${name} of the cluster isn't what the profile says${differing}`, RECREATE);
}
