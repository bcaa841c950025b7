// What this package uses of the SDK that isn't in its types, on the newest version of the peer range and on the oldest.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { peerDependencies } from "../../package.json";
import { MINIMUM_PULUMI } from "../../components/engine";
import { PROVIDER_SDK_MODULES } from "../../src/stack/ready/modules";
import { cacheDirectory } from "../../tools/shared.js";
import { describeIf } from "../support/machine";

const root = resolve(__dirname, "../..");

const facts = {
  registered: { name: "group-part", type: "t:index:Part", aliases: [], isBelow: true, protect: true },
  isChild: true,
  former: ["urn:pulumi:stack::project::t:index:Group::former"],
  known: [true, false],
  value: "v",
  partly: "v",
  isSecret: [true, false],
  made: ["made", true, true, true],
  applied: "made on",
  isConfigSecret: [true, false, false],
  package: "cloud",
  isRunError: true,
  mocksHaveHooks: "undefined",
  missingFiles: [],
  serves: ["/pulumirpc.LanguageRuntime/Run", "/pulumirpc.ResourceProvider/Construct"],
  messagesLack: [],
  noDifference: 1,
  engineHas: ["function", "function"],
};

/** The files of the SDK that our sources load by their paths. */
const files = [
  ...PROVIDER_SDK_MODULES,
  ...["src/stack/ready/host.ts", "plugin/server.ts"].flatMap((source) =>
    [...readFileSync(join(root, source), "utf8").matchAll(/\bsdk(?:\.resolve)?\("(.+?)"\)/g)].map(([, file]) => file!),
  ),
];

function factsOf(modules: string): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), "sp-sdk-"));
  try {
    symlinkSync(modules, join(folder, "node_modules"));
    copyFileSync(join(root, "dist/components/pulumi-internals.js"), join(folder, "pulumi-internals.js"));
    copyFileSync(join(root, "test/support/internals-contract.js"), join(folder, "internals-contract.js"));
    return JSON.parse(
      execFileSync(process.execPath, ["internals-contract.js", ...files], { cwd: folder, encoding: "utf8" }),
    ) as Record<string, unknown>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the files that are loaded by their paths are found in our sources", () => {
  expect(files).toEqual(expect.arrayContaining(["./cmd/run", "./cmd/dynamic-provider", "./proto/provider_pb"]));
});

test("the newest SDK has what is used of it", () => {
  expect(factsOf(join(root, "node_modules"))).toMatchObject({ ...facts, errorHooks: true });
});

/** Fetches the oldest SDK, once for all runs; the reason why that isn't possible. */
function fetchOldest(to: string): string | undefined {
  if (existsSync(to)) return undefined;
  mkdirSync(cacheDirectory(process.env), { recursive: true });
  const folder = mkdtempSync(`${to}-`);
  try {
    writeFileSync(join(folder, "package.json"), "{}");
    const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--omit=peer", "--silent"];
    execFileSync("npm", ["install", ...flags, `@pulumi/pulumi@${MINIMUM_PULUMI}`], { cwd: folder, stdio: "pipe" });
    // Another run may have been faster.
    if (!existsSync(to)) renameSync(folder, to);
    return undefined;
  } catch (error) {
    return `npm can't fetch @pulumi/pulumi ${MINIMUM_PULUMI}: ${(error as Error).message.split("\n")[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const oldest = join(cacheDirectory(process.env), `sdk-${MINIMUM_PULUMI}`);
const reason = fetchOldest(oldest);
describeIf(reason === undefined, "the oldest SDK", reason, () => {
  test("is the oldest of the peer range, and has what is used of it", () => {
    expect(peerDependencies["@pulumi/pulumi"]).toBe(`^${MINIMUM_PULUMI}`);
    expect(factsOf(join(oldest, "node_modules"))).toMatchObject({
      ...facts,
      ...{ version: MINIMUM_PULUMI, errorHooks: false },
    });
  });
});
