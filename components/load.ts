// Packages of Pulumi that only some backends need: each is loaded when its backend is first used, and may be missing until then.

import * as pulumi from "@pulumi/pulumi";

/**
 * Loads a part of such a package.
 * @throws `pulumi.RunError` that says what to install, where it isn't.
 */
export function loadPackage<Module>(backend: string, name: string, version: string, requireIt: () => Module): Module {
  try {
    return requireIt();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "MODULE_NOT_FOUND" || !message.includes(`'${name}/`)) throw error;
    throw new pulumi.RunError(
      `volumes on backend ${backend} need the package ${name}, version ${version}, which is not installed. Run: npm install ${name}@${version}`,
    );
  }
}
