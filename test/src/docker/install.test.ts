// The plugin as a service: what is written, what is left alone, what is taken back. In a directory that stands for `/`.

import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { install, servicePath, uninstall, type InstallOptions } from "../../../src/docker/install";
import { installedFiles, missingVariables, quoted, type UnitOptions } from "../../../src/docker/unit";
import { describeIf } from "../../support/machine";

const UNIT = "etc/systemd/system/storage-profiles-docker.service";
const SOCKET = "etc/systemd/system/storage-profiles-docker.socket";

const unit: UnitOptions = {
  name: "storage-profiles",
  command: [process.execPath, "/opt/app/node_modules/storage-profiles/cli.js"],
  args: ["--cwd", "/srv/my shop 100%", "--stack", "dev"],
  what: "stack dev of project shop",
  environment: { PATH: "/usr/local/bin:/usr/bin", HOME: "/root" },
  environmentFile: "/etc/storage-profiles.env",
};

let root: string;
let said: string[];
let ran: string[];
let options: InstallOptions;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sp-install-"));
  [said, ran] = [[], []];
  const systemctl = (args: string[]) => Promise.resolve(void ran.push(args.join(" ")));
  options = { root, systemctl, log: (line) => said.push(line) };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const tree = () => readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("writes the service and its socket and starts both; a second time there is nothing to write", async () => {
  await install(unit, options);
  const [service, socket] = [read(UNIT), read(SOCKET)];
  expect(service).toContain(
    `ExecStart=${process.execPath} /opt/app/node_modules/storage-profiles/cli.js docker-plugin --name storage-profiles --cwd "/srv/my shop 100%%" --stack dev\n`,
  );
  expect(service).toContain("\nEnvironmentFile=/etc/storage-profiles.env\n");
  // systemd listens where Docker looks, before Docker starts, and only for root.
  expect(service).toContain("\nRequires=storage-profiles-docker.socket\n");
  for (const line of [
    "ListenStream=/run/docker/plugins/storage-profiles.sock",
    "SocketMode=0600",
    "Before=docker.service",
  ])
    expect(socket).toContain(`\n${line}\n`);
  const units = "storage-profiles-docker.socket storage-profiles-docker.service";
  expect(ran).toEqual(["daemon-reload", `enable ${units}`, `stop ${units}`, `start ${units}`]);
  [said, ran] = [[], []];
  await install(unit, { ...options, log: (line) => said.push(line) });
  expect(said).toEqual([UNIT, SOCKET].map((file) => `/${file} is up to date.`));
  expect([read(UNIT), read(SOCKET)]).toEqual([service, socket]);
  expect(ran).toEqual(["daemon-reload", `enable ${units}`, `start ${units}`]);
});

test("what an interrupted installation left is finished, or taken back", async () => {
  for (const [left, attempt] of [
    [UNIT, () => install(unit, options)],
    [SOCKET, () => uninstall(unit.name, options)],
  ] as const) {
    await install(unit, options);
    rmSync(join(root, left === UNIT ? SOCKET : UNIT));
    ran.length = 0;
    await attempt();
  }
  // Only of what is there is systemd told.
  expect(ran).toEqual(["disable --now storage-profiles-docker.socket", "daemon-reload"]);
  expect(tree()).toEqual([]);
});

test("isn't installed beside a plugin that somebody has started by hand: systemd would take its socket away", async () => {
  const socket = join(root, "run/docker/plugins/storage-profiles.sock");
  mkdirSync(join(socket, ".."), { recursive: true });
  const server = createServer();
  await new Promise<void>((done) => server.listen(socket, done));
  const before = tree();
  try {
    await expect(install(unit, options)).rejects.toMatchObject({ code: "socket-in-use" });
    expect([tree(), ran]).toEqual([before, []]);
  } finally {
    await new Promise((done) => server.close(done));
  }
  await install(unit, options);
  expect(tree()).toContain(SOCKET);
});

test("has a PATH of the system's folders and those of node and pulumi, whatever the caller's is", () => {
  for (const folder of ["app/node_modules/.bin", "tools", "engine"]) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ["app/node_modules/.bin", "engine"])
    writeFileSync(join(root, folder, "pulumi"), "", { mode: 0o755 });
  writeFileSync(join(root, "tools/pulumi"), "not a program", { mode: 0o644 });
  const callers = ["app/node_modules/.bin", "tools", "engine"].map((folder) => join(root, folder));
  const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  expect(servicePath(["bin", "", ...callers].join(":"), "/opt/node/bin/node")).toBe(
    `${system}:/opt/node/bin:${join(root, "engine")}`,
  );
  expect(() => servicePath(callers.slice(0, 2).join(":"), "/usr/bin/node")).toThrow("`pulumi` not found on PATH");
});

test("the engine's variables that the service lacks are those that the caller has and its file hasn't", () => {
  const callers = { PULUMI_BACKEND_URL: "file:///srv", PULUMI_CONFIG_PASSPHRASE: "", PULUMI_HOME: "/x", PATH: "/bin" };
  expect(missingVariables(callers, "")).toEqual(["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"]);
  const file = "# PULUMI_BACKEND_URL=commented out\n AWS_PROFILE=a\nPULUMI_CONFIG_PASSPHRASE=secret\n";
  expect(missingVariables(callers, file)).toEqual(["PULUMI_BACKEND_URL"]);
  expect(missingVariables({}, "")).toEqual([]);
});

