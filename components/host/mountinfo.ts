// The kernel's own list of mounts, as a process sees it.
import { readIfThere } from "./files";

/** One line of /proc/<pid>/mountinfo, see proc(5). */
export interface Mount {
  /** "major:minor" of the mounted file system. */
  readonly deviceNumber: string;
  /** Which directory of the mounted file system is mounted. */
  readonly root: string;
  /** Where. */
  readonly path: string;
  readonly type: string;
  /** What is mounted, as it was told: a device. It tells btrfs, whose device numbers are made up. */
  readonly source: string;
  readonly readOnly: boolean;
  readonly superOptions: readonly string[];
}

/** The mounts that a process sees, in the kernel's order: of two at one path, the later one is on top. */
export async function readMounts(process: number | "self" = "self"): Promise<Mount[]> {
  return parseMountInfo((await readIfThere(`/proc/${process}/mountinfo`)) ?? "");
}

export function parseMountInfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , deviceNumber = "", root = "", path = "", options = ""] = before.split(" ");
      const [type = "", source = "", superOptions = ""] = after.split(" ");
      const readOnly = [...options.split(","), ...superOptions.split(",")].includes("ro");
      return {
        deviceNumber,
        root: unescaped(root),
        path: unescaped(path),
        type,
        source: unescaped(source),
        readOnly,
        superOptions: superOptions.split(","),
      };
    });
}

/** Whether `path` is `directory` or below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Spaces, tabs, line feeds and backslashes are written as \ooo. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
