// A volume on a real Ceph cluster that is reached by its dashboard alone.

import { certificatesFor } from "../../emulators/scaleio/certificates";
import { startDashboard } from "../labs/ceph/dashboard.js";
import { cephReason, CephProject, fillImage, imageChecksum, POOLS, startCeph, type Ceph } from "../support/ceph";
import { describeIf } from "../support/machine";

const reason = cephReason();
describeIf(reason === undefined, "by the dashboard of a Ceph cluster", reason, () => {
  let ceph: Ceph;
  const project = new CephProject("ceph-dashboard", () => ceph);
  beforeAll(async () => {
    ceph = await startCeph({ log: () => undefined });
  });
  afterAll(async () => {
    await project.dispose();
    await (ceph as Ceph | undefined)?.stop();
  });

  test("gold becomes silver and gold again with its data, grows, shows drift and is deleted; what can't be done is told at preview", async () => {
    const dashboard = await startDashboard(ceph);
    const profiles = { moved: { ceph: { pool: "slow" } } };
    const connect = (connection: Record<string, string> = {}) => {
      const { url: dashboardUrl, username: dashboardUser, passwordFile: dashboardPasswordFile, caFile } = dashboard;
      const all = { dashboardUrl, dashboardUser, dashboardPasswordFile, caFile, ...connection };
      project.config(
        {
          backend: "ceph",
          ceph: { pools: POOLS.filter(({ name }) => name === "fast") },
          deletionProtection: false,
          profiles,
        },
        Object.fromEntries(Object.entries(all).map(([key, value]) => [`ceph:${key}`, value])),
      );
    };
    const declare = (profile: string, sizeGiB = 1, more = "") =>
      project.program(`
        const data = new ProfiledVolume("data@${profile}", { sizeGiB: ${sizeGiB} });
        ${more}
        exports.image = data.resource?.image;
      `);
    const refused = async (...messages: string[]) =>
      expect(await project.refused(...messages)).not.toContain(dashboard.password);
    const isOnCluster = async (image: string) => {
      const { size } = JSON.parse(await ceph.must("rbd", "info", "--format", "json", image)) as { size: number };
      const limit = await ceph.must("rbd", "config", "image", "get", image, "rbd_qos_iops_limit");
      return { sizeGiB: size / 1024 ** 3, iopsLimit: Number(limit) };
    };
    await project.init();
    connect();
    declare("gold");
    ceph.calls();
    expect(await project.up()).not.toContain(dashboard.password);
    const image = String((await project.outputs())["image"]);
    expect(image).toMatch(/^fast\/ceph-dashboa-dev-data-/);
    // No command was run.
    expect(ceph.calls()).toEqual([]);
    expect(await isOnCluster(image)).toEqual({ sizeGiB: 1, iopsLimit: 1000 });
    const data = await fillImage(ceph, image);
    expect(await imageChecksum(ceph, image)).toBe(data);

    declare("silver", 2);
    expect((await project.upSteps()).steps).toEqual([
      { op: "update", what: "CephVolume data" },
      { op: "update", what: "ProfiledVolume data" },
    ]);
    expect(await isOnCluster(image)).toEqual({ sizeGiB: 2, iopsLimit: 500 });
    await ceph.must("rbd", "config", "image", "set", image, "rbd_qos_iops_limit", "5");
    await project.refresh();
    expect((await project.state())["CephVolume data"]?.outputs["settings"]).toMatchObject({ iopsLimit: 5 });
    declare("gold", 2);
    await project.up();
    expect(await isOnCluster(image)).toEqual({ sizeGiB: 2, iopsLimit: 1000 });
    expect(await imageChecksum(ceph, image)).toBe(data);
    expect(await project.steps()).toEqual([]);
    const state = JSON.stringify(await project.state());
    expect(state).not.toContain(dashboard.password);
    expect(state).not.toContain("eyJ");

    declare("moved", 2);
    await refused("it can't move an image to another pool", "remove ceph:dashboardUrl");
    declare("silver", 2);
    connect({ dashboardPasswordFile: "wrong" });
    project.write("wrong", "not the password\n");
    await refused('rejects the login of user "storage-profiles"', "pulumi config set --secret ceph:dashboardPassword");
    connect({ caFile: "other.pem" });
    project.write("other.pem", (await certificatesFor(["127.0.0.1"])).ca);
    await refused("isn't trusted", "pulumi config set ceph:caFile");
    connect();
    await project.destroy();
    expect(JSON.parse(await ceph.must("rbd", "ls", "--format", "json", "fast"))).toEqual([]);

    dashboard.kill();
    await refused(`the dashboard ${dashboard.url} can't be reached`, "Check ceph:dashboardUrl");
  });
});
