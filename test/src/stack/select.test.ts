// Names and URNs of volumes: a name is a label, and where several volumes have it only a URN selects one.

import { readConfigText } from "../../../src/stack/read-config";
import { editProblems, plansOf, whatIf } from "../../../src/stack/plan";
import { oneVolume, recordedAs, selectorOf } from "../../../src/stack/select";
import { readExport } from "../../../src/stack/state";
import { statusesOf } from "../../../src/stack/status";
import { resolve, type StackConfig } from "../../../src";
import type { StackConfigRead, StackState } from "../../../src/stack";

const COMPONENT = "storage-profiles:index:ProfiledVolume";
const CHILD = "pulumi-nodejs:dynamic/storage-profiles:LocalVolume";
const urnOf = (parent: string, name: string) =>
  `urn:pulumi:dev::p::${parent === "" ? "" : `app:${parent}$`}${COMPONENT}::${name}`;

const read = (values: StackConfig): Promise<StackConfigRead> => {
  const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [`storage-profiles:${key}`, value]));
  return readConfigText(JSON.stringify({ config }), "/p/Pulumi.dev.yaml", {
    directory: "/p",
    projectConfig: {},
    env: {},
  });
};

/** A state with a volume per parent and name, each with a profile. */
function stateOf(config: StackConfigRead, volumes: [parent: string, name: string, profile: string][]): StackState {
  const resources = volumes.flatMap(([parent, name, profile]) => {
    const { volume } = resolve(config.catalog, config.requestFor(name, { profile, sizeGiB: 1 }));
    if (!volume) throw new Error("no volume");
    const { sizeGiB, settings } = volume;
    const urn = urnOf(parent, name);
    const own = { sizeGiB, settings };
    return [
      { urn, type: COMPONENT, inputs: volume, outputs: { volumeId: `id of ${urn}`, ...own } },
      { urn: urn.replace(/(::[^:]*)$/, `$$${CHILD}$1`), type: CHILD, id: urn, parent: urn, outputs: own },
    ];
  });
  const state = readExport({ version: 3, deployment: { resources } });
  if ("problem" in state) throw new Error(state.problem);
  return state;
}

describe("two volumes of one name under two parents", () => {
  let config: StackConfigRead;
  let state: StackState;
  beforeAll(async () => {
    config = await read({ backend: "local", local: { mode: "directory" } });
    state = stateOf(config, [
      ["Web", "data", "gold"],
      ["Db", "data", "bronze"],
      ["Db", "logs", "bronze"],
    ]);
  });

  test("have each a status of its own, with its own profile and id", () => {
    const statuses = statusesOf(config, state);
    expect(statuses.map(({ urn, profile, volumeId }) => [urn, profile, volumeId])).toEqual(
      expect.arrayContaining([
        [urnOf("Web", "data"), "gold", `id of ${urnOf("Web", "data")}`],
        [urnOf("Db", "data"), "bronze", `id of ${urnOf("Db", "data")}`],
      ]),
    );
    expect(statuses).toHaveLength(3);
  });

  test("are not told apart by the name, which is refused with their URNs, and are by a URN", () => {
    const statuses = statusesOf(config, state);
    const { problem } = oneVolume(statuses, "data", "volumes");
    expect(problem?.code).toBe("volume-ambiguous");
    for (const parent of ["Web", "Db"]) expect(problem?.allowed).toContain(urnOf(parent, "data"));
    expect(oneVolume(statuses, urnOf("Web", "data"), "volumes").volume?.profile).toBe("gold");
    expect(oneVolume(statuses, "logs", "volumes").volume?.urn).toBe(urnOf("Db", "logs"));
    expect(oneVolume(statuses, "log", "volumes").problem).toMatchObject({ code: "volume-unknown" });
    expect(oneVolume(statuses, urnOf("Web", "logs"), "volumes").problem).toMatchObject({ code: "volume-unknown" });
    expect(statuses.map((each) => selectorOf(each, statuses)).sort()).toEqual([
      "logs",
      urnOf("Db", "data"),
      urnOf("Web", "data"),
    ]);
  });

  test("are planned each from what it has itself", () => {
    const plan = (parent: string) => whatIf(config, state, { name: urnOf(parent, "data"), profile: "silver" });
    expect([plan("Web").from?.profile, plan("Db").from?.profile]).toEqual(["gold", "bronze"]);
  });

  test("leave the config's entry of that name undecided, unless one of them is directly below the stack", async () => {
    const listed = await read({
      backend: "local",
      local: { mode: "directory" },
      volumes: { data: { profile: "silver", sizeGiB: 1 } },
    });
    const [undecided] = statusesOf(listed, state);
    expect(undecided).toMatchObject({
      declaredBy: "config",
      verdict: "refused",
      problems: [{ code: "volume-ambiguous" }],
    });

    const direct = stateOf(listed, [
      ["Web", "data", "gold"],
      ["", "data", "bronze"],
    ]);
    expect(recordedAs(direct, "data").map(({ urn }) => urn)).toEqual([urnOf("", "data")]);
    expect(plansOf(listed, direct)).toMatchObject([
      { urn: urnOf("", "data"), declaredBy: "config", from: { profile: "bronze" }, to: { profile: "silver" } },
    ]);
    expect(statusesOf(listed, direct).map(({ urn, declaredBy }) => [urn, declaredBy])).toEqual([
      [urnOf("", "data"), "config"],
      [urnOf("Web", "data"), "program"],
    ]);
    const removed = await read({ backend: "local", local: { mode: "directory" } });
    expect(plansOf(removed, direct, listed)).toMatchObject([{ urn: urnOf("", "data"), verdict: "delete" }]);
    expect(editProblems([{ kind: "remove-volume", name: "data" }], listed, direct)).toEqual([]);
  });
});
