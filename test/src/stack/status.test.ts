// How volumes stand: a state as the engine exports it against a config; and what edits would do.

import { readConfigText } from "../../../src/stack/read-config";
import { editProblems, newProblems, plansOf, whatIf } from "../../../src/stack/plan";
import { readExport } from "../../../src/stack/state";
import { behindProfile } from "../../../src/cli/references";
import { statusesOf } from "../../../src/stack/status";
import { resolve, type StackConfig, type VolumeRequest } from "../../../src";
import type { StackConfigRead, StackState } from "../../../src/stack";

const read = (values: StackConfig, others: Record<string, unknown> = {}): Promise<StackConfigRead> => {
  const config = {
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [`storage-profiles:${key}`, value])),
    ...others,
  };
  return readConfigText(JSON.stringify({ config }), "/p/Pulumi.dev.yaml", {
    directory: "/p",
    projectConfig: {},
    env: {},
  });
};

interface Made {
  /** What its own resource says otherwise than it was made. */
  drift?: Record<string, unknown>;
  /** Who has taken it over. */
  takenBy?: string;
  /** What a transform of the program has its resource given instead: its outputs say so, too. */
  transformed?: Record<string, unknown>;
  isUnfinished?: boolean;
  isGone?: boolean;
  /** What else its program asks for. */
  asked?: Partial<VolumeRequest>;
  /** Whether a version has made it that didn't record which tags are its own. */
  isOlder?: boolean;
  protect?: boolean;
}

const TYPES = {
  local: "pulumi-nodejs:dynamic/storage-profiles:LocalVolume",
  scaleio: "pulumi-nodejs:dynamic/storage-profiles:ScaleioVolume",
  cio: "pulumi-nodejs:dynamic/storage-profiles:CioVolume",
  ceph: "pulumi-nodejs:dynamic/storage-profiles:CephVolume",
  openstack: "pulumi-nodejs:dynamic/storage-profiles:CinderVolume",
  aws: "aws:ebs/volume:Volume",
  kubernetes: "kubernetes:core/v1:PersistentVolumeClaim",
};

const ofAws = (settings: any, sizeGiB: number) => ({
  size: sizeGiB,
  type: settings.volumeType,
  iops: settings.iops ?? 300,
  throughput: settings.throughputMiBps ?? 0,
  encrypted: settings.encrypted,
  kmsKeyId: settings.kmsKeyId ?? "arn:aws:kms:us-east-1:1:key/account",
  availabilityZone: settings.availabilityZone,
  tags: settings.tags,
});

// The state that an `up` with a config leaves.
function stateOf(config: StackConfigRead, made: Record<string, Made> = {}, extra: object[] = []): StackState {
  const resources = Object.entries(config.config.volumes ?? {}).flatMap(([name, volume]) => {
    const request = config.requestFor(name, volume);
    const placement =
      request.backend === "aws" ? { availabilityZone: "us-east-1a", ...request.placement } : request.placement;
    const { asked, isOlder } = made[name] ?? {};
    const { volume: resolved, problems } = resolve(config.catalog, { ...request, placement, ...asked });
    if (!resolved) throw new Error(JSON.stringify(problems));
    const { drift = {}, transformed, takenBy, isUnfinished, isGone, protect = true } = made[name] ?? {};
    const { sizeGiB, settings, backend } = resolved;
    const urn = `urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume::${name}`;
    const child = urn.replace("::" + name, `$${TYPES[backend]}::${name}`);
    const has =
      backend === "aws"
        ? { ...ofAws(settings, sizeGiB), ...drift }
        : backend === "openstack"
          ? { sizeGiB, ...settings, ...drift }
          : { sizeGiB: drift["sizeGiB"] ?? sizeGiB, settings: { ...settings, ...drift }, takenBy };
    const given = transformed && { sizeGiB, settings: { ...settings, ...transformed } };
    return [
      {
        urn,
        type: "storage-profiles:index:ProfiledVolume",
        inputs: isOlder ? { ...resolved, tags: undefined } : resolved,
        outputs: isUnfinished
          ? undefined
          : {
              ...{ volumeId: `id-${name}`, sizeGiB, settings: { ...settings, ...transformed } },
              isTransformed: transformed && true,
            },
      },
      ...(isGone
        ? []
        : [{ urn: child, type: TYPES[backend], id: `id-${name}`, parent: urn, protect, inputs: given, outputs: has }]),
    ];
  });
  const state = readExport({
    version: 4,
    deployment: { manifest: { time: "2026-01-01T00:00:00Z" }, resources: [...resources, ...extra] },
  });
  if ("problem" in state) throw new Error(state.problem);
  return state;
}

