// Loaded into the Node.js processes of the labs first (NODE_OPTIONS): has Pulumi's SDK load what it uses for programs in TypeScript and
// for closures only when it uses it. Each run of an engine loads the SDK twice, and that is a third of what it costs; the labs have hundreds.
// Nothing else changes, and the default tier's stories run without it.
// @ts-check
"use strict";

const Module = require("node:module");

const LAZY = new Set(["typescript", "@npmcli/arborist", "ts-node"]);
/** For traces, which nobody asked for. The SDK takes functions and classes out of them as soon as it loads them, so these are lazy too. */
const LAZY_MEMBERS = /^@opentelemetry\/(exporter|instrumentation|resources|sdk)/;

/** @type {{ _load: (request: string, parent?: NodeModule, ...more: unknown[]) => any }} */
const internals = /** @type {any} */ (Module);
const load = internals._load;

internals._load = function (request, parent, ...more) {
  const hasLazyMembers = LAZY_MEMBERS.test(request);
  const isOfSdk = (hasLazyMembers || LAZY.has(request)) && /[\\/]@pulumi[\\/]pulumi[\\/]/.test(parent?.filename ?? "");
  if (!isOfSdk) return load.call(this, request, parent, ...more);
  /** @type {any} */
  let loaded;
  const get = () => (loaded ??= load.call(this, request, parent, ...more));
  return lazy(get, (key) => {
    const member = () => get()[key];
    return hasLazyMembers ? lazy(member, (of) => member()[of]) : member();
  });
};

/**
 * Stands for a function, a class or a module until something of it is used.
 * @param {() => any} get
 * @param {(key: string | symbol) => any} member
 */
function lazy(get, member) {
  return new Proxy(function () {}, {
    // "An ES module", so that the SDK's imports take it as it is.
    get: (_target, key) => (key === "__esModule" ? true : member(key)),
    has: (_target, key) => key in get(),
    apply: (_target, self, args) => Reflect.apply(get(), self, args),
    construct: (_target, args) => Reflect.construct(get(), args),
  });
}
