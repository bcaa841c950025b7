// The commands of a Ceph cluster: what they are given, and what their output and their exit status mean. The outputs are those of Ceph 16.2.15.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os, { tmpdir } from "node:os";
import { join } from "node:path";

import { commandCluster } from "../../../../components/backends/ceph/commands";
import { readConnection } from "../../../../components/backends/ceph/connection";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "sp-ceph-commands-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Puts commands in place that print this for the first words of what they are asked for, and note their arguments. */
const prints = (answers: Record<string, { out?: string; err?: string; status?: number }>) => {
  const cases = Object.entries(answers).map(([words, { out = "", err = "", status = 0 }], index) => {
    writeFileSync(join(directory, `out${index}`), out);
    writeFileSync(join(directory, `err${index}`), err);
    const show = `cat '${directory}/out${index}'; cat '${directory}/err${index}' >&2; exit ${status}`;
    return `*" ${words} "*) ${show};;`;
  });
  const note = `for each; do printf '%s|' "$each"; done >> '${directory}/calls'; echo >> '${directory}/calls'`;
  for (const name of ["rbd", "ceph"])
    writeFileSync(join(directory, name), `#!/bin/sh\n${note}\ncase " $* " in\n${cases.join("\n")}\nesac\n`, {
      mode: 0o755,
    });
};
const cluster = (over = {}) =>
  commandCluster({ commandsDirectory: directory, timeoutMs: 60_000, passphrase: () => "s3cret words", ...over });
