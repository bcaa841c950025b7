// The keys of a backend's connection: a misspelt one is a problem, once a run.

import * as pulumi from "@pulumi/pulumi";

import { cephBackend } from "../../components/backends/ceph/resource";
import { scaleioBackend } from "../../components/backends/scaleio/resource";
import { connectionKeyCheck, missingConnection } from "../../components/connection-keys";

test("keys of named connections are checked as well, and what isn't a map of connections is a problem", () => {
  const check = () => connectionKeyCheck("array", { endpoint: "", user: "", connections: "" })({});
  const connections = { east: { endpoint: "x", usr: "y" }, "we st": { connections: {} } };
  pulumi.runtime.setAllConfig({ "array:connections": JSON.stringify(connections) });
  expect(check()).toMatchObject([
    { code: "unknown-key", path: "array:connections.east.usr", fix: expect.stringContaining('"user"') },
    { code: "unknown-key", path: 'array:connections["we st"].connections' },
  ]);
  // A path would have it as two.
  pulumi.runtime.setAllConfig({ "array:connections": '{"a.b":{"endpoint":"x"}}' });
  expect(check()).toMatchObject([{ code: "value-invalid", path: 'array:connections["a.b"]' }]);
  for (const wrong of ["east", "[]", '{"east":"x"}']) {
    pulumi.runtime.setAllConfig({ "array:connections": wrong });
    expect(check()).toMatchObject([{ code: "value-invalid", path: "array:connections" }]);
  }
});

test("a connection that isn't in the config is a problem, where it was chosen", () => {
  const problems = (name: string | undefined, config: object = {}) =>
    missingConnection("scaleio", name, config).map(({ code, path }) => `${code} ${path}`);
  pulumi.runtime.setAllConfig({});
  expect(problems("east")).toEqual(["setting-required scaleio.connection"]);
  pulumi.runtime.setAllConfig({ "scaleio:connections": '{"east":{}}' });
  expect([problems("east"), problems(undefined)]).toEqual([[], []]);
  expect(problems("west")).toEqual(["value-not-allowed scaleio.connection"]);
  expect(problems("west", { scaleio: { connection: "west" } })).toEqual([
    "value-not-allowed storage-profiles:scaleio.connection",
  ]);
  // No property of all objects is a connection.
  expect(problems("toString")).toEqual(["value-not-allowed scaleio.connection"]);
});

test("a misspelt key is a problem with the key that was meant, once a run; keys of others aren't looked at", () => {
  pulumi.runtime.setAllConfig({ "array:endpiont": "x", "array:user": "y", "arrays:other": "z" });
  const check = connectionKeyCheck("array", { endpoint: "", user: "" });
  const run = {};
  expect(check(run)).toMatchObject([
    { code: "unknown-key", path: "array:endpiont", fix: expect.stringContaining('"endpoint"') },
  ]);
  expect(check(run)).toEqual([]);
  expect(check({})).toHaveLength(1);
});

test.each([scaleioBackend, cephBackend])(
  "a secret in the config as plain text is warned of, once a run and never shown",
  (backend) => {
    const [namespace, key] = backend === cephBackend ? ["ceph", "encryptionPassphrase"] : ["scaleio", "password"];
    const own = `${namespace}:${key}`;
    const connections = `${namespace}:connections`;
    const config = { [own]: "s3cret", [connections]: JSON.stringify({ east: { [key]: "s3cret" }, west: {} }) };
    const warned = (secretKeys: string[]) => {
      pulumi.runtime.setAllConfig(config, secretKeys);
      const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
      const volume = { settings: {} } as never;
      const run = { config: {} } as never;
      for (let asked = 0; asked < 2; asked++) backend.problems?.(volume, run);
      const text = warn.mock.calls.map(([message]) => message);
      warn.mockRestore();
      return text;
    };
    expect(warned([])).toEqual([
      `${own} is stored in Pulumi.stack.yaml as plain text: pulumi config set --secret ${own}`,
      expect.stringMatching(
        `^${connections}.east.${key} is .* pulumi config set --secret --path ${connections}.east.${key}$`,
      ),
    ]);
    expect(warned([own, connections])).toEqual([]);
  },
);
