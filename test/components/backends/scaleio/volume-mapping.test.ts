// What a mapping of a ScaleIO volume refuses while the program runs, by mocks.

import * as pulumi from "@pulumi/pulumi";

import { VolumeMapping, type VolumeMappingArgs } from "../../../../components";
import { refusedLater } from "../../../../components/engine";
import { ScaleioArray } from "../../../../components/backends/scaleio/array";
import type { GatewaySession } from "../../../../components/backends/scaleio/session";
import { mappingLimits } from "../../../../src/backends/scaleio";

const registered: string[] = [];

beforeEach(async () => {
  registered.length = 0;
  await pulumi.runtime.setMocks({
    newResource({ name, inputs }) {
      registered.push(name);
      return { id: name, state: inputs };
    },
    call: () => ({}),
  });
  pulumi.runtime.setAllConfig({ "storage-profiles:backend": "scaleio" });
});

const WRONG: [string, unknown, string][] = [
  ["iopsLimit", 10, "the mapping sets a limit of 10 IOPS; ScaleIO allows 11 to"],
  ["iopsLimit", 11.5, "iopsLimit: expected a whole number, got a number (11.5)"],
  ["iopsLimit", -1, "iopsLimit: -1 is out of range"],
  ["iopsLimit", Number.NaN, "iopsLimit: expected a number, got a number that isn't finite (NaN)"],
  ["iopsLimit", "100", 'iopsLimit: expected a number, got text ("100")'],
  ["bandwidthLimitKBps", -1, "bandwidthLimitKBps: -1 is out of range"],
  ["bandwidthLimitKBps", 1500.5, "bandwidthLimitKBps: expected a whole number, got a number (1500.5)"],
];

// What is thrown in the `apply` of an input is formatted with everything that it refers to: 34 s and 3.6 GB.
test.each(WRONG)("%s %p is refused before anything is registered", async (setting, value, message) => {
  const args = { volumeId: pulumi.output("v"), sdc: "node1", [setting]: value } as VolumeMappingArgs;
  expect(() => new VolumeMapping("m", args)).toThrow(message);
  await new Promise((done) => setImmediate(done));
  expect(registered).toEqual([]);
});

test.each(WRONG)("a limit of %s %p is a problem, and no limit comes of it", (setting, value) => {
  const { problems } = mappingLimits({ [setting]: value });
  expect(problems).toMatchObject([{ path: setting, given: value }]);
});

test("the limits of a volume's profile can't be set beside it, and are not judged", () => {
  const args = { volume: {}, sdc: "node1", iopsLimit: 10 } as unknown as VolumeMappingArgs;
  expect(() => new VolumeMapping("m", args)).toThrow(/^m: 1 problem\n.*"iopsLimit" can't be set/);
});

test("what is refused when an output is known has no stack, with which the SDK would format all it refers to", async () => {
  await expect(refusedLater("no")).rejects.toMatchObject({ message: "no", stack: "", __pulumiRunError: true });
});

// A transform, or a state from elsewhere, has seen none of the checks.
test.each([-1, 11.5, Number.NaN, "100"])("a limit of %p never reaches the array", async (value) => {
  const calls: unknown[] = [];
  const session = {
    version: () => Promise.resolve("4.5"),
    post: (...call: unknown[]) => Promise.resolve(calls.push(call)),
  };
  const array = new ScaleioArray(session as unknown as GatewaySession);
  await expect(array.setLimits("v", "s", value as number, 0)).rejects.toThrow("is not a whole number of 0 or more");
  await expect(array.setSize("v", value as number)).rejects.toThrow("is not a whole number of 0 or more");
  expect(calls).toEqual([]);
});
