// The files that `storage-profiles:catalog` names: where each is, and its text. A name that begins with `./` or `../` is a path from the
// project's directory; any other is a file of a package, found from there as Node.js finds packages.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";

/** A file of a catalog, as it was found. */
export interface CatalogSource {
  /** As the config names it. */
  name: string;
  /** Its path; absent where it wasn't found. */
  file?: string | undefined;
  /** Whether it belongs to a package, and must not be changed. */
  isPackage: boolean;
  text?: string | undefined;
  /** Why there is no text, and what to do about it. */
  failure?: { why: string; fix?: string | undefined } | undefined;
}

/** Whether a name is a path, and not a file of a package. */
const isPath = (name: string) => /^\.\.?\//.test(name);

/** Finds and reads the files, in the order in which they are named. `directory` is that of Pulumi.yaml. */
export function readCatalogSources(names: readonly string[], directory: string): CatalogSource[] {
  return names.map((name) => {
    const isPackage = !isPath(name);
    const failed = (why: string, fix?: string) => ({ name, isPackage, failure: { why, fix } });
    if (isAbsolute(name) || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(name) || name.startsWith("~"))
      return failed("not a relative path, nor a file of a package");
    if (!/\.ya?ml$/.test(name)) return failed("the name doesn't end in .yaml or .yml");
    if (isPackage && name.split("/").includes("..")) return failed("a file of a package can't be outside the package");
    const found = isPackage ? inPackage(name, directory) : { file: resolve(directory, name) };
    if (!("file" in found)) return failed(found.why, found.fix);
    try {
      return { name, isPackage, file: found.file, text: readFileSync(found.file, "utf8") };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "it is a directory" : message;
      return { ...failed(why), file: found.file };
    }
  });
}

function inPackage(name: string, directory: string): { file: string } | { why: string; fix: string } {
  const [scope = "", second = ""] = name.split("/");
  const packageName = scope.startsWith("@") ? `${scope}/${second}` : scope;
  try {
    return { file: createRequire(resolve(directory, "package.json")).resolve(name) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_INVALID_PACKAGE_CONFIG") return { why: message, fix: `reinstall ${packageName}` };
    if (code !== "MODULE_NOT_FOUND")
      return {
        why: `package ${packageName} doesn't export it`,
        fix: `use a file that the "exports" of ${packageName} list`,
      };
    return isInstalled(packageName, directory)
      ? { why: `package ${packageName} has no such file`, fix: "use a file of the installed version of the package" }
      : {
          why: `package ${packageName} not found from ${directory}`,
          fix: `install ${packageName} there, or, if it is a file of the project, write "./${name}"`,
        };
  }
}

function isInstalled(packageName: string, directory: string): boolean {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, "node_modules", packageName))) return true;
    if (dirname(at) === at) return false;
  }
}
