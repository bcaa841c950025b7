// Every way in which asking the cluster, or waiting for it, can fail.

import { BackendError } from "../../backend-error";

/** The codes of these errors, each with what it means. */
export const kubernetesErrors = {
  "not-configured": "no kubeconfig is found, or it can't be used",
  "login-failed": "the kubeconfig's credentials can't be obtained",
  "login-refused": "the API server rejected the credentials",
  forbidden: "the credentials may not read the claim",
  unreachable: "the API server refused the connection or didn't respond to it",
  "certificate-untrusted": "the API server's certificate isn't trusted",
  "timed-out": "the API server didn't respond in time",
  interrupted: "the connection was lost before the response arrived, or the server failed",
  refused: "the API server rejected the request",
  "other-cluster": "the cluster of the kubeconfig doesn't have the claim",
  "not-done": "the cluster accepted the change but didn't carry it out",
} as const;

export type KubernetesErrorCode = keyof typeof kubernetesErrors;

/** What went wrong with the cluster, in words for the person who changes a volume. */
export class KubernetesError extends BackendError<KubernetesErrorCode> {}

/** Whether the cluster could not be asked for a reason that may pass. */
export function isPassing(error: unknown): boolean {
  const passing: KubernetesErrorCode[] = ["unreachable", "timed-out", "interrupted"];
  return error instanceof KubernetesError && passing.includes(error.code);
}
