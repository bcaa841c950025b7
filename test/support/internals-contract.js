// What pulumi-internals.js beside this file finds in the SDK beside it, as JSON: run by test/e2e/sdk.test.ts for several versions.
// @ts-nocheck -- what it loads is beside it only when it runs
"use strict";

const pulumi = require("@pulumi/pulumi");
const { version } = require("@pulumi/pulumi/package.json");
const { ResourceMonitorClient } = require("@pulumi/pulumi/proto/resource_grpc_pb.js");
const { createRequire } = require("node:module");
const internals = require("./pulumi-internals.js");

/** The files of the SDK that we load by their paths, from the command line. */
const files = process.argv.slice(2);
const sdk = createRequire(require.resolve("@pulumi/pulumi/package.json"));

class Group extends pulumi.ComponentResource {}

async function facts() {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs }),
    call: ({ inputs }) => inputs,
  });
  const group = new Group("t:index:Group", "group", {}, { aliases: [{ name: "former" }], protect: true });
  const part = new Group("t:index:Part", "group-part", {}, { parent: group });
  const { name, type, aliases, parent, protect } = internals.registered(part);
  const former = await Promise.all(
    internals.registered(group).aliases.map((each) => internals.promiseOf(pulumi.output(each))),
  );

  const value = pulumi.secret("v");
  const parts = internals.partsOf(group.urn);
  const made = internals.outputOf(Promise.resolve("made"), { ...parts, isSecret: Promise.resolve(true) });
  const dependencies = [...((await internals.partsOf(made).allResources) ?? internals.partsOf(made).resources)];

  pulumi.runtime.setAllConfig({ "t:secret": "1", "t:plain": "2" }, ["t:secret"]);
  const error = new Error("for people");
  internals.markAsRunError(error);
  const server = ResourceMonitorClient.prototype;
  const { LanguageRuntimeService } = sdk("./proto/language_grpc_pb");
  const { ResourceProviderService } = sdk("./proto/provider_grpc_pb");
  const { CheckFailure, ConstructRequest, DiffResponse, ReadRequest } = sdk("./proto/provider_pb");
  return {
    version,
    registered: { name, type, aliases, isBelow: parent === group, protect },
    isChild: internals.registered(group).children.has(part),
    former,
    known: [await internals.isKnown(value), await internals.isKnown(pulumi.output(pulumi.unknown))],
    value: await internals.promiseOf(value),
    partly: (await internals.partlyKnown(pulumi.secret({ known: "v", other: pulumi.unknown })))?.known,
    isSecret: [await internals.partsOf(value).isSecret, await internals.partsOf(group.urn).isSecret],
    made: [
      await internals.promiseOf(made),
      await internals.isKnown(made),
      await internals.partsOf(made).isSecret,
      dependencies.includes(group),
    ],
    applied: await internals.promiseOf(made.apply((text) => `${text} on`)),
    isConfigSecret: ["t:secret", "t:plain", "t:none"].map(internals.isConfigSecret),
    errorHooks: internals.hasErrorHooks(),
    package: internals.packageOf(new pulumi.ProviderResource("cloud", "cloud")),
    isRunError: pulumi.RunError.isInstance(error),
    mocksHaveHooks: typeof internals.monitor()?.registerResourceHook,
    missingFiles: files.filter((file) => !isThere(file)),
    // What the process that is ready and the plugin serve, and what the plugin completes of it.
    serves: [LanguageRuntimeService.run, ResourceProviderService.construct].map(({ path }) => path),
    messagesLack: [
      [CheckFailure, "setReason"],
      [ConstructRequest, "hasProtect", "getProtect", "getConfigMap"],
      [ReadRequest, "hasProperties", "setProperties"],
      [DiffResponse, "setChanges"],
    ].flatMap(([message, ...methods]) => methods.filter((method) => typeof message.prototype[method] !== "function")),
    noDifference: DiffResponse.DiffChanges.DIFF_NONE,
    engineHas: [typeof server.registerResourceHook, typeof server.signalAndWaitForShutdown],
  };
}

function isThere(file) {
  try {
    return sdk.resolve(file) !== "";
  } catch {
    return false;
  }
}

facts().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
