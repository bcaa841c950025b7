// The named connection of a volume, on the backends of which a stack may have several.

import { change, makeCatalog, resolve, stackPlacement, type ResolvedVolume, type StackConfig } from "../../../src";

const BACKENDS = ["scaleio", "cio", "ceph"] as const;

function on(backend: (typeof BACKENDS)[number], config: StackConfig, own: object = {}): ResolvedVolume {
  const placement = { ...stackPlacement(backend, config), ...own };
  const { volume, problems } = resolve(makeCatalog(config), { name: "data", sizeGiB: 8, backend, placement });
  if (!volume) throw new Error(JSON.stringify(problems));
  return volume;
}

test.each(BACKENDS)("on %s it is the volume's own, else the stack's, else none", (backend) => {
  const ofStack = { [backend]: { connection: "west" } };
  expect(on(backend, {}).settings).not.toHaveProperty("connection");
  expect(on(backend, ofStack).settings).toHaveProperty("connection", "west");
  expect(on(backend, ofStack, { connection: "east" }).settings).toHaveProperty("connection", "east");
  // Where a volume is says nothing about its profile.
  expect(on(backend, ofStack).revision).toBe(on(backend, {}).revision);
});

test.each(BACKENDS)("on %s another one is refused, also that of the stack's own keys, with the way out", (backend) => {
  const [none, west, east] = [
    on(backend, {}),
    on(backend, {}, { connection: "west" }),
    on(backend, {}, { connection: "east" }),
  ];
  for (const [from, to] of [
    [none, west],
    [west, none],
    [west, east],
  ] as const) {
    const { verdict, problems } = change(from, to);
    expect(verdict).toBe("refused");
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual(["change-not-possible settings.connection"]);
    expect(problems[0]?.fix).toContain("restore the connection");
    expect(problems[0]?.fix).toContain("unset it, and name that connection on the new volumes");
  }
  expect(change(west, on(backend, { [backend]: { connection: "west" } })).verdict).toBe("none");
});
