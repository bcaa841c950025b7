// A stack with the real service over it, as it was built, in a process of its own; and a stand-in for the engine: it prints the
// state that a test made, and an `up` goes as the test says, event by event. So that the page can be looked at in every state that a
// stack can have.

import { randomInt } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { backends, type BackendName } from "../../src/core/backend";
import { resolve } from "../../src/core/resolve";
import { openProject, type Stack } from "../../src/stack";
import { PROFILED_VOLUME } from "../../src/core/resource-types";
import { serveWith, type Service } from "./http";

/** How a volume of the config stands in the state, where it isn't there just as it is declared. */
export interface Standing {
  /** What it was asked to be and got, other than what is declared: an older edit. */
  got?: { sizeGiB?: number; settings?: Record<string, unknown> };
  /** What it has, other than what it got: somebody changed it. */
  has?: { sizeGiB?: number; settings?: Record<string, unknown> };
  /** It was begun, and isn't done. */
  unfinished?: boolean;
  /** It isn't there. */
  missing?: boolean;
}

/** A stack, its service and its engine, for one test. */
export interface Lab {
  url: string;
  stack: Stack;
  directory: string;
  /** Makes the state what the config says, but for what stands here. */
  setState(standing?: Record<string, Standing>, where?: "now" | "after"): Promise<void>;
  /** What `pulumi stack export` fails with; nothing: it works again. */
  breakEngine(why?: string): void;
  /** The arguments of each `up` and `refresh`. */
  runs(): string[][];
  /** An event of the run that is under way. */
  say(event: object): void;
  /** Ends the run. The state becomes what `setState(…, "after")` said. */
  end(code?: number): void;
  /** Kills the service. */
  kill(): Promise<void>;
  /** Starts one again, at the same address. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const ENGINE = String.raw`
const fs = require("fs"), path = require("path");
const here = path.dirname(__dirname), at = (name) => path.join(here, name), args = process.argv.slice(2);
const fail = (text) => { console.error(text); process.exit(255); };
if (args[0] === "stack" && args[1] === "export") {
  if (fs.existsSync(at("broken"))) fail("error: " + fs.readFileSync(at("broken"), "utf8"));
  const isOurs = args[args.indexOf("--stack") + 1] === "dev";
  console.log(isOurs ? fs.readFileSync(at("state.json"), "utf8") : '{"version":3,"deployment":{}}');
} else if (args[0] === "up" || args[0] === "refresh") {
  fs.appendFileSync(at("runs"), JSON.stringify(args) + "\n");
  process.on("SIGINT", () => fail("error: update cancelled"));
  const log = args[args.indexOf("--event-log") + 1];
  let done = 0;
  setInterval(() => {
    if (!fs.existsSync(here)) process.exit(1); // the test is over
    const lines = fs.existsSync(at("script")) ? fs.readFileSync(at("script"), "utf8").split("\n").slice(0, -1) : [];
    for (const line of lines.slice(done)) {
      done++;
      const { exit } = JSON.parse(line);
      if (exit === undefined) { fs.appendFileSync(log, line + "\n"); continue; }
      if (exit === 0 && fs.existsSync(at("after.json"))) fs.renameSync(at("after.json"), at("state.json"));
      fs.rmSync(at("script"));
      process.exit(exit);
    }
  }, 20);
}
`;

/** Makes a project with a stack, `dev`, with this config, and serves it. Of other stacks the engine knows nothing. */
export async function openLab(config: string, options: object = {}): Promise<Lab> {
  const directory = mkdtempSync(join(tmpdir(), "page-lab-"));
  const file = (name: string) => join(directory, name);
  const bin = mkdtempSync(join(directory, "bin-"));
  const pulumi = join(bin, "pulumi");
  writeFileSync(pulumi, `#!${process.execPath}\n${ENGINE}`, { mode: 0o755 });
  writeFileSync(file("Pulumi.yaml"), "name: shop\nruntime: nodejs\n");
  writeFileSync(file("Pulumi.dev.yaml"), config);
  const journalDirectory = file("journal");
  const project = await openProject({ directory, pulumi, journalDirectory });
  const stack = project.stack("dev");

  const setState = async (standing: Record<string, Standing> = {}, where: "now" | "after" = "now"): Promise<void> => {
    const read = await stack.readConfig();
    const resources = Object.entries(read.config.volumes ?? {}).flatMap(([name, volume]) => {
      const one = standing[name] ?? {};
      if (one.missing) return [];
      const resolution = resolve(read.catalog, read.requestFor(name, volume));
      if (!resolution.volume) throw new Error(`${name}: ${JSON.stringify(resolution.problems)}`);
      return resourcesOf({ ...resolution.volume, settings: { ...resolution.volume.settings } }, one);
    });
    const deployment = { manifest: { time: "2026-11-24T10:00:00Z" }, resources };
    writeFileSync(file(where === "now" ? "state.json" : "after.json"), JSON.stringify({ version: 3, deployment }));
  };
  await setState();

  let service: Service | undefined;
  let url = "";
  const start = async (tries = 5): Promise<void> => {
    // Not one that the kernel gives to whoever asks for any: it is wanted again after a kill.
    const listen = url === "" ? `127.0.0.1:${randomInt(20_000, 32_000)}` : new URL(url).host;
    const given = { stacks: ["dev"], listen, auditLog: file("audit.jsonl"), logLevel: "error", ...options };
    try {
      service = await serveWith({ directory, pulumi, journalDirectory }, given);
    } catch (error) {
      if (url !== "" || tries === 0) throw error;
      return start(tries - 1);
    }
    url = `${service.url}/`;
  };
  const kill = async () => {
    await service?.kill();
  };
  await start();
  const say = (event: object) => appendFileSync(file("script"), `${JSON.stringify(event)}\n`);
  // What stands behind the last line break is still being written.
  const lines = (name: string) =>
    existsSync(file(name)) ? readFileSync(file(name), "utf8").split("\n").slice(0, -1) : [];
  return {
    url,
    stack,
    directory,
    setState,
    breakEngine: (why) => (why === undefined ? rmSync(file("broken")) : writeFileSync(file("broken"), why)),
    runs: () => lines("runs").map((line) => JSON.parse(line) as string[]),
    say,
    end: (code = 0) => say({ exit: code }),
    kill,
    start,
    async close() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Volume {
  name: string;
  backend: BackendName;
  sizeGiB: number;
  revision: string;
  settings: object;
}

// The component with its inputs and outputs, and the backend's own resource below it, as `pulumi stack export` has them.
function resourcesOf(declared: Volume, { got, has, unfinished }: Standing): object[] {
  const { backend, name } = declared;
  const asked = {
    ...declared,
    ...(got && { revision: "0badcafe" }),
    sizeGiB: got?.sizeGiB ?? declared.sizeGiB,
    settings: { ...declared.settings, ...got?.settings },
  };
  const made = { sizeGiB: has?.sizeGiB ?? asked.sizeGiB, settings: { ...asked.settings, ...has?.settings } };
  const { type } = backends[backend].recorded;
  const urn = `urn:pulumi:dev::shop::${PROFILED_VOLUME}::${name}`;
  const volumeId = `vol-${Buffer.from(name).toString("hex").slice(0, 12)}`;
  return [
    {
      urn,
      type: PROFILED_VOLUME,
      inputs: asked,
      outputs: unfinished ? undefined : { volumeId, sizeGiB: asked.sizeGiB, settings: asked.settings },
      protect: true,
    },
    {
      urn: `urn:pulumi:dev::shop::${PROFILED_VOLUME}$${type}::${name}`,
      type,
      id: volumeId,
      parent: urn,
      outputs: backend === "aws" ? awsOutputs(made) : made,
    },
  ];
}

function awsOutputs({ sizeGiB, settings }: { sizeGiB: number; settings: object }): object {
  const { volumeType, throughputMiBps, multiAttach, ...same } = settings as Record<string, unknown>;
  const all = {
    ...same,
    size: sizeGiB,
    type: volumeType,
    throughput: throughputMiBps,
    multiAttachEnabled: multiAttach,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}
