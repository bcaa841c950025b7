// Beside each file of a state on a disk (`file://…`) Pulumi's storage library, gocloud.dev/blob/fileblob, keeps a description, `*.attrs`, which it
// doesn't write at once: who reads in that moment, or after a run was killed in it, gets "EOF" for the whole state. Nothing
// depends on what stands in a description, and where there is none the file is read all the same: one that can't be read is removed.

import { readdir, readFile, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { isObject } from "../core/overlay";
import { PROJECT_FILES } from "./read-config";
import { parseYaml } from "./patch-yaml";

/** Whether this is what the engine says of a file whose description can't be read. */
export function isCutShort(text: string): boolean {
  return /(?:^|: )(?:unexpected )?EOF\s*$/m.test(text);
}

/** Removes the descriptions that can't be read, and says which. `undefined` where the state is no directory of this machine. */
export async function mendSidecars(directory: string, env: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  const store = await storeOf(directory, env);
  if (store === undefined) return undefined;
  const removed: string[] = [];
  for (const file of await sidecarsIn(store)) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined || isWhole(text)) continue;
    await rm(file, { force: true });
    removed.push(file);
  }
  return removed;
}

// What every command reads: what kind of store it is, and the stacks.
async function sidecarsIn(store: string): Promise<string[]> {
  const stacks = await readdir(join(store, "stacks"), { recursive: true }).catch((): string[] => []);
  const files = ["meta.yaml.attrs", ...stacks.map((each) => join("stacks", each))];
  return files.filter((each) => each.endsWith(".attrs")).map((each) => join(store, each));
}

function isWhole(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** The directory of the state, where it is one: looked for where the engine looks, in its order. */
export async function storeOf(directory: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const url = textAt(env, "PULUMI_BACKEND_URL") ?? (await projectUrl(directory)) ?? (await loggedIn(env));
  const path = /^file:\/\/([^?]*)/.exec(url ?? "")?.[1];
  if (path === undefined) return undefined;
  const home = textAt(env, "HOME") ?? homedir();
  return join(path.startsWith("~") ? join(home, path.slice(1)) : resolve(directory, path), ".pulumi");
}

async function projectUrl(directory: string): Promise<string | undefined> {
  for (const file of PROJECT_FILES) {
    const text = await readFile(join(directory, file), "utf8").catch(() => undefined);
    if (text !== undefined) return textAt(parseYaml(text).value, "backend", "url");
  }
  return undefined;
}

async function loggedIn(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const own = textAt(env, "PULUMI_CREDENTIALS_PATH") ?? textAt(env, "PULUMI_HOME");
  const home = own ?? join(textAt(env, "HOME") ?? homedir(), ".pulumi");
  const text = await readFile(join(home, "credentials.json"), "utf8").catch(() => undefined);
  try {
    return text === undefined ? undefined : textAt(JSON.parse(text), "current");
  } catch {
    return undefined;
  }
}

function textAt(value: unknown, ...path: string[]): string | undefined {
  const found = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value);
  return typeof found === "string" && found !== "" ? found : undefined;
}
