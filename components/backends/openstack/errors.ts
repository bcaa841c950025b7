// Every way in which asking OpenStack can fail, and the one class that says so.

import { BackendError } from "../../backend-error";

/** The codes of all errors of the OpenStack backend, each with what it means. Messages add where, and what to do. */
export const openstackErrors = {
  "not-configured": "the OpenStack address or credentials are missing in the stack's config and the environment",
  unreachable: "the service refused the connection or didn't respond to it",
  "certificate-untrusted": "the service's certificate isn't trusted",
  "login-refused": "Keystone rejected the login",
  "no-endpoint": "Keystone's catalog has no block storage for this region and interface",
  "timed-out": "the service didn't respond in time",
  interrupted: "the connection was lost before the response arrived, or the service failed",
  "answer-unreadable": "the response doesn't match the API",
  refused: "Cinder rejected the request",
  gone: "the volume no longer exists",
  "other-owner": "another stack has imported the volume",
  "not-done": "Cinder accepted the request but didn't carry it out",
  "still-running": "Cinder didn't finish within the time limit",
} as const;

export type OpenstackErrorCode = keyof typeof openstackErrors;

/** What went wrong with OpenStack, in words for the person who asked for it. */
export class OpenstackError extends BackendError<OpenstackErrorCode> {
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;

  constructor(code: OpenstackErrorCode, message: string, { status }: { status?: number | undefined } = {}) {
    super(code, message);
    this.status = status;
  }
}

/** Whether Cinder refused with one of these statuses. */
export function isStatus(error: unknown, ...statuses: number[]): error is OpenstackError {
  return error instanceof OpenstackError && error.status !== undefined && statuses.includes(error.status);
}

/** Whether the service could not be asked, for reasons that may pass: what depends on the answer is then not checked. */
export function isPassing(error: unknown): boolean {
  const passing: OpenstackErrorCode[] = ["unreachable", "timed-out", "interrupted", "answer-unreadable"];
  return error instanceof OpenstackError && passing.includes(error.code);
}
