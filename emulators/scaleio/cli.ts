#!/usr/bin/env node
// storage-profiles-scaleio-gateway: runs the gateway until it is told to end, and says how to point a Pulumi stack at it.
import "../../src/system/service-package";

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";

import { caFileIn } from "./certificates";
import { arrayDescriptionSchema, defaultArray, type ArrayDescription } from "./description";
import { startScaleioGateway, type ScaleioGateway } from "./gateway";
import { Version } from "./version";

interface CliOptions {
  apiVersion: string;
  host: string;
  port: number;
  username: string;
  passwordFile?: string;
  directory: string;
  latency: number;
  array?: string;
}

/** A mistake of whoever has called us: told in one line. */
class UsageError extends Error {}

const program = new Command("storage-profiles-scaleio-gateway")
  .description(
    "A ScaleIO / PowerFlex gateway with an array in memory, to try the scaleio backend out. Not for real data.",
  )
  .option("--api-version <version>", "the API's version: 2.0, 3.6, 4.5", apiVersion, "4.5")
  .option("--host <address>", "where to listen", "127.0.0.1")
  .option("--port <number>", "the port; 0: a free one", portNumber, 7443)
  .option("--username <name>", "who may log in", "admin")
  .option("--password-file <path>", "a file with the password (else SCALEIO_PASSWORD; else a random one)")
  .option("--directory <path>", "where the CA is kept", defaultDirectory())
  .option("--latency <milliseconds>", "how long each answer takes longer", milliseconds, 0)
  .option("--array <file.json>", "the array's description: protection domains, pools, SDCs")
  .showHelpAfterError()
  .action(run);

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
});

async function run(options: CliOptions): Promise<void> {
  const password = passwordOf(options);
  const array = options.array === undefined ? defaultArray : readArray(options.array);
  const directory = resolve(options.directory);
  const gateway = await start(options, directory, password, array);
  console.log(instructions(gateway, directory, password !== undefined, array));
  await new Promise<void>((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
  });
  await gateway.close();
}

async function start(
  { apiVersion: version, host, port, username, latency: latencyMs }: CliOptions,
  caDirectory: string,
  password: string | undefined,
  array: ArrayDescription,
): Promise<ScaleioGateway> {
  try {
    return await startScaleioGateway({
      version,
      host,
      port,
      username,
      ...(password !== undefined && { password }),
      array,
      caDirectory,
      latencyMs,
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw new UsageError(`${host} port ${port} is in use. Choose another one: --port <number>, or 0 for a free one.`);
    }
    if (typeof code === "string" && error instanceof Error) throw new UsageError(error.message);
    throw error;
  }
}

function instructions(
  gateway: ScaleioGateway,
  directory: string,
  knowsPassword: boolean,
  array: ArrayDescription,
): string {
  const [domain] = array.protectionDomains;
  const caFile = caFileIn(directory);
  // A password that the user has given isn't printed: without a value, pulumi asks for it.
  const password = knowsPassword ? "" : ` ${gateway.password}`;
  return [
    `ScaleIO gateway, API ${gateway.version}, with an array in memory: what is in it is gone when it ends.`,
    ``,
    `URL       ${gateway.url}`,
    `CA        ${caFile}`,
    `user      ${gateway.username}`,
    ...(knowsPassword ? [] : [`password  ${gateway.password}`]),
    `look in   curl --cacert ${quoted(caFile)} ${gateway.url}/_lab`,
    ``,
    `To use it in a Pulumi stack:`,
    ``,
    `  pulumi config set storage-profiles:backend scaleio`,
    `  pulumi config set --path storage-profiles:scaleio.protectionDomain ${quoted(domain?.name ?? "")}`,
    `  pulumi config set --path storage-profiles:scaleio.storagePool ${quoted(domain?.storagePools[0]?.name ?? "")}`,
    `  pulumi config set scaleio:endpoint ${gateway.url}`,
    `  pulumi config set scaleio:username ${quoted(gateway.username)}`,
    `  pulumi config set --secret scaleio:password${password}`,
    `  pulumi config set scaleio:caFile ${quoted(caFile)}`,
    ``,
    `Ctrl+C ends it.`,
  ].join("\n");
}

function passwordOf({ passwordFile }: CliOptions): string | undefined {
  const password =
    passwordFile === undefined ? process.env["SCALEIO_PASSWORD"] : readFile(passwordFile).replace(/\r?\n$/, "");
  if (password === "")
    throw new UsageError(`The password${passwordFile === undefined ? "" : ` in ${passwordFile}`} is empty.`);
  return password;
}

function readArray(file: string): ArrayDescription {
  const text = readFile(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} isn't JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = arrayDescriptionSchema.safeParse(value);
  if (!parsed.success) throw new UsageError(`${file} doesn't describe an array:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function defaultDirectory(): string {
  const cache = process.env["XDG_CACHE_HOME"];
  return join(
    cache === undefined || cache === "" ? join(homedir(), ".cache") : cache,
    "storage-profiles/scaleio-gateway",
  );
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function apiVersion(text: string): string {
  try {
    return new Version(text).text;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("a port is a whole number up to 65535");
  return port;
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 3_600_000)
    throw new InvalidArgumentError("a whole number of milliseconds, up to an hour");
  return value;
}
