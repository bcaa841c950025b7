// Every TypeScript snippet of the README and of docs compiles as it stands, but for imports and for what it says is already there. A block that
// is marked as a sketch (```ts sketch) leaves parts out, and isn't compiled.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import ts from "typescript";

const root = resolve(__dirname, "../..");

/** What snippets may use without importing it. */
const PRELUDE = `
import * as pulumi from "@pulumi/pulumi";
import * as aws from "@pulumi/aws";
import { CephPools, claimTemplate, ProfileClasses, ProfiledVolume, VolumeAttachment, VolumeMapping, VolumeTypes, volumesOfStack } from "storage-profiles";
declare const web: aws.ec2.Instance;
declare const subnet: aws.ec2.Subnet;
`;
const DATA = "declare const data: ProfiledVolume;\n";

interface Snippet {
  file: string;
  line: number;
  text: string;
}

function snippetsOf(file: string): Snippet[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((found) => ({
    file,
    line: text.slice(0, found.index).split("\n").length,
    text: found[1] ?? "",
  }));
}

/** The snippet as a module: with the prelude, less what the snippet imports itself. */
function moduleOf({ text }: Snippet): string {
  const isImported = (name: string) => new RegExp(`^import .*\\b${name}\\b`, "m").test(text);
  const prelude = PRELUDE.replace(/^import \{ (.*) \} from (.*)$/gm, (_, names: string, from: string) => {
    const missing = names.split(", ").filter((name) => !isImported(name));
    return missing.length > 0 ? `import { ${missing.join(", ")} } from ${from}` : "";
  }).replace(/^import \* as (\w+) .*$/gm, (line, name: string) => (isImported(name) ? "" : line));
  return `${prelude}${/\bconst data\b/.test(text) ? "" : DATA}${text}\nexport {};\n`;
}

const files = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    // The API reference is generated from docstrings.
    .filter((name) => name.endsWith(".md") && name !== "api.md")
    .map((name) => `docs/${name}`),
];
const snippets = files.flatMap(snippetsOf);

test("all snippets compile", () => {
  expect(snippets.length).toBeGreaterThan(20);
  const modules = new Map(
    snippets.map((snippet, index) => [join(__dirname, `snippet-${index}.mts`), { snippet, text: moduleOf(snippet) }]),
  );
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ["node"],
  };
  const host = ts.createCompilerHost(options);
  const [fileExists, readFile] = [host.fileExists.bind(host), host.readFile.bind(host)];
  host.fileExists = (name) => modules.has(name) || fileExists(name);
  host.readFile = (name) => modules.get(name)?.text ?? readFile(name);
  const program = ts.createProgram([...modules.keys()], options, host);
  const wrong = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const { snippet } = modules.get(file?.fileName ?? "") ?? {};
    const where = snippet ? `${snippet.file}:${snippet.line}` : file?.fileName;
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  expect(wrong).toEqual([]);
});
