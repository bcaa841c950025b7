// What the plan has said isn't said again by the run that follows it.

import { repeatsPlan } from "../../../src/cli/commands/apply-steps";

const plan =
  "\u001b[1mdata\u001b[22m (default → gold): update in place\n  iopsLimit: unlimited → 10,000 IOPS, in place\n\ncache (silver): create";
const info = (text: string) => ({ severity: "info", text });

test.each([
  [
    "a change, told line by line",
    info("data: default → gold: update in place\n  iopsLimit: unlimited → 10,000 IOPS, in place\n"),
    true,
  ],
  [
    "a change that differs from the plan",
    info("data: default → gold\n  iopsLimit: unlimited → 9,000 IOPS, in place"),
    false,
  ],
  ["one line, as a program logs it", info("cache (silver): create"), false],
  [
    "a warning, whatever it says",
    { ...info("data\n  iopsLimit: unlimited → 10,000 IOPS, in place"), severity: "warning" },
    false,
  ],
])("%s", (_what, message, expected) => {
  expect(repeatsPlan(plan)(message)).toBe(expected);
});
