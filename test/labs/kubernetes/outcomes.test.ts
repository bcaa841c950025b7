// What waits for a claim's change, without an engine: against a real API server, and the real external-resizer beside Kubernetes' own mock CSI
// driver. changes.test.ts has the same from a program.

import { provider } from "../../../components/backends/kubernetes/provider";
import { describeIf } from "../../support/machine";
import { CLAIMS, EBS } from "../../support/kubernetes";
import { bindClaims } from "./binding.js";
import { missingDrivers, startControlPlane } from "./lab.js";

const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;

describeIf(missingDrivers() === undefined, "the outcome of a change", missingDrivers(), () => {
  let lab: Awaited<ReturnType<typeof startControlPlane>>;
  let claim: { claim: string; uid: string };
  const { log } = console;
  let printed: string[] = [];

  beforeAll(async () => {
    console.log = (line: string) => printed.push(line);
    lab = await startControlPlane();
    await lab.ask("POST", "/apis/storage.k8s.io/v1/storageclasses", {
      ...{ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "sc" } },
      ...{ provisioner: EBS, allowVolumeExpansion: true },
    });
    for (const [name, iops] of Object.entries({ gold: "6000", silver: "3000" })) {
      await lab.ask("POST", "/apis/storage.k8s.io/v1/volumeattributesclasses", {
        ...{ apiVersion: "storage.k8s.io/v1", kind: "VolumeAttributesClass", metadata: { name } },
        ...{ driverName: EBS, parameters: { type: "gp3", iops } },
      });
    }
    const created = await lab.ask("POST", CLAIMS, {
      ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" } },
      spec: {
        ...{ accessModes: ["ReadWriteOnce"], storageClassName: "sc", volumeAttributesClassName: "silver" },
        resources: { requests: { storage: "100Gi" } },
      },
    });
    claim = { claim: "default/data", uid: created.body.metadata.uid };
    await bindClaims(lab, EBS);
    const config = { get: (key: string) => (key === "kubernetes:kubeconfig" ? lab.kubeconfig : undefined) };
    await provider.configure({ config } as never);
  });
  afterAll(async () => {
    console.log = log;
    await lab.stop();
  });

  /** Patches the claim as the Kubernetes provider does, and waits as the companion does: what fails, as text. */
  const change = async (attributesClass: string, storage = "100Gi", timeoutSeconds = 120) => {
    const spec = { volumeAttributesClassName: attributesClass, resources: { requests: { storage } } };
    expect(await lab.ask("PATCH", `${CLAIMS}/data`, { spec })).toMatchObject({ status: 200 });
    const inputs = { ...claim, attributesClass, storage, declaredAs: "data", timeoutSeconds };
    printed = [];
    return provider.update("default/data", inputs, inputs).then(
      ({ outs }) => expect(outs).not.toHaveProperty("incomplete"),
      (error: unknown) => {
        const { message, properties } = error as Error & { properties?: { incomplete?: string } };
        expect(message).toContain(properties?.incomplete);
        return message;
      },
    );
  };
  const has = async () => {
    const { status } = (await lab.ask("GET", `${CLAIMS}/data`)).body;
    return [status.currentVolumeAttributesClassName, status.capacity.storage, status.modifyVolumeStatus];
  };

  test("is told: done and back, rejected and back, failing for a while, slow, missing class, no answer, and a rejected size", async () => {
    const driver = await lab.startDriver(EBS);
    expect(await change("gold", "200Gi")).toBeUndefined();
    expect(await has()).toEqual(["gold", "200Gi", undefined]);
    expect(await change("silver", "200Gi")).toBeUndefined();
    expect(driver.changes().filter(({ modify }) => modify)).toEqual([
      { modify: { type: "gp3", iops: "6000" }, volume: "vol-data" },
      { modify: { type: "gp3", iops: "3000" }, volume: "vol-data" },
    ]);

    driver.answer({ code: INVALID_ARGUMENT, message: "6000 IOPS aren't offered here" });
    expect(await change("gold", "200Gi")).toMatch(
      /driver rejected the class \(Infeasible\): .*6000 IOPS aren't offered here.*keeps class silver\. Fix: give the volume/,
    );
    driver.answer({});
    expect(await change("silver", "200Gi")).toBeUndefined();
    expect(await has()).toEqual(["silver", "200Gi", undefined]);

    driver.answer({ code: UNAVAILABLE, message: "the cloud is away" });
    expect(await change("gold", "200Gi", 3)).toMatch(/InProgress.*the cloud is away.*after 3 s.*The driver continues/);
    // It pursues that to its end.
    driver.answer({});
    expect(await change("gold", "200Gi")).toBeUndefined();

    driver.answer({ delayMs: 15_000 });
    expect(await change("silver", "200Gi")).toBeUndefined();
    expect(printed).toEqual([expect.stringMatching(/^data: class gold → silver: InProgress, \d+ s so far$/)]);
    driver.answer({});

    expect(await change("platinum", "200Gi", 3)).toMatch(/class platinum doesn't exist in the cluster \(Pending\)/);
    expect(await change("silver", "200Gi")).toBeUndefined();
    await driver.stop();

    const unable = await lab.startDriver(EBS, false);
    expect(await change("gold", "300Gi", 15)).toMatch(
      /^claim default\/data: class silver → gold: no answer[^;]*Either/,
    );
    expect((await has())[1]).toBe("300Gi");
    await unable.stop();

    const able = await lab.startDriver(EBS);
    expect(await change("gold", "300Gi")).toBeUndefined();
    able.answer({ code: INVALID_ARGUMENT, message: "at most 300 GiB" });
    expect(await change("gold", "400Gi")).toMatch(
      /driver rejected the size .*at most 300 GiB.*keeps 300Gi.*pulumi refresh/,
    );
    able.answer({});
    expect(await change("gold", "350Gi")).toBeUndefined();
    await able.stop();
  });
});
