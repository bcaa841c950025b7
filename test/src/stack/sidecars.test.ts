// What lies beside a state on a disk: where it is looked for, and what of it is removed.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isCutShort, mendSidecars, storeOf } from "../../../src/stack/sidecars";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "sp-sidecars-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const write = (file: string, text: string): string => {
  mkdirSync(join(directory, file, ".."), { recursive: true });
  writeFileSync(join(directory, file), text);
  return join(directory, file);
};

test.each([
  ["error: failed to load checkpoint: EOF\n", true],
  ['error: read ".pulumi/meta.yaml": EOF\n', true],
  ["warning: new version\nerror: EOF", true],
  ["error: failed to load checkpoint: unexpected EOF", true],
  ["error: no stack named 'EOF' found", false],
  ["error: THEEOF", false],
  ["", false],
])("%j is a description that is cut short: %s", (text, expected) => {
  expect(isCutShort(text)).toBe(expected);
});

test("only descriptions that can't be read are removed, and nothing else of the state", async () => {
  const state = "state/.pulumi";
  const whole = JSON.stringify({ "user.content_type": "text/plain; charset=utf-8", md5: "aaaa" });
  const kept = [
    write(`${state}/meta.yaml.attrs`, whole),
    write(`${state}/stacks/p/dev.json`, ""),
    write(`${state}/stacks/p/dev.json.bak`, "{"),
    write(`${state}/stacks/p/prod.json.attrs`, `${whole}\n`),
    write(`${state}/history/p/dev/dev-1.history.json`, ""),
  ];
  const cut = [
    write(`${state}/stacks/p/dev.json.attrs`, ""),
    write(`${state}/stacks/p/dev.json.bak.attrs`, whole.slice(0, -3)),
    write(`${state}/stacks/old.json.attrs`, "null"),
  ];
  const env = { PULUMI_BACKEND_URL: `file://${directory}/state` };
  expect((await mendSidecars("/", env))?.sort()).toEqual(cut.sort());
  expect(cut.filter(existsSync)).toEqual([]);
  expect(kept.filter(existsSync)).toEqual(kept);
  expect(await mendSidecars("/", env)).toEqual([]);
});

test("the state is looked for where the engine looks, in its order", async () => {
  const env = { HOME: directory, PULUMI_HOME: "" };
  expect(await storeOf(directory, env)).toBeUndefined();
  write(".pulumi/credentials.json", JSON.stringify({ current: "file://~" }));
  expect(await storeOf(directory, env)).toBe(join(directory, ".pulumi"));
  write("other/credentials.json", JSON.stringify({ current: "https://api.example.com" }));
  expect(await storeOf(directory, { ...env, PULUMI_HOME: join(directory, "other") })).toBeUndefined();
  const elsewhere = { PULUMI_HOME: directory, PULUMI_CREDENTIALS_PATH: join(directory, "other") };
  expect(await storeOf(directory, { ...env, ...elsewhere })).toBeUndefined();
  expect(await mendSidecars(directory, { ...env, ...elsewhere })).toBeUndefined();
  write("Pulumi.yaml", "name: p\nruntime: nodejs\nbackend: { url: 'file://./here?metadata=skip' }\n");
  expect(await storeOf(directory, env)).toBe(join(directory, "here/.pulumi"));
  expect(await storeOf(directory, { ...env, PULUMI_BACKEND_URL: "file:///there" })).toBe("/there/.pulumi");
  expect(await storeOf(directory, { ...env, PULUMI_BACKEND_URL: "s3://bucket" })).toBeUndefined();
  expect(await mendSidecars(directory, { ...env, PULUMI_BACKEND_URL: "file:///not/there" })).toEqual([]);
});
