// Settings as people read them: with units, and `unlimited` where the backend has 0, wherever a person meets them.

import { readFileSync } from "node:fs";
import path from "node:path";

import {
  backendNames,
  change,
  makeCatalog,
  quantities,
  resolve,
  settingText,
  settingTexts,
  type ResolvedVolume,
} from "../../../src";
import { statusOf } from "../../../src/stack/status";
import { readConfigText } from "../../../src/stack/read-config";

const catalog = makeCatalog({
  profiles: {
    free: { extends: "default" },
    limited: { local: { iops: 500, throughputMiBps: 250 }, scaleio: { iopsLimit: 500, bandwidthLimitKBps: 1024 } },
  },
});
const made = (backend: string, profile: string): ResolvedVolume => {
  const { volume } = resolve(catalog, { name: "data", profile, backend, sizeGiB: 8 });
  if (!volume) throw new Error(`${profile} is not possible on ${backend}`);
  return volume;
};
const LIMITED = ["local", "scaleio"] as const;

describe("a setting that is a number", () => {
  test.each([
    ["aws", "iops", 3000, "3,000 IOPS"],
    ["ceph", "copies", 3, "3"],
    ["cio", "level", 3, "3 copies"],
    ["cio", "snapshotMax", 10, "10"],
    ["cio", "autoExpandThresholdPercent", 80, "80%"],
    ["aws", "throughputMiBps", 125, "125 MiB/s"],
    ["aws", "iops", null, "not set"],
    ["aws", "volumeType", "gp3", '"gp3"'],
    ["local", "throughputLimitMiBps", 0, "unlimited"],
    ["local", "iopsLimit", 0, "unlimited"],
    ["scaleio", "bandwidthLimitKBps", 0, "unlimited"],
    ["scaleio", "bandwidthLimitKBps", 1_000_448, "1,000,448 KB/s"],
    ["openstack", "sizeGiB", 2000, "2,000 GiB"],
    ["openstack", "constructor", 1, "1"],
  ] as const)("on %s, %s of %j is %s", (backend, setting, value, text) => {
    expect(settingText(backend, setting, value)).toBe(text);
  });

  test.each(backendNames)("of a volume on %s has a unit, whichever it is", (backend) => {
    const numbers = Object.keys(catalog.profiles).flatMap((profile) => {
      const { volume } = resolve(catalog, { name: "data", profile, backend, sizeGiB: 8 });
      return Object.entries(volume?.settings ?? {}).filter(([, value]) => typeof value === "number");
    });
    for (const [setting] of numbers) expect(quantities()[backend]).toHaveProperty([setting]);
  });

  test.each(LIMITED)("is never a bare 0 in what a change on %s says", (backend) => {
    for (const [from, to] of [
      ["free", "limited"],
      ["limited", "free"],
    ] as const) {
      const told = change(made(backend, from), made(backend, to)).notes.map(({ message }) => message);
      expect(told.length).toBeGreaterThan(1);
      for (const message of told) expect(message).toContain("unlimited");
      for (const message of told) expect(message).not.toMatch(/(?<![\d.,])0(?![\d.,])/);
    }
  });

  test.each(LIMITED)("is never a bare 0 in what `explain` lists of %s", (backend) => {
    const lines = settingTexts(made(backend, "free"));
    expect(lines).toContain("iopsLimit: unlimited");
    for (const line of lines) expect(line).not.toMatch(/: 0$/);
  });

  test.each(LIMITED)("is never a bare 0 in what the status of a drifted volume on %s says", async (backend) => {
    const read = await readConfigText(
      JSON.stringify({ config: { "storage-profiles:backend": backend } }),
      "/p/Pulumi.dev.yaml",
      { directory: "/p", projectConfig: {}, env: {} },
    );
    const [asked, has] = [made(backend, "limited"), made(backend, "free")];
    const { causes } = statusOf({ ...read, catalog }, "data", undefined, {
      ...{ name: "data", urn: "u", children: [], protected: true, asked, got: asked, has },
      followers: [{ urn: "m", name: "mapping", limits: { iopsLimit: 500 } }],
    });
    const told = causes.map(({ message }) => message).join("; ");
    expect(told).toContain("iopsLimit is unlimited, expected 500 IOPS");
    expect(told).toContain("iopsLimit of mapping is 500 IOPS, expected unlimited");
    expect(told).not.toMatch(/(?<![\d.,])0(?![\d.,])/);
  });

  test("reads on the status page as everywhere else", () => {
    const text = readFileSync(path.join(__dirname, "../../../src/http/page/quantities.js"), "utf8");
    const { json } = /export const quantities = (?<json>\{[^]*\});/.exec(text)?.groups ?? {};
    const keyed = (json ?? "").replace(/(\w+):/g, '"$1":').replace(/,(\s*\})/g, "$1");
    expect(JSON.parse(keyed)).toEqual(quantities());
  });
});
