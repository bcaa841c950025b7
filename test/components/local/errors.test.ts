// The registry of the local backend's errors and what is thrown are the same list.
import * as fs from "node:fs";
import * as path from "node:path";

import { localVolumeErrors } from "../../../components/local/errors";

it("lists every code that is thrown, and no other", () => {
  const layer = path.resolve(__dirname, "../../../components/local");
  const sources = fs.readdirSync(layer).filter((name) => name.endsWith(".ts"));
  const text = sources.map((name) => fs.readFileSync(path.join(layer, name), "utf8")).join("\n");
  const thrown = [...text.matchAll(/(?:LocalVolumeError|super)\(\s*"([a-z-]+)"/g)].map((match) => match[1]);
  expect([...new Set(thrown)].sort()).toEqual(Object.keys(localVolumeErrors).sort());
});
