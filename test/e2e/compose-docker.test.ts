// Debian's docker-compose on a real dockerd with our driver: the volumes that Compose asks for are those that ComposeVolumes declared.
// What became of a container is asked of Docker: docker-compose may stop printing before a container has ended.

import { execFile } from "node:child_process";

import { limitMs } from "../../tools/test/time.js";
import { findCompose } from "../support/compose";
import { DockerLab, describeDocker, IS_LATE } from "../support/docker";
import { describeIf } from "../support/machine";

const programs = findCompose();
const [file = "", ...first] = "missing" in programs ? [] : programs.compose;
const reason = "missing" in programs ? programs.missing : undefined;

/** The names, for Docker, of the volumes that ComposeVolumes declares. */
const AHEAD = { ahead: "shop_ahead", outside: "outside" };

describeIf(reason === undefined, "docker-compose", reason, () => {
  describeDocker("with our volumes", () => {
    const lab = new DockerLab();
    const composeOnce = (args: string[]) =>
      new Promise<{ code: number; text: string }>((done) => {
        const env = {
          PATH: process.env["PATH"],
          DOCKER_HOST: lab.engine.host,
          COMPOSE_PROJECT_NAME: "shop",
          COMPOSE_HTTP_TIMEOUT: String(limitMs(240) / 1000),
          ...("missing" in programs ? {} : programs.env),
        };
        const options = { cwd: lab.project.directory, env, timeout: limitMs(250) };
        execFile(file, [...first, ...args], options, (error, stdout, stderr) => {
          done({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr });
        });
      });
    /** Runs docker-compose; again, where the plugin was too late for Docker. */
    const compose = async (...args: string[]) => {
      for (let tries = 1; ; tries++) {
        const ran = await composeOnce(args);
        if (tries === 10 || !IS_LATE.test(ran.text)) return ran;
      }
    };
    /** Writes a Compose file with one service, which runs a script with these volumes. */
    const write = (name: string, entries: Record<string, string>, script: string) => {
      const keys = Object.keys(entries);
      lab.project.write(
        name,
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
    /** Has a file's service run to its end; its exit code. */
    const run = async (name: string): Promise<number> => {
      const { code, text } = await compose("-f", name, "up", "--detach", "--no-color");
      if (code !== 0) throw new Error(`docker-compose up failed: ${text}\n${lab.log.slice(-3000)}`);
      const { out } = await lab.docker("wait", "shop_job_1");
      return Number(out);
    };
    const ours = (rest: string) => `{ driver: ${lab.driver}, ${rest} }`;
    const holds = (path: string, text: string) => `[ "$$(cat ${path})" = ${text} ]`;
    const outside = "{ external: true }";
    const writeAhead = () =>
      write(
        "docker-compose.yml",
        { ahead: ours("x-storage-profiles: ahead@silver"), outside },
        `echo three > /ahead/file && echo four > /outside/file && sync && ${holds("/ahead/file", "three")}`,
      );

    beforeAll(async () => {
      await lab.start({ docker: { defaultSize: "1GiB" }, deletionProtection: false });
      writeAhead();
      lab.project.write("extension.yml", 'version: "3.8"\nx-storage-profiles: { outside@gold: { size: 1GiB } }\n');
      lab.project.program(`
        const { ComposeVolumes, volumesOfStack } = require("storage-profiles");
        for (const [name, asked] of Object.entries(volumesOfStack())) new ProfiledVolume(name, asked);
        const shop = new ComposeVolumes("shop", {
          driver: "${lab.driver}", files: ["docker-compose.yml", "extension.yml"], defaults: { size: "1GiB" },
          environment: { COMPOSE_PROJECT_NAME: "shop" },
        });
        exports.names = shop.dockerNames;
      `);
      await lab.project.up();
      await lab.startPlugin();
    });
    afterEach(() => lab.removeContainers());
    afterAll(() => lab.stop());

    test("makes volumes by driver_opts and by name@profile, and finds them again with their data", async () => {
      const entries = { made: ours("driver_opts: { profile: gold, size: 1GiB }"), short: ours("name: short@silver") };
      const ahead = Object.values(AHEAD);
      try {
        write("jobs.yml", entries, "echo one > /made/file && echo two > /short/file && sync");
        expect(await run("jobs.yml")).toBe(0);
        expect(await lab.volumes()).toEqual([...ahead, "shop_made", "short@silver"].sort());
        write("jobs.yml", entries, `${holds("/made/file", "one")} && ${holds("/short/file", "two")}`);
        expect(await run("jobs.yml")).toBe(0);
      } finally {
        expect(await compose("-f", "jobs.yml", "down", "--volumes")).toMatchObject({ code: 0 });
      }
      expect(await lab.volumes()).toEqual(ahead.sort());
    });

    test("uses volumes that `pulumi up` made ahead, under the names that ComposeVolumes said", async () => {
      expect((await lab.project.outputs())["names"]).toEqual(AHEAD);
      const before = lab.ups;
      expect(await run("docker-compose.yml")).toBe(0);
      expect(await lab.run("outside:/data", "cat /data/file")).toBe("four\n");
      expect(lab.ups).toBe(before);
      expect(await lab.volumes()).toEqual(Object.values(AHEAD).sort());
    });
  });
});
