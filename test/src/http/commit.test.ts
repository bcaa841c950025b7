// A service that commits the edits which it takes: who is the author, what it answers where somebody was faster, and two of them over one remote.

import { join } from "node:path";

import { makeToken } from "../../../src/http/tokens";
import { Remote, type Clone } from "../../support/git";
import { ask, serveWith, type Service } from "../../support/http";

const remote = new Remote({
  "Pulumi.yaml": "name: p\nruntime: yaml\n",
  "Pulumi.dev.yaml": "config:\n  storage-profiles:backend: local\n",
});
const services: Service[] = [];
afterAll(async () => {
  await Promise.all(services.map((each) => each.kill()));
  remote.close();
});
const tokens = join(remote.home, "tokens.json");
const [ci, ops] = ["ci", "ops"].map((name) => makeToken(tokens, { name, role: "admin" }));

async function serve({ directory }: Clone, options: object = {}) {
  const files = { auditLog: join(remote.home, "audit.jsonl"), logLevel: "silent", listen: "127.0.0.1:0" };
  const given = { stacks: ["dev"], commit: true, ...files, ...options };
  const service = await serveWith({ directory, pulumi: "no-such-pulumi" }, given, remote.env);
  services.push(service);
  return async (path: string, json: object, { token, tag }: { token?: string | undefined; tag?: string } = {}) => {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(tag !== undefined && { "x-if-configuration-matches": tag }),
    };
    const answer = await ask(service.url, `/v1/configuration/${path}`, { json, headers });
    return { ...answer, tag: answer.headers.get("x-configuration-tag") ?? "" };
  };
}

test("the caller is the author, and the service the committer; two services over one remote lose no edit", async () => {
  const [a, b] = [remote.clone("a"), remote.clone("b")];
  const [first, second] = [await serve(a, { tokens }), await serve(b)];
  const why = encodeURIComponent("OPS-12: zu langsam – später mehr");
  const made = await first(`volumes?apply=false&reason=${why}`, { name: "data@silver", sizeGiB: 1 }, { token: ci });
  expect([made.status, made.body.commit]).toEqual([201, remote.run(remote.directory, "rev-parse", "main")]);
  const show = (...args: string[]) => remote.run(remote.directory, "log", "-1", ...args, "main");
  expect(show("--format=%an <%ae>|%cn|%B")).toBe(
    "ci <>|Ann|add volume data@silver, 1 GiB (dev)\n\nOPS-12: zu langsam – später mehr",
  );
  // The other one hasn't seen it; who names no version means what there is.
  const profile = { name: "fast", local: { iops: 5 } };
  expect((await second("volumes/data?apply=false", { sizeGiB: 2 })).status).toBe(200);
  expect(show("--format=%an: %s")).toBe("Ann: data: sizeGiB 1 → 2 (dev)");
  // Who names one is told what has changed since.
  const late = await first("profiles", profile, { token: ops, tag: made.tag });
  expect([late.status, late.body.errors[0].code]).toEqual([412, "config-changed"]);
  expect(late.body.description).toContain("by Ann: data: sizeGiB 1 → 2 (dev)");
  expect((await first("profiles", profile, { token: ops })).status).toBe(201);
  expect(show("--format=%an: %s")).toBe("ops: add profile fast (dev)");
  // A dry run, and what changes nothing, is no commit.
  await first("profiles?dryRun=true", { ...profile, local: { iops: 6 } }, { token: ops });
  expect((await first("profiles", profile, { token: ops })).body).toMatchObject({ changed: false });
  expect(remote.log()).toHaveLength(4);

  const names = [0, 1, 2].flatMap((n) => [`a${n}`, `b${n}`]);
  const answers = await Promise.all(
    names.map((name) =>
      name.startsWith("a")
        ? first("volumes?apply=false", { name, sizeGiB: 1 }, { token: ci })
        : second("volumes?apply=false", { name, sizeGiB: 1 }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(names.map(() => 201));
  for (const each of names) expect(remote.text("Pulumi.dev.yaml")).toContain(`${each}: `);
  expect(remote.log()).toHaveLength(10);
  expect([a.status(), b.status()]).toEqual(["", ""]);

  // What one can't push it doesn't keep.
  a.hook("pre-push", "echo closed >&2; exit 1");
  const refused = await first("volumes?apply=false", { name: "lost", sizeGiB: 1 }, { token: ci });
  expect([refused.status, refused.body.errors[0].code]).toEqual([503, "git-failed"]);
  expect([a.status(), a.git("rev-list", "--count", "@{u}..HEAD")]).toEqual(["", "0"]);
});

test("a service whose edits can't be committed doesn't start", async () => {
  const clone = remote.clone("c");
  clone.git("switch", "--quiet", "-c", "mine");
  await expect(serve(clone)).rejects.toThrow("branch mine has no upstream");
});
