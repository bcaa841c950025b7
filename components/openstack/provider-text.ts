// The text in the state from which each run makes the provider anew: see components/local/resource.ts. It is part of the state's
// format: it never changes.

export const PROVIDER_TEXT =
  'exports.handler = () => require("module").createRequire(process.cwd() + "/")("storage-profiles/provider/openstack").provider;';
