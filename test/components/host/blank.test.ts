// Whether a device is blank: whatever is on it is found, and nothing is ever formatted that isn't blank. On real devices.

import * as fc from "fast-check";
import { execFileSync } from "node:child_process";

import { contentOf } from "../../../components/host/blank";
import { testDevice, type TestDevice } from "../../support/device";
import { describeIf, loopReason } from "../../support/machine";
import { runs } from "../../support/property";

const MIB = 2 ** 20;
const SIZE = 136 * MIB;

const command = (file: string, ...args: string[]) => execFileSync(file, args, { stdio: "pipe" });

// The first bytes of what this machine may have no program to make. Sources: the formats' own headers.
function mbr(): Buffer {
  const sector = Buffer.alloc(512);
  sector.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0], 446);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

const luks = () => Buffer.concat([Buffer.from("LUKS\xba\xbe\x00\x01", "latin1"), Buffer.alloc(584)]);

// A physical volume: its label says where it is and has a checksum.
function lvm(): Buffer {
  const sector = Buffer.alloc(512);
  sector.write("LABELONE", 0, "latin1");
  sector.writeBigUInt64LE(1n, 8);
  sector.writeUInt32LE(32, 20);
  sector.write("LVM2 001", 24, "latin1");
  sector.write("abcdefghijklmnopqrstuvwxyz012345", 32, "latin1");
  let crc = 0xf597a6cf;
  for (const byte of sector.subarray(20)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  sector.writeUInt32LE(crc >>> 0, 16);
  return sector;
}

describeIf(loopReason() === undefined, "a device", loopReason(), () => {
  let device: TestDevice;
  beforeEach(() => (device = testDevice(SIZE)));
  afterEach(() => device.dispose());

  test("that was never written is blank", async () => {
    expect(await contentOf(device.path)).toEqual({ is: "blank" });
  });

  test.each<[string, (device: TestDevice) => void, object]>([
    ["ext4", ({ path }) => command("mkfs.ext4", "-q", path), { is: "file-system", type: "ext4" }],
    [
      "ext2 with blocks of 1 KiB",
      ({ path }) => command("mkfs.ext2", "-q", "-b", "1024", path),
      { is: "file-system", type: "ext2" },
    ],
    ["swap", ({ path }) => command("mkswap", path), { is: "other", found: "other (swap)" }],
    ["a partition table", (each) => each.write(0, mbr()), { is: "other", found: "a partition table (dos)" }],
    ["LUKS", (each) => each.write(0, luks()), { is: "other", found: "crypto (crypto_LUKS)" }],
    ["a physical volume of LVM", (each) => each.write(512, lvm()), { is: "other", found: "raid (LVM2_member)" }],
    ["XFS's first bytes", (each) => each.write(0, "XFSB"), { is: "other", found: "unknown data at byte 0" }],
    ["a text", (each) => each.write(12_345, "precious"), { is: "other", found: "unknown data at byte 12345" }],
    [
      "a text at the end",
      (each) => each.write(-8, "precious"),
      { is: "other", found: `unknown data at byte ${SIZE - 8}` },
    ],
    [
      "a text in the middle",
      (each) => each.write(SIZE / 2, "precious"),
      { is: "other", found: `unknown data at byte ${SIZE / 2}` },
    ],
    [
      "ext4 whose superblock was overwritten",
      (each) => {
        command("mkfs.ext4", "-q", each.path);
        each.write(0, Buffer.alloc(4096));
      },
      { is: "other" },
    ],
    [
      "ext4 and a partition table",
      (each) => {
        command("mkfs.ext4", "-q", each.path);
        each.write(0, mbr());
      },
      { is: "other" },
    ],
  ])("with %s is not", async (_, fill, expected) => {
    fill(device);
    const before = device.sum();
    expect(await contentOf(device.path)).toMatchObject(expected);
    expect(device.sum()).toBe(before);
  });

  test("that has one byte anywhere in its first or last MiB is not", async () => {
    const place = fc.oneof(fc.nat(MIB - 1), fc.integer({ min: -MIB, max: -1 }));
    const byte = fc.integer({ min: 1, max: 255 });
    await fc.assert(
      fc.asyncProperty(place, byte, async (at, value) => {
        device.write(at, Buffer.from([value]));
        const content = await contentOf(device.path);
        device.write(at, Buffer.from([0]));
        expect(content.is).toBe("other");
      }),
      { numRuns: runs(60) },
    );
    expect(await contentOf(device.path)).toEqual({ is: "blank" });
  });
});
