// The outputs of a component, as they are handed to the SDK.
import * as pulumi from "@pulumi/pulumi";

import { settled } from "../../components/engine";

test("known outputs are handed over as their values; secret ones, unknown ones and those that fail as they are", async () => {
  const [secret, unknown] = [pulumi.secret("s3cret"), pulumi.output(pulumi.unknown)];
  const outputs = {
    plain: 1,
    known: pulumi.output({ mode: "directory" }),
    nothing: pulumi.output(undefined),
    secret,
    unknown,
  };
  const found = await settled(outputs);
  expect({ ...found, secret: undefined, unknown: undefined }).toEqual({ plain: 1, known: { mode: "directory" } });
  expect([found["secret"] === secret, found["unknown"] === unknown]).toEqual([true, true]);

  // As of a resource that wasn't made.
  const promise = () => Promise.reject(new Error("the volume's resource failed"));
  const failing = { __pulumiOutput: true, isKnown: Promise.resolve(true), isSecret: Promise.resolve(false), promise };
  expect(Object.values(await settled({ failing }))[0]).toBe(failing);
});
