// Completion as a shell does it: bash itself asks the compiled command. Where a shell isn't installed, its script is only printed.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const MAIN = resolve(__dirname, "../../../dist/src/cli/main.js");
const home = mkdtempSync(join(tmpdir(), "sp-completion-"));
const bin = join(home, "bin");
mkdirSync(bin);
writeFileSync(join(bin, "storage-profiles"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
writeFileSync(join(home, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
writeFileSync(
  join(home, "Pulumi.dev.yaml"),
  "config:\n  storage-profiles:backend: local\n  storage-profiles:volumes: { data: { sizeGiB: 1 }, logs: { sizeGiB: 1 } }\n",
);
afterAll(() => rmSync(home, { recursive: true, force: true }));

const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, PULUMI_STACK: "dev", NODE_OPTIONS: "" };
const script = (shell: string) =>
  execFileSync(join(bin, "storage-profiles"), ["completion", shell], { env, encoding: "utf8" });
const hasShell = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

(hasShell("bash") ? test : test.skip)("bash completes commands, options, volumes and, behind the @, profiles", () => {
  // What bash hands over: the line, the cursor's place, and the word to replace, which begins behind a "@" or "=".
  const ask = (typed: string) => {
    const [, word = ""] = /([^\s@=:]*)$/.exec(typed) ?? [];
    return `COMP_LINE='storage-profiles ${typed}'; COMP_POINT=\${#COMP_LINE}; _storage_profiles storage-profiles '${word}' ''; echo "\${COMPREPLY[*]}"`;
  };
  const typed = ["sta", "plan ", "plan data@g", "status --ref", "plan --stack "];
  const complete = script("bash");
  // Twice, as when a profile of the shell is read again.
  const text = [complete, complete, ...typed.map(ask)].join("\n");
  const printed = execFileSync("bash", ["--norc", "--noprofile", "-uc", text], { cwd: home, env, encoding: "utf8" });
  expect(
    Object.fromEntries(
      printed
        .trimEnd()
        .split("\n")
        .map((line, index) => [typed[index], line]),
    ),
  ).toEqual({
    sta: "status",
    "plan ": "data logs",
    "plan data@g": "gold",
    "status --ref": "--refresh",
    "plan --stack ": "dev",
  });
});

test.each(["zsh", "fish"])("the script for %s is one that the shell takes", (shell) => {
  const text = script(shell);
  expect(text).toContain("storage-profiles complete -- ");
  if (hasShell(shell)) execFileSync(shell, ["-n"], { input: text });
});
