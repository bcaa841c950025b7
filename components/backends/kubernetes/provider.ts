// The dynamic provider of what became of a claim's last change. @pulumi/kubernetes returns when the API server has accepted a change; this one
// waits for the CSI driver, and has in the state what the driver hasn't done. Pulumi loads it by its name from the state (own-resources.ts), in
// a process of its own: all claims of a run share it, and with it one login.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { Outcome } from "../../../src/backends/kubernetes/outcome";
import { leaveToEngine } from "../../provider-errors";
import { KubernetesError, type KubernetesErrorCode } from "./cluster-errors";
import { OLD_CLUSTER_WAY } from "./errors";
import { CLUSTER_KEYS, readCluster } from "./kubeconfig";
import { ClusterSession } from "./session";
import { look, waitFor, type Awaited, type Watched } from "./watch";

leaveToEngine("KubernetesError");

interface Inputs {
  /** The claim: `namespace/name`. */
  claim: string;
  /** The claim's uid: it tells this claim from one of the same name in another cluster. */
  uid?: string;
  /** The VolumeAttributesClass that was requested. */
  attributesClass?: string;
  /** The VolumeAttributesClass that was requested, and that the API server took out of the claim. */
  dropped?: string;
  /** The size that was requested, as the API has it. */
  storage: string;
  /** The volume's name in the program, for progress. */
  declaredAs: string;
  timeoutSeconds: number;
  /** The text from which the provider is made: Pulumi's. */
  __provider?: string;
}

/** What the state knows. */
interface Outputs extends Inputs {
  /** What the cluster hasn't carried out, as it was last seen; `status` reports it. Absent where all is done, and where nobody looked. */
  incomplete?: string;
}

/** With what another change is waited for. */
const CHANGES = ["uid", "attributesClass", "dropped", "storage"] as const;

type Config = Parameters<NonNullable<dynamic.ResourceProvider["configure"]>>[0];

let readConfig: ((key: string) => string | undefined) | undefined;
let session: { of: string; made: ClusterSession } | undefined;

// The kubeconfig is read when it is first used: a run that changes nothing needs none. The plugin has the stack's config only once the program
// runs, and what a refresh before that has used may be another cluster.
function sessionOfRun(): ClusterSession {
  const config = readConfig ?? (() => undefined);
  const of = JSON.stringify(CLUSTER_KEYS.map((key) => config(key)));
  if (session?.of !== of) session = { of, made: new ClusterSession(readCluster(config, process.env)) };
  return session.made;
}

export const provider = {
  configure({ config }: Config): Promise<void> {
    readConfig = (key) => config.get(key);
    session = undefined;
    return Promise.resolve();
  },

  diff(_id: string, olds: Outputs, news: Inputs): Promise<dynamic.DiffResult> {
    const replaces = olds.claim === news.claim ? [] : ["claim"];
    const changes =
      replaces.length > 0 || olds.incomplete !== undefined || CHANGES.some((key) => olds[key] !== news[key]);
    return Promise.resolve({ changes, replaces, deleteBeforeReplace: true });
  },

  async create(inputs: Inputs): Promise<dynamic.CreateResult<Outputs>> {
    return { id: inputs.claim, outs: await awaited(inputs) };
  },

  async update(_id: string, olds: Outputs, news: Inputs): Promise<dynamic.UpdateResult<Outputs>> {
    const isSame = CHANGES.every((key) => olds[key] === news[key]);
    return { outs: await awaited(news, isSame ? olds.incomplete : undefined) };
  },

  async read(id: string, props: Outputs): Promise<dynamic.ReadResult<Outputs>> {
    const { incomplete: _before, ...requested } = props;
    try {
      // It is the API server that hasn't done it, and no look at the claim tells.
      if (props.dropped !== undefined) return { id, props };
      const outcome = await look(sessionOfRun(), watchedOf(props));
      if (outcome) return { id, props: outputs(requested, outcome) };
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
    }
    // Where it can't be read, what is known of it is as old as it was.
    return { id, props };
  },

  // The claim's own resource takes it away.
  delete: (): Promise<void> => Promise.resolve(),
} satisfies dynamic.ResourceProvider;

