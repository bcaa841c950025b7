// Volume types that profiles make, through the real engine and provider, on a real Keystone and Cinder: what they consist of, what Cinder then
// holds a volume to, who may use them, what an edit says of the volumes that exist, and what is refused.

import { diagnostics, succeeded } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

interface Type {
  id: string;
  name: string;
  description: string;
  is_public: boolean;
  extra_specs: Record<string, string>;
  qos_specs_id: string | null;
}

describeOpenstackEngine("the volume types of a stack's profiles", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("types", () => lab);
  const program = (args: object = {}, more = "") =>
    project.program(`
      const { VolumeTypes } = require("storage-profiles");
      exports.types = new VolumeTypes("types", ${JSON.stringify(args)}).types;
      ${more}`);
  const gold = {
    description: "Fast, by size",
    extraSpecs: { volume_backend_name: "fast", "provisioning:max_vol_size": "20" },
    qos: { iops: { perGiB: 30, min: 100, max: 400 }, throughputMiBps: { perGiB: 2, min: 10 } },
  };
  const burst = {
    extraSpecs: { volume_backend_name: "fast" },
    qos: { consumer: "both", readIops: { limit: 500, burst: 900 }, writeIops: 300, specs: { minIOPS: 50 } },
  };
  const array = {
    extraSpecs: { volume_backend_name: "slow" },
    qos: { consumer: "back-end", specs: { maxIOPS: "700" } },
  };
  const hidden = () => ({ projects: [lab.lab.users.plain.projectId], extraSpecs: { multiattach: "<is> True" } });
  const configured = (more: Record<string, unknown> = {}, user: "admin" | "plain" = "admin") => {
    const made = { gold: { openstack: { specs: gold } }, burst: { openstack: { specs: burst } } };
    const others = {
      array: { openstack: { volumeType: "on-array", specs: array } },
      hidden: { openstack: { specs: hidden() } },
      // Only uses what is there: makes none.
      user: { openstack: { volumeType: "gold" } },
    };
    project.configure({ profiles: { ...made, ...others, ...more } }, lab.config(user));
  };
  const typeNamed = async (name: string): Promise<Type | undefined> => {
    const { volume_types: types } = await lab.must("GET", "/types?is_public=None");
    return (types as Type[]).find((each) => each.name === name);
  };
  const qosOf = async (type: Type | undefined): Promise<{ consumer: string; specs: Record<string, string> }> => {
    const { qos_specs: found } = await lab.must("GET", `/qos-specs/${type?.qos_specs_id}`);
    return { consumer: found.consumer, specs: found.specs };
  };
  /** What a hypervisor is told to hold a volume to. */
  const limitsOf = async (id: string) => {
    const attachment = await lab.attach(id);
    const as = { microversion: "3.60", user: "plain" as const };
    const { attachment: found } = await lab.must("GET", `/attachments/${attachment}`, undefined, as);
    await lab.detach(id);
    return found.connection_info.qos_specs as Record<string, string> | null;
  };

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await project.init();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
  });
  beforeEach(async () => {
    await lab.empty();
    const { volume_types: types } = await lab.must("GET", "/types?is_public=None");
    for (const { id, name } of types as Type[]) if (name !== "__DEFAULT__") await lab.must("DELETE", `/types/${id}`);
    project.reset();
  });

  test("are made with all that profiles say, hold volumes to it, are edited in place, kept while they are used, and deleted", async () => {
    configured();
    program();
    await project.up();
    expect(Object.keys((await project.outputs())["types"] as object)).toEqual(["burst", "gold", "hidden", "on-array"]);
    const made = await typeNamed("gold");
    expect(made).toMatchObject({ description: gold.description, is_public: true, extra_specs: gold.extraSpecs });
    expect((await project.outputs())["types"]["gold"]).toEqual({ id: made!.id, name: "gold", profiles: ["gold"] });
    expect(await qosOf(made)).toEqual({
      consumer: "front-end",
      specs: {
        ...{ total_iops_sec_per_gb: "30", total_iops_sec_per_gb_min: "100", total_iops_sec_max: "400" },
        ...{ total_bytes_sec_per_gb: String(2 * 2 ** 20), total_bytes_sec_per_gb_min: String(10 * 2 ** 20) },
      },
    });
    expect(await qosOf(await typeNamed("burst"))).toEqual({
      consumer: "both",
      specs: { read_iops_sec: "500", read_iops_sec_max: "900", write_iops_sec: "300", minIOPS: "50" },
    });
    expect(await qosOf(await typeNamed("on-array"))).toEqual({ consumer: "back-end", specs: { maxIOPS: "700" } });
    expect(await typeNamed("hidden")).toMatchObject({ is_public: false, qos_specs_id: null });

    // Volumes are held to their limits by size, and the types are there for the projects that may use them.
    const of = (volumeType: string, size: number) => lab.create({ name: "data", volume_type: volumeType, size });
    const [small, middle, large, bursting] = await Promise.all([
      of("gold", 1),
      of("gold", 10),
      of("gold", 20),
      of("burst", 1),
    ]);
    const volume = middle;
    // perGiB between min and max, as the profile says it: Cinder works it out for each size.
    expect(await limitsOf(small)).toMatchObject({ total_iops_sec: 100, total_bytes_sec: 10 * 2 ** 20 });
    expect(await limitsOf(middle)).toMatchObject({ total_iops_sec: 300, total_bytes_sec: 20 * 2 ** 20 });
    expect(await limitsOf(large)).toMatchObject({ total_iops_sec: 400, total_bytes_sec: 40 * 2 ** 20 });
    const limits = { read_iops_sec: "500", read_iops_sec_max: "900", write_iops_sec: "300" };
    expect(await limitsOf(bursting)).toMatchObject(limits);
    for (const id of [small, large, bursting]) await lab.must("DELETE", `/volumes/${id}`);

    const id = (await typeNamed("hidden"))!.id;
    const { volume_type_access: access } = await lab.must("GET", `/types/${id}/os-volume-type-access`);
    expect(access).toEqual([expect.objectContaining({ project_id: lab.lab.users.plain.projectId })]);
    const { volume_types: seen } = await lab.must("GET", "/types", undefined, { user: "plain" });
    expect((seen as Type[]).map(({ name }) => name)).toContain("hidden");

    // An edit names the volumes that won't get it.
    const before = await typeNamed("gold");
    const another = await lab.create({ name: "bursting", volume_type: "burst" });
    const edited = { ...gold, qos: { iops: 250 } };
    // Gold gets another limit, and burst loses its QoS. Of on-array there are no volumes.
    configured({
      gold: { openstack: { specs: edited } },
      burst: { openstack: { specs: { extraSpecs: burst.extraSpecs } } },
      array: { openstack: { volumeType: "on-array", specs: { extraSpecs: { "lab:tier": "array" } } } },
    });
    await lab.clear();
    const preview = await project.run(["preview"]);
    expect(succeeded(preview)).not.toMatch(/replace/);
    const told = diagnostics(preview);
    const left = (name: string) =>
      `${name}: 1 volume has type "${name}" and won't get the change until retyped to another type and back (front-end QoS: until reattached)`;
    expect(told).toContain(`${left("gold")}: data (${volume})`);
    expect(told).toContain(`${left("burst")}: bursting (${another})`);
    expect(told).not.toContain("on-array: ");
    expect(await lab.changes()).toEqual([]);

    await project.up();
    const now = await typeNamed("gold");
    expect(now).toMatchObject({ id: before!.id, qos_specs_id: before!.qos_specs_id, extra_specs: gold.extraSpecs });
    expect(await qosOf(now)).toEqual({ consumer: "front-end", specs: { total_iops_sec: "250" } });
    expect(await limitsOf(volume)).toEqual({ total_iops_sec: "250" });
    expect(await typeNamed("burst")).toMatchObject({ qos_specs_id: null });
    expect(await typeNamed("on-array")).toMatchObject({ qos_specs_id: null, extra_specs: { "lab:tier": "array" } });

    // Types that volumes have are neither deleted nor given other extra specs: preview says what Cinder would.
    const other = { ...gold, extraSpecs: { ...gold.extraSpecs, "lab:tier": "gold" }, qos: { iops: 250 } };
    configured({ gold: { openstack: { specs: other } } });
    program({ profiles: ["gold", "array", "hidden"] });
    await lab.clear();
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toContain(
      `1 volume uses type "gold", and Cinder doesn't change the extra specs of a type that is in use: data (${volume}) [type-in-use]`,
    );
    expect(diagnostics(refused)).toContain(
      '1 volume uses type "burst", and Cinder doesn\'t delete a type that is in use: bursting (',
    );
    expect(refused.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(await lab.changes()).toEqual([]);

    // Where Cinder can't be asked, that is noted.
    await lab.stopCinder();
    const unchecked = await project
      .run(["preview"])
      .then(diagnostics)
      .finally(() => lab.startCinder());
    expect(unchecked).toContain('the existing volumes of type "gold" were not checked in advance');

    for (const { id } of await lab.volumes()) {
      await lab.must("DELETE", `/volumes/${id}`);
      await lab.waitFor(id as string, "deleted");
    }
    await project.up();
    expect(await typeNamed("gold")).toMatchObject({ extra_specs: other.extraSpecs });
    expect(await typeNamed("burst")).toBeUndefined();

    // Deleted behind our back they are made anew, once the provider has forgotten their QoS association.
    await lab.must("DELETE", `/types/${(await typeNamed("on-array"))!.id}`);
    // The provider takes an association whose type is gone for an error, and not for gone.
    expect((await project.run(["refresh", "--yes", "--skip-preview"])).text).toContain("Error getting qos association");
    const association = (await project.state())["QosAssociationV3 types-on-array"]!;
    succeeded(await project.run(["state", "delete", association.urn, "--yes"]));
    await project.up({}, "--refresh");
    expect(await qosOf(await typeNamed("on-array"))).toEqual({ consumer: "back-end", specs: { maxIOPS: "700" } });
    expect(await project.steps()).toEqual([]);
    await project.destroy();
    expect(await typeNamed("gold")).toBeUndefined();
  });

  test("are refused at preview where profiles or arguments are wrong, and at up where the user is no administrator", async () => {
    configured({
      twin: { openstack: { volumeType: "gold", specs: burst } },
      wrong: {
        openstack: {
          specs: { qos: { consumer: "back-end", iops: 100 }, extraSpecs: { "provisioning:min_vol_size": "x" } },
        },
      },
    });
    program();
    const differ = await project.run(["preview"]);
    expect(differ.code).not.toBe(0);
    expect(diagnostics(differ)).toContain('define volume type "gold" differently [specs-differ]');
    expect(diagnostics(differ)).toContain("each storage driver has its own names for limits [setting-not-applicable]");
    expect(diagnostics(differ)).toContain('invalid size "x"');
    configured();
    program({ profiles: ["golld"], profile: "gold" });
    const wrong = await project.run(["preview"]);
    expect(wrong.code).not.toBe(0);
    expect(diagnostics(wrong)).toContain('did you mean "gold"?');
    expect(diagnostics(wrong)).toContain('did you mean "profiles"?');
    configured({}, "plain");
    program({ profiles: ["gold"] });
    const forbidden = await project.tryUp();
    expect(forbidden.code).not.toBe(0);
    expect(diagnostics(forbidden)).toContain("Policy doesn't allow volume_extension:type_create to be performed");
    expect(await typeNamed("gold")).toBeUndefined();
  });
});
