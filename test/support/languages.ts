// Pulumi projects of a test's own whose programs aren't written for Node.js: the language's host, and the package beside them as a plugin.

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { parse, stringify } from "yaml";

import { jarsOf } from "../labs/java.js";
import { environmentFor, environmentOf } from "../labs/python.js";
import { Project, succeeded, type Surroundings } from "./engine";
import { describeIf } from "./machine";

interface Missing {
  missing: string;
}
type Host = { path: string } | Missing;

const tools = resolve(__dirname, "../../tools/engine");
const built = new Map<string, Host>();

// Built, if need be, in a process of its own: a test file must know before its first test what there is to run.
function hostOf(name: "yaml-host" | "java-host" | "dotnet-generator" | "codegen-hosts"): Host {
  const known = built.get(name);
  if (known) return known;
  const command = name === "codegen-hosts" ? ["codegen-hosts.js"] : ["modules.js", name];
  const [script = "", ...args] = command;
  const { status, stdout } = spawnSync(process.execPath, [join(tools, script), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`tools/engine/${script} could not build ${name}; the lines above say why.`);
  const host = JSON.parse(stdout) as Host;
  built.set(name, host);
  return host;
}

const pathOf = (host: Host) => ("path" in host ? [host.path] : []);
const reasonOf = (host: Host) => ("missing" in host ? host.missing : undefined);

/** A group of tests of programs in YAML. */
export function describeYaml(name: string, tests: () => void): void {
  const reason = reasonOf(hostOf("yaml-host"));
  describeIf(reason === undefined, name, reason, tests);
}

/** A group of tests of the SDK for .NET, which is only generated. */
export function describeDotnet(name: string, tests: () => void): void {
  const reason = reasonOf(hostOf("dotnet-generator"));
  describeIf(reason === undefined, name, reason, tests);
}

/** Generates the SDK for .NET of a package into a folder, by Pulumi's generator. */
export function generateDotnet(schema: object, directory: string): void {
  const [folder = ""] = pathOf(hostOf("dotnet-generator"));
  execFileSync(join(folder, "dotnet-generator"), [directory], {
    input: JSON.stringify(schema),
    stdio: ["pipe", "ignore", "inherit"],
  });
}

/** A project in YAML. */
export class YamlProject extends Project {
  constructor(name: string) {
    super(name, "", { surroundings: { hosts: pathOf(hostOf("yaml-host")) } });
  }

  /** Writes the program: `Pulumi.yaml`. */
  declare(resources: Record<string, object>, rest: object = {}): void {
    const packages = { "storage-profiles": "./node_modules/storage-profiles" };
    this.write("Pulumi.yaml", stringify({ name: this.name, runtime: "yaml", packages, resources, ...rest }));
  }
}

/** A language whose programs use an SDK that is generated from the package's schema. */
interface Language {
  /** Why this machine can't run its programs. */
  reason: () => string | undefined;
  surroundings: () => Surroundings;
  /** `runtime` of Pulumi.yaml. */
  runtime: () => string | object;
  /** The file of the program. */
  file: string;
  /** The files that a project has before the SDK is added, by name. */
  files: () => Record<string, string>;
  /** Makes the added SDK usable for the program, as the language's own tools do. */
  install: (directory: string) => void;
  /** Compiles the program, where its host doesn't. */
  compile?: (directory: string) => void;
}

const python = () => environmentOf("languages");

/** The Python environment that programs run in: where `virtualenv` of Pulumi.yaml points to. */
export function virtualenv(): string {
  return dirname(dirname(python().python ?? ""));
}

export const languages = {
  python: {
    reason: () => reasonOf(hostOf("codegen-hosts")) ?? python().reason,
    surroundings: () => ({
      hosts: pathOf(hostOf("codegen-hosts")),
      env: { PYTHONPATH: "./installed", PYTHONPYCACHEPREFIX: bytecode() },
    }),
    runtime: () => ({ name: "python", options: { virtualenv: virtualenv() } }),
    file: "__main__.py",
    files: () => ({ "requirements.txt": "pulumi\n" }),
    install(directory) {
      // What `pip install -r requirements.txt` does, with what the lab has instead of an index; and beside the lab's packages, which all
      // projects share.
      const [sdk = ""] = readFileSync(join(directory, "requirements.txt"), "utf8")
        .split("\n")
        .filter((line) => line.includes("sdks/"));
      const alone = ["--no-deps", "--no-index", "--no-build-isolation", "--no-compile", "--quiet"];
      const args = ["-m", "pip", "install", ...alone, "--target", "installed", `./${sdk}`];
      execFileSync(python().python ?? "", args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
    },
  },
  go: {
    reason: () => reasonOf(hostOf("codegen-hosts")),
    surroundings: () => ({
      hosts: pathOf(hostOf("codegen-hosts")),
      // As the host itself was built: the SDK has been compiled by that.
      env: { CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-mod=mod -trimpath -tags=osusergo,grpcnotrace" },
    }),
    runtime: () => "go",
    file: "main.go",
    files: () => ({}),
    install(directory) {
      copyFileSync(join(tools, "codegen-hosts/go.sum"), join(directory, "go.sum"));
    },
  },
  java: {
    reason: () => reasonOf(hostOf("java-host")) ?? jars().reason,
    surroundings: () => ({ hosts: pathOf(hostOf("java-host")) }),
    // The compiled program: Maven and Gradle would look for their own plugins, in each run of the engine.
    runtime: () => ({ name: "java", options: { binary: "app.jar" } }),
    file: "App.java",
    files: () => ({}),
    install(directory) {
      symlinkSync(jars().jars ?? "", join(directory, "lib"));
      const source = join(directory, "sdks/storage-profiles/src/main");
      cpSync(join(source, "resources"), join(directory, "classes"), { recursive: true });
      const files = readdirSync(join(source, "java"), { recursive: true, encoding: "utf8" });
      const sources = files.filter((name) => name.endsWith(".java")).map((name) => join(source, "java", name));
      compileJava(directory, ...sources);
      // A line of a manifest has 72 bytes, and goes on after a space.
      const classPath = ["classes/", ...readdirSync(join(directory, "lib")).map((name) => `lib/${name}`)].join(" ");
      const lines = `Class-Path: ${classPath}`.match(/.{1,70}/g) ?? [];
      writeFileSync(join(directory, "manifest"), `Main-Class: shop.App\n${lines.join("\n ")}\n`);
      execFileSync("jar", ["--create", "--file", "app.jar", "--manifest", "manifest"], { cwd: directory });
    },
    compile: (directory) => compileJava(directory, "App.java"),
  },
} satisfies Record<string, Language>;

const jars = () => jarsOf("languages");

// The first of the JVM's compilers is enough for a run of seconds.
function compileJava(directory: string, ...sources: string[]): void {
  const args = ["-J-XX:TieredStopAtLevel=1", "-proc:none", "-d", "classes", "-cp", "classes:lib/*", ...sources];
  execFileSync("javac", args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
}

function bytecode(): string {
  return environmentFor(python().python ?? "")["PYTHONPYCACHEPREFIX"] ?? "";
}

/** A group of tests of programs in a language that has an SDK. */
export function describeLanguage(name: keyof typeof languages, title: string, tests: () => void): void {
  const reason = languages[name].reason();
  describeIf(reason === undefined, title, reason, tests);
}

/** A project in a language that has an SDK. */
export class SdkProject extends Project {
  private readonly language: Language;

  constructor(name: string, language: keyof typeof languages) {
    const reason = languages[language].reason();
    super(name, "", { surroundings: reason === undefined ? languages[language].surroundings() : {} });
    this.language = languages[language];
  }

  /** Writes what a project has before its first program. */
  writeProject(): void {
    this.write("Pulumi.yaml", stringify({ name: this.name, runtime: this.language.runtime() }));
    for (const [file, text] of Object.entries(this.language.files())) this.write(file, text);
  }

  /** What `pulumi install` does to the go.mod of a program: here with the versions that the host is pinned to. */
  pinModules(): void {
    const file = join(this.directory, "go.mod");
    const pinned = readFileSync(join(tools, "codegen-hosts/go.mod"), "utf8");
    this.write("go.mod", readFileSync(file, "utf8") + pinned.replace(/^module .*\s+go .*/, ""));
  }

  /** `pulumi package add`, and what makes its SDK usable. Returns what Pulumi.yaml says of packages then. */
  async addPackage(): Promise<unknown> {
    succeeded(await this.run(["package", "add", "./node_modules/storage-profiles"]));
    this.language.install(this.directory);
    return (parse(readFileSync(join(this.directory, "Pulumi.yaml"), "utf8")) as { packages?: unknown }).packages;
  }

  /** Writes the program. */
  declare(text: string): void {
    this.write(this.language.file, text);
    this.language.compile?.(this.directory);
  }
}
