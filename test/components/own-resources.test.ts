// What a resource of our own is registered as, by a program in TypeScript and by the plugin.

import { ownResource, registrationOf } from "../../components/own-resources";
import { becomePlugin } from "../../components/plugin-mode";

const tape = ownResource("tapes", "Volume", "TapeVolume", "provider");

test("each form finds the other in the state: its type is an alias, beside those that the resource has", () => {
  const dynamic = registrationOf(tape, { aliases: ["urn:before"], protect: true });
  expect(dynamic).toEqual({
    type: "pulumi-nodejs:dynamic/storage-profiles:TapeVolume",
    props: { __provider: expect.stringContaining('("storage-profiles/provider/tapes").provider;') },
    opts: { aliases: ["urn:before", { type: "storage-profiles:tapes:Volume" }], protect: true },
  });
  becomePlugin();
  expect(registrationOf(tape)).toEqual({
    type: "storage-profiles:tapes:Volume",
    props: {},
    opts: { aliases: [{ type: "pulumi-nodejs:dynamic/storage-profiles:TapeVolume" }] },
  });
});