test("takes back exactly what it wrote: directories that it made go, those that were there stay", async () => {
  mkdirSync(join(root, "etc/systemd"), { recursive: true });
  const before = tree();
  await install(unit, options);
  // With other options: what was made is still known.
  await install({ ...unit, user: "docker" }, options);
  expect(tree()).toEqual(expect.arrayContaining([UNIT, SOCKET]));
  await uninstall(unit.name, options);
  expect(tree()).toEqual(before);
  const units = "storage-profiles-docker.socket storage-profiles-docker.service";
  expect(ran.slice(-2)).toEqual([`disable --now ${units}`, "daemon-reload"]);
  said.length = 0;
  await uninstall(unit.name, options);
  expect(said).toEqual(["Not installed."]);
});

test("leaves a directory that somebody else has put something into", async () => {
  await install(unit, options);
  writeFileSync(join(root, "etc/systemd/system/other.service"), "");
  await uninstall(unit.name, options);
  expect(tree()).toEqual(["etc", "etc/systemd", "etc/systemd/system", "etc/systemd/system/other.service"]);
});

describe("leaves alone what isn't as it wrote it, when it installs and when it takes back", () => {
  test.each<[string, string, (text: string) => string, string]>([
    ["a unit of somebody else", UNIT, () => "[Service]\nExecStart=/bin/true\n", "it wasn't written by this command"],
    [
      "a unit that was edited",
      UNIT,
      (text) => text.replace("Restart=on-failure", "Restart=no"),
      "it was changed since it was written",
    ],
    [
      "directories that were added to its head",
      UNIT,
      (text) => text.replace('["/', '["/srv","/'),
      "it was changed since it was written",
    ],
    ["a socket of somebody else", SOCKET, () => "[Socket]\nListenStream=1\n", "it wasn't written by this command"],
  ])("%s", async (_, file, change, why) => {
    await install(unit, options);
    const changed = change(read(file));
    writeFileSync(join(root, file), changed);
    const before = tree();
    ran.length = 0;
    for (const attempt of [() => install(unit, options), () => uninstall(unit.name, options)]) {
      await expect(attempt()).rejects.toMatchObject({
        code: "install-not-ours",
        message: expect.stringContaining(why),
      });
    }
    expect([tree(), read(file), ran]).toEqual([before, changed, []]);
  });
});

test("--dry-run shows the text and changes nothing", async () => {
  await install(unit, { ...options, dryRun: true });
  expect(said.join("\n")).toMatch(
    /^Would write \/etc\/systemd\/system\/storage-profiles-docker.service:\n# Written by/,
  );
  expect(said).toContain("Would run systemctl daemon-reload");
  expect([tree(), ran]).toEqual([[], []]);
});

test("says what systemd or the machine refuses", async () => {
  const systemctl = () => Promise.reject(new Error("Unit is masked."));
  await expect(install(unit, { ...options, systemctl })).rejects.toMatchObject({ code: "install-not-possible" });
  writeFileSync(join(root, "file"), "");
  await expect(install(unit, { ...options, root: join(root, "file") })).rejects.toMatchObject({
    code: "install-not-possible",
  });
});

test("has no mount namespace as root, in which Docker would not see what is mounted; and no capability without root", () => {
  const [asRoot, asUser] = [installedFiles(unit), installedFiles({ ...unit, user: "me" })].map(
    ([each]) => each?.text ?? "",
  );
  expect(asRoot).not.toMatch(
    /^(Protect|Private|ReadWrite|ReadOnly|Inaccessible|TemporaryFileSystem|BindPaths|MountFlags|RootDirectory)/m,
  );
  expect(asUser).toMatch(/^CapabilityBoundingSet=$/m);
  expect(asUser).not.toContain("CAP_");
});

const verify = spawnSync("systemd-analyze", ["--version"]).status === 0 ? undefined : "there is no systemd-analyze";
describeIf(verify === undefined, "systemd itself", verify, () => {
  const analyze = (args: string[]) => {
    const { stdout, stderr, status } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    return { text: stdout + stderr, status };
  };

  test.each<[string, Partial<UnitOptions>]>([
    ["root", {}],
    ["a user", { user: "daemon" }],
  ])("finds nothing wrong with the units for %s", async (_, rest) => {
    await install({ ...unit, ...rest, environmentFile: "/dev/null" }, options);
    const files = [UNIT, SOCKET].map((file) => join(root, file));
    expect(analyze(["verify", "--man=no", ...files])).toEqual({ text: "", status: 0 });
  });

  test("takes every word of a command without complaint", () => {
    const odd = fc.string({ unit: fc.constantFrom("a", " ", '"', "'", "\\", "%", "$", "{", "}", ";", "#", "ü", "\t") });
    for (const word of [...fc.sample(odd, 20), "${HOME}", "%h", ";"]) {
      const text = `[Service]\nType=oneshot\nExecStart=/bin/echo x${quoted(word)}\n`;
      writeFileSync(join(root, "w.service"), text);
      expect(analyze(["verify", "--man=no", join(root, "w.service")]).text).toBe("");
    }
  });
});

test("words with a meaning to systemd are quoted", () => {
  expect(["a b", "100%", "$HOME", 'say "x"', "plain-1.0/x"].map((word) => quoted(word))).toEqual([
    '"a b"',
    "100%%",
    '"$$HOME"',
    '"say \\"x\\""',
    "plain-1.0/x",
  ]);
});
