// Our classes and claims, judged by a real API server: it takes them as they are, changes a claim's profile and size in one patch, and
// refuses what we refuse. No controller runs beside it: where Kubernetes would bind a claim, the test says so in its status.

import * as pulumi from "@pulumi/pulumi";

import { change, makeCatalog, resolve, type ProfileDefinition, type ResolvedVolume } from "../../../src";
import { claimSpec } from "../../../src/backends/kubernetes/claim";
import { driverNames, driverOf, type DriverName } from "../../../src/backends/kubernetes/drivers";
import { classesOf } from "../../../src/backends/kubernetes/manifests";
import { claimRecorded } from "../../../src/backends/kubernetes/recorded";
import type { KubernetesSettings } from "../../../src/backends/kubernetes/settings";
import { askCluster } from "../../../components/backends/kubernetes/ask";
import { explainErrors } from "../../../components/backends/kubernetes/errors";
import { until } from "../../../tools/test/time.js";
import { documentedAccount } from "../../support/kubernetes";
import { describeIf } from "../../support/machine";
import { missing, startControlPlane } from "./lab.js";

const EBS = "ebs.csi.aws.com";
const CLASSES = "/apis/storage.k8s.io/v1/storageclasses";
const ATTRIBUTES = "/apis/storage.k8s.io/v1/volumeattributesclasses";
const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";

const classes = { parameters: { "rbd.csi.ceph.com": { clusterID: "c1" } } };
const scaleio = { storagePool: "p", protectionDomain: "d" };
const profiles: Record<string, ProfileDefinition> = {
  gold: { extends: "gold", scaleio: { ...scaleio, ramCache: null }, aws: { tags: { tier: "1" } } },
  silver: { extends: "silver", scaleio, kubernetes: { fileSystem: "xfs", mountOptions: ["noatime"] } },
  bronze: { extends: "bronze", scaleio },
};
const catalog = makeCatalog({ profiles: { ...profiles, default: { extends: "default", scaleio } } });

