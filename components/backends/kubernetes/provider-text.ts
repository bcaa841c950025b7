// The text in the state from which each run makes a provider anew: see components/backends/local/resource.ts.

/** The text. It is part of the state's format: it never changes. */
export const PROVIDER_TEXT =
  'exports.handler = () => require("module").createRequire(process.cwd() + "/")("storage-profiles/provider/kubernetes").provider;';
