// What is refused before anything is touched, in both modes: bad names, other people's files, links, damaged records.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import fc from "fast-check";

import { namePattern, volumeId, volumePaths } from "../../../../components/backends/local/paths";
import {
  adoptVolume,
  createVolume,
  deleteVolume,
  inspectVolume,
  listVolumes,
  preflight,
  repairVolume,
  updateVolume,
} from "../../../../components/backends/local/lifecycle";
import * as support from "./support";
import { directory, failure, request } from "./support";
import { runs } from "../../../support/property";

const space = support.workspace();
let state: string;
let root: string;
beforeEach(() => ({ state, root } = space));

const uid = "00000000-0000-4000-8000-000000000000";
const ask = (name: string, change = {}) => request(state, name, { settings: directory, ...change });

describe("names and paths", () => {
  it.each([
    ["project", ""],
    ["stack", ".."],
    ["name", "."],
    ["name", "a/b"],
    ["name", "-rf"],
    ["name", ".hidden"],
    ["name", "a b"],
    ["name", "a\n"],
    ["name", "x".repeat(201)],
  ])("the %s %j is refused, and nothing is made", async (what, value) => {
    for (const operation of [createVolume, preflight]) {
      const error = await failure(operation(ask("v", { [what]: value })));
      expect(error).toMatchObject({ code: "invalid-request", message: expect.stringContaining(what) });
    }
    expect(fs.existsSync(state)).toBe(false);
  });

  it.each(["", "/", "relative", "/a/../b", "/a//b", "/a/", "/a\nb", "/a/."])(
    "the state directory %j is refused",
    async (stateDirectory) => {
      const error = await failure(createVolume(ask("v", { stateDirectory })));
      expect(error).toMatchObject({ code: "invalid-request", message: expect.stringContaining("stateDirectory") });
    },
  );

  it.each([
    ["sizeGiB", { sizeGiB: 0 }],
    ["sizeGiB", { sizeGiB: 1.5 }],
    ["sizeGiB", { sizeGiB: 1e12 }],
    ["owner", { owner: "" }],
    ["iopsLimit", { settings: { ...directory, iopsLimit: -1 } }],
    ["mode", { settings: { ...directory, mode: "raid" } }],
    ["burst", { settings: { ...directory, burst: 1 } }],
  ])("a wrong %s is refused by its name", async (name, change) => {
    const error = await failure(createVolume(ask("v", change)));
    expect(error).toMatchObject({ code: "invalid-request", message: expect.stringContaining(name) });
  });

  it.each([
    "/etc",
    "volumes/p/s/n",
    "/volumes/p/s/n",
    "/state/volumes/p/s",
    "/state/volumes/p/s/n/",
    "/state/volumes/p/../n",
    "/state/volumes/p/s/..",
    "/state/../volumes/p/s/n",
    "/state/volumes/p/s/n/mount",
    "/state/volumes/p/s/n\n",
  ])("the id %j is refused by every operation", async (id) => {
    const operations = [
      () => inspectVolume(id),
      () => updateVolume(id, ask("n")),
      () => repairVolume(id),
      () => deleteVolume(id, { uid }),
      () => adoptVolume(id, { owner: "urn:n" }),
    ];
    for (const operation of operations) expect((await failure(operation())).code).toBe("outside-state-directory");
  });

  it("an id leads back to what it was made of", () => {
    const name = fc.stringMatching(namePattern).filter((text) => text.length <= 200);
    const stateDirectory = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(stateDirectory, name, name, name, (at, project, stack, volume) => {
        const id = volumeId(at, project, stack, volume);
        expect(volumePaths(id)).toMatchObject({ id, stateDirectory: at, project, stack, name: volume });
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("what storage-profiles didn't make", () => {
  it("a directory in use isn't taken for a state directory", async () => {
    fs.mkdirSync(state);
    fs.writeFileSync(path.join(state, "thesis.txt"), "years of work");
    for (const operation of [createVolume, preflight]) {
      const error = await failure(operation(ask("v")));
      expect(error).toMatchObject({
        code: "foreign-state-directory",
        message: expect.stringContaining('"thesis.txt"'),
      });
    }
    expect(support.tree(state)).toEqual(["thesis.txt"]);
  });

  it("a directory that only looks like a volume of ours isn't touched", async () => {
    const id = volumeId(state, "shop", "dev", "v");
    fs.mkdirSync(id, { recursive: true });
    expect((await failure(deleteVolume(id, { uid }))).code).toBe("foreign-state-directory");
    expect((await failure(repairVolume(id))).code).toBe("foreign-state-directory");
    expect(fs.existsSync(id)).toBe(true);
  });

  it.each(["notes.txt", "data.img", "volume.json.bak"])(
    "%s in the volume's place refuses its creation and deletion",
    async (name) => {
      await createVolume(ask("neighbour"));
      const id = volumeId(state, "shop", "dev", "v");
      fs.mkdirSync(id);
      fs.writeFileSync(path.join(id, name), "precious");
      for (const operation of [
        () => createVolume(ask("v")),
        () => preflight(ask("v")),
        () => deleteVolume(id, { uid }),
      ]) {
        expect(await failure(operation())).toMatchObject({
          code: "foreign-files",
          message: expect.stringContaining(name),
        });
      }
      expect((await inspectVolume(id))?.problems).toEqual([
        expect.stringContaining("The record (volume.json) is missing"),
        expect.stringContaining(name),
        expect.anything(),
      ]);
      expect(fs.readFileSync(path.join(id, name), "utf8")).toBe("precious");
    },
  );

  it("a foreign file beside the data refuses the deletion before anything is removed", async () => {
    const volume = await createVolume(ask("v"));
    const data = support.writeData(volume);
    const before = support.tree(state);
    fs.writeFileSync(path.join(volume.id, "notes.txt"), "precious");
    expect(await failure(deleteVolume(volume.id, volume))).toMatchObject({
      code: "foreign-files",
      message: expect.stringContaining("notes.txt"),
    });
    fs.unlinkSync(path.join(volume.id, "notes.txt"));
    expect(support.tree(state)).toEqual(before);
    expect(support.readData(volume)).toBe(data);
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
  });

  it("an empty directory and a half-written record in its place are no obstacle", async () => {
    await createVolume(ask("neighbour"));
    const id = volumeId(state, "shop", "dev", "v");
    fs.mkdirSync(id);
    fs.writeFileSync(path.join(id, "volume.json.new"), '{"version":');
    expect(await inspectVolume(id)).toBeUndefined();
    await createVolume(ask("v"));
    expect(await inspectVolume(id)).toMatchObject({ problems: [] });
  });
});

describe("symbolic links", () => {
  it.each(["volumes", "volumes/shop", "volumes/shop/dev", "volumes/shop/dev/v", "volumes/shop/dev/v/data"])(
    "at %s are refused, and what they point to is left alone",
    async (place) => {
      const volume = await createVolume(ask("v"));
      const data = support.writeData(volume);
      const link = path.join(state, place);
      const outside = `${state}-outside`;
      fs.renameSync(link, outside);
      fs.symlinkSync(outside, link);
      const before = support.tree(outside);
      expect((await failure(deleteVolume(volume.id, volume))).code).toBe("symlink");
      for (const operation of [createVolume, (asked: ReturnType<typeof ask>) => updateVolume(volume.id, asked)]) {
        expect((await failure(operation(ask("v")))).code).toBe(place.endsWith("data") ? "data-gone" : "symlink");
      }
      expect(support.tree(outside)).toEqual(before);
      fs.unlinkSync(link);
      fs.renameSync(outside, link);
      expect(support.readData(volume)).toBe(data);
    },
  );

  it("at the record are refused", async () => {
    const volume = await createVolume(ask("v"));
    const record = path.join(volume.id, "volume.json");
    fs.renameSync(record, path.join(root, "elsewhere.json"));
    fs.symlinkSync(path.join(root, "elsewhere.json"), record);
    for (const operation of [
      () => inspectVolume(volume.id),
      () => deleteVolume(volume.id, volume),
      () => updateVolume(volume.id, ask("v")),
    ]) {
      expect((await failure(operation())).code).toBe("symlink");
    }
    expect(fs.existsSync(volume.mountPath)).toBe(true);
  });

  it("inside the data are removed, and not what they point to", async () => {
    const volume = await createVolume(ask("v"));
    const outside = path.join(root, "outside");
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, "precious"), "not ours");
    fs.symlinkSync(outside, path.join(volume.mountPath, "link"));
    await deleteVolume(volume.id, volume);
    expect(support.leftovers(state)).toEqual([]);
    expect(fs.readFileSync(path.join(outside, "precious"), "utf8")).toBe("not ours");
  });
});

describe("a record", () => {
  it.each([
    ["that was cut off", '{"version": 1, "uid"', "record-unreadable"],
    ["with a strange field", (record: object) => ({ ...record, colour: "red" }), "record-unreadable"],
    ["of a newer version", (record: object) => ({ ...record, version: 2, colour: "red" }), "record-newer"],
  ])("%s is refused, with the data left alone", async (_what, change, code) => {
    const volume = await createVolume(ask("v"));
    const data = support.writeData(volume);
    const file = path.join(volume.id, "volume.json");
    const record = JSON.parse(fs.readFileSync(file, "utf8")) as object;
    fs.writeFileSync(file, typeof change === "string" ? change : JSON.stringify(change(record)));
    const operations = [
      () => createVolume(ask("v")),
      () => updateVolume(volume.id, ask("v")),
      () => repairVolume(volume.id),
      () => deleteVolume(volume.id, volume),
    ];
    for (const operation of operations) expect((await failure(operation())).code).toBe(code);
    expect(await inspectVolume(volume.id)).toMatchObject({
      record: null,
      problems: [expect.stringContaining("volume.json")],
    });
    expect(await listVolumes(state)).toHaveLength(1);
    expect(support.readData(volume)).toBe(data);
  });
});

it("a volume that doesn't exist is undefined, deleted at once, and can't be changed", async () => {
  const id = volumeId(state, "shop", "dev", "v");
  for (const made of [false, true]) {
    if (made) await createVolume(ask("neighbour"));
    expect(await inspectVolume(id)).toBeUndefined();
    await deleteVolume(id, { uid });
    for (const operation of [
      () => updateVolume(id, ask("v")),
      () => repairVolume(id),
      () => adoptVolume(id, { owner: "urn:v" }),
    ]) {
      expect((await failure(operation())).code).toBe("not-found");
    }
  }
});

test("a FIFO in the place of a record, or of the file that becomes one, keeps nothing waiting", async () => {
  const volume = await createVolume(ask("v"));
  const { record } = volumePaths(volume.id);
  const fifo = (file: string) => {
    fs.rmSync(file, { force: true });
    execFileSync("mkfifo", [file]);
  };
  fifo(`${record}.new`);
  expect(await failure(updateVolume(volume.id, ask("v", { sizeGiB: 2 })))).toMatchObject({ code: "io-failed" });
  fs.rmSync(`${record}.new`);
  fifo(record);
  for (const operation of [() => updateVolume(volume.id, ask("v")), () => createVolume(ask("v"))])
    expect(await failure(operation())).toMatchObject({ code: "record-unreadable" });
  expect(JSON.stringify(await inspectVolume(volume.id))).toContain("record");
});
