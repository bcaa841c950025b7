// The files that a folder still needs before a stack in it can be deployed: Pulumi.yaml, and a program that declares the stack's volumes.

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

import { NAMESPACE } from "../core/config-schema";
import { findProject } from "./project";
import { stackError } from "./errors";
import { parseYaml } from "./patch-yaml";

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
  /** The language of the program, where somebody says it. Default: the project's, else what the folder looks like */
  language?: Language | undefined;
}

/** The languages that `init` writes programs in. */
export const languages = ["typescript", "javascript", "yaml", "python", "go"] as const;
export type Language = (typeof languages)[number];

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

// The same in languages that load the package as a plugin.
const PLUGIN_BODY = `# Declares the volumes that the stack's config lists, and exports where they are. One volume, without the list:
`;
const YAML_REST = `packages: { storage-profiles: ./node_modules/storage-profiles }
${PLUGIN_BODY}#   data@gold: { type: "storage-profiles:ProfiledVolume", properties: { sizeGiB: 4 } }
resources:
  volumes: { type: "storage-profiles:StackVolumes" }
outputs: { volumes: "\${volumes.volumes}" }
`;
const PYTHON_FILES: NewFile[] = [
  {
    name: "__main__.py",
    text: `import pulumi
import pulumi_storage_profiles as storage

${PLUGIN_BODY}#   data = storage.ProfiledVolume("data@gold", size="4GiB")
pulumi.export("volumes", storage.StackVolumes("volumes").volumes)
`,
  },
  { name: "requirements.txt", text: "pulumi>=3.216.0,<4.0.0\n" },
];

// The module of the SDK is the one that `pulumi package add` generates; `pulumi install` then adds Pulumi's own to go.mod.
const GO_PROGRAM = `package main

import (
	storage "example.com/pulumi-storage-profiles/sdk/go/storageprofiles"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Declares the volumes that the stack's config lists, and exports where they are. One volume, without the list:
//
//	data, err := storage.NewProfiledVolume(ctx, "data@gold", &storage.ProfiledVolumeArgs{Size: pulumi.String("4GiB")})
func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		volumes, err := storage.NewStackVolumes(ctx, "volumes", nil)
		if err != nil {
			return err
		}
		ctx.Export("volumes", volumes.Volumes)
		return nil
	})
}
`;

// The runtime of Pulumi.yaml that programs in a language have.
function runtimeOf(language: Language): string {
  return language === "typescript" || language === "javascript" ? "nodejs" : language;
}

// The runtime that a project's Pulumi.yaml names.
function runtimeOfProject({ runtime = "nodejs" }: Record<string, unknown>): unknown {
  return typeof runtime === "object" && runtime !== null ? (runtime as { name?: unknown }).name : runtime;
}

/**
 * The files that a folder lacks: none where it has a project with a program. Where nobody says the language, it is TypeScript where the
 * folder has TypeScript, else JavaScript of the kind that package.json's `type` says.
 */
export function missingFiles({ name, files, manifest = {}, project, language: said }: Folder): NewFile[] {
  const dependencies = { ...(manifest["dependencies"] as object), ...(manifest["devDependencies"] as object) };
  const hasTypescript = files.includes("tsconfig.json") || "typescript" in dependencies;
  const language = said ?? (hasTypescript ? "typescript" : "javascript");
  const runtime = project ? runtimeOfProject(project) : runtimeOf(language);
  const made: NewFile[] = [];
  if (!project) {
    const description = "description: Volumes declared by name and profile\n";
    const head = `name: ${projectName(name)}\nruntime:${RUNTIMES[language]}\n${description}`;
    made.push({ name: "Pulumi.yaml", text: runtime === "yaml" ? head + YAML_REST : head });
  }
  if (project?.["main"] !== undefined) return made;
  if (runtime === "nodejs") {
    const hasProgram =
      files.some((each) => /^index\.(ts|js|mjs|cjs|mts|cts)$/.test(each)) ||
      (typeof manifest["main"] === "string" && manifest["main"] !== "index.js");
    const kind = language === "typescript" ? "typescript" : manifest["type"] === "module" ? "esm" : "commonjs";
    if (!hasProgram) made.push(PROGRAMS[kind]);
  }
  if (runtime === "python" && (said === "python" || !project)) {
    made.push(...PYTHON_FILES.filter((file) => !files.includes(file.name)));
  }
  if (runtime === "go" && (said === "go" || !project)) {
    // All files of a folder are one program.
    if (!files.some((each) => each.endsWith(".go"))) made.push({ name: "main.go", text: GO_PROGRAM });
    if (!files.includes("go.mod")) made.push({ name: "go.mod", text: `module ${projectName(name)}\n\ngo 1.25\n` });
  }
  return made;
}

const RUNTIMES: Readonly<Record<Language, string>> = {
  typescript: " nodejs",
  javascript: "\n  name: nodejs\n  options:\n    typescript: false",
  yaml: " yaml",
  python: "\n  name: python\n  options:\n    virtualenv: venv",
  go: " go",
};

// Pulumi takes letters, digits, dots, dashes and underscores.
function projectName(folder: string): string {
  const name = folder
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 100);
  return /^\d+$/.test(name) || name === "" ? `volumes${name === "" ? "" : `-${name}`}` : name;
}

/** Writes what a folder lacks. Nothing that is there is changed. Returns the names. Errors: `project-not-readable`, `project-in-other-language` */
export async function createMissingFiles(directory: string, language?: Language): Promise<string[]> {
  const found = await findProject(directory);
  const folder = found === undefined ? directory : join(found, "..");
  const read = async (file: string) => (existsSync(file) ? readFile(file, "utf8") : undefined);
  const manifest = await read(join(folder, "package.json"));
  const project = found === undefined ? undefined : parseYaml((await read(found)) ?? "").value;
  const existing = project && runtimeOfProject(project as Record<string, unknown>);
  if (language && found !== undefined && existing !== runtimeOf(language)) {
    throw stackError("project-in-other-language", found, undefined, { runtime: String(existing), language });
  }
  const writing = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw stackError("config-not-written", folder, undefined, { why: (error as Error).message }, { cause: error });
    });
  const files = await writing(readdir(folder));
  const made = missingFiles({
    name: basename(folder),
    files,
    manifest: manifest === undefined ? undefined : parseManifest(join(folder, "package.json"), manifest),
    project: found === undefined ? undefined : ((project ?? {}) as Record<string, unknown>),
    language,
  });
  for (const { name, text } of made) await writing(writeFile(join(folder, name), text, { flag: "wx" }));
  return made.map(({ name }) => name);
}

function parseManifest(file: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw stackError("project-not-readable", file, undefined, { why: (error as Error).message });
  }
}

/** Whether a project's program needs an SDK of this package that hasn't been generated: it is in a language that has no other way. */
export async function lacksSdk(directory: string): Promise<boolean> {
  const found = await findProject(directory);
  const read: unknown = found === undefined ? undefined : parseYaml(await readFile(found, "utf8")).value;
  const project = (read ?? {}) as Record<string, unknown>;
  if (["nodejs", "yaml"].some((each) => each === runtimeOfProject(project))) return false;
  return !Object.keys((project["packages"] as object | undefined) ?? {}).includes(NAMESPACE);
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
