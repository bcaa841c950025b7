// A claim's profile and size changed by the real engine and Pulumi's Kubernetes provider, on a real API server, by the real external-resizer
// beside Kubernetes' own mock CSI driver under the name of EBS: in place and back, rejected by the driver, slow, killed in the middle, and by a
// driver that can't modify.

import { readFileSync, writeFileSync } from "node:fs";

import { until } from "../../../tools/test/time.js";
import { succeeded } from "../../support/engine";
import { ask } from "../../support/http";
import { CLAIMS, KubernetesProject, EBS } from "../../support/kubernetes";
import { describeIf } from "../../support/machine";
import { ProviderProject } from "../../support/provider";
import { RunningCommand } from "../../support/running";
import { missingChangers } from "./lab.js";

const INVALID_ARGUMENT = 3;

describeIf(missingChangers() === undefined, "a real external-resizer", missingChangers(), () => {
  let project: KubernetesProject;
  beforeAll(async () => void (project = await KubernetesProject.start("kubernetes-changes")));
  afterAll(() => project.stop());

  test("changes profile and size in place, and back; rejected, slow and interrupted changes are reported, and finished by the next up", async () => {
    const driver = await project.lab.startDriver(EBS);
    project.declare({ "data@silver": [100], "other@silver": [100] });
    await project.up();
    expect(await project.steps()).toEqual([]);
    expect(driver.changes()).toEqual([]);

    // New claims that the cluster would refuse: one preview has them all, and one whose namespace the program creates isn't among them.
    const namespaces = "/api/v1/namespaces";
    const make = async (at: string, kind: string, name: string, spec?: object) => {
      const made = await project.lab.ask("POST", at, { apiVersion: "v1", kind, metadata: { name }, spec });
      expect(made.status).toBe(201);
    };
    await make(namespaces, "Namespace", "tight");
    const hard = { "requests.storage": "150Gi" };
    await make(`${namespaces}/tight/resourcequotas`, "ResourceQuota", "storage", { hard });
    const used = { "requests.storage": "0" };
    await project.lab.ask("PATCH", `${namespaces}/tight/resourcequotas/storage/status`, { status: { hard, used } });
    await make(namespaces, "Namespace", "limited");
    const limits = [{ type: "PersistentVolumeClaim", max: { storage: "80Gi" } }];
    await make(`${namespaces}/limited/limitranges`, "LimitRange", "sizes", { limits });
    const { spec } = await project.claim("data");
    await make(CLAIMS, "PersistentVolumeClaim", "there", { ...spec, volumeName: undefined });
    const within = (namespace: string): [number, undefined, object] => [100, undefined, { kubernetes: { namespace } }];
    const wrong: Parameters<typeof project.declare>[0] = {
      ...{ "data@silver": [100], "other@silver": [100], "there@silver": [100], "lost@silver": within("nowhere") },
      ...{ "first@silver": within("tight"), "second@silver": within("tight"), "big@silver": within("limited") },
    };
    const namespaceOf = (name: string) => `
      const { Namespace } = require("@pulumi/kubernetes/core/v1/namespace");
      new Namespace("${name}", { metadata: { name: "${name}" } });`;
    project.declare({ ...wrong, "inside@silver": within("made") }, namespaceOf("made"));
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    for (const each of [
      "the cluster already has a claim default/there",
      'namespace "nowhere" doesn\'t exist in the cluster',
      "quota storage of namespace tight has no room for the 2 new claims of this run",
      "a LimitRange of namespace limited doesn't allow the size",
    ])
      expect(refused.text).toContain(each);
    expect(refused.text).not.toContain("inside is refused");
    // No controller does it here.
    await project.lab.ask("PATCH", `${CLAIMS}/there`, { metadata: { finalizers: null } });
    await project.lab.ask("DELETE", `${CLAIMS}/there`);

    // Gold, and bigger: one patch, and the `up` ends when the driver has done both. Its preview knows what the change doesn't touch.
    const kept = ["volumeId", "resource.metadata.name", "resource.metadata.namespace", "details.claimName"];
    const tells = ProviderProject.tells("data", ...kept);
    project.declare({ "data@gold": [200], "other@silver": [100] }, tells);
    const changed = succeeded(await project.run(["up", "--yes"]));
    expect(ProviderProject.untold(changed, ...kept)).toEqual([]);
    expect([await project.iops("data"), (await project.claim("data")).status.capacity.storage]).toEqual([
      "6000",
      "200Gi",
    ]);
    expect(driver.changes()).toEqual(
      expect.arrayContaining([
        { modify: { type: "gp3", iops: "6000", throughput: "500" }, volume: "vol-data" },
        { expand: 200 * 1024 ** 3, volume: "vol-data" },
      ]),
    );
    expect((await project.outputs())["data"]).toEqual({ claimName: "data", volumeName: "pv-data" });
    expect(await project.steps()).toEqual([]);

    // Back to silver is rejected; a second `up` says the same, and status says why.
    driver.answer({ code: INVALID_ARGUMENT, message: "iops below what this zone allows" });
    project.declare({ "data@silver": [200], "other@silver": [100] });
    for (const attempt of ["first", "second"]) {
      const rejected = await project.tryUp();
      expect([attempt, rejected.code]).not.toEqual([attempt, 0]);
      expect(rejected.text).toContain("the driver rejected the class (Infeasible)");
      expect(rejected.text).toContain("iops below what this zone allows");
      expect(rejected.text).toContain("Fix: give the volume another profile, or the previous one");
    }
    const status = await project.command("storage-profiles", ["status"]);
    expect(status.text).toContain("iops below what this zone allows");
    expect(status.text).toMatch(/non-compliant/);
    expect(await project.iops("data")).toBe("6000");

    // The way back.
    driver.answer({});
    project.declare({ "data@gold": [200], "other@silver": [100] });
    await project.up();
    expect((await project.claim("data")).status.modifyVolumeStatus).toBeUndefined();
    expect(await project.steps()).toEqual([]);

    // The same cluster by another address counts as another one for the provider: it would create the claims there, and delete these.
    const set = async (key: string, value: string) =>
      void succeeded(await project.run(["config", "set", `kubernetes:${key}`, value]));
    const uids = async () =>
      Promise.all(["data", "other"].map(async (name) => (await project.claim(name)).metadata.uid));
    const made = await uids();
    const moved = `${project.kubeconfig}.moved`;
    writeFileSync(moved, readFileSync(project.kubeconfig, "utf8").replace("127.0.0.1", "localhost"));
    await set("kubeconfig", moved);
    const replaced = await project.tryUp();
    expect(replaced.code).not.toBe(0);
    expect(replaced.text).toMatch(/Pulumi would replace "(data|other)" with an empty volume/);
    expect(replaced.text).toContain("kubernetes:clusterIdentifier");
    await set("clusterIdentifier", "lab");
    await project.up();
    expect([await uids(), await project.steps()]).toEqual([made, []]);

    // Somebody gives the other claim another class: status tells it, and the class is theirs until it is taken over.
    const { volumeAttributesClassName } = (await project.claim("data")).spec;
    await project.lab.ask("PATCH", `${CLAIMS}/other`, { spec: { volumeAttributesClassName } });
    await until("the driver to have done it", async () => (await project.iops("other")) === "6000");
    await project.refresh();
    const drifted = await project.command("storage-profiles", ["status"]);
    expect(drifted.text).toMatch(/other +silver +non-compliant/);
    await project.up({ PULUMI_K8S_ENABLE_PATCH_FORCE: "true" });
    expect(await project.iops("other")).toBe("3000");

    // Slower than the limit: reported; the next `up` waits for the rest.
    driver.answer({ delayMs: 12_000 });
    project.declare({ "data@gold": [200], "other@gold": [100, "3s"] });
    const slow = await project.tryUp();
    expect(slow.code).not.toBe(0);
    expect(slow.text).toContain("InProgress, after 3 s (customTimeouts.update");
    project.declare({ "data@gold": [200], "other@gold": [100] });
    await project.up();
    expect(await project.iops("other")).toBe("6000");
    expect(await project.steps()).toEqual([]);

    // Killed while the driver works.
    const before = driver.changes().length;
    project.declare({ "data@gold": [200], "other@silver": [100] });
    const running = await project.begin(["up", "--yes", "--skip-preview"]);
    await until("the driver to work", () => driver.changes().length > before || !running.isRunning());
    await running.kill();
    await project.run(["cancel", "--yes"]);
    driver.answer({});
    await project.up();
    expect(await project.iops("other")).toBe("3000");
    expect(await project.steps()).toEqual([]);
    await driver.stop();

    // A driver that can't modify: nothing in the cluster answers.
    const unable = await project.lab.startDriver(EBS, false);
    project.declare({ "data@gold": [200], "other@gold": [100, "5s"] });
    const silent = await project.tryUp();
    expect(silent.code).not.toBe(0);
    expect(silent.text).toContain("no answer from the cluster");
    expect(silent.text).toContain("the driver can't modify volumes");
    project.declare({ "data@gold": [200], "other@silver": [100] });
    await project.up();
    expect(await project.steps()).toEqual([]);
    await unable.stop();
  });

  test("changes 30 claims with one patch each, and plans nothing for them without a request of ours", async () => {
    const driver = await project.lab.startDriver(EBS);
    const names = Array.from({ length: 30 }, (_, index) => `many-${index}`);
    // Those of the test before stay: without a garbage collector nothing is ever deleted here.
    const before: Record<string, [number]> = { "data@gold": [200], "other@silver": [100] };
    const all = (profile: string): Record<string, [number]> => ({
      ...before,
      ...Object.fromEntries(names.map((name) => [`${name}@${profile}`, [100]])),
    });
    const during = async (action: () => Promise<unknown>) => {
      const before = project.lab.requests().length;
      await action();
      return project.lab.requests().slice(before);
    };
    project.declare(all("silver"));
    const created = await during(() => project.up());
    // Each claim is tried before it is created; what they have in common is read once.
    const ours = created.filter(({ by }) => by === "us");
    const tried = ours.filter(({ verb, isDryRun }) => verb === "create" && isDryRun);
    const read = ours.filter(({ resource }) => resource !== "persistentvolumeclaims");
    const isMade = ({ by, verb, resource, isDryRun }: (typeof created)[number]) =>
      by === "plugin" && verb === "apply" && resource === "persistentvolumeclaims" && !isDryRun;
    expect(tried).toHaveLength(created.filter(isMade).length);
    expect(tried.length).toBeGreaterThanOrEqual(30);
    expect(read.map(({ verb, resource }) => `${verb} ${resource}`).sort()).toEqual([
      "get storageclasses",
      "get volumeattributesclasses",
      "list resourcequotas",
    ]);
    const idle = await during(async () => expect(await project.steps()).toEqual([]));
    expect(idle.filter(({ by }) => by === "us")).toEqual([]);
    // Of 32 claims and two profiles: what is fixed is the same for both.
    const count = async (at: string) => (await project.lab.ask("GET", at)).body.items.length;
    const classes = ["storageclasses", "volumeattributesclasses"].map((each) => `/apis/storage.k8s.io/v1/${each}`);
    expect(await Promise.all([CLAIMS, ...classes].map(count))).toEqual([32, 1, 2]);
    project.declare(all("gold"));
    const changed = await during(() => project.up());
    const applied = changed.filter(({ resource, verb }) => resource === "persistentvolumeclaims" && verb === "apply");
    expect(applied.filter(({ isDryRun }) => !isDryRun).map(({ by }) => by)).toEqual(Array(30).fill("plugin"));
    expect(driver.changes().filter(({ modify }) => modify !== undefined)).toHaveLength(30);
    await driver.stop();
  });

  test("by HTTP is created, and has the classes of a profile's edit; what the driver rejects is in the operation, the state, status and plan", async () => {
    const driver = await project.lab.startDriver(EBS);
    const service = await RunningCommand.start(project, "serve", "--listen", "127.0.0.1:0", "--log-level", "error");
    try {
      const [, url = ""] = await service.printed(/^Serving at (\S+)$/m);
      const get = async (path: string) => (await ask(url, path)).body;
      const change = async (path: string, json: object) => {
        const { status, body } = await ask(url, path, { json });
        expect([status, body.errors]).toEqual([202, undefined]);
        const at = `/v1/operations/${(body.operation ?? body).id}`;
        const events: string = await get(`${at}/events`);
        return { events, operation: await get(at) };
      };
      const stateOf = async (name: string) => {
        const { status, causes, recorded } = await get(`/v1/state/volumes/${name}`);
        return [status, causes.map(({ message }: any) => message), recorded.profile, recorded.sizeGiB];
      };
      const resolved = await get("/v1/configuration/profiles/gold/resolution?backend=kubernetes&sizeGiB=100");
      const attributes = { type: "gp3", iops: "6000", throughput: "500" };
      expect(resolved.resolutions[0].volume.settings.attributes).toEqual(attributes);

      const created = await change("/v1/configuration/volumes", { name: "web@silver", sizeGiB: 100 });
      expect(created.operation).toMatchObject({ state: "succeeded", volumes: ["web"], problems: [] });
      expect([await project.iops("web"), await stateOf("web")]).toEqual(["3000", ["compliant", [], "silver", 100]]);

      // The driver rejects the edit: the claims ask for its class, and the volumes stay as they were.
      const text = "iops above what this zone allows";
      driver.answer({ code: INVALID_ARGUMENT, message: text });
      const definition = { name: "silver", aws: { volumeType: "gp3", iops: 3500, throughputMiBps: 125 } };
      expect((await ask(url, "/v1/configuration/profiles", { json: definition })).status).toBe(200);
      expect((await stateOf("web"))[0]).toBe("out-of-date");
      const rejected = await change("/v1/operations", {});
      expect(rejected.operation.state).toBe("failed");
      const told = JSON.stringify(rejected.operation.problems);
      expect([told, told, rejected.events]).toEqual([
        ...[expect.stringContaining(text), expect.stringContaining("give the volume another profile")],
        expect.stringContaining(text),
      ]);
      const incomplete = expect.stringMatching(new RegExp(`the last change isn't complete: .*Infeasible.*${text}`));
      expect((await stateOf("web")).slice(0, 2)).toEqual(["non-compliant", expect.arrayContaining([incomplete])]);
      for (const command of ["status", "plan"]) {
        const { text: printed } = await project.command("storage-profiles", [command]);
        expect([command, printed]).toEqual([command, expect.stringContaining("web")]);
      }
      expect((await project.command("storage-profiles", ["status"])).text).toContain(text);

      // Another edit is the way back.
      driver.answer({});
      const edit = ["apply", "--profile", "silver", "--set", "aws.iops=4000", "--yes"];
      const { code, text: printed } = await project.command("storage-profiles", edit);
      expect([code, code === 0 ? "" : printed]).toEqual([0, ""]);
      expect([await project.iops("other"), await project.iops("web")]).toEqual(["4000", "4000"]);
      expect(await stateOf("web")).toEqual(["compliant", [], "silver", 100]);
      // Former classes stay: other claims may use them.
      const { body } = await project.lab.ask("GET", "/apis/storage.k8s.io/v1/volumeattributesclasses");
      expect(body.items.map((each: any) => [each.parameters.iops, each.metadata.deletionTimestamp]).sort()).toEqual(
        ["3000", "3500", "4000", "6000"].map((iops) => [iops, undefined]),
      );
    } finally {
      await service.stop();
      await driver.stop();
    }
  });

  test("needs no more permissions than docs/kubernetes.md has", () => {
    const requests = project.lab.requests();
    expect(requests.length).toBeGreaterThan(100);
    // The documented roles create no namespaces, as the program of one preview would.
    const refused = requests.filter(({ isPermitted, resource }) => !isPermitted && resource !== "namespaces");
    expect(refused.map(({ by, verb, uri }) => `${by} ${verb} ${uri}`)).toEqual([]);
  });

  test("keeps the kubeconfig out of the state", async () => {
    const text = JSON.stringify(await project.resources());
    const { users } = JSON.parse(readFileSync(project.kubeconfig, "utf8"));
    expect(text).toContain("ClaimOutcome");
    expect(text).not.toContain(users[0].user.token);
  });
});
