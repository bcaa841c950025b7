// Debian's docker-compose on a real dockerd with our driver: the volumes that Compose asks for are those that ComposeVolumes declared.

import { execFile } from "node:child_process";

import { findCompose } from "../support/compose";
import { DockerLab, describeDocker } from "../support/docker";
import { describeIf } from "../support/machine";

jest.setTimeout(300_000);

const programs = findCompose();
const [file = "", ...first] = "missing" in programs ? [] : programs.compose;
const reason = "missing" in programs ? programs.missing : undefined;

describeIf(reason === undefined, "docker-compose", reason, () => {
  describeDocker("with our volumes", () => {
    const lab = new DockerLab();
    const compose = (...args: string[]) =>
      new Promise<{ code: number; text: string }>((done) => {
        const env = {
          PATH: process.env["PATH"],
          DOCKER_HOST: lab.engine.host,
          COMPOSE_PROJECT_NAME: "Shop",
          COMPOSE_HTTP_TIMEOUT: "240",
          ...("missing" in programs ? {} : programs.env),
        };
        const options = { cwd: lab.project.directory, env, timeout: 250_000 };
        execFile(file, [...first, ...args], options, (error, stdout, stderr) => {
          done({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr });
        });
      });
    const write = (entries: Record<string, string>, script: string) => {
      const keys = Object.keys(entries);
      lab.project.write(
        "docker-compose.yml",
        [
          'version: "3.8"',
          "services:",
          "  job:",
          "    image: busybox",
          "    network_mode: none",
          `    command: ["sh", "-c", ${JSON.stringify(script)}]`,
          `    volumes: [${keys.map((key) => `"${key}:/${key}"`).join(", ")}]`,
          "volumes:",
          ...Object.entries(entries).map(([key, entry]) => `  ${key}: ${entry}`),
          "",
        ].join("\n"),
      );
    };
    const ours = (rest: string) => `{ driver: ${lab.driver}, ${rest} }`;
    const program = (text: string) =>
      lab.project.program(`
        const { ComposeVolumes, volumesOfStack } = require("storage-profiles");
        for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);
        ${text}
      `);

    beforeAll(async () => {
      await lab.start({ docker: { defaultSize: "1GiB" }, deletionProtection: false });
      await lab.startPlugin();
    });
    afterAll(async () => {
      await compose("down");
      await lab.stop();
    });

    test("makes volumes by driver_opts and by name@profile, and finds them again with their data", async () => {
      const entries = { made: ours("driver_opts: { profile: gold, size: 1GiB }"), short: ours("name: short@silver") };
      write(entries, "echo one > /made/file && echo two > /short/file && sync");
      const first = await compose("up", "--no-color");
      expect(first).toMatchObject({ code: 0, text: expect.stringContaining("exited with code 0") });
      expect(await lab.volumes()).toEqual(["shop_made", "short@silver"]);
      write(entries, "cat /made/file /short/file");
      expect((await compose("up", "--no-color")).text).toMatch(/one\n.*two\n/);
      await compose("down", "--volumes");
      expect(await lab.volumes()).toEqual([]);
    });

    test("uses volumes that `pulumi up` made ahead, under the names that ComposeVolumes said", async () => {
      const entries = { ahead: ours("x-storage-profiles: ahead@silver"), outside: "{ external: true }" };
      write(entries, "echo three > /ahead/file && echo four > /outside/file && sync && cat /ahead/file /outside/file");
      lab.project.write("extension.yml", 'version: "3.8"\nx-storage-profiles: { outside@gold: { size: 1GiB } }\n');
      program(`
        const shop = new ComposeVolumes("shop", {
          version: 1, driver: "${lab.driver}", files: ["docker-compose.yml", "extension.yml"], defaults: { size: "1GiB" },
          environment: { COMPOSE_PROJECT_NAME: "Shop" },
        });
        exports.names = shop.dockerNames;
      `);
      await lab.project.up();
      const { names } = (await lab.project.outputs()) as { names: Record<string, string> };
      expect(names).toEqual({ ahead: "shop_ahead", outside: "outside" });
      // The plugin sees what others have made when the stack's file changes, or when it starts.
      await lab.stopPlugin();
      await lab.startPlugin();
      const before = lab.ups;
      const { code, text } = await compose("up", "--no-color");
      expect({ code, text }).toMatchObject({ code: 0, text: expect.stringMatching(/three\n.*four\n/) });
      expect(lab.ups).toBe(before);
      expect(await lab.volumes()).toEqual(Object.values(names).sort());
    });

    test("refuses driver_opts of a volume that was made ahead, as ComposeVolumes warns", async () => {
      await compose("down");
      write({ ahead: ours("driver_opts: { profile: silver }"), outside: "{ external: true }" }, "true");
      const { code, text } = await compose("up", "--no-color");
      expect(code).not.toBe(0);
      expect(text).toContain('Configuration for volume ahead specifies "profile" driver_opt silver');
      expect((await lab.project.run(["preview"])).text).toContain("[compose-options-refused]");
    });
  });
});
