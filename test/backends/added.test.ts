// A backend that isn't part of the package is registered by two lines, and is in everything that lists backends.

import "./tape";

import * as pulumi from "@pulumi/pulumi";

import { ProfiledVolume, VolumeAttachment } from "../../components";
import { commands } from "../../src/cli/commands";
import { run } from "../../src/cli/run";
import * as core from "../../src";
import {
  backendNames,
  backends,
  builtinProfiles,
  change,
  configKeys,
  editorSchema,
  makeCatalog,
  quantities,
  readConfig,
  resolve,
} from "../../src";
import type { Tape, TapeSettings } from "./tape";

async function call(line: string) {
  const [out, err]: [string[], string[]] = [[], []];
  const io = { cwd: "/", env: {}, isTerminal: false, columns: 200, pulumi: "no-such-pulumi" };
  const code = await run(line.split(" "), { ...io, out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join(""), err: err.join("") };
}

test("is listed, has built-in profiles, config keys and quantities", () => {
  expect(backendNames).toContain("tape");
  expect(builtinProfiles()["gold"]).toHaveProperty("tape", { speedMBps: 400 });
  expect(configKeys()).toContain("tape");
  expect(quantities().tape).toMatchObject({ speedMBps: { unit: "MB/s" } });
});

test("is in the schema for editors: the section of a profile, the stack's own key, limits and prices, what a volume says", () => {
  const { config } = editorSchema()["properties"] as any;
  const of = (key: string) => config.properties[`storage-profiles:${key}`];
  expect(of("backend").enum).toContain("tape");
  expect(of("tape").description).toBe("Where tapes are");
  expect(JSON.stringify(of("profiles").additionalProperties.properties.tape)).toContain("speedMBps");
  expect(of("volumes").additionalProperties.properties.tape.properties).toHaveProperty("library");
  expect([of("limits").properties, of("prices").properties]).toEqual([
    expect.objectContaining({ tape: expect.anything() }),
    expect.objectContaining({ tape: expect.anything() }),
  ]);
});

test("is in the tables of the docs", () => {
  const { profilesPage } = require("../../tools/generate.js");
  expect(profilesPage(core)).toContain("| Tape library | `{speedMBps: 400}` |");
});

test("its mistakes are problems like all others", () => {
  const { problems } = readConfig({ profiles: { value: { fast: { tape: { speedMbps: 1 } } } } });
  expect(problems).toMatchObject([{ code: "unknown-key", path: "storage-profiles:profiles.fast.tape.speedMbps" }]);
  const far = resolve(makeCatalog(), { name: "data@gold", sizeGiB: 20_000, backend: "tape" });
  expect(far.problems).toMatchObject([{ code: "size-beyond-limit", given: 20_000 }]);
});

test("a problem that it alone has is raised and compared by its code", () => {
  const { problems } = resolve(makeCatalog({ profiles: { slow: { tape: { speedMBps: 10 } } } }), {
    name: "data@slow",
    sizeGiB: 1,
    backend: "tape",
  });
  expect(problems).toMatchObject([{ code: "tape-too-slow", given: 10, allowed: "40 MB/s or more" }]);
  expect(problems[0]?.code === "tape-too-slow").toBe(true);
  // @ts-expect-error -- a typing error
  expect(problems[0]?.code === "tape-to-slow").toBe(false);
  expect(backends.tape.problems?.problemKinds).toHaveProperty("tape-too-slow");
});

test("tags, which it doesn't declare, are noted as ignored", () => {
  const request = { name: "data", sizeGiB: 1, backend: "tape", tags: { team: "shop" } };
  const { volume, notes } = resolve(makeCatalog({ tags: { env: "dev" } }), request);
  expect(volume).not.toHaveProperty("tags");
  expect(notes.map(({ code, path }) => `${code} ${path}`)).toEqual([
    "tags-ignored storage-profiles:tags",
    "tags-ignored tags",
  ]);
});

test("its changes are judged", () => {
  const at = (library: string, profile: string) =>
    resolve(makeCatalog(), { name: `data@${profile}`, sizeGiB: 1, backend: "tape", placement: { library } }).volume!;
  expect(change(at("a", "gold"), at("a", "default")).verdict).toBe("in-place");
  expect(change(at("a", "gold"), at("b", "gold")).verdict).toBe("refused");
});

test("explain shows it beside the others, and init asks what it needs", async () => {
  const { out, code } = await call("explain gold --size 100 --backend tape");
  expect([code, out]).toEqual([0, expect.stringMatching(/Tape library[^]*speedMBps[^]*400 MB\/s/)]);
  expect((await call("explain gold --size 100")).out).toContain("Tape library");
  const init = commands.find(({ name }) => name === "init");
  expect(init?.options).toContainEqual({ flags: "--library <name>", description: "tape: the tape library" });
});

describe("in a program", () => {
  const seen: pulumi.runtime.MockResourceArgs[] = [];
  beforeEach(async () => {
    seen.length = 0;
    const newResource = (args: pulumi.runtime.MockResourceArgs) => {
      seen.push(args);
      return { id: args.custom === false ? "" : `id-${args.name}`, state: args.inputs };
    };
    await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "project", "stack", false, "organization");
    pulumi.runtime.setAllConfig({ "storage-profiles:backend": "tape", "storage-profiles:tape": '{"library":"north"}' });
  });
  const settled = async () => {
    for (let turn = 0; turn < 60; turn++) await new Promise((done) => setImmediate(done));
  };

  test("its arguments, settings, resource, transform and attachment have their own types", async () => {
    const volume = new ProfiledVolume("data@gold", {
      sizeGiB: 10,
      backend: "tape",
      tape: { library: "south" },
      transform: { tape: (args) => ({ args: { ...args, label: "x" } }) },
    });
    // These compile: the types are those of the backend.
    const settings: pulumi.Output<TapeSettings> = volume.settings;
    const resource: Tape = volume.resource;
    new VolumeAttachment("robot", { volume, host: "robot1", tape: { drive: 1 } });
    // @ts-expect-error -- no such setting
    void volume.settings.apply(({ speed }) => speed);
    // @ts-expect-error -- a typing error in an override
    const wrong = () => new ProfiledVolume("b", { sizeGiB: 1, tape: { libary: "x" } });
    await settled();
    expect(wrong).toBeDefined();
    expect(resource).toBe(volume.resource);
    expect(await new Promise((done) => settings.library.apply(done))).toBe("south");
    expect(seen.map(({ type, name, inputs }) => `${type} ${name} ${inputs["label"] ?? inputs["host"]}`).sort()).toEqual(
      [
        "storage-profiles:index:ProfiledVolume data undefined",
        "storage-profiles:index:VolumeAttachment robot robot1",
        "tape:index:Tape data x",
        "tape:index:Tape robot undefined",
      ],
    );
  });

  test("its volumes can't be read by an id, and the problem names the way", async () => {
    await pulumi.runtime.setMocks({
      newResource: ({ inputs }) => ({ id: "1", state: inputs as object }),
      call: () => ({}),
    });
    expect(() => ProfiledVolume.get("shared", "1", { backend: "tape" })).toThrow(
      /volumes on tape can't be read by their id.*outputs of the stack that manages it/s,
    );
  });

  test("a mistake in an attachment's options names the way", () => {
    const volume = new ProfiledVolume("data@gold", { sizeGiB: 10 });
    expect(() => new VolumeAttachment("r", { volume, host: "h", tape: { drvie: 1 } } as never)).toThrow(
      'did you mean "drive"?',
    );
  });
});
