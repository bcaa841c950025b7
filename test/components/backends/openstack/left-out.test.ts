// A volume on Cinder whose companion an `up --target` leaves out, since no earlier `up` has made it: it has no id then. By mocks.

import * as pulumi from "@pulumi/pulumi";

import { ProfiledVolume } from "../../../../components";

const COMPANION = "pulumi-nodejs:dynamic/storage-profiles:CinderVolume";
const ID = "11111111-2222-4333-8444-555555555555";

/** What the state gets to know of the volume. */
async function recorded(leftOut?: string): Promise<any> {
  const mocks: pulumi.runtime.Mocks = {
    newResource({ type, inputs, custom }) {
      if (custom === false) return { id: "", state: inputs };
      const made = { size: 10, volumeType: "silver", availabilityZone: "nova" };
      return { id: type === leftOut ? "" : ID, state: { ...inputs, ...(type !== COMPANION && made) } };
    },
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "project", "stack", false, "organization");
  const profiles = { gold: { openstack: { volumeType: "gold" } } };
  pulumi.runtime.setAllConfig({ "storage-profiles:profiles": JSON.stringify(profiles) });
  const monitor = pulumi.runtime.getMonitor() as any;
  const register = monitor.registerResourceOutputs.bind(monitor);
  let outputs: unknown;
  monitor.registerResourceOutputs = (request: any, ...others: unknown[]) => {
    outputs = request.getOutputs().toJavaScript();
    return register(request, ...others);
  };
  new ProfiledVolume("data@gold", { sizeGiB: 20, backend: "openstack" });
  for (let turn = 0; turn < 80; turn++) await new Promise((done) => setImmediate(done));
  return outputs;
}

test.each([
  ["what it was made with, where the companion is left out", COMPANION, 10, "silver"],
  ["what the companion has changed it to, else", undefined, 20, "gold"],
])("its id is recorded, with %s", async (_, leftOut, sizeGiB, volumeType) => {
  expect(await recorded(leftOut)).toMatchObject({ volumeId: ID, sizeGiB, settings: { volumeType } });
});
