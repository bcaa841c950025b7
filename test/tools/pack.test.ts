// What `npm pack` packs: what the sources make, and nothing that earlier ones left.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
