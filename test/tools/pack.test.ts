// What `npm pack` packs: what the sources make, and nothing that earlier ones left.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

test("the package is built anew when it is packed", () => {
  const directory = mkdtempSync(join(tmpdir(), "sp-pack-"));
  const { files, scripts } = JSON.parse(readFileSync(resolve(__dirname, "../../package.json"), "utf8"));
  // The real scripts, with a build that takes no time.
  const build = "node -e \"fs.mkdirSync('dist'); fs.writeFileSync('dist/new.js', '')\"";
  const content = { name: "packed", version: "1.0.0", files, scripts: { ...scripts, build } };
  writeFileSync(join(directory, "package.json"), JSON.stringify(content));
  mkdirSync(join(directory, "dist"));
  writeFileSync(join(directory, "dist/stale.js"), "");
  execFileSync("npm", ["pack", "--offline"], { cwd: directory, stdio: "ignore" });
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz")) ?? "";
  const packed = execFileSync("tar", ["-tzf", join(directory, tarball)], { encoding: "utf8" });
  expect(packed.trim().split("\n").sort()).toEqual(["package/dist/new.js", "package/package.json"]);
  rmSync(directory, { recursive: true, force: true });
});

// The error is all that somebody sees whose folder has no TypeScript of its own.
test("the TypeScript that comes with Pulumi's SDK fails with an error that asks for TypeScript 5, not with one about a type", () => {
  const directory = mkdtempSync(join(tmpdir(), "sp-old-typescript-"));
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(resolve(__dirname, "../.."), join(directory, "node_modules/storage-profiles"));
  const program = join(directory, "index.ts");
  writeFileSync(program, 'import { ProfiledVolume } from "storage-profiles";\nexport const volume = ProfiledVolume;\n');
  const old = require("@pulumi/pulumi/vendor/typescript@3.8.3/typescript.js") as typeof import("typescript");
  const options = { noLib: true, types: [], preserveSymlinks: true };
  const made = old.createProgram([program], options);
  const said = made
    .getSemanticDiagnostics(made.getSourceFile(program))
    .map(({ messageText }) => (typeof messageText === "string" ? messageText : messageText.messageText));
  expect(said).toEqual([
    `Module '"./node_modules/storage-profiles/types/requires-typescript-5"' has no exported member 'ProfiledVolume'.`,
  ]);
  rmSync(directory, { recursive: true, force: true });
});
