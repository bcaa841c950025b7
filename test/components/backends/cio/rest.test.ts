// What a response means that isn't one of the ContainerIO API: against a server that answers what the test says.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { z } from "zod";

import { CioError } from "../../../../components/backends/cio/errors";
import { CioRest } from "../../../../components/backends/cio/rest";

let server: Server;
let rest: CioRest;
let status: number;
let body: string;
let type: string;

beforeAll(async () => {
  server = createServer((_, response) => {
    response.writeHead(status, { "content-type": type }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  rest = new CioRest({ endpoint, insecure: false, timeoutMs: 5_000 });
});
afterAll(async () => {
  await rest.close();
  server.close();
});

describe.each([200, 404, 500])("a web page with status %d", (code) => {
  beforeEach(() => {
    [status, body, type] = [code, "<html><title>404 not found: sign in</title></html>", "text/html"];
  });

  const thrown = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error as CioError,
    );

  test.each([
    ["reading a volume", () => rest.find("/volumes/1", z.object({}), "reading volume 1")],
    ["deleting a volume", () => rest.carryOut("DELETE", "/volumes/1", undefined, "deleting volume 1")],
  ])("isn't an answer of the API: %s fails, and what came of it stays open", async (_, request) => {
    const error = await thrown(request());
    expect(error).toMatchObject({ code: "answer-unreadable", unsettled: true });
    expect(error?.message).toContain("responded with a web page, not like the ContainerIO API. Check cio:endpoint");
  });
});

test("a 404 of the API itself says that there is no such volume", async () => {
  [status, body, type] = [404, JSON.stringify({ error: "no such volume" }), "application/json"];
  expect(await rest.find("/volumes/1", z.object({}), "reading volume 1")).toBeUndefined();
});
