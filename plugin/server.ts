// What the SDK's server for providers leaves out. Its class isn't exported: the methods are added where it hands them to gRPC.

import { createRequire } from "node:module";

import type * as structMessages from "google-protobuf/google/protobuf/struct_pb";
import type * as providerMessages from "@pulumi/pulumi/proto/provider_pb";

import { declaring } from "../components/plugin-mode";
import { refusedConfig, takeConfig } from "./config";

type Method = (call: { request: unknown }, callback: (error: unknown, response?: unknown) => void) => unknown;
type Methods = Record<string, Method>;
interface ServerClass {
  prototype: { addService(service: unknown, methods: Methods): void };
}

// As the SDK itself sees it: its own files, and its dependencies wherever they were installed.
const sdk = createRequire(require.resolve("@pulumi/pulumi/package.json"));

/** Starts a server of the SDK for a provider of ours. */
export function startServer(start: () => Promise<void>): Promise<void> {
  const { Server } = sdk("@grpc/grpc-js") as { Server: ServerClass };
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its server below
  const { addService } = Server.prototype;
  Server.prototype.addService = function (service, methods) {
    Server.prototype.addService = addService;
    addService.call(this, service, completed(methods));
  };
  return start();
}

function completed(methods: Methods): Methods {
  const { CheckFailure, CheckResponse, DiffResponse } = sdk("./proto/provider_pb") as typeof providerMessages;
  const { Struct } = sdk("google-protobuf/google/protobuf/struct_pb") as typeof structMessages;
  const construct = methods["construct"]?.bind(methods);
  const read = methods["read"]?.bind(methods);
  return Object.assign(methods, {
    // The engine gives a default provider all config of the stack that has the package's name: our profiles and limits. It comes
    // with each component (config.ts), and none of it belongs in the provider's entry in the state.
    checkConfig: ((call, done) => {
      const request = call.request as providerMessages.CheckRequest;
      const response = new CheckResponse();
      response.setInputs(Struct.fromJavaScript({}));
      const keys = Object.keys(request.getNews()?.toJavaScript() ?? {});
      const failures = refusedConfig(request.getUrn(), keys).map((reason) => {
        const failure = new CheckFailure();
        // With the key as its property, the engine would print the value, also that of a secret.
        failure.setReason(reason);
        return failure;
      });
      response.setFailuresList(failures);
      done(null, response);
    }) satisfies Method,
    diffConfig: ((_call, done) => {
      const response = new DiffResponse();
      response.setChanges(DiffResponse.DiffChanges.DIFF_NONE);
      done(null, response);
    }) satisfies Method,
    // The SDK fails where nothing is known but the id: for `pulumi import`.
    read: ((call, done) => {
      const request = call.request as providerMessages.ReadRequest;
      if (!request.hasProperties()) request.setProperties(Struct.fromJavaScript({}));
      return read?.(call, done);
    }) satisfies Method,
    // The SDK takes an option that nobody gave for `protect: false`.
    construct: ((call, done) => {
      const request = call.request as providerMessages.ConstructRequest;
      declaring();
      takeConfig(request.getConfigMap().entries());
      const given = request.hasProtect() ? request.getProtect() : undefined;
      return construct?.(Object.assign(call, { request: Object.assign(request, { getProtect: () => given }) }), done);
    }) satisfies Method,
  });
}
