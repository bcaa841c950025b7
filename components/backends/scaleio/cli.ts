#!/usr/bin/env node
// storage-profiles-scaleio: volumes of an array, without a Pulumi program.

import { execFile } from "node:child_process";

import { Command, InvalidArgumentError } from "commander";

import { ScaleioArray } from "./array";
import { readConnection } from "./connection";
import { ScaleioError } from "./errors";
import { importFile, type VolumeToImport } from "./import-file";
import { GatewaySession } from "./session";

const program = new Command("storage-profiles-scaleio")
  .description("Volumes on a ScaleIO / PowerFlex array.")
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nThe connection is read from the Pulumi stack (scaleio:endpoint and so on), or from SCALEIO_ENDPOINT,\n" +
      "SCALEIO_USERNAME, SCALEIO_PASSWORD, SCALEIO_CA_FILE.",
  );

program
  .command("import-file")
  .description("print a file for `pulumi import --file` that imports existing volumes into the state")
  .argument("<volume...>", "name=id or name@profile=id: the name in the program, and the id on the array", volume)
  .option("-s, --stack <name>", "Pulumi stack whose config contains the connection. Default: the selected stack")
  .action(async (volumes: VolumeToImport[], { stack }: { stack?: string }) => {
    const config = await stackConfig(stack);
    const session = new GatewaySession(readConnection((key) => config[key], process.env));
    try {
      console.log(JSON.stringify(await importFile(new ScaleioArray(session), volumes), null, 2));
    } finally {
      await session.close();
    }
  });

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof ScaleioError ? error.message : error);
  process.exitCode = 1;
});

function volume(text: string, before: VolumeToImport[] = []): VolumeToImport[] {
  const [reference = "", id = "", ...more] = text.split("=");
  if (reference === "" || !/^[0-9a-f]{16}$/i.test(id) || more.length > 0) {
    throw new InvalidArgumentError('Use name=id, with the 16 hex digits of the volume: "data@gold=6076fd1100000002".');
  }
  return [...before, { reference, id }];
}

// Where Pulumi, a project or a stack is missing, there is the environment.
async function stackConfig(stack: string | undefined): Promise<Record<string, string>> {
  const args = [
    "config",
    "--show-secrets",
    "--json",
    "--non-interactive",
    ...(stack === undefined ? [] : ["--stack", stack]),
  ];
  const text = await new Promise<string>((done, fail) => {
    execFile("pulumi", args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (!error) return done(stdout);
      // A stack that was named must be there.
      if (stack === undefined) return done("{}");
      const why = stderr.trim() === "" ? error.message : stderr.trim();
      fail(new ScaleioError("not-configured", `the config of stack ${stack} can't be read: ${why}`));
    });
  });
  const config = JSON.parse(text) as Record<string, { value?: string }>;
  return Object.fromEntries(Object.entries(config).map(([key, { value }]) => [key, value ?? ""]));
}
