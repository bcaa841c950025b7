// The lab itself: that what it starts is a real Keystone and Cinder, quickly, and that what tests do to it does what they think.

import { OpenstackLab, describeOpenstack } from "../../support/openstack";

describeOpenstack("the lab's Keystone and Cinder", () => {
  let lab: OpenstackLab;
  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await lab.makeType("gold", { volume_backend_name: "fast" });
    await lab.makeType("bronze", { volume_backend_name: "slow" });
  });
  beforeEach(() => lab.empty());
  afterAll(() => lab.stop());

  test("have two backends, and move a volume between them only where that is allowed", async () => {
    const id = await lab.create({ name: "data", volume_type: "gold" });
    const place = async () => {
      const volume = (await lab.volume(id))!;
      return [volume["volume_type"], volume["os-vol-host-attr:host"].replace(/^lab@(\w+)#.*$/, "$1")];
    };
    expect(await place()).toEqual(["gold", "fast"]);
    const retype = (policy: string) =>
      lab.act(id, { "os-retype": { new_type: "bronze", migration_policy: policy } }, { user: "plain" });
    // Cinder takes it, and does nothing.
    expect((await retype("never")).status).toBe(202);
    await lab.waitFor(id, "available");
    expect(await place()).toEqual(["gold", "fast"]);
    expect((await retype("on-demand")).status).toBe(202);
    await lab.waitUntil(id, (volume) => volume["volume_type"] === "bronze" && volume["status"] === "available");
    expect(await place()).toEqual(["bronze", "slow"]);
  });

  test("tell a member what a member may know, and let nobody but administrators make types", async () => {
    expect((await lab.api("POST", "/types", { volume_type: { name: "own" } }, { user: "plain" })).status).toBe(403);
    expect((await lab.api("POST", "/volumes", { volume: { size: 1 } }, { user: "reader" })).status).toBe(403);
    const { volume_types: types } = await lab.must("GET", "/types", undefined, { user: "plain" });
    expect(types).toContainEqual(expect.objectContaining({ name: "gold", extra_specs: {} }));
  });

  test("are written down without a secret, fail as they are told to, and come back with what they had", async () => {
    await lab.create({ name: "data", volume_type: "gold" });
    await lab.clear();
    const ask = async () => (await fetch(`${lab.lab.cinderUrl}/`, { headers: { "x-auth-token": "of-nobody" } })).status;
    expect(await ask()).toBe(401);
    await lab.fail({ service: "cinder", method: "GET", status: 503 });
    expect([await ask(), await ask()]).toEqual([503, 401]);
    const seen = await lab.requests("cinder");
    expect(seen.map(({ status }) => status)).toEqual([401, 503, 401]);
    expect(JSON.stringify(seen)).not.toContain("of-nobody");
    const before = await lab.volumes();
    await lab.stopCinder();
    try {
      await expect(ask()).rejects.toThrow("fetch failed");
    } finally {
      await lab.startCinder();
    }
    expect((await lab.volumes()).map(({ id }) => id as string)).toEqual(before.map(({ id }) => id as string));
  });
});

describeOpenstack("the lab's Nova", () => {
  let lab: OpenstackLab;
  let server: string;
  beforeAll(async () => {
    lab = await OpenstackLab.start({ nova: true });
    await lab.makeType("gold", { volume_backend_name: "fast" });
    await lab.makeType("bronze", { volume_backend_name: "slow" });
    server = await lab.server("node");
  });
  afterAll(() => lab.stop());

  test("attaches a volume to a server, lets it grow there and move to another backend, and gives it back", async () => {
    const as = { user: "plain" } as const;
    const id = await lab.create({ name: "data", volume_type: "gold" });
    const at = `/servers/${server}/os-volume_attachments`;
    await lab.mustNova("POST", at, { volumeAttachment: { volumeId: id } }, as);
    expect((await lab.waitFor(id, "in-use"))["attachments"]).toMatchObject([{ server_id: server }]);
    expect(lab.plugged(server)).toEqual([id]);
    const again = await lab.nova("POST", at, { volumeAttachment: { volumeId: id } }, as);
    expect([again.status, JSON.stringify(again.body)]).toEqual([400, expect.stringContaining("already attached")]);

    expect((await lab.act(id, { "os-extend": { new_size: 2 } }, { ...as, microversion: "3.42" })).status).toBe(202);
    await lab.waitUntil(id, ({ status, size }) => status === "in-use" && size === 2);
    const retype = { "os-retype": { new_type: "bronze", migration_policy: "on-demand" } };
    expect((await lab.act(id, retype, as)).status).toBe(202);
    await lab.waitUntil(id, ({ status, volume_type: type }) => status === "in-use" && type === "bronze");
    expect((await lab.volume(id))!["os-vol-host-attr:host"]).toBe("lab@slow#slow");
    expect((await lab.volume(id))!["attachments"]).toMatchObject([{ server_id: server }]);

    await lab.mustNova("DELETE", `${at}/${id}`, undefined, as);
    await lab.waitFor(id, "available");
    expect(lab.plugged(server)).toEqual([]);
  });
});
