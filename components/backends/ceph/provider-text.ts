// The text in the state from which each run makes a provider anew: see components/backends/local/resource.ts.

/** The text for volumes or a stack's identity. It is part of the state's format: it never changes. */
export function providerText(name: "volume" | "identity"): string {
  return `exports.handler = () => require("module").createRequire(process.cwd() + "/")("storage-profiles/provider/ceph").${name};`;
}
