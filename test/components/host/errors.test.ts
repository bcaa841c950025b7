// The registry of the local backend's errors and what is thrown are the same list.
import * as fs from "node:fs";
import * as path from "node:path";

import { localVolumeErrors } from "../../../components/host/errors";

it("lists every code that is thrown, and no other", () => {
  const rooms = ["host", "backends/local"].map((room) => path.resolve(__dirname, "../../../components", room));
  const sources = rooms.flatMap((room) => fs.readdirSync(room).map((name) => path.join(room, name)));
  const text = sources.map((source) => fs.readFileSync(source, "utf8")).join("\n");
  const thrown = [...text.matchAll(/(?:LocalVolumeError|super)\(\s*"([a-z-]+)"/g)].map((match) => match[1]);
  expect([...new Set(thrown)].sort()).toEqual(Object.keys(localVolumeErrors).sort());
});
