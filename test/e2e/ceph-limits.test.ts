// Limits of volumes on a real Ceph cluster, as a client has them that keeps an image open. It measures: nothing else runs beside it.

import { createInterface } from "node:readline";

import { createVolume, removeVolume, updateVolume } from "../../components/backends/ceph/lifecycle";
import { until } from "../../tools/test/time.js";
import { cephReason, clusterOf, settingsOf, startCeph, wantedOf, type Ceph, type Section } from "../support/ceph";
import { describeIf } from "../support/machine";
import { expectLimited, expectRaised } from "../support/rate";

const fast = (section: Section = {}) => settingsOf({ pool: "fast", ...section });

const reason = cephReason();
describeIf(reason === undefined, "limits on a Ceph cluster", reason, () => {
  let ceph: Ceph;
  beforeAll(async () => {
    // One pool is enough.
    ceph = await startCeph({ log: () => undefined, pools: ["fast"] });
  });
  afterAll(() => (ceph as Ceph | undefined)?.stop());

  test("a limit holds on an image that stays open while it changes", async () => {
    const cluster = clusterOf(ceph);
    const { found: _, ...volume } = await createVolume(cluster, wantedOf(fast()), true);
    const args = ["--io-type", "write", "--io-size", "4096", "--io-threads", "4", "--io-total", "100G"];
    const bench = ceph.open(["bench", ...args, `fast/${volume.name}`], "pipe");
    // Each second it prints how many seconds have passed, and how many operations.
    const seen: [seconds: number, operations: number][] = [];
    createInterface(bench.stdout!).on("line", (line) => {
      const [, seconds, operations] = /^\s*(\d+)\s+(\d+)\s+[\d.]+/.exec(line) ?? [];
      if (seconds !== undefined) seen.push([Number(seconds), Number(operations)]);
    });
    const rateWith = async (iops: number | undefined): Promise<number> => {
      const settings = fast(iops === undefined ? {} : { iops: { max: iops } });
      await updateVolume(cluster, { sizeGiB: 1, settings }, volume);
      // The first lines may have been before the change.
      const from = seen.length + 2;
      await until("the rate was seen", () => Promise.resolve(seen.length > from + 5), { seconds: 60 });
      const [first, last] = [seen[from], seen.at(-1)];
      return (last![1] - first![1]) / (last![0] - first![0]);
    };
    try {
      const unlimited = await rateWith(undefined);
      const low = { limit: 20, limited: await rateWith(20), unlimited };
      const high = { limit: 100, limited: await rateWith(100), unlimited };
      expectLimited("an open image", low);
      expectRaised("an open image", low, high);
    } finally {
      await bench.end("SIGINT");
    }
    await until("the image is closed", async () => (await cluster.status("fast", volume.name)).clients.length === 0, {
      seconds: 60,
    });
    await removeVolume(cluster, volume);
  });
});
