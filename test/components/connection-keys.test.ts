// The keys of a backend's connection: a misspelt one is a problem, once a run.

import * as pulumi from "@pulumi/pulumi";

import { connectionKeyCheck } from "../../components/connection-keys";

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
