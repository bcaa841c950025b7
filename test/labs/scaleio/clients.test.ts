// The gateway, driven by clients that we did not write: Cinder's RestClient, os-brick's connector and PyPowerFlex, each from
// its released package. The scripts beside this file hold the checks; here each becomes a test, on every version that the
// client speaks. lab.py says how a script and this file talk.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { startScaleioGateway, type ArrayDescription, type Fault, type ScaleioGateway } from "../../../emulators";
import { limitMs } from "../../../tools/test/time.js";
import { describeIf } from "../../support/machine";
import { environmentOf } from "../python.js";

/** By token, by token with all that came with 3.x, by bearer. */
const versions = ["2.0", "3.6", "4.5"];
const clients = [
  { client: "Cinder's RestClient", script: "cinder_client.py" },
  { client: "os-brick's ScaleIOConnector", script: "brick_client.py" },
  { client: "PyPowerFlex", script: "pypowerflex_client.py" },
];

/** The array that the scripts expect; the last domain's name and its pool's are hard to put into an address. */
const array: ArrayDescription = {
  protectionDomains: [
    {
      name: "domain1",
      storagePools: [
        { name: "pool1", capacityGiB: 1024 * 1024 },
        { name: "fine", capacityGiB: 10 * 1024, dataLayout: "FineGranularity" },
        { name: "small", capacityGiB: 64, oversubscription: 2 },
        { name: "unpadded", capacityGiB: 1024, zeroPadding: false },
      ],
    },
    { name: "domain2", storagePools: [{ name: "pool1", capacityGiB: 1024 }] },
    { name: "do/main+3=", storagePools: [{ name: "po,ol/&?#", capacityGiB: 1024 }] },
  ],
  sdcs: [
    { name: "node1", guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC01", ips: ["192.0.2.11"] },
    { name: "node2", guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC02", ips: ["192.0.2.12"] },
    { name: null, guid: "5D2B24F9-5D49-4688-A67D-88AF8790BC03", ips: ["192.0.2.13"] },
  ],
};

const python = environmentOf("scaleio");

for (const { client, script } of clients) {
  for (const version of versions) {
    const names = declaredChecks(script, version);
    describeIf(python.reason === undefined, `${client} on ${version}`, python.reason, () => {
      let outcomes: Map<string, string | null>;
      beforeAll(async () => {
        outcomes = await drive(script, version);
      });

      test.each(names)("%s", (name) => {
        const error = outcomes.get(name);
        if (error === undefined) throw new Error("The script did not get to it.");
        if (error !== null) throw new Error(error);
      });

      test("does what is declared, and nothing else", () => {
        expect(names.length).toBeGreaterThan(0);
        expect([...outcomes.keys()]).toEqual(names);
      });
    });
  }
}

/** The names of the checks that a script has for a version, as they stand in its source. */
function declaredChecks(script: string, version: string): string[] {
  const source = readFileSync(resolve(__dirname, script), "utf8");
  const constants = new Map([...source.matchAll(/^([A-Z]+) = (\(.*\))$/gm)].map(([, name, value]) => [name, value]));
  return [...source.matchAll(/^@check\("(.*?)"(?:, only=(.*))?\)$/gm)]
    .filter(([, , only]) => only === undefined || (constants.get(only) ?? only).includes(`"${version}"`))
    .map(([, name = ""]) => name);
}

/** Runs a script against a gateway of its own: why each check failed, null for those that didn't. */
async function drive(script: string, version: string): Promise<Map<string, string | null>> {
  const directory = mkdtempSync(join(tmpdir(), "sp-clients-"));
  const gateway = await startScaleioGateway({ array, version });
  try {
    const ca = join(directory, "ca.pem");
    writeFileSync(ca, gateway.ca);
    gateway.array.setMigrationTime(Infinity); // a check says when a move is over
    return await run(script, placeOf(gateway, ca), (question) => answer(gateway, question));
  } finally {
    await gateway.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a script is told of the place that it finds itself in: `lab.place` there. */
function placeOf(gateway: ScaleioGateway, ca: string) {
  const { hostname, port } = new URL(gateway.url);
  const { storagePools, sdcs } = gateway.state();
  return {
    address: hostname,
    port: Number(port),
    username: gateway.username,
    password: gateway.password,
    version: gateway.version,
    /** A file. */
    ca,
    /** Ids, by name: "domain1", "domain1:pool1". */
    domains: Object.fromEntries(storagePools.map((pool) => [pool["protectionDomainName"], pool["protectionDomainId"]])),
    pools: Object.fromEntries(
      storagePools.map((pool) => [`${pool["protectionDomainName"]}:${pool["name"]}`, pool["id"]]),
    ),
    sdcs: sdcs.map((sdc) => ({ id: sdc["id"], guid: sdc["sdcGuid"], ip: sdc["sdcIp"] })),
    system: sdcs[0]!["systemId"],
  };
}

/** Does what a script asks for, because no client can. */
function answer(gateway: ScaleioGateway, { ask, ...details }: Record<string, any>): unknown {
  switch (ask) {
    case "volume":
      return gateway.array.volume(details["id"]) ?? null;
    case "volumes":
      return gateway.state().volumes;
    case "sessions":
      return gateway.state().sessions;
    case "create":
      return gateway.array.createVolume({ name: details["name"], sizeGiB: 8 });
    case "advance":
      gateway.advance(details["minutes"] * 60_000);
      return null;
    case "restart":
      gateway.restart();
      return null;
    case "fault":
      gateway.fault(details as Fault);
      return null;
    case "finishMigrations":
      return gateway.array.completeMigrations();
    default:
      throw new Error(`nobody here can ${String(ask)}`);
  }
}

function run(
  script: string,
  place: object,
  respond: (question: Record<string, any>) => unknown,
): Promise<Map<string, string | null>> {
  const outcomes = new Map<string, string | null>();
  const child = spawn(python.python!, ["-W", "ignore", resolve(__dirname, script), JSON.stringify(place)], {
    env: {
      PATH: process.env["PATH"],
      // Compiled modules beside the environment, not in our tree.
      PYTHONPYCACHEPREFIX: resolve(python.python!, "../../pycache"),
    },
    stdio: ["pipe", "pipe", "pipe"],
    // No client gives up a gateway that doesn't answer.
    timeout: limitMs(150),
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as Record<string, any>;
    if ("check" in said) return void outcomes.set(said["check"], said["error"]);
    let reply;
    try {
      reply = { result: respond(said) };
    } catch (error) {
      reply = { error: String(error) };
    }
    child.stdin.write(`${JSON.stringify(reply)}\n`);
  });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code, signal) => {
      if (code === 0) done(outcomes);
      else failed(new Error(`${script} ended with ${signal ?? code}:\n${errors.slice(-4000)}`));
    });
  });
}
