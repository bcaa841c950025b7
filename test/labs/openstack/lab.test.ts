import { OpenstackLab, describeOpenstack } from "../../support/openstack";

jest.setTimeout(120_000);

describeOpenstack("the lab", () => {
  let lab: OpenstackLab;
  beforeAll(async () => {
    const t = Date.now();
    lab = await OpenstackLab.start();
    console.log(Date.now() - t, lab.lab.templateMade);
  });
  afterAll(() => lab.stop());
  test("works", async () => {
    await lab.makeType("gold", { volume_backend_name: "fast" }, { qos: { consumer: "back-end", iops: "5" } });
    await lab.makeType("silver", { volume_backend_name: "fast" });
    await lab.makeType("bronze", { volume_backend_name: "slow" });
    const id = await lab.create({ name: "a", volume_type: "gold" });
    await lab.attach(id);
    console.log(await lab.act(id, { "os-extend": { new_size: 2 } }, { user: "plain", microversion: "3.42" }));
    await new Promise((d) => setTimeout(d, 2000));
    console.log((await lab.volume(id))!["status"], (await lab.volume(id))!["size"]);
    await lab.detach(id);
    await lab.snapshot(id);
    console.log(await lab.api("GET", "/snapshots/detail", undefined, { user: "plain" }));
    const b = await lab.create({ name: "b", volume_type: "gold" });
    let t = Date.now();
    await lab.act(b, { "os-retype": { new_type: "bronze", migration_policy: "on-demand" } }, { user: "plain" });
    const v = await lab.waitUntil(b, (x) => x["volume_type"] === "bronze" && x["status"] === "available");
    console.log(Date.now() - t, v);
    t = Date.now();
    await lab.stopCinder();
    console.log(Date.now() - t);
    await lab.startCinder();
    console.log(Date.now() - t, (await lab.volumes()).length);
    console.log(await lab.applicationCredential());
    const r = await fetch(lab.lab.cinderUrl, { headers: { "X-Auth-Token": "gAAAsecret" } });
    console.log(r.status, await r.text());
    console.log(await lab.requests());
  });
});
