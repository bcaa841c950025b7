// What the dynamic providers of volumes on an array or a cluster share: how it is reached, and who a stack is there.

import { randomUUID } from "node:crypto";

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { Problem } from "../src";
import { PerConnection, type ConnectionSource } from "./named-connections";
import { failuresOf } from "./provider-checks";
import { leaveToEngine } from "./provider-errors";

type Config = Parameters<NonNullable<dynamic.ResourceProvider["configure"]>>[0];

/**
 * The provider's `configure`; what it reaches by each connection, made when it is first used: a run that changes nothing needs no credentials;
 * and its checks. Errors of the backend are left to the engine.
 */
export function connectedProvider<Client>(
  errorClass: abstract new (...args: never[]) => Error,
  connect: (config: ConnectionSource["config"], connection: string | undefined) => Client,
) {
  leaveToEngine(errorClass.name);
  let readConfig: ConnectionSource["config"] = () => undefined;
  const clients = new PerConnection((name) => connect(readConfig, name));
  return {
    // Runs before anything else, and must not wait: calls that come together would find it unfinished.
    configure: ({ config }: Config): Promise<void> => {
      readConfig = (key) => config.get(key);
      return Promise.resolve();
    },
    clientOf: ({ connection }: { connection?: string | undefined }): Client => clients.of(connection),
    failuresOf: (action: () => Promise<Problem[]>) =>
      failuresOf((error): error is Error => error instanceof errorClass, action),
  };
}

/** Who a stack is on a backend: see stack-identity.ts. Decided once, and nothing of it is on the backend. */
export const identityProvider = {
  create: (): Promise<dynamic.CreateResult> => Promise.resolve({ id: randomUUID(), outs: {} }),
  diff: () => Promise.resolve({ changes: false }),
  read: (id: string, props: object) => Promise.resolve({ id, props, inputs: props }),
  delete: () => Promise.resolve(),
} satisfies dynamic.ResourceProvider;
