// Where a named connection is read from, and what is said where it can't be.

import { CioCluster, needsCommand } from "../../components/backends/cio/cluster";
import { ScaleioArray } from "../../components/backends/scaleio/array";
import { sameArray, stackArray } from "../../components/backends/scaleio/lifecycle";
import { GatewaySession } from "../../components/backends/scaleio/session";
import { readConnection as readCeph } from "../../components/backends/ceph/connection";
import { readConnection as readCio } from "../../components/backends/cio/connection";
import { readConnection } from "../../components/backends/scaleio/connection";
import { onConnection, otherConnection, PerConnection } from "../../components/named-connections";

const config = (values: Record<string, unknown>) => (key: string) => {
  const value = values[key];
  return value === undefined || typeof value === "string" ? value : JSON.stringify(value);
};
const EAST = {
  endpoint: "https://east.example",
  username: "e",
  password: "of-east",
  timeoutSeconds: 5,
  insecure: true,
};

test("it has its own keys alone: neither those of the stack's connection nor the environment apply to it", () => {
  const stack = config({ "scaleio:endpoint": "https://own.example", "scaleio:connections": { east: EAST } });
  const env = { SCALEIO_USERNAME: "u", SCALEIO_PASSWORD: "p", SCALEIO_SYSTEM_ID: "0123456789abcdef" };
  expect(readConnection(stack, env)).toMatchObject({ endpoint: "https://own.example", username: "u", password: "p" });
  expect(readConnection(stack, env, "east")).toEqual({
    ...{ name: "east", endpoint: "https://east.example", username: "e", password: "of-east" },
    ...{ ca: undefined, insecure: true, systemId: undefined, timeoutMs: 5000 },
  });
});

test("it may come from the environment as JSON, where there is no config: for the Docker plugin, and programs in other languages", () => {
  const env = { SCALEIO_CONNECTIONS: JSON.stringify({ east: EAST }) };
  expect(readConnection(() => undefined, env, "east").endpoint).toBe("https://east.example");
  const cio = { CIO_CONNECTIONS: JSON.stringify({ east: { endpoint: "node1" } }) };
  expect(readCio(() => undefined, cio, "east").endpoint).toBe("http://node1:8282");
});

test("what is missing in it is listed by its path, with the command that sets it, and no variable that doesn't apply", () => {
  const read = (connections: unknown, name = "east") => {
    try {
      return readConnection(config({ "scaleio:connections": connections }), { SCALEIO_ENDPOINT: "x" }, name).endpoint;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const text = read({ east: { username: "e" } });
  expect(text).toContain(
    "scaleio:connections.east.endpoint is missing: pulumi config set --path scaleio:connections.east.endpoint",
  );
  expect(text).toContain("pulumi config set --secret --path scaleio:connections.east.password");
  expect(text).not.toContain("SCALEIO_");
  expect(read({ east: EAST, west: EAST }, "north")).toContain('connection "north" isn\'t in scaleio:connections');
  expect(read({ east: EAST }, "toString")).toContain("there: east");
  for (const wrong of ["{", "[]", { east: "x" }]) expect(read(wrong)).toContain("isn't a map of connections by name");
  // Nothing of a connection's values is part of a message.
  expect(read({ east: { ...EAST, endpoint: "ftp://:of-east@x" } })).not.toContain("of-east");
  expect(() => readCeph(config({ "ceph:connections": { b: { user: "client.x" } } }), {}, "b")).toThrow(
    "ceph:connections.b.user",
  );
});

test("what a run has of each is made once, and ids of two are two", () => {
  const made: (string | undefined)[] = [];
  const each = new PerConnection((name) => ({ number: made.push(name) }));
  expect([each.of("a"), each.of(undefined), each.of("a"), each.of("b")].map(({ number }) => number)).toEqual([
    1, 2, 1, 3,
  ]);
  expect([onConnection("1", undefined), onConnection("1", "a")]).toEqual(["1", "a: 1"]);
});

test("messages lead to the connection's own keys", async () => {
  const cluster = new CioCluster({ name: "west", endpoint: "http://127.0.0.1:9", insecure: true, timeoutMs: 1_000 });
  await expect(cluster.nodes()).rejects.toThrow("Check cio:connections.west.endpoint, and whether");
  await cluster.close();
  expect(needsCommand(cluster, "x").message).toContain(
    "pulumi config set --path cio:connections.west.cliPath /usr/bin/cio",
  );
  const connection = { username: "u", password: "p", insecure: true, timeoutMs: 1_000 };
  const gateway = (name?: string) => new GatewaySession({ ...connection, name, endpoint: "https://127.0.0.1:9" });
  await expect(gateway("west").version()).rejects.toThrow("Check scaleio:connections.west.endpoint, and that");
  const array = (name?: string) =>
    Object.assign(new ScaleioArray(gateway(name)), { systemId: () => Promise.resolve("2") });
  await expect(sameArray(array("west"), "v", "1")).rejects.toThrow("Restore scaleio:connections.west.endpoint.");
  await expect(stackArray(array("west"), "1")).rejects.toThrow(
    "pulumi config set --path scaleio:connections.west.systemId 2",
  );
  await expect(stackArray(array(), "1")).rejects.toThrow("pulumi config set scaleio:systemId 2");
});

test("a volume doesn't become one of another connection", () => {
  const on = (connection?: string) => ({ settings: { ...(connection !== undefined && { connection }) } });
  expect([otherConnection("v", on(), on()), otherConnection("v", on("a"), on("a"))]).toEqual([undefined, undefined]);
  expect(otherConnection("v", on(), on("a"))).toContain("the stack's own, and can't be moved to \"a\"");
  expect(otherConnection("v", on("a"), on("b"))).toContain('"a", and can\'t be moved to "b"');
});
