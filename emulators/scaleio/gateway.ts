// A gateway of ScaleIO / PowerFlex, for tests and for trying the backend out: an HTTPS server with an array in memory.
import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";

import { addApi } from "./api";
import { createApp } from "./app";
import type { Call } from "./calls";
import { certificatesFor } from "./certificates";
import type { ArrayDescription } from "./description";
import type { Fault, FaultHandle } from "./faults";
import { handleOf, type ArrayHandle } from "./handles";
import { Lab, type GatewayState } from "./lab";
import { addLabRoutes } from "./lab-routes";

export interface ScaleioGatewayOptions {
  /** The API's version; what the gateway does depends on it. Default: "4.5". */
  readonly version?: string;
  /** Default: "127.0.0.1". */
  readonly host?: string;
  /** Default: 0, a free one. */
  readonly port?: number;
  /** Default: "admin". */
  readonly username?: string;
  /** Default: a random one. */
  readonly password?: string;
  /** Default: two protection domains with a few pools, and four SDCs. */
  readonly array?: ArrayDescription;
  /** Where the CA is kept, and found again by the next start. Default: none, a new CA for each start. */
  readonly caDirectory?: string;
  /** How long an access token of 4.0 and later is good. Default: 300. */
  readonly accessTokenSeconds?: number;
  /** How long each answer takes longer, in milliseconds. Default: 0. */
  readonly latencyMs?: number;
}

export interface ScaleioGateway {
  /** Such as "https://127.0.0.1:40123". */
  readonly url: string;
  /** The certificate of the CA to trust, as PEM. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
  readonly version: string;
  /** Changes behind the client's back. */
  readonly array: ArrayHandle;
  /** What the gateway was asked so far, in the order of arrival. */
  readonly calls: readonly Call[];
  clearCalls(): void;
  state(): GatewayState;
  /** Makes something go wrong. */
  fault(fault: Fault): FaultHandle;
  clearFaults(): void;
  /** Moves the gateway's clock forward. */
  advance(milliseconds: number): void;
  /** Forgets all tokens, as a restart does; the array stays as it is. */
  restart(): void;
  setLatency(milliseconds: number): void;
  /** Every token that was given out, for tests that look for them where none may be. Not to be had over HTTP. */
  issuedTokens(): string[];
  close(): Promise<void>;
}

export async function startScaleioGateway(options: ScaleioGatewayOptions = {}): Promise<ScaleioGateway> {
  const { version = "4.5", host = "127.0.0.1", port = 0, username = "admin" } = options;
  const { password = randomBytes(12).toString("hex"), accessTokenSeconds = 300 } = options;
  const lab = new Lab({ version, username, password, array: options.array, accessTokenSeconds });
  lab.latencyMs = options.latencyMs ?? 0;
  const certificates = await certificatesFor([host], options.caDirectory);
  const app = createApp(lab, certificates);
  addApi(app, lab);
  addLabRoutes(app, lab);
  await app.listen({ host, port });
  const { port: actualPort } = app.server.address() as AddressInfo;
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${actualPort}`,
    ca: certificates.ca,
    username,
    password,
    version,
    array: handleOf(lab.array),
    get calls() {
      return lab.calls.all();
    },
    clearCalls: () => lab.calls.clear(),
    state: () => lab.state(),
    fault: (fault) => lab.faults.add(fault),
    clearFaults: () => lab.faults.clear(),
    advance: (milliseconds) => lab.clock.advance(milliseconds),
    restart: () => lab.restart(),
    setLatency: (milliseconds) => {
      lab.latencyMs = milliseconds;
    },
    issuedTokens: () => lab.sessions.issued(),
    close: () => app.close(),
  };
}