describeIf(missing() === undefined, "a real Kubernetes API server", missing(), () => {
  let lab: Awaited<ReturnType<typeof startControlPlane>>;
  beforeAll(async () => void (lab = await startControlPlane()));
  afterAll(() => lab.stop());

  const volume = (profile: string, sizeGiB = 100, driver: DriverName = EBS): ResolvedVolume => {
    const request = { name: `data@${profile}`, sizeGiB, backend: "kubernetes", placement: { driver, classes } };
    const { volume: resolved, problems } = resolve(catalog, request);
    if (!resolved) throw new Error(JSON.stringify(problems));
    return resolved;
  };
  const specOf = ({ sizeGiB, settings }: ResolvedVolume) =>
    claimSpec({ sizeGiB, settings: settings as KubernetesSettings });
  const create = async (name: string, of: ResolvedVolume) => {
    const body = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name }, spec: specOf(of) };
    expect(await lab.ask("POST", CLAIMS, body)).toMatchObject({ status: 201 });
  };
  const bind = async (name: string, of: ResolvedVolume) => {
    const { volumeName } = { volumeName: `pv-${name}` };
    await lab.ask("PATCH", `${CLAIMS}/${name}`, { spec: { volumeName } });
    const { resources, volumeAttributesClassName } = specOf(of);
    const status = {
      ...{ phase: "Bound", capacity: resources.requests },
      ...(volumeAttributesClassName !== undefined && { currentVolumeAttributesClassName: volumeAttributesClassName }),
    };
    expect(await lab.ask("PATCH", `${CLAIMS}/${name}/status`, { status })).toMatchObject({ status: 200 });
  };
  const patch = (name: string, spec: object) => lab.ask("PATCH", `${CLAIMS}/${name}`, { spec });
  const mutable = (of: ResolvedVolume) => {
    const { resources, volumeAttributesClassName } = specOf(of);
    return { resources, volumeAttributesClassName };
  };
  const apply = async (driver: DriverName) => {
    const made = classesOf(catalog, { sizesGiB: [100, 200], placement: { driver, classes } });
    expect(made.problems).toEqual([]);
    const posts = [
      ...[...made.storageClasses, ...made.aliases].map((each) => [CLASSES, each] as const),
      ...made.attributesClasses.map((each) => [ATTRIBUTES, each] as const),
    ];
    for (const [at, object] of posts) {
      const { status, body } = await lab.ask("POST", at, object);
      expect([object.metadata.name, status, body.message]).toEqual([object.metadata.name, 201, undefined]);
      // Nothing of it is dropped or defaulted to something else.
      expect(body).toMatchObject(object);
    }
    return made;
  };
  const clear = async () => {
    for (const at of [CLASSES, ATTRIBUTES]) {
      const { body } = await lab.ask("GET", at);
      for (const { metadata } of body.items) {
        await lab.ask("PATCH", `${at}/${metadata.name}`, { metadata: { finalizers: null } });
        await lab.ask("DELETE", `${at}/${metadata.name}`);
      }
    }
  };

  test.each(driverNames)("takes all classes of %s as they are", async (driver) => {
    const { storageClasses, attributesClasses } = await apply(driver);
    expect(storageClasses.length).toBeGreaterThan(0);
    expect(attributesClasses.length > 0).toBe(driverOf(driver).cantModify === undefined);
    await clear();
  });

  test("keeps the content of a class for its life, which is why its name has a hash", async () => {
    const { storageClasses, attributesClasses } = await apply(EBS);
    const tries = [
      [CLASSES, storageClasses[0]!.metadata.name],
      [ATTRIBUTES, attributesClasses[0]!.metadata.name],
    ] as const;
    for (const [at, name] of tries) {
      const { status, body } = await lab.ask("PATCH", `${at}/${name}`, { parameters: { type: "gp2" } });
      expect([status, body.message]).toEqual([422, expect.stringContaining("updates to parameters are forbidden")]);
    }
    await clear();
  });

  test("changes a claim's profile and size in one patch, and the profile back", async () => {
    await apply(EBS);
    const [bronze, bigger, back] = [volume("bronze"), volume("gold", 200), volume("bronze", 200)];
    await create("moves", bronze);
    await bind("moves", bronze);
    expect(change(bronze, bigger).verdict).toBe("in-place");
    const { status, body } = await patch("moves", mutable(bigger));
    expect([status, body.spec.volumeAttributesClassName]).toEqual([200, specOf(bigger).volumeAttributesClassName]);
    const read = claimRecorded.read(body);
    const { namespace, accessModes, volumeMode, storageClass, volumeAttributesClass } =
      bigger.settings as KubernetesSettings;
    expect(read).toEqual({
      sizeGiB: 200,
      settings: { namespace, accessModes, volumeMode, storageClass, volumeAttributesClass },
    });
    expect(await patch("moves", mutable(back))).toMatchObject({ status: 200 });
    await clear();
  });

  test("refuses what we refuse", async () => {
    const bronze = volume("bronze");
    await create("stays", bronze);
    await bind("stays", bronze);
    const refused: [object, ResolvedVolume, string][] = [
      [
        { storageClassName: specOf(volume("silver")).storageClassName },
        volume("silver"),
        "spec is immutable after creation",
      ],
      [{ resources: specOf(volume("bronze", 50)).resources }, volume("bronze", 50), "can not be less than"],
      [
        { volumeMode: "Block" },
        { ...bronze, settings: { ...bronze.settings, volumeMode: "Block" } as never },
        "immutable",
      ],
      [
        { volumeAttributesClassName: null },
        { ...bronze, settings: { ...bronze.settings, volumeAttributesClass: null } },
        "is forbidden when status.currentVolumeAttributesClassName",
      ],
    ];
    for (const [spec, to, message] of refused) {
      const { status, body } = await patch("stays", spec);
      expect([status, body.message]).toEqual([422, expect.stringContaining(message)]);
      expect(change(bronze, to).verdict).toBe("refused");
    }
  });

  test("has its refusals explained: a claim that isn't bound, a class that would go, a StorageClass that is gone", async () => {
    const bronze = volume("bronze");
    await apply(EBS);
    await create("early", bronze);
    const pending = await patch("early", mutable(volume("gold")));
    expect(explainErrors("data", "", [pending.body.message])).toContain("isn't bound yet");
    await bind("early", bronze);
    const none = await patch("early", { volumeAttributesClassName: null });
    expect(explainErrors("data", "", [none.body.message])).toContain("once it has one");
    await clear();
    const growth = await patch("early", { resources: specOf(volume("bronze", 200)).resources });
    expect([growth.status, explainErrors("data", "", [growth.body.message])]).toEqual([
      403,
      expect.stringContaining("StorageClass no longer exists"),
    ]);
  });

  test("is asked at preview: an unbound claim, a class that goes, is missing or another driver's, a quota, and what it accepts", async () => {
    const [bronze, gold] = [volume("bronze"), volume("gold")];
    await apply(EBS);
    await create("asked", bronze);
    pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": lab.kubeconfig });
    const ask = async (from: ResolvedVolume, to: ResolvedVolume, more: object = {}) => {
      const { body } = await lab.ask("GET", `${CLAIMS}/asked`);
      const before = { ...body, metadata: { ...body.metadata, ...more } };
      const asked = { name: "data", declared: { before }, config: {}, from, to, isDryRun: true };
      const { problems, notes } = await askCluster(asked as never);
      return [...problems, ...notes].map(({ message }) => message);
    };
    expect(await ask(bronze, gold)).toEqual([expect.stringContaining("isn't bound yet")]);
    await bind("asked", bronze);
    expect(await ask(bronze, gold)).toEqual([]);
    expect(await ask(bronze, bronze)).toEqual([]);
    expect((await lab.ask("GET", `${CLAIMS}/asked`)).body.spec.volumeAttributesClassName).toBe(
      specOf(bronze).volumeAttributesClassName,
    );
    // A claim of the same name in another cluster is another claim.
    expect(await ask(bronze, gold, { uid: "other" })).toEqual([
      "claim default/asked not checked in advance: the kubeconfig's cluster doesn't have it",
    ]);

    const name = specOf(gold).volumeAttributesClassName!;
    const scope = { operator: "In", scopeName: "VolumeAttributesClass", values: [name] };
    const hard = { "count/persistentvolumeclaims": "0" };
    const quotas = "/api/v1/namespaces/default/resourcequotas";
    await lab.ask("POST", quotas, {
      ...{ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "no-gold" } },
      spec: { hard, scopeSelector: { matchExpressions: [scope] } },
    });
    await lab.ask("PATCH", `${quotas}/no-gold/status`, { status: { hard, used: hard } });
    // The quota's own cache follows within a second or so.
    await until("the quota to count", async () => (await ask(bronze, gold)).length > 0);
    expect(await ask(bronze, gold)).toEqual([expect.stringContaining("a quota of the namespace is exhausted")]);
    await lab.ask("DELETE", `${quotas}/no-gold`);
    await until("the quota to go", async () => (await ask(bronze, gold)).length === 0);

    await lab.ask("DELETE", `${ATTRIBUTES}/${name}`);
    expect(await ask(bronze, gold)).toEqual([`VolumeAttributesClass ${name} is being deleted`]);
    await lab.ask("PATCH", `${ATTRIBUTES}/${name}`, { metadata: { finalizers: null } });
    expect(await ask(bronze, gold)).toEqual([expect.stringContaining("doesn't exist in the cluster yet")]);
    await lab.ask("POST", ATTRIBUTES, {
      ...{ apiVersion: "storage.k8s.io/v1", kind: "VolumeAttributesClass", metadata: { name } },
      ...{ driverName: "pd.csi.storage.gke.io", parameters: { iops: "1" } },
    });
    expect(await ask(bronze, gold)).toEqual([`VolumeAttributesClass ${name} is one of driver pd.csi.storage.gke.io`]);
    await clear();
    expect(await ask(bronze, volume("bronze", 200))).toEqual([
      expect.stringContaining("StorageClass no longer exists"),
    ]);
  });

  test("is asked about a new claim at preview: namespace, quotas, limits, classes, and a claim that is there", async () => {
    const bronze = volume("bronze");
    const { storageClass, volumeAttributesClass } = bronze.settings as KubernetesSettings;
    await apply(EBS);
    pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": lab.kubeconfig });
    const post = async (at: string, object: object) => {
      const { status, body } = await lab.ask("POST", at, { apiVersion: "v1", ...object });
      expect([status, body.message]).toEqual([201, undefined]);
    };
    const namespaces = ["shop", "going", "limited"];
    for (const name of namespaces) await post("/api/v1/namespaces", { kind: "Namespace", metadata: { name } });
    const config = {};
    const inputsOf = (name: string, namespace: string, of: ResolvedVolume) => ({
      inputs: { metadata: { name, namespace }, spec: specOf(of) },
      to: { ...of, settings: { ...of.settings, namespace } },
    });
    const ask = async (name: string, namespace: string, of = bronze, more: object = {}) => {
      const asked = { name, declared: {}, config: {}, ...inputsOf(name, namespace, of), isDryRun: true, ...more };
      const { problems, notes } = await askCluster(asked as never);
      return [...problems.map(({ message }) => `refused: ${message}`), ...notes.map(({ message }) => message)];
    };

    expect(await ask("new", "shop")).toEqual([]);
    // Nothing of it is there afterwards.
    expect((await lab.ask("GET", "/api/v1/namespaces/shop/persistentvolumeclaims")).body.items).toEqual([]);
    expect(await ask("new", "nowhere")).toEqual([
      'claim nowhere/new not checked in advance: namespace "nowhere" doesn\'t exist in the cluster yet',
    ]);
    // Without a namespace controller it goes for ever.
    await lab.ask("DELETE", "/api/v1/namespaces/going");
    expect(await ask("new", "going")).toEqual(['refused: namespace "going" is being deleted']);

    const limits = [{ type: "PersistentVolumeClaim", min: { storage: "20Gi" }, max: { storage: "80Gi" } }];
    await post("/api/v1/namespaces/limited/limitranges", {
      ...{ kind: "LimitRange", metadata: { name: "sizes" }, spec: { limits } },
    });
    // The admission plugin's own cache follows within a second or so.
    await until("the limits to hold", async () => (await ask("new", "limited")).length > 0);
    expect(await ask("new", "limited")).toEqual([
      expect.stringMatching(/^refused: a LimitRange of namespace limited .* maximum .* is 80Gi, but request is 100Gi/),
    ]);
    expect(await ask("new", "limited", volume("bronze", 10))).toEqual([
      expect.stringMatching(/^refused: a LimitRange of namespace limited .* minimum .* is 20Gi, but request is 10Gi/),
    ]);

    const hard = {
      "requests.storage": "250Gi",
      persistentvolumeclaims: "2",
      [`${storageClass}.storageclass.storage.k8s.io/requests.storage`]: "150Gi",
    };
    const used = Object.fromEntries(Object.keys(hard).map((key) => [key, "0"]));
    await post("/api/v1/namespaces/shop/resourcequotas", {
      ...{ kind: "ResourceQuota", metadata: { name: "storage" }, spec: { hard } },
    });
    await lab.ask("PATCH", "/api/v1/namespaces/shop/resourcequotas/storage/status", { status: { hard, used } });
    const big = volume("bronze", 300);
    await until("the quota to count", async () => {
      const { status } = await lab.ask("POST", "/api/v1/namespaces/shop/persistentvolumeclaims?dryRun=All", {
        ...{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "big" }, spec: specOf(big) },
      });
      return status === 403;
    });
    const no = "refused: quota storage of namespace shop has no room for";
    expect(await ask("new", "shop", big)).toEqual([
      `${no} this claim: requests.storage is limited to 250Gi, 0 is used, and 300Gi more is needed`,
      `${no} this claim: ${storageClass}.storageclass.storage.k8s.io/requests.storage is limited to 150Gi, 0 is used, and 300Gi more is needed`,
    ]);
    // Each has room for itself, and the API server accepts each in a dry run.
    expect(await Promise.all(["a", "b", "c"].map((name) => ask(name, "shop", bronze, { config })))).toEqual(
      Array(3).fill([
        `${no} the 3 new claims of this run: persistentvolumeclaims is limited to 2, 0 is used, and 3 more is needed`,
        `${no} the 3 new claims of this run: requests.storage is limited to 250Gi, 0 is used, and 300Gi more is needed`,
        `${no} the 3 new claims of this run: ${storageClass}.storageclass.storage.k8s.io/requests.storage is limited to 150Gi, 0 is used, and 300Gi more is needed`,
      ]),
    );

    await create("there", bronze);
    const state = { newResource: ({ inputs }: any) => ({ id: "", state: inputs }), call: () => ({ outputs: {} }) };
    await pulumi.runtime.setMocks(state, "project", "stack", true, "organization");
    pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": lab.kubeconfig });
    expect(await ask("there", "default")).toEqual([
      "refused: the cluster already has a claim default/there, which isn't in this stack's state",
    ]);

    await clear();
    expect(await ask("new", "default")).toEqual([
      `StorageClass ${storageClass} doesn't exist in the cluster yet; the claim waits until it does`,
      `VolumeAttributesClass ${volumeAttributesClass} doesn't exist in the cluster yet; the claim waits until it does`,
    ]);
    // Somebody has made others of these names.
    await lab.ask("POST", CLASSES, {
      ...{ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: storageClass }, provisioner: EBS },
      parameters: { type: "gp2" },
    });
    await lab.ask("POST", ATTRIBUTES, {
      ...{ apiVersion: "storage.k8s.io/v1", kind: "VolumeAttributesClass", metadata: { name: volumeAttributesClass } },
      ...{ driverName: EBS, parameters: { type: "gp2" } },
    });
    expect(await ask("new", "default")).toEqual([
      expect.stringMatching(/^refused: StorageClass .* isn't what the profile says: .*type is "gp2", expected none/),
      expect.stringMatching(
        /^refused: VolumeAttributesClass .* isn't what the profile says: .*type is "gp2", expected "/,
      ),
    ]);
    await clear();
  });

  test("is asked by a user with the documented permissions; without one of them a note names it, and everything else is judged", async () => {
    const [bronze, gold, big] = [volume("bronze"), volume("gold"), volume("bronze", 200)];
    await apply(EBS);
    const post = async (at: string, object: object) => {
      const { status, body } = await lab.ask("POST", at, { apiVersion: "v1", ...object });
      expect([status, body.message]).toEqual([201, undefined]);
      return body;
    };
    await post("/api/v1/namespaces", { kind: "Namespace", metadata: { name: "crew" } });
    const claims = "/api/v1/namespaces/crew/persistentvolumeclaims";
    await post(claims, { kind: "PersistentVolumeClaim", metadata: { name: "there" }, spec: specOf(bronze) });
    await lab.ask("PATCH", `${claims}/there`, { spec: { volumeName: "pv-there" } });
    const { resources, volumeAttributesClassName } = specOf(bronze);
    const bound = { phase: "Bound", capacity: resources.requests };
    const status = { ...bound, currentVolumeAttributesClassName: volumeAttributesClassName };
    const before = (await lab.ask("PATCH", `${claims}/there/status`, { status })).body;
    const [hard, used] = [{ "requests.storage": "250Gi" }, { "requests.storage": "100Gi" }];
    await post("/api/v1/namespaces/crew/resourcequotas", {
      ...{ kind: "ResourceQuota", metadata: { name: "one" }, spec: { hard } },
    });
    await lab.ask("PATCH", "/api/v1/namespaces/crew/resourcequotas/one/status", { status: { hard, used } });
    await until("the quota to count", async () => {
      const body = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "x" }, spec: specOf(big) };
      return (await lab.ask("POST", `${claims}?dryRun=All`, body)).status === 403;
    });
    const state = { newResource: ({ inputs }: any) => ({ id: "", state: inputs }), call: () => ({ outputs: {} }) };
    await pulumi.runtime.setMocks(state, "project", "stack", true, "organization");

    let accounts = 0;
    /** The preview of a new claim, of one whose name is taken, and of a change. */
    const previews = async (without: string[]) => {
      const account = await documentedAccount(lab, `user-${++accounts}`, { namespace: "crew", without });
      pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": account });
      const told = async (asked: object) => {
        const { problems, notes } = await askCluster({ name: "data", config: {}, isDryRun: true, ...asked } as never);
        return [...problems.map(({ message }) => `refused: ${message}`), ...notes.map(({ message }) => message)];
      };
      const made = (name: string, namespace: string, of: ResolvedVolume) => {
        const inputs = { metadata: { name, namespace }, spec: specOf(of) };
        return told({ declared: {}, config: {}, inputs, to: { ...of, settings: { ...of.settings, namespace } } });
      };
      const change = await told({ declared: { before }, from: bronze, to: gold });
      const elsewhere = await made("new", "default", bronze);
      return { change, taken: await made("there", "crew", bronze), elsewhere, fresh: await made("new", "crew", big) };
    };
    const none = (verb: string, resource: string, namespace = "crew") =>
      expect.stringMatching(
        new RegExp(
          `not checked in advance: .*has no permission for it \\(HTTP 403\\): ` +
            `User "system:serviceaccount:default:user-${accounts}" cannot ${verb} resource "${resource}".*(namespace "${namespace}"|cluster scope)`,
        ),
      );
    const full = expect.stringMatching(
      /^refused: quota one of namespace crew has no room for .*is limited to 250Gi, 100Gi is used/,
    );
    const taken = expect.stringMatching(/^refused: the cluster already has a claim crew\/there/);

    const all = await previews([]);
    // The roles are those of one namespace.
    const elsewhere = () => [none("create", "persistentvolumeclaims", "default")];
    expect(all).toEqual({ change: [], taken: [taken], elsewhere: elsewhere(), fresh: [full] });
    const noCreate = await previews(["create persistentvolumeclaims"]);
    const isCreate = none("create", "persistentvolumeclaims");
    expect(noCreate).toEqual({ change: [], taken: [isCreate], elsewhere: elsewhere(), fresh: [full, isCreate] });
    const noGet = await previews(["get persistentvolumeclaims"]);
    const isGet = none("get", "persistentvolumeclaims");
    expect(noGet).toEqual({ change: [isGet], taken: [isGet], elsewhere: elsewhere(), fresh: [full] });
    const noPatch = await previews(["patch persistentvolumeclaims"]);
    const isPatch = none("patch", "persistentvolumeclaims");
    expect(noPatch).toEqual({ change: [isPatch], taken: [taken], elsewhere: elsewhere(), fresh: [full] });
    const noQuotas = await previews(["list resourcequotas"]);
    const server = expect.stringMatching(
      /^refused: a quota of namespace crew has no room for the claim: .*exceeded quota/,
    );
    expect(noQuotas).toEqual({ change: [], taken: [taken], elsewhere: elsewhere(), fresh: [server] });
    const noClasses = await previews(["get storageclasses", "get volumeattributesclasses"]);
    const classNotes = [none("get", "storageclasses"), none("get", "volumeattributesclasses")];
    expect(noClasses).toEqual({
      change: [classNotes[1]],
      taken: [taken, ...classNotes],
      elsewhere: [...elsewhere(), ...classNotes],
      fresh: [full, ...classNotes],
    });
    await clear();
  });

  test("of a Kubernetes before 1.34 takes the class out of a claim without a word: a new claim of one, and a change to one, is refused", async () => {
    const old = await startControlPlane(process.env, ["--emulated-version=1.33"]);
    try {
      const [bronze, gold] = [volume("bronze"), volume("gold")];
      const body = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "old" }, spec: specOf(bronze) };
      const created = await old.ask("POST", CLAIMS, body);
      expect([created.status, created.body.spec.volumeAttributesClassName]).toEqual([201, undefined]);
      expect((await old.ask("GET", ATTRIBUTES)).status).toBe(404);
      await old.ask("PATCH", `${CLAIMS}/old`, { spec: { volumeName: "pv-old" } });
      const status = { phase: "Bound", capacity: specOf(bronze).resources.requests };
      await old.ask("PATCH", `${CLAIMS}/old/status`, { status });
      pulumi.runtime.setAllConfig({ "kubernetes:kubeconfig": old.kubeconfig });
      const asked = { name: "data", declared: { before: created.body }, config: {}, from: bronze, to: gold };
      const isNew = { declared: {}, from: undefined, inputs: { metadata: { name: "new" }, spec: specOf(gold) } };
      for (const each of [asked, { ...asked, ...isNew }]) {
        const { problems } = await askCluster({ ...each, isDryRun: true } as never);
        expect(problems.map(({ message }) => message)).toEqual([
          expect.stringContaining("doesn't serve VolumeAttributesClass in storage.k8s.io/v1"),
        ]);
      }
    } finally {
      await old.stop();
    }
  });

  test("explains a quota that has no room", async () => {
    const hard = { "count/persistentvolumeclaims": "0" };
    const quotas = "/api/v1/namespaces/default/resourcequotas";
    await lab.ask("POST", quotas, {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "none" },
      spec: { hard },
    });
    await lab.ask("PATCH", `${quotas}/none/status`, { status: { hard, used: hard } });
    const body = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "more" },
      spec: specOf(volume("bronze")),
    };
    // The quota's own cache follows within a second or so.
    await until("the quota to count", async () => (await lab.ask("POST", `${CLAIMS}?dryRun=All`, body)).status === 403);
    const answer = await lab.ask("POST", CLAIMS, body);
    await lab.ask("DELETE", `${quotas}/none`);
    expect([answer.status, explainErrors("data", "", [answer.body.message])]).toEqual([
      403,
      expect.stringContaining("quota of the namespace is exhausted"),
    ]);
  });
});
