export function schema(): object {
  return {
    name: "storage-profiles",
    version: "0.1.0",
    resources: {
      "storage-profiles:index:ProfiledVolume": {
        isComponent: true,
        inputProperties: { profile: { type: "string" }, sizeGiB: { type: "number" } },
        properties: { volumeId: { type: "string" }, mountPath: { type: "string" } },
      },
    },
  };
}
