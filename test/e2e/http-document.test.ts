// The service against its own OpenAPI document, by schemathesis: no failure of ours, and no answer that the document doesn't know.

import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { limitMs } from "../../tools/test/time.js";
import { environmentOf } from "../labs/python.js";
import { HttpProject } from "../support/http";
import { describeIf } from "../support/machine";

const { python, reason } = environmentOf("schemathesis");

const FILE = `config:
  storage-profiles:backend: local
  storage-profiles:deletionProtection: false
  storage-profiles:profiles:
    fast: { local: { iops: 9000 } }
  storage-profiles:volumes:
    data: { profile: fast, sizeGiB: 1 }
`;

describeIf(python !== undefined, "the OpenAPI document", reason, () => {
  const project = new HttpProject("document");
  let child: ChildProcess | undefined;
  afterAll(async () => {
    child?.kill("SIGKILL");
    await project.dispose();
  });

  test("is kept by every answer, whatever is sent", async () => {
    await project.prepared(FILE);
    // Few operations wait: what is one too many is told, and not begun.
    const { url, log } = await project.startService({ limits: { requests: 0, writes: 0, operations: 2 } });
    const checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    const args = [
      "run",
      `${url}/v1/openapi.json`,
      "--checks",
      checks,
      "--mode",
      "all",
      "--phases",
      "examples,coverage,fuzzing",
    ];
    const bounds = [
      "--max-examples",
      "8",
      "--max-time",
      "60",
      "--request-timeout",
      String(limitMs(60) / 1000),
      "--generation-database",
      "none",
      "--no-color",
    ];
    // One worker: Python 3.11 itself fails now and then where several threads parse code, which Hypothesis does ("AST constructor recursion
    // depth mismatch").
    const scope = ["--exclude-path-regex", "/events$", "--seed", "7", "--workers", "1"];
    const running = spawn(join(python ?? "", "../schemathesis"), [...args, ...bounds, ...scope], {
      cwd: join(project.directory, ".."),
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = running;
    let said = "";
    for (const stream of [running.stdout, running.stderr])
      stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((done, failed) => running.once("close", done).once("error", failed));
    expect({ code, said: code === 0 ? "" : said }).toEqual({ code: 0, said: "" });
    expect(said).toMatch(/\d+ generated/);
    expect(log()).not.toContain("internal error while handling a request");
  });
});