const calls = () =>
  readFileSync(join(directory, "calls"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split("|").slice(0, -1));

const WAITS = ["--client-mount-timeout", "59"];

const INFO = {
  out: '{"name":"v","id":"105c","size":2147483648,"object_size":4194304,"snapshot_count":1,"features":["layering","migrating"],"snapshot_limit":3}',
};
const OPTIONS = {
  out: JSON.stringify([
    { name: "rbd_qos_iops_limit", value: "300", source: "image" },
    { name: "rbd_qos_read_bps_limit", value: "8388608", source: "pool" },
  ]),
};

test("an image is read with its limits, wherever they are set, and with its own metadata apart from Ceph's", async () => {
  const out = '{"conf_rbd_qos_iops_limit":"300","k":"v","storage-profiles.volume":"ours"}';
  prints({ info: INFO, "image-meta list": { out }, "config image list": OPTIONS });
  expect(await cluster().image("fast", "v")).toMatchObject({
    ...{ pool: "fast", name: "v", imageId: "105c", sizeGiB: 2, snapshots: 1, snapshotLimit: 3, isMoving: true },
    ...{ metadata: { k: "v" }, mark: "ours" },
    limits: { iopsLimit: 300, readBandwidthLimitMiBps: 8, bandwidthBurstMiBps: 0 },
  });
  // Of an image without metadata, nothing is printed.
  prints({ info: INFO, "image-meta list": {}, "config image list": OPTIONS });
  expect(await cluster().image("fast", "v")).toMatchObject({ metadata: {}, mark: undefined });
});

test("a named connection has nothing of the environment's cluster, and its own keys in messages", async () => {
  const before = { ...process.env };
  Object.assign(process.env, { CEPH_CONF: "/own.conf", CEPH_ARGS: "--id own", CEPH_KEYRING: "/own.ring" });
  try {
    prints({ fsid: { err: "error connecting to the cluster", status: 1 } });
    const said = join(directory, "said");
    const script = readFileSync(join(directory, "ceph"), "utf8");
    const note = `env | grep ^CEPH_ >> '${said}'; echo . >> '${said}'`;
    writeFileSync(join(directory, "ceph"), script.replace("#!/bin/sh", `#!/bin/sh\n${note}`));
    await expect(cluster({ name: "west" }).fsid()).rejects.toThrow(
      "Check ceph:connections.west.user and ceph:connections.west.keyringFile.",
    );
    expect(readFileSync(said, "utf8")).toBe(".\n");
    await expect(cluster().fsid()).rejects.toThrow("Check ceph:user and ceph:keyringFile.");
    expect(readFileSync(said, "utf8")).toContain("CEPH_CONF=/own.conf");
  } finally {
    process.env = before;
  }
  const read = (west: object, name?: string) =>
    readConnection((key) => (key === "ceph:connections" ? JSON.stringify({ west }) : undefined), {}, name);
  expect(() => read({ user: "u" }, "west")).toThrow(
    "ceph:connections.west.configFile is missing: pulumi config set --path ceph:connections.west.configFile /etc/ceph/west.conf",
  );
  expect(read({}).configFile).toBeUndefined();
});

test("values are arguments of their own, never a shell's text, and the key is only named by its file", async () => {
  prints({});
  const of = cluster({ user: "volumes", keyringFile: "/k/ring", configFile: "/c.conf" });
  await of.setMetadata("fast", "v", "note", "--all $x;`id`");
  await of.setLimit("fast", "v", "writeBandwidthLimitMiBps", 3);
  await of.create("fast", "v", { sizeGiB: 5, headerBytes: 0 }, ["layering", "journaling"]);
  const common = ["--conf", "/c.conf", "--id", "volumes", "--keyring", "/k/ring", "--client-mount-timeout", "59"];
  expect(calls()).toEqual([
    [...common, "image-meta", "set", "fast/v", "note", "--", "--all $x;`id`"],
    [...common, "config", "image", "set", "fast/v", "rbd_qos_write_bps_limit", "3145728"],
    [
      ...common,
      ...["create", "fast/v", "--size", "5G"],
      ...["--image-feature", "layering", "--image-feature", "journaling"],
    ],
  ]);
});

test("the size of an encrypted image is that without its header, whose size depends on the objects until it is known", async () => {
  const read = async (encryption: string, info = INFO.out) => {
    const out = JSON.stringify({ "storage-profiles.encryption": encryption });
    prints({ info: { out: info }, "image-meta list": { out }, "config image list": OPTIONS });
    return cluster().image("fast", "v");
  };
  const MIB = 1024 ** 2;
  const of = (headerMiB: number, encryption: string) => ({
    ...{ encryption, headerBytes: headerMiB * MIB, sizeGiB: 2 - headerMiB / 1024, metadata: {} },
  });
  expect(await read(`luks2 ${20 * MIB}`)).toMatchObject(of(20, "luks2"));
  expect(await read("begun")).toMatchObject(of(16, "begun"));
  expect(await read("begun", INFO.out.replace("4194304", "33554432"))).toMatchObject(of(32, "begun"));
  const striped = INFO.out.replace('"object_size":4194304', '"object_size":8388608,"stripe_count":5');
  expect(await read("begun", striped)).toMatchObject(of(40, "begun"));
  prints({});
  await cluster().create("fast", "v", { sizeGiB: 2, headerBytes: 16 * MIB }, null);
  await cluster().grow("fast", "v", { sizeGiB: 3, headerBytes: 20 * MIB });
  expect(calls().slice(-2)).toEqual([
    expect.arrayContaining(["create", "fast/v", "--size", "2164260864B"]),
    expect.arrayContaining(["resize", "fast/v", "--size", "3242196992B"]),
  ]);
});

test("a passphrase reaches the command as what it reads, and nobody else: no argument, no environment, no file that stays", async () => {
  prints({});
  const seen = join(directory, "seen");
  const script = readFileSync(join(directory, "rbd"), "utf8");
  const note = `cat /dev/stdin > '${seen}'; env > '${seen}.env'; ls -l /proc/self/fd/0 > '${seen}.file'`;
  writeFileSync(join(directory, "rbd"), script.replace("#!/bin/sh", `#!/bin/sh\n${note}`));
  const before = { ...process.env };
  Object.assign(process.env, {
    CEPH_ENCRYPTION_PASSPHRASE: "s3cret words",
    CEPH_CONNECTIONS: '{"west":{"encryptionPassphrase":"s3cret"}}',
    // What programs and providers have the decrypted config in.
    PULUMI_CONFIG: '{"ceph:encryptionPassphrase":"s3cret words"}',
    PULUMI_CONFIG_PASSPHRASE: "s3cret",
  });
  try {
    await cluster().format("fast", "v");
    jest.spyOn(os, "tmpdir").mockReturnValueOnce(join(directory, "none"));
    await expect(cluster().format("fast", "v")).rejects.toMatchObject({
      code: "not-possible",
      message: expect.stringMatching(/^encrypting image fast\/v: the passphrase needs a temporary file: ENOENT/),
    });
  } finally {
    process.env = before;
  }
  expect(readFileSync(seen, "utf8")).toBe("s3cret words");
  expect(readFileSync(`${seen}.env`, "utf8")).toMatch(/^PATH=/m);
  expect(readFileSync(`${seen}.env`, "utf8")).not.toContain("s3cret");
  expect(readFileSync(`${seen}.file`, "utf8")).toContain("(deleted)");
  expect(calls()).toEqual([[...WAITS, "encryption", "format", "fast/v", "luks2", "/dev/stdin"]]);
});

test("the header of an image is read from its first bytes, and the command is ended then", async () => {
  const json = JSON.stringify({ segments: { 0: { type: "crypt", offset: "33554432" } } });
  const header = Buffer.alloc(16_384);
  header.write("LUKS\xba\xbe\0\x02", "latin1");
  header.write(json, 4096);
  // A command that would go on printing for ever.
  const serve = (bytes: Buffer, then: string) => {
    writeFileSync(join(directory, "head"), bytes);
    writeFileSync(join(directory, "rbd"), `#!/bin/sh\ncat '${join(directory, "head")}'\n${then}\n`, { mode: 0o755 });
    return cluster().headerBytes("fast", "v");
  };
  expect(await serve(header, "exec cat /dev/zero")).toBe(33_554_432);
  expect(await serve(Buffer.alloc(16_384), "exec cat /dev/zero")).toBeUndefined();
  header[7] = 1;
  expect(await serve(header, "")).toBeUndefined();
  await expect(serve(Buffer.from("x"), "echo 'rbd: export error: no' >&2; exit 5")).rejects.toThrow("export error: no");
});

test("a passphrase is one line of text, from the config, a file or the environment, and read only where it is needed", () => {
  const file = join(directory, "passphrase");
  const read = (config: Record<string, string>, env = {}) => readConnection((key) => config[key], env).passphrase();
  writeFileSync(file, "of a file\n");
  expect(read({ "ceph:encryptionPassphrase": "of config" }, { CEPH_ENCRYPTION_PASSPHRASE: "e" })).toBe("of config");
  expect(read({ "ceph:encryptionPassphraseFile": file })).toBe("of a file");
  expect(read({}, { CEPH_ENCRYPTION_PASSPHRASE_FILE: file })).toBe("of a file");
  expect(() => read({})).toThrow(
    "the passphrase of encrypted images isn't set up:\n  - ceph:encryptionPassphrase is missing: " +
      "pulumi config set --secret ceph:encryptionPassphrase, or set CEPH_ENCRYPTION_PASSPHRASE",
  );
  const both = { "ceph:encryptionPassphrase": "s3cret", "ceph:encryptionPassphraseFile": file };
  expect(() => read(both)).toThrow("are both set");
  expect(() => read({ "ceph:encryptionPassphraseFile": "/nonexistent" })).toThrow("encryptionPassphraseFile: ENOENT");
  const read2 = readConnection(() => undefined, {});
  for (const _time of ["once", "again"])
    expect(() => read2.passphrase()).toThrow(/^the passphrase of encrypted images isn't set up:\n[^\n]+$/);
  for (const [text, why] of [
    ["", "ceph:encryptionPassphrase is empty"],
    ["s3cret\nand more", "ceph:encryptionPassphrase or its file has more than one line"],
  ] as const)
    expect(() => read({ "ceph:encryptionPassphrase": text })).toThrow(why);
  expect(() => readConnection((key) => ({ "ceph:encryptionPassphraseFile": "/nonexistent" })[key], {})).not.toThrow();
});

const NO_KEYRING =
  "2026-11-30T00:08:45.378+0000 7f2280d17380 -1 auth: unable to find a keyring on /nope: (2) No such file or directory\n" +
  "rbd: couldn't connect to the cluster!\n";

test.each<[string, number, string, string]>([
  ["no keyring", 2, NO_KEYRING, "forbidden"],
  ["a wrong key", 13, "rbd: couldn't connect to the cluster!\n", "forbidden"],
  ["no capability", 1, "rbd: error opening image v: (1) Operation not permitted\n", "forbidden"],
  ["no such pool", 2, "rbd: error opening pool 'fast': (2) No such file or directory\n", "pool-missing"],
  ["no monitor", 110, "rbd: couldn't connect to the cluster!\n", "unreachable"],
  ["an unknown failure", 22, "", "refused"],
])("with %s an image isn't reported as gone", async (_what, status, err, code) => {
  prints({ info: { status, err } });
  await expect(cluster().image("fast", "v")).rejects.toMatchObject({ code });
});

test("an image that a full pool won't give up is none that is gone", async () => {
  const log =
    "2026-11-30T08:41:09.241+0000 7f929b7fe6c0 -1 librbd::trash::MoveRequest: 0x7f92 handle_trash_add: failed";
  const err = `${log} to add image to trash: (122) Disk quota exceeded\n\nrbd: delete error: (2) No such file or directory\n`;
  prints({ rm: { status: 2, err } });
  await expect(cluster().remove("fast", "v")).rejects.toMatchObject({
    code: "full",
    message: expect.stringContaining("The pool is full: raise its quota"),
  });
  prints({ rm: { status: 2, err: "rbd: delete error: (2) No such file or directory\n" } });
  await expect(cluster().remove("fast", "v")).rejects.toMatchObject({ code: "gone" });
});

test("an image that isn't there is nothing", async () => {
  prints({ info: { status: 2, err: "rbd: error opening image v: (2) No such file or directory\n" } });
  expect(await cluster().image("fast", "v")).toBeUndefined();
});

test("a refusal is in the cluster's own words, without its log and its progress", async () => {
  const err =
    "Removing image: 0% complete...failed.\n2026-11-30T00:08:55.938+0000 7f281effd6c0 -1 librbd::image: 0x5631 not removing\n\n" +
    "rbd: error: image still has watchers\nThis means the image is still open.\n";
  prints({ rm: { status: 16, err } });
  await expect(cluster().remove("fast", "v")).rejects.toMatchObject({
    code: "in-use",
    message:
      'removing image fast/v: the cluster says "error: image still has watchers This means the image is still open". ' +
      "Stop what uses it. A client that died is forgotten after 30 s.",
  });
  prints({ info: { out: "no JSON" } });
  await expect(cluster().image("fast", "v")).rejects.toMatchObject({ code: "answer-unreadable" });
  rmSync(join(directory, "rbd"));
  await expect(cluster().image("fast", "v")).rejects.toThrow("set ceph:commandsDirectory");
});

test("a pool has as many places for copies as hosts with an OSD of its device class that is up", async () => {
  const osd = (id: number, device_class: string, status = "up", reweight = 1) => ({
    ...{ id, name: `osd.${id}`, type: "osd", device_class, status, reweight },
  });
  const host = (id: number, children: number[]) => ({ id, name: `host${id}`, type: "host", children });
  const pool = {
    pool_name: "fast",
    type: 1,
    size: 3,
    crush_rule: 4,
    quota_max_bytes: 9,
    flags_names: "hashpspool,full,full_quota,selfmanaged_snaps",
    application_metadata: { rbd: {} },
  };
  const steps = [{ op: "take", item_name: "default~ssd" }, { op: "chooseleaf_firstn", type: "host" }, { op: "emit" }];
  const nodes = [
    { id: -1, name: "default", type: "root", children: [-2, -3, -4, -5] },
    ...[host(-2, [0, 1]), host(-3, [2]), host(-4, [3]), host(-5, [4])],
    ...[osd(0, "ssd"), osd(1, "ssd"), osd(2, "ssd"), osd(3, "hdd"), osd(4, "ssd", "down")],
  ];
  prints({
    "pool ls": { out: JSON.stringify([pool]) },
    "crush rule": { out: JSON.stringify([{ rule_id: 4, steps }]) },
    tree: { out: JSON.stringify({ nodes }) },
    df: { out: JSON.stringify({ pools: [{ name: "fast", stats: { stored: 7 } }] }) },
  });
  const of = cluster();
  expect([await of.pools(), await of.pools()][1]).toEqual([
    {
      ...{ name: "fast", isForImages: true, isReplicated: true, copies: 3, deviceClass: "ssd" },
      ...{ places: 2, placeType: "host", quotaBytes: 9, storedBytes: 7, full: "quota" },
    },
  ]);
  expect(calls()).toHaveLength(4);
});

test("the connection comes from the config, then from the environment, and one error lists what is wrong", () => {
  const config: Record<string, string> = { "ceph:user": "a", "ceph:commandsDirectory": directory };
  expect(readConnection((key) => config[key], { CEPH_USER: "b", CEPH_TIMEOUT_SECONDS: "5" })).toEqual({
    ...{ user: "a", commandsDirectory: directory, configFile: undefined, keyringFile: undefined, timeoutMs: 5_000 },
    passphrase: expect.any(Function),
  });
  const wrong = { CEPH_USER: "client.admin", CEPH_TIMEOUT_SECONDS: "0", CEPH_KEYRING_FILE: join(directory, "none") };
  expect(() => readConnection(() => undefined, wrong)).toThrow(
    /ceph:user must be given without `client\.`[^]*timeoutSeconds must be[^]*keyringFile: ENOENT/,
  );
});
