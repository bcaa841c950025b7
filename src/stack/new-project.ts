// The files that a folder still needs before a stack in it can be deployed: Pulumi.yaml, and a program that declares the stack's volumes.

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

import { findProject } from "./project";
import { stackError } from "./errors";
import { parseYaml } from "./yaml-value";

/** A file to write. */
export interface NewFile {
  name: string;
  text: string;
}

/** What is in a folder, as far as it matters for a program. */
export interface Folder {
  /** The folder's own name. */
  name: string;
  /** The names of its files. */
  files: readonly string[];
  /** Its package.json, parsed. */
  manifest?: Record<string, unknown> | undefined;
  /** The project above or in it: what its Pulumi.yaml says. */
  project?: Record<string, unknown> | undefined;
}

const BODY = `// Declares the volumes that the stack's config lists, and returns where they are. One volume, without the list:
//   const data = new ProfiledVolume("data@gold", { sizeGiB: 4 });
`;
const DECLARE = `Object.fromEntries(
  Object.entries(volumesOfStack()).map(([name, args]) => {
    const { profile, sizeGiB, volumeId, mountPath } = new ProfiledVolume(name, args);
    return [name, { profile, sizeGiB, volumeId, mountPath }];
  }),
);
`;
const IMPORT = `import { ProfiledVolume, volumesOfStack } from "storage-profiles";\n\n`;

const PROGRAMS = {
  typescript: { name: "index.ts", text: `${IMPORT}${BODY}export const volumes = ${DECLARE}` },
  esm: { name: "index.js", text: `${IMPORT}${BODY}export const volumes = ${DECLARE}` },
  commonjs: {
    name: "index.js",
    text: `const { ProfiledVolume, volumesOfStack } = require("storage-profiles");\n\n${BODY}exports.volumes = ${DECLARE}`,
  },
} as const;

/**
 * The files that a folder lacks: none where it has a project with a program, or one in another language. The program is TypeScript
 * where the folder has TypeScript, else JavaScript of the kind that package.json's `type` says.
 */
export function missingFiles({ name, files, manifest = {}, project }: Folder): NewFile[] {
  const dependencies = { ...(manifest["dependencies"] as object), ...(manifest["devDependencies"] as object) };
  const hasTypescript = files.includes("tsconfig.json") || "typescript" in dependencies;
  const { name: file, text } =
    PROGRAMS[hasTypescript ? "typescript" : manifest["type"] === "module" ? "esm" : "commonjs"];
  const made: NewFile[] = [];
  if (!project) {
    const runtime = hasTypescript ? "nodejs" : "\n  name: nodejs\n  options:\n    typescript: false";
    const description = "Volumes declared by name and profile";
    const separator = hasTypescript ? " " : "";
    made.push({
      name: "Pulumi.yaml",
      text: `name: ${projectName(name)}\nruntime:${separator}${runtime}\ndescription: ${description}\n`,
    });
  }
  const { main, runtime = "nodejs" } = project ?? {};
  const language = typeof runtime === "object" && runtime !== null ? (runtime as { name?: unknown }).name : runtime;
  const hasProgram =
    main !== undefined ||
    files.some((each) => /^index\.(ts|js|mjs|cjs|mts|cts)$/.test(each)) ||
    (typeof manifest["main"] === "string" && manifest["main"] !== "index.js");
  if (language === "nodejs" && !hasProgram) made.push({ name: file, text });
  return made;
}

// Pulumi takes letters, digits, dots, dashes and underscores.
function projectName(folder: string): string {
  const name = folder
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 100);
  return /^\d+$/.test(name) || name === "" ? `volumes${name === "" ? "" : `-${name}`}` : name;
}

/** Writes what a folder lacks. Nothing that is there is changed. Returns the names. Error: `project-not-readable` */
export async function createMissingFiles(directory: string): Promise<string[]> {
  const found = await findProject(directory);
  const folder = found === undefined ? directory : join(found, "..");
  const read = async (file: string) => (existsSync(file) ? readFile(file, "utf8") : undefined);
  const manifest = await read(join(folder, "package.json"));
  const project = found === undefined ? undefined : parseYaml((await read(found)) ?? "").value;
  const files = await readdir(folder);
  const made = missingFiles({
    name: basename(folder),
    files,
    manifest: manifest === undefined ? undefined : parseManifest(join(folder, "package.json"), manifest),
    project: found === undefined ? undefined : ((project ?? {}) as Record<string, unknown>),
  });
  for (const { name, text } of made) await writeFile(join(folder, name), text, { flag: "wx" });
  return made.map(({ name }) => name);
}

function parseManifest(file: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw stackError("project-not-readable", file, undefined, { why: (error as Error).message });
  }
}

/** Whether a program in a folder can load a package. */
export function hasPackage(directory: string, name: string): boolean {
  try {
    createRequire(join(directory, "index.js")).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
