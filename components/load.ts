// Packages that only some backends need: each is loaded when its backend is first used, and may be missing until then.

import * as pulumi from "@pulumi/pulumi";

import { problem, type Problem } from "../src";

/** A package that isn't installed. */
export class MissingPackage extends pulumi.RunError {
  constructor(readonly problem: Problem) {
    super(`${problem.message}\n  fix: ${problem.fix}`);
  }
}

/**
 * Loads a part of such a package.
 * @throws {@link MissingPackage} if the package isn't installed; it says what to install.
 */
export function loadPackage<Module>(backend: string, name: string, version: string, requireIt: () => Module): Module {
  try {
    return requireIt();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "MODULE_NOT_FOUND" || !new RegExp(`'${name}['/]`).test(message)) throw error;
    throw new MissingPackage(problem("package-missing", "backend", undefined, { backend, name, version }));
  }
}
