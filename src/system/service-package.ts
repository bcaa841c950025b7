// The HTTP service, the Docker plugin and the emulators need packages that a Pulumi program doesn't: `storage-profiles-service` has
// them. Their entry points import this module first, so that it is named where they are missing.

import { packageManifest } from "./manifest";

try {
  require.resolve("fastify");
} catch {
  const { name, version } = packageManifest();
  const message =
    `The HTTP service, the Docker plugin and the emulators require the package ${name}-service, which is not installed.\n` +
    `  fix: run: npm install ${name}-service@${version}`;
  throw Object.assign(new Error(message), { name: "ServicePackageMissing" });
}
