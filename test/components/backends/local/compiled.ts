// The local backend as plain JavaScript, for the child processes that tests start, kill, and run as other users.
import { transformFileSync } from "@swc/core";
import * as fs from "node:fs";
import * as path from "node:path";

const repository = path.resolve(__dirname, "../../../..");

/** Compiles what a child needs into `directory`; gives the script to start, child.ts. */
export function compileChild(directory: string): string {
  const sources = ["components/backends/local", "components/host", "src/system"].flatMap((room) =>
    fs
      .readdirSync(path.join(repository, room))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.join(repository, room, name)),
  );
  const error = path.join(repository, "components/backend-error.ts");
  for (const source of [...sources, error, path.join(__dirname, "child.ts")]) {
    const { code } = transformFileSync(source, {
      swcrc: false,
      jsc: { parser: { syntax: "typescript" }, target: "es2022" },
      module: { type: "commonjs" },
    });
    const target = path.join(directory, path.relative(repository, source)).replace(/\.ts$/, ".js");
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, code);
  }
  fs.symlinkSync(path.join(repository, "node_modules"), path.join(directory, "node_modules"));
  return path.join(directory, path.relative(repository, __dirname), "child.js");
}
