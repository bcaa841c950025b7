// Git for one test: a remote that is a bare repository, and clones of it, with a configuration of their own.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A clone of the remote. */
export interface Clone {
  directory: string;
  at: (name: string) => string;
  write: (name: string, text: string) => void;
  git: (...args: string[]) => string;
  /** Makes a hook of a shell script. */
  hook: (name: string, script: string) => void;
  /** What isn't committed: a line for each file. */
  status: () => string;
}

/** A remote with files, and its clones. */
export class Remote {
  readonly home = mkdtempSync(join(tmpdir(), "sp-git-"));
  readonly directory = join(this.home, "remote.git");
  readonly env: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"],
    HOME: this.home,
    GIT_CONFIG_NOSYSTEM: "1",
    XDG_STATE_HOME: join(this.home, "state"),
  };

  constructor(files: Readonly<Record<string, string>>) {
    const config = "[init]\n  defaultBranch = main\n[user]\n  name = Ann\n  email = ann@example.com\n";
    writeFileSync(join(this.home, ".gitconfig"), config);
    this.run(this.home, "init", "--quiet", "--bare", this.directory);
    const first = this.clone("first");
    for (const [name, text] of Object.entries(files)) first.write(name, text);
    first.git("add", ".");
    first.git("commit", "--quiet", "-m", "first");
    first.git("push", "--quiet", "-u", "origin", "main");
    rmSync(first.directory, { recursive: true });
  }

  clone(name: string): Clone {
    const directory = join(this.home, name);
    this.run(this.home, "clone", "--quiet", this.directory, directory);
    const at = (file: string) => join(directory, file);
    const git = (...args: string[]) => this.run(directory, ...args);
    const put = (file: string, text: string, mode?: number) => {
      mkdirSync(dirname(at(file)), { recursive: true });
      writeFileSync(at(file), text, { mode });
    };
    return {
      ...{ directory, at, git },
      write: (file, text) => put(file, text),
      hook: (file, script) => put(`.git/hooks/${file}`, `#!/bin/sh\n${script}\n`, 0o755),
      status: () => git("status", "--porcelain"),
    };
  }

  /** The remote's commits, newest first: `author: subject`. */
  log(...args: string[]): string[] {
    return this.run(this.directory, "log", "--format=%an: %s", ...args, "main").split("\n");
  }

  /** A file as the remote has it. */
  text(name: string): string {
    return this.run(this.directory, "show", `main:${name}`);
  }

  run(directory: string, ...args: string[]): string {
    return execFileSync("git", ["-C", directory, ...args], {
      env: this.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trimEnd();
  }

  close(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