const shown = (config: StackConfigRead, state: StackState) =>
  Object.fromEntries(
    statusesOf(config, state).map(({ name, status, causes }) => [
      name,
      [status, ...causes.map(({ code }) => code)].join(" "),
    ]),
  );

const LOCAL: StackConfig = {
  backend: "local",
  profiles: { fast: { local: { iops: 100 } } },
  volumes: { a: { profile: "fast", sizeGiB: 1 }, b: { sizeGiB: 2 } },
};

test.each<[string, StackConfig]>([
  ["local", LOCAL],
  [
    "aws",
    { backend: "aws", volumes: { a: { profile: "gold", sizeGiB: 10 }, b: { sizeGiB: 1, aws: { tags: { x: "y" } } } } },
  ],
  [
    "scaleio",
    {
      backend: "scaleio",
      scaleio: { protectionDomain: "d", storagePool: "p" },
      volumes: { a: { profile: "gold", sizeGiB: 10 } },
    },
  ],
  [
    "openstack",
    { backend: "openstack", volumes: { a: { profile: "gold", sizeGiB: 10, openstack: { description: "x" } } } },
  ],
])("on %s a volume that was just made is compliant, and nothing is left to do", async (_, values) => {
  const config = await read(values);
  const state = stateOf(config);
  expect(statusesOf(config, state).map(({ status, causes, verdict }) => [status, causes, verdict])).toEqual(
    Object.keys(values.volumes ?? {}).map(() => ["compliant", [], "none"]),
  );
  expect(plansOf(config, state)).toEqual([]);
  // Declared by the program instead of the config, it stands the same.
  const ofProgram = await read({ ...values, volumes: {} });
  expect(statusesOf(ofProgram, state).map(({ status, declaredBy }) => `${status} ${declaredBy}`)).toEqual(
    Object.keys(values.volumes ?? {}).map(() => "compliant program"),
  );
});

