// Starts an emulated ContainerIO cluster: its REST API on a port, and a command `cio` that tests run.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fastify from "fastify";

import { addApi, CioConflict } from "./api";
import { CioModel, CioRefusal, type CioVolumeState } from "./cluster";
import { runCommand } from "./command";

export interface CioClusterOptions {
  /** The release whose limits hold. Default: 2. */
  readonly version?: 2015 | 1 | 2;
  /** How many nodes there are, `v1` and so on. Default: 6. */
  readonly nodes?: number;
  /** What all copies together may take. Default: 1,000,000. */
  readonly capacityGB?: number;
  /** Default: 0, a free one. */
  readonly port?: number;
}

/** A request, or a run of the command: `POST /volumes/data`, `cio volume create data …`. */
export interface CioCall {
  readonly what: string;
  readonly body?: unknown;
}

/** What goes wrong with the next calls that match; `times` of them, by default one. */
export interface CioFault {
  readonly match: RegExp;
  readonly times?: number;
  /** `cut`: the connection ends before anything is done, and the command prints nothing. `cut-after-commit`: after. `text`: it answers that. */
  readonly do: "cut" | "cut-after-commit" | { readonly text: string; readonly status?: number };
}

export interface CioClusterHandle {
  /** Such as "http://127.0.0.1:40123". */
  readonly url: string;
  /** A program that takes the arguments of `cio`, and prints its screens. */
  readonly cliPath: string;
  /** What it was asked so far, in order. */
  readonly calls: readonly CioCall[];
  clearCalls(): void;
  /** Its volumes, as they are: what a test changes here is changed behind the client's back. */
  readonly volumes: readonly CioVolumeState[];
  /** Runs the command in this process. */
  cio: (...args: string[]) => string;
  fault(fault: CioFault): void;
  close(): Promise<void>;
}

export async function startCioCluster(options: CioClusterOptions = {}): Promise<CioClusterHandle> {
  const { version = 2, nodes = 6, capacityGB = 1_000_000, port = 0 } = options;
  const model = new CioModel(version, nodes, capacityGB);
  const calls: CioCall[] = [];
  const faults: { fault: CioFault; left: number }[] = [];
  const met = (what: string) => {
    const hit = faults.find(({ fault, left }) => left > 0 && fault.match.test(what));
    if (hit) hit.left--;
    return hit?.fault.do;
  };
  const run = (args: readonly string[]) => runCommand(model, args, (path) => readFileSync(path, "utf8"));

  const app = fastify({ forceCloseConnections: true });
  // Clients send JSON with any type, and none where they have nothing to say.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, text, done) => {
    try {
      done(null, text === "" ? null : JSON.parse(String(text)));
    } catch (error) {
      done(error as Error);
    }
  });
  const effects = new WeakMap<object, ReturnType<typeof met>>();
  app.addHook("preHandler", (request, reply, done) => {
    if (request.url === "/lab/cli") return done();
    const what = `${request.method} ${request.url}`;
    calls.push({ what, ...(request.body === undefined || request.body === null ? {} : { body: request.body }) });
    const effect = met(what);
    if (effect === "cut") {
      reply.hijack();
      request.raw.socket.destroy();
      return;
    }
    if (typeof effect === "object") {
      void reply.code(effect.status ?? 500).send({ error: effect.text });
      return;
    }
    effects.set(request, effect);
    done();
  });
  app.addHook("onSend", (request, _reply, payload, done) => {
    if (effects.get(request) === "cut-after-commit") request.raw.socket.destroy();
    done(null, payload);
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof CioConflict) return reply.code(409).send({ error: error.message });
    if (error instanceof CioRefusal) return reply.code(error.isMissing ? 404 : 500).send({ error: error.message });
    return reply.code(500).send({ error: `Error: ${String(error)}` });
  });
  addApi(app, model);
  app.post("/lab/cli", (request) => {
    const { args } = request.body as { args: string[] };
    const what = `cio ${args.join(" ")}`;
    calls.push({ what });
    const effect = met(what);
    if (effect === "cut") return { screen: "" };
    if (typeof effect === "object") return { screen: effect.text };
    const screen = run(args);
    return { screen: effect === "cut-after-commit" ? "" : screen };
  });
  await app.listen({ host: "127.0.0.1", port });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  const directory = mkdtempSync(join(tmpdir(), "sp-cio-"));
  const cliPath = join(directory, "cio");
  writeFileSync(cliPath, commandText(url));
  chmodSync(cliPath, 0o755);
  return {
    url,
    cliPath,
    calls,
    clearCalls: () => void (calls.length = 0),
    volumes: model.volumes,
    cio: (...args) => run(args),
    fault: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    close: async () => {
      rmSync(directory, { recursive: true, force: true });
      await app.close();
    },
  };
}

// Exits with 0 whatever happened, as the command does.
const commandText = (url: string) => `#!${process.execPath}
const body = JSON.stringify({ args: process.argv.slice(2) });
fetch(${JSON.stringify(`${url}/lab/cli`)}, { method: "POST", headers: { "content-type": "application/json" }, body })
  .then((answer) => answer.json())
  .then(({ screen }) => screen && console.log(screen))
  .catch((error) => console.log("cli_client ERROR: " + error.message));
`;
