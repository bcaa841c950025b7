// CephPools as a program declares it: by which connections.

import * as pulumi from "@pulumi/pulumi";

import { CephPools, type CephPoolsArgs } from "../../../../components";

const DASHBOARD = "https://mgr1.example:8443";
const specs = (pool: string) => ({ ceph: { pool, copies: 3, specs: {} } });

/** Declares two pools, with this connection, and returns the types that were registered. */
async function registered(connection: Record<string, string>, args: CephPoolsArgs = {}): Promise<string[]> {
  const seen: string[] = [];
  const mocks: pulumi.runtime.Mocks = {
    newResource({ type, name, inputs }) {
      seen.push(type.split(":").at(-1) ?? "");
      return { id: name, state: inputs as object };
    },
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "project", "stack", false, "organization");
  const profiles = JSON.stringify({ one: specs("one"), two: specs("two") });
  pulumi.runtime.setAllConfig({
    ...{ "storage-profiles:backend": "ceph", "storage-profiles:profiles": profiles },
    ...connection,
  });
  new CephPools("pools", args);
  // Registrations go on behind the constructors; a mock answers each in a few turns.
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
  return seen;
}

afterEach(() => delete process.env["CEPH_DASHBOARD_URL"]);

test("a connection to a dashboard is refused by the program, once for all pools", async () => {
  const refused = async (connection: Record<string, string>, args?: CephPoolsArgs) => {
    const error = await registered(connection, args).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(pulumi.RunError);
    const { message } = error as Error;
    expect(message.split("and this connection is to a dashboard")).toHaveLength(2);
    return message;
  };
  const own = { "ceph:dashboardUrl": DASHBOARD };
  expect(await refused(own)).toContain("or unset ceph:dashboardUrl");
  const connections = JSON.stringify({
    east: { dashboardUrl: DASHBOARD },
    west: { configFile: "/etc/ceph/west.conf" },
  });
  const named = { "ceph:connections": connections };
  expect(await refused(named, { connection: "east" })).toContain("ceph:connections.east.dashboardUrl");
  const made = ["CephPools", "CephIdentity", "CephPool", "CephPool"];
  // Volumes by the dashboard, and pools by the commands.
  expect((await registered({ ...own, ...named }, { connection: "west" })).sort()).toEqual(made.sort());

  process.env["CEPH_DASHBOARD_URL"] = DASHBOARD;
  expect(await refused({})).toContain("or unset CEPH_DASHBOARD_URL");
  expect((await registered(named, { connection: "west" })).sort()).toEqual(made.sort());
});