describe("a volume", () => {
  test("is out of date when something was declared since", async () => {
    const state = stateOf(await read(LOCAL));
    const with2 = (changes: StackConfig) => read({ ...LOCAL, ...changes });
    expect(shown(await with2({ profiles: { fast: { local: { iops: 101 } } } }), state)).toMatchObject({
      a: "out-of-date status-revision-changed",
      b: "compliant",
    });
    expect(shown(await with2({ volumes: { a: { profile: "gold", sizeGiB: 1 }, b: { sizeGiB: 3 } } }), state)).toEqual({
      a: "out-of-date status-profile-changed",
      b: "out-of-date status-declaration-changed",
    });
    expect(shown(await with2({ volumes: { ...LOCAL.volumes, c: { sizeGiB: 1 } } }), state)).toMatchObject({
      c: "not-created status-not-made",
    });
    expect(shown(await with2({ deletionProtection: false }), state)).toMatchObject({
      a: "out-of-date status-declaration-changed",
    });
    // A description and another backend's section mean nothing to it.
    expect(
      shown(await with2({ profiles: { fast: { description: "x", local: { iops: 100 }, aws: {} } } }), state),
    ).toMatchObject({ a: "compliant" });
  });

  test.each([
    ["aws", { aws: { tags: { Name: "mine" } } }],
    ["openstack", { openstack: { metadata: { a: "b" } } }],
    ["cio", {}],
    ["ceph", {}],
  ] as const)(
    "on %s is out of date when tags of the stack were changed since, and keeps its own",
    async (backend, own) => {
      const config = {
        backend,
        volumes: { a: { sizeGiB: 8, tags: { team: "shop" }, ...own } },
        tags: { env: "dev", team: "all" },
      } as StackConfig;
      const state = stateOf(await read(config));
      for (const volumes of [config.volumes, {}]) {
        const statuses = async (tags: Record<string, string>) => {
          const [status] = statusesOf(await read({ ...config, volumes, tags }), state);
          return [status?.status, ...(status?.causes ?? []).map(({ message }) => message)].join(": ");
        };
        expect(await statuses({ env: "dev", team: "all" })).toBe("compliant");
        // Its own counts before the stack's.
        expect(await statuses({ env: "dev", team: "other" })).toBe("compliant");
        const changed = await statuses({ env: "prod" });
        expect(changed).toContain("out-of-date: ");
        expect(changed).toContain('"env":"dev","team":"shop"');
        expect(changed).toContain('"env":"prod","team":"shop"');
      }
    },
  );

  test("is compared with what a transform of its program gave its resource", async () => {
    const transformed = { iopsLimit: 777 };
    const state = stateOf(await read(LOCAL), { a: { transformed, drift: transformed } });
    const changed = (iops: number, sizeGiB = 1) =>
      read({ ...LOCAL, profiles: { fast: { local: { iops } } }, volumes: { a: { profile: "fast", sizeGiB } } });
    expect(statusesOf(await changed(100), state)[0]).toMatchObject({
      status: "compliant",
      causes: [],
      verdict: "none",
    });
    // What isn't transformed changes as ever; what is, as far as is known.
    const grown = statusesOf(await changed(100, 2), state)[0];
    expect([grown?.status, grown?.causes.map(({ message }) => message).join()]).toEqual([
      "out-of-date",
      expect.not.stringContaining("777"),
    ]);
    expect(statusesOf(await changed(200), state)[0]).toMatchObject({ status: "out-of-date", verdict: "in-place" });
    const drifted = stateOf(await read(LOCAL), { a: { transformed, drift: { iopsLimit: 5 } } });
    expect(statusesOf(await changed(100), drifted)[0]).toMatchObject({ status: "non-compliant" });
  });

  test("whose `up` went wrong behind its change isn't said to be changed by somebody else", async () => {
    const config = await read({ ...LOCAL, profiles: { fast: { local: { iops: 200 } } } });
    const made = stateOf(config);
    const [a] = made.volumes;
    if (!a?.got) throw new Error("no volume");
    // The component's outputs come last.
    a.got = { ...a.got, settings: { ...a.got.settings, iopsLimit: 100 } as typeof a.got.settings };
    const [status] = statusesOf(config, made);
    expect([status?.status, status?.causes.map(({ code }) => code)]).toEqual([
      "unknown",
      ["status-unfinished", "status-declaration-changed"],
    ]);
    // What the program declares, or declared, is created by its run, if at all.
    const gone = stateOf(await read(LOCAL), { a: { isGone: true } });
    expect(statusesOf(await read({ ...LOCAL, volumes: {} }), gone)[0]?.verdict).toBeUndefined();
  });

  test("is unknown where environments may set something else: what isn't seen isn't called compliant", async () => {
    const config = await read(LOCAL);
    const state = stateOf(config, { b: { drift: { sizeGiB: 3 } } });
    const withEnvironments = { ...config, environments: ["shop/dev"] };
    expect(shown(withEnvironments, state)).toEqual({
      a: "unknown environments-unseen",
      b: "non-compliant environments-unseen status-drifted",
    });
    // What is missing in the file may stand there.
    const { backend: _backend, ...without } = LOCAL;
    const unsure = { ...(await read(without)), environments: ["shop/dev"] };
    expect(statusesOf(unsure, { ...state, volumes: [] }).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
  });

  test.each([
    ["", false],
    [", also after an `up` that was refused for it", true],
  ])("says whose it is when another has taken it over, and nothing of what that one made of it%s", async (_, is) => {
    const config = await read(LOCAL);
    const takenBy = "urn:pulumi:other::p::volume::mine";
    const taken = stateOf(config, { a: { takenBy, drift: { sizeGiB: 99 }, isUnfinished: is } });
    const [a] = statusesOf(config, taken);
    expect(a?.status).toBe("non-compliant");
    expect(a?.causes.map(({ message }) => message)).toEqual([
      "now owned by urn:pulumi:other::p::volume::mine, which imported it",
    ]);
  });

  test("is not compliant when the backend accepted the last change and hasn't carried it out, with the reason", async () => {
    const config = await read(LOCAL);
    const urn = "urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume::a";
    const companion = { urn: `${urn}-outcome`, type: "x:y:Outcome", parent: urn };
    const what = "class silver → gold: the driver rejected the class (Infeasible)";
    const [a] = statusesOf(
      config,
      stateOf(config, { a: { isUnfinished: true } }, [{ ...companion, outputs: { incomplete: what } }]),
    );
    expect([a?.status, a?.causes]).toEqual([
      "non-compliant",
      [expect.objectContaining({ message: `the last change isn't complete: ${what}` })],
    ]);
    const done = stateOf(config, { a: { isUnfinished: true } }, [{ ...companion, outputs: {} }]);
    expect(statusesOf(config, done)[0]).toMatchObject({ status: "unknown", causes: [{ code: "status-unfinished" }] });
  });

  test("is not compliant when its resource is another than it was made, is gone, or when what is declared is impossible", async () => {
    const config = await read(LOCAL);
    const drifted = stateOf(config, { a: { drift: { iopsLimit: 7 } }, b: { isGone: true } });
    expect(statusesOf(config, drifted)).toMatchObject([
      {
        status: "non-compliant",
        causes: [{ message: "drifted: iopsLimit is 7 IOPS, expected 100 IOPS" }],
        verdict: "in-place",
      },
      { status: "non-compliant", causes: [{ code: "status-gone" }], verdict: "create" },
    ]);
    const lost = await read({ ...LOCAL, profiles: {} });
    expect(shown(lost, stateOf(config))).toEqual({ a: "non-compliant status-not-possible", b: "compliant" });
    // Both at once: it was changed, and so was what is declared.
    const edited = await read({ ...LOCAL, profiles: { fast: { local: { iops: 9 } } } });
    expect(shown(edited, drifted)).toMatchObject({ a: "non-compliant status-drifted status-revision-changed" });
  });

  test("on aws has what nobody asked for as the account decides, and is told when a tag is changed", async () => {
    const config = await read({ backend: "aws", volumes: { a: { profile: "gold", sizeGiB: 10 } } });
    expect(shown(config, stateOf(config, { a: { drift: { tags: { Name: "other" } } } }))).toEqual({
      a: "non-compliant status-drifted",
    });
    expect(shown(config, stateOf(config, { a: { drift: { size: 20 } } }))).toEqual({
      a: "non-compliant status-drifted",
    });
  });

  test("on aws has the name and the tags that its program gives it", async () => {
    const config: StackConfig = {
      ...{ backend: "aws", profiles: { gp: { aws: { volumeType: "gp3" } } } },
      volumes: { a: { profile: "gp", sizeGiB: 1 } },
    };
    const of = async (made: Made, { volumes, ...rest }: StackConfig, isListed: boolean, before = config) =>
      shown(await read(isListed ? { ...rest, volumes } : rest), stateOf(await read(before), { a: made }))["a"];
    const named = { asked: { physicalName: "prod-data" } };
    const tagged = { asked: { tags: { team: "shop" } } };
    for (const isListed of [true, false]) expect(await of(named, config, isListed)).toBe("compliant");
    expect(await of(tagged, config, false)).toBe("compliant");
    expect(await of({ ...tagged, isOlder: true }, config, false)).toBe("compliant");
    // A tag of the stack is its own to remove; an earlier version didn't say whose it is.
    const withTag = { ...config, tags: { env: "dev" } };
    const left = (made: Made) => of(made, config, false, withTag);
    expect([await left({}), await left({ isOlder: true })]).toEqual([
      "out-of-date status-declaration-changed",
      "compliant",
    ]);
    expect(await of({ ...tagged, isOlder: true }, withTag, false)).toBe("out-of-date status-declaration-changed");
  });

  test("is unknown when the last `up` did not finish it, or when the state can't be read", async () => {
    const config = await read(LOCAL);
    expect(shown(config, stateOf(config, { a: { isUnfinished: true } }))).toEqual({
      a: "unknown status-unfinished",
      b: "compliant",
    });
    const pending = { ...stateOf(config, { b: { isGone: true } }), pending: [] as StackState["pending"] };
    pending.pending.push({ urn: pending.volumes[1]?.urn ?? "", type: "creating" });
    expect(shown(config, pending)).toMatchObject({ b: "unknown status-unfinished" });
    const old = {
      urn: "urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume::z",
      type: "storage-profiles:index:ProfiledVolume",
      inputs: { name: "z" },
    };
    expect(shown(config, stateOf(config, {}, [old]))).toMatchObject({ z: "unknown status-not-readable" });
  });

  test("on an array is not compliant while a mapping has other limits than its profile", async () => {
    const config = await read({
      backend: "scaleio",
      scaleio: { protectionDomain: "d", storagePool: "p" },
      volumes: { a: { profile: "gold", sizeGiB: 8 } },
    });
    const child = `urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume$${TYPES.scaleio}::a`;
    const mapping = (name: string, limit: number, isOwn: boolean) => ({
      urn: `urn:pulumi:dev::p::pulumi-nodejs:dynamic/storage-profiles:VolumeMapping::${name}`,
      type: "pulumi-nodejs:dynamic/storage-profiles:VolumeMapping",
      // A refresh writes the array into the inputs of both.
      inputs: { iopsLimit: limit, volumeSystemId: "1" },
      outputs: { iopsLimit: limit, bandwidthLimitKBps: 1000448 },
      dependencies: [child],
      propertyDependencies: { volumeId: [child], ...(isOwn && { volumeSystemId: [child] }) },
    });
    const state = stateOf(config, {}, [
      mapping("one", 500, true),
      mapping("two", 10000, true),
      mapping("theirs", 7, false),
    ]);
    expect(statusesOf(config, state)).toMatchObject([
      {
        status: "non-compliant",
        causes: [
          {
            message:
              "iopsLimit of one is 500 IOPS, expected 10,000 IOPS: changed on the backend, or not updated by the last `up`",
          },
        ],
      },
    ]);
    expect(state.volumes[0]?.followers.map(({ name }) => name)).toEqual(["one", "two", "theirs"]);
  });

  test("is not compliant when a refresh has found a mapping or an attachment of it gone", async () => {
    const place = { protectionDomain: "d", storagePool: "p" };
    const urn = "urn:pulumi:dev::p::storage-profiles:index:ProfiledVolume::a";
    const mapping = (outputs: object) => ({
      urn: `urn:pulumi:dev::p::pulumi-nodejs:dynamic/storage-profiles:VolumeMapping::on-node1`,
      type: "pulumi-nodejs:dynamic/storage-profiles:VolumeMapping",
      inputs: { iopsLimit: 10_000, volumeSystemId: "1" },
      outputs: { iopsLimit: 10_000, ...outputs },
      dependencies: [`${urn.replace("::a", "")}$${TYPES.scaleio}::a`],
    });
    // What the provider of another package finds gone is out of the state: the component stays.
    const attachment = (volume: string) => ({
      urn: `urn:pulumi:dev::p::storage-profiles:index:VolumeAttachment::on-web`,
      type: "storage-profiles:index:VolumeAttachment",
      inputs: { host: "i-1" },
      outputs: { devicePath: "/dev/x", volume },
    });
    const child = {
      urn: "urn:pulumi:dev::p::storage-profiles:index:VolumeAttachment$aws:ec2/volumeAttachment:VolumeAttachment::on-web",
      type: "aws:ec2/volumeAttachment:VolumeAttachment",
      parent: attachment(urn).urn,
    };
    const told = async (values: StackConfig, ...extra: object[]) => {
      const config = await read({ ...values, volumes: { a: { profile: "gold", sizeGiB: 8 } } });
      const [a] = statusesOf(config, stateOf(config, {}, extra));
      return [a?.status, ...(a?.causes ?? []).map(({ message }) => message)];
    };
    const scaleio: StackConfig = { backend: "scaleio", scaleio: place };
    expect(await told(scaleio, mapping({}))).toEqual(["compliant"]);
    expect(await told(scaleio, mapping({ gone: true }))).toEqual([
      "non-compliant",
      "drifted: on-node1, which attaches it to a host, is missing",
    ]);
    expect(await told({ backend: "aws" }, attachment(urn), child)).toEqual(["compliant"]);
    expect(await told({ backend: "aws" }, attachment(`${urn}b`))).toEqual(["compliant"]);
    expect(await told({ backend: "aws" }, attachment(urn))).toEqual([
      "non-compliant",
      "drifted: on-web, which attaches it to a host, is missing",
    ]);
  });
});

describe("a plan", () => {
  test("has the volumes that edits touch, with the cost before and after", async () => {
    const priced: StackConfig = { ...LOCAL, prices: { local: { perGiB: 2 } } };
    const config = await read(priced);
    const state = stateOf(config);
    const after = await read({
      ...priced,
      profiles: { fast: { local: { iops: 50 } } },
      volumes: { a: { profile: "fast", sizeGiB: 3 }, c: { sizeGiB: 1 } },
    });
    expect(plansOf(after, state, config)).toMatchObject([
      { name: "a", verdict: "in-place", costBefore: { amount: 2 }, costAfter: { amount: 6 } },
      { name: "c", verdict: "create", costAfter: { amount: 2 } },
      { name: "b", verdict: "delete", costBefore: { amount: 4 } },
    ]);
    expect(plansOf(config, state, config)).toEqual([]);
  });

  test("refuses what loses data, on the volume's place in the config", async () => {
    const config = await read(LOCAL);
    const state = stateOf(config);
    const after = await read({
      ...LOCAL,
      volumes: { a: { profile: "fast", sizeGiB: 1, backend: "aws" }, b: { sizeGiB: 1 } },
    });
    expect(plansOf(after, state, config)).toMatchObject([
      {
        name: "a",
        verdict: "refused",
        problems: [{ code: "profile-without-backend", path: "storage-profiles:volumes.a.profile" }],
      },
      {
        name: "b",
        verdict: "refused",
        problems: [{ code: "change-shrinks", path: "storage-profiles:volumes.b: sizeGiB" }],
      },
    ]);
  });

  test("says what another profile would do to a volume of the program", async () => {
    const state = stateOf(await read(LOCAL));
    const config = await read({ ...LOCAL, volumes: {} });
    expect(whatIf(config, state, { name: "b", profile: "fast" })).toMatchObject({
      verdict: "in-place",
      from: { profile: "default" },
      to: { profile: "fast" },
    });
    expect(whatIf(config, state, { name: "b", size: "1GiB" })).toMatchObject({
      verdict: "refused",
      problems: [{ code: "change-shrinks" }],
    });
  });

  test("knows who uses a profile, and what is protected", async () => {
    const config = await read({ ...LOCAL, profiles: { ...LOCAL.profiles, sub: { extends: "fast" } } });
    const state = stateOf(
      await read({ ...LOCAL, volumes: { old: { profile: "fast", sizeGiB: 1 }, a: { sizeGiB: 1 } } }),
      { a: { protect: false } },
    );
    const codes = (...edits: Parameters<typeof editProblems>[0]) =>
      editProblems(edits, config, state).map(({ code, message }) => `${code}: ${message}`);
    expect(codes({ kind: "remove-profile", name: "fast" })).toEqual([
      'profile-in-use: "fast" is used by volumes a, old and by profile sub',
    ]);
    expect(codes({ kind: "remove-profile", name: "fats" })).toEqual(['profile-not-own: unknown profile "fats"']);
    expect(codes({ kind: "remove-profile", name: "sub" })).toEqual([]);
    expect(codes({ kind: "remove-volume", name: "a" }, { kind: "remove-volume", name: "nope" })).toEqual([
      'volume-unknown: unknown volume "nope"',
    ]);
    expect(codes({ kind: "remove-volume", name: "old" })).toEqual([
      'volume-of-program: the program sets the profile and the size of "old"',
    ]);
    expect(
      newProblems([], editProblems([{ kind: "set-volume", name: "old", volume: { sizeGiB: 1 } }], config, state)),
    ).toHaveLength(1);
  });
});

test("an export that isn't one is a problem, and an empty one is a stack without volumes", () => {
  expect(readExport({ deployment: { resources: [{}] } })).toHaveProperty("problem");
  expect(readExport(undefined)).toHaveProperty("problem");
  expect(readExport({ version: 3, deployment: { manifest: {} } })).toMatchObject({
    exists: true,
    volumes: [],
    resources: 0,
  });
});

test("a pinned volume is told with the pin as its definition, and no edit of its profile is due for it", async () => {
  const config = (iops: number, more: StackConfig = {}) =>
    read({ ...LOCAL, profiles: { fast: { local: { iops } } }, ...more });
  const state = stateOf(await config(100), { a: { drift: { iopsLimit: 7 } } });
  const pinned = await config(200, { pins: { "a@fast": { local: { iops: 100 } } } });
  // As if a shared file had the profile.
  const shared = { ...pinned, catalog: { ...pinned.catalog, profiles: { ...pinned.catalog.profiles } } };
  shared.catalog.profiles["fast"] = { ...pinned.catalog.profiles["fast"]!, origin: "catalog", file: "f.yaml", line: 3 };
  const statuses = statusesOf(shared, state);
  expect(statuses[0]).toMatchObject({ status: "non-compliant", pin: { reference: "a@fast" } });
  expect(statuses[0]?.definition).toEqual({ origin: "stack" });
  expect(behindProfile(shared, statuses, "fast")).toEqual([]);
  expect(behindProfile(pinned, statusesOf(await config(200), state), "fast")).toHaveLength(1);
});
