// The keys of a backend's connection: a misspelt one is a problem, once a run.

import * as pulumi from "@pulumi/pulumi";

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
  const inspected: (readonly string[])[] = [];
  const check = connectionKeyCheck("array", { endpoint: "", user: "" }, (given) => inspected.push(given));
  const run = {};
  expect(check(run)).toMatchObject([
    { code: "unknown-key", path: "array:endpiont", fix: expect.stringContaining('"endpoint"') },
  ]);
  expect([check(run), inspected]).toEqual([[], [["array:endpiont", "array:user"]]]);
  expect(check({})).toHaveLength(1);
});
