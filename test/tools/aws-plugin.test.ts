// How the AWS plugin for tests is got, with stand-ins for Go and for the Terraform provider. Nothing here builds with Go;
// test/labs/aws/engine.test.ts drives the real one.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { ensureAwsPlugin, findProvider } from "../../tools/engine/aws-plugin.js";
import { platform } from "../../tools/engine/go.js";

const folder = path.resolve(__dirname, "../../tools/engine/aws-plugin");
const goVersion = /^go (\S+)/m.exec(fs.readFileSync(path.join(folder, "go.mod"), "utf8"))![1]!;

let directory: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "aws-plugin-test-")));
  env = { PATH: path.join(directory, "bin"), HOME: directory, STORAGE_PROFILES_CACHE: path.join(directory, "cache") };
  env["TERRAFORM_PROVIDER_AWS"] = executable("provider", "");
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

function executable(name: string, script: string): string {
  const file = path.join(directory, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

/** A `go` that notes its builds, and builds a plugin that prints `version`. */
function goThatBuilds(version: string): void {
  executable(
    "bin/go",
    `case "$1" in
      version) echo "go version go${goVersion} linux/amd64" ;;
      build) echo build >> '${directory}/builds'
        while [ "$1" != -o ]; do shift; done
        printf '#!/bin/sh\\necho ${version}\\n' > "$2"; /bin/chmod +x "$2" ;;
    esac`,
  );
}
const builds = () => fs.readFileSync(path.join(directory, "builds"), "utf8").trim().split("\n").length;

async function ensure(): Promise<{ plugin: Awaited<ReturnType<typeof ensureAwsPlugin>>; lines: string[] }> {
  const lines: string[] = [];
  return { plugin: await ensureAwsPlugin({ env, log: (line: string) => lines.push(line) }), lines };
}

describe("the plugin", () => {
  test("is built once, into the cache, and says how it is used", async () => {
    goThatBuilds("7.48.0");
    const { plugin, lines } = await ensure();
    expect(plugin).toEqual({
      path: expect.stringMatching(/\/cache\/aws-plugin\/\w{12}$/),
      env: { TERRAFORM_PROVIDER_AWS: path.join(directory, "provider") },
      version: "7.48.0",
      provider: path.join(directory, "provider"),
    });
    if ("missing" in plugin) throw new Error(plugin.missing);
    fs.accessSync(path.join(plugin.path, "pulumi-resource-aws"), fs.constants.X_OK);
    expect(lines.join("\n")).toMatch(
      /^Building the AWS plugin v7\.48\.0, because [^]*Built the AWS plugin in \d+ s\.$/,
    );
    expect(await ensure()).toEqual({ plugin, lines: [] });
    expect(builds()).toBe(1);
  });

  test("of another version than its source says is not kept", async () => {
    goThatBuilds("7.0.0");
    await expect(ensure()).rejects.toThrow("does not run: 7.0.0");
    await expect(ensure()).rejects.toThrow("does not run");
    expect(builds()).toBe(2);
  });

  test("is of the version of @pulumi/aws that is installed", () => {
    const { version } = require("@pulumi/aws/package.json") as { version: string };
    expect(fs.readFileSync(path.join(folder, "main.go"), "utf8")).toContain(`const version = "${version}"`);
  });

  test("is missing without a provider, and without Go: an answer, no error", async () => {
    expect((await ensure()).plugin).toEqual({ missing: "the AWS plugin can't be built: Go is not on PATH" });
    env["TERRAFORM_PROVIDER_AWS"] = path.join(directory, "nowhere");
    expect((await ensure()).plugin).toEqual({ missing: expect.stringMatching(/^no Terraform AWS provider here/) });
  });
});

describe("the provider", () => {
  const put = (where: string, version: string) =>
    executable(
      `${where}/registry.terraform.io/hashicorp/aws/${version}/${platform()}/terraform-provider-aws_v${version}`,
      "",
    );
  beforeEach(() => {
    delete env["TERRAFORM_PROVIDER_AWS"];
  });

  test("is the newest in a mirror for this platform", () => {
    put(".terraform.d/plugins", "5.9.0");
    const newest = put(".terraform.d/plugins", "5.100.0");
    executable(".terraform.d/plugins/registry.terraform.io/hashicorp/aws/6.0.0/plan9_mips/terraform-provider-aws", "");
    expect(findProvider(env)).toBe(newest);
  });

  test("is looked for first where Terraform's own configuration says", () => {
    put(".terraform.d/plugins", "5.100.0");
    const mirrored = put("mirror", "5.0.0");
    fs.writeFileSync(
      path.join(directory, ".terraformrc"),
      'provider_installation {\n  filesystem_mirror {\n    path    = "$HOME/mirror"\n  }\n}\n',
    );
    expect(findProvider(env)).toBe(mirrored);
  });
});
