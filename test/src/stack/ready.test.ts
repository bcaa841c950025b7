// What Pulumi.yaml says of a program, as the process that is kept ready for it has to know it.

import { hostOptions } from "../../../src/stack/ready/keeper";

test.each<[string, unknown, object | undefined]>([
  [
    "the name alone: TypeScript, as Pulumi has it",
    "nodejs",
    { nodeArgs: [], programEnv: { PULUMI_NODEJS_TYPESCRIPT: "true" }, providerEnv: {} },
  ],
  [
    "all options",
    {
      name: "nodejs",
      options: { typescript: false, tsconfig: "other.json", nodeargs: "--a  --b=1", packagemanager: "pnpm" },
    },
    {
      nodeArgs: ["--a", "--b=1"],
      programEnv: { PULUMI_NODEJS_TYPESCRIPT: "false", PULUMI_NODEJS_TSCONFIG_PATH: "other.json" },
      providerEnv: {
        PULUMI_RUNTIME_TYPESCRIPT: "false",
        PULUMI_RUNTIME_TSCONFIG: "other.json",
        PULUMI_RUNTIME_NODEARGS: "--a  --b=1",
        PULUMI_RUNTIME_PACKAGEMANAGER: "pnpm",
      },
    },
  ],
  [
    "arguments in a list, with what a shell would split",
    { name: "nodejs", options: { nodeargs: ["--title=a b"] } },
    { nodeArgs: ["--title=a b"], programEnv: { PULUMI_NODEJS_TYPESCRIPT: "true" }, providerEnv: expect.anything() },
  ],
  ["arguments that need a shell's reading", { name: "nodejs", options: { nodeargs: "--title='a b'" } }, undefined],
  ["an option that isn't known", { name: "nodejs", options: { bun: true } }, undefined],
  ["another runtime", { name: "python" }, undefined],
  ["nothing", undefined, undefined],
])("%s", (_, runtime, expected) => {
  expect(hostOptions({ runtime })).toEqual(expected);
});