/** Why the outcome can't be awaited, which is no reason to fail: the change is made, by a provider that has other credentials perhaps. */
const UNSEEN: readonly KubernetesErrorCode[] = [
  ...(["not-configured", "login-failed", "login-refused", "forbidden", "other-cluster"] as const),
  ...(["unreachable", "certificate-untrusted", "timed-out", "interrupted", "refused"] as const),
];

/** Waits for a change. `before` is what isn't done of it, as an earlier run saw it. */
async function awaited(inputs: Inputs, before?: string): Promise<Outputs> {
  const { declaredAs, claim, dropped } = inputs;
  if (dropped !== undefined) {
    const what = `the API server removed class ${dropped} from the claim, which it doesn't support`;
    throw notDone(inputs, { state: "lost", what, way: `${OLD_CLUSTER_WAY}, then run \`pulumi up --refresh\`` });
  }
  const report = (line: string) => console.log(`${declaredAs}: ${line}`);
  let found: Awaited | undefined;
  try {
    found = await waitFor(sessionOfRun(), watchedOf(inputs), report);
    if (!found) throw new KubernetesError("other-cluster", `the kubeconfig's cluster doesn't have claim ${claim}`);
  } catch (error) {
    if (!(error instanceof KubernetesError) || !UNSEEN.includes(error.code)) throw error;
    report(
      `not waiting for the CSI driver to carry out the change: ${error.message}. Set kubernetes:kubeconfig and kubernetes:context, or ` +
        "KUBECONFIG, to the claim's cluster; until then check `kubectl describe pvc`",
    );
    return { ...outputs(inputs), ...(before !== undefined && { incomplete: before }) };
  }
  const { outcome, unread } = found;
  if (outcome.state === "done") {
    if (outcome.remark !== undefined) report(outcome.remark);
    return outputs(inputs, outcome);
  }
  throw notDone(inputs, outcome, unread);
}

function notDone(inputs: Inputs, outcome: Open, unread?: string): Error {
  const { claim } = inputs;
  const failure = new KubernetesError("not-done", `claim ${claim}: ${messageOf(outcome, inputs, unread)}`);
  // The state must have why: the next run waits again.
  const properties = { ...outputs(inputs, outcome), __provider: inputs.__provider };
  return Object.assign(failure, { id: claim, properties, reasons: [failure.message] });
}

type Open = Exclude<Outcome, { state: "done" }>;

function messageOf(outcome: Open, { timeoutSeconds }: Inputs, unread: string | undefined): string {
  if (unread !== undefined) {
    return (
      `${outcome.what}; its state can no longer be read: ${unread}. Fix: check the cluster and the kubeconfig, and run ` +
      "`pulumi up` again."
    );
  }
  if ("way" in outcome) return `${outcome.what}. Fix: ${outcome.way}.`;
  const limit = "(customTimeouts.update of the volume, or changeTimeoutMinutes in storage-profiles:kubernetes)";
  switch (outcome.state) {
    case "no-answer":
      return (
        `${outcome.what}. Either the cluster has no external-resizer for the CSI driver, or the driver can't modify volumes, or the resizer ` +
        "is busy or has missed the change (it checks all claims every 10 minutes). Fix: check the CSI driver's controller pods, and run " +
        "`pulumi up` again; or give the volume its previous profile."
      );
    case "pending":
      return `${outcome.what}. Fix: create the class (ProfileClasses, or \`npx storage-profiles classes\`), and run \`pulumi up\` again.`;
    case "in-progress":
      return `${outcome.what}, after ${timeoutSeconds} s ${limit}. The driver continues. Fix: run \`pulumi up\` again later.`;
  }
}

function watchedOf({ claim, uid, attributesClass, storage, timeoutSeconds }: Inputs): Watched {
  return { claim, uid, attributesClass, storage, timeoutSeconds };
}

function outputs({ __provider: _provider, ...inputs }: Inputs, outcome?: Outcome): Outputs {
  return { ...inputs, ...(outcome && outcome.state !== "done" && { incomplete: outcome.what }) };
}
