// A Pulumi project of a test's own that has an array: a gateway in the test's process, and the connection to it.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { startScaleioGateway, type ScaleioGateway, type ScaleioGatewayOptions } from "../../emulators";
import { diagnostics, Project, succeeded, type Ran } from "./engine";

/** A volume on the array, in few words: `data-… 104 GiB thin ramcache`, and its mappings: `node1 10000 IOPS 977 MB/s`. */
export interface OnArray {
  id: string;
  /** Without the characters that keep names apart. */
  name: string;
  what: string;
  mapped: string[];
}

interface View {
  id: string;
  name: string;
  sizeInKb: number;
  volumeType: string;
  useRmcache: boolean;
  compressionMethod?: string;
  mappedSdcInfo: { sdcId: string; limitIops: number; limitBwInMbps: number; accessMode?: string }[] | null;
}

/** The volumes that are on the array, by name. */
export function onArray(gateway: ScaleioGateway): OnArray[] {
  const { volumes, sdcs } = gateway.state() as unknown as { volumes: View[]; sdcs: { id: string; name: string }[] };
  const host = (id: string) => sdcs.find((each) => each.id === id)?.name ?? id;
  return volumes
    .map(({ id, name, sizeInKb, volumeType, useRmcache, compressionMethod, mappedSdcInfo }) => ({
      id,
      name: name.replace(/-[0-9a-z]{9}$/, ""),
      what: [
        `${sizeInKb / 1048576} GiB`,
        volumeType === "ThickProvisioned" ? "thick" : "thin",
        ...(useRmcache ? ["ramcache"] : []),
        ...(compressionMethod === "Normal" ? ["compressed"] : []),
      ].join(" "),
      mapped: (mappedSdcInfo ?? [])
        .map(({ sdcId, limitIops, limitBwInMbps, accessMode = "ReadWrite" }) => {
          const mode = accessMode === "ReadWrite" ? "" : ` ${accessMode}`;
          return `${host(sdcId)} ${limitIops} IOPS ${limitBwInMbps} MB/s${mode}`;
        })
        .sort(),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** A project whose stack has its volumes on an array. */
export class ScaleioProject extends Project {
  constructor(
    name: string,
    private readonly gateway: () => ScaleioGateway,
  ) {
    super(name, "");
  }

  /** Writes the program: as for any project, with `VolumeMapping` in scope. */
  override program(text: string): void {
    super.program(`const { VolumeMapping } = require("storage-profiles");\n${text}`);
  }

  /** The stack's config, with the connection to the gateway; `connection` is laid over it, and `null` takes a key away. */
  async connect(
    values: Record<string, unknown> = {},
    connection: Partial<Record<string, string | null>> = {},
    stack = "dev",
  ): Promise<this> {
    await this.init(stack);
    const gateway = this.gateway();
    const password = "password" in connection ? connection["password"] : gateway.password;
    writeFileSync(join(this.directory, "ca.pem"), gateway.ca);
    const all: Partial<Record<string, string | null>> = {
      endpoint: gateway.url,
      username: gateway.username,
      caFile: "ca.pem",
      ...connection,
    };
    const given = Object.entries(all).filter(([key, value]) => key !== "password" && value !== null);
    this.config(
      {
        backend: "scaleio",
        scaleio: { protectionDomain: "domain1", storagePool: "pool1" },
        deletionProtection: false,
        ...values,
      },
      Object.fromEntries(given.map(([key, value]) => [`scaleio:${key}`, value])),
    );
    if (password) await this.secret("scaleio:password", password);
    return this;
  }

  /** Runs a command that must fail with these messages, without a stack trace, and with the array as it was. */
  async refuses(messages: string[], command: string[] = ["preview"]): Promise<Ran> {
    const before = onArray(this.gateway());
    const ran = await this.run(command);
    for (const message of messages)
      expect([ran.code === 0, ran.text]).toEqual([false, expect.stringContaining(message)]);
    expect(diagnostics(ran)).not.toMatch(/\n +at /);
    expect(onArray(this.gateway())).toEqual(before);
    return ran;
  }
}

/** `pulumi up` as arguments. */
export const UP = ["up", "--yes", "--skip-preview"];

/** A gateway, empty. All have the same password: a project encrypts it once. */
export async function emptyGateway(options: ScaleioGatewayOptions = {}): Promise<ScaleioGateway> {
  return startScaleioGateway({ password: "of-the-tests", ...options });
}

/** The calls that were made for volumes, or for one, and their mappings: no logins, nothing that is asked once a run. */
export function callsFor(gateway: ScaleioGateway, volumeId = ""): string[] {
  return gateway.calls
    .filter(({ path }) => /\/(Volume|VTree)(::|\/)/.test(path) && path.includes(volumeId))
    .map(({ path }) => path.replace(/^.*\/(action\/)?/, "").replace(/^Volume::.*/, "read"));
}

/** How often somebody logged in. */
export function logins(gateway: ScaleioGateway): number {
  return gateway.calls.filter(({ path }) => path === "/api/login").length;
}

/** Has every creation carried out, and keeps both its answer and every look-up by name from coming back. */
export function strandCreations(gateway: ScaleioGateway): void {
  gateway.fault({ match: { path: "createVolume" }, times: "always", do: "truncated-after-commit" });
  gateway.fault({ match: { path: "queryIdByKey" }, times: "always", do: "cut" });
}

/** A stack of volumes on this machine, with an array beside it; volumes without a backend are on the array if `values` says so. */
export async function configureBeside(project: Project, gateway: ScaleioGateway, values: object): Promise<void> {
  project.write("ca.pem", gateway.ca);
  const connection = { endpoint: gateway.url, username: gateway.username, caFile: "ca.pem" };
  project.config(
    { scaleio: { protectionDomain: "domain1", storagePool: "pool1" }, ...values },
    Object.fromEntries(Object.entries(connection).map(([key, value]) => [`scaleio:${key}`, value])),
  );
  await project.secret("scaleio:password", gateway.password);
}

/**
 * Has a program that `declare` writes change a local volume from gold to silver, beside an array's volume that is attached to two nodes, and destroys
 * everything: the volume stays what it was, with its data, until then.
 */
export async function changeToSilver(
  project: Project,
  gateway: ScaleioGateway,
  name: string,
  declare: () => void,
): Promise<void> {
  const before = (await project.state())[`Volume ${name}`];
  const path = join(before?.id ?? "", "data");
  writeFileSync(join(path, "precious"), "data");
  await configureBeside(project, gateway, { local: { mode: "directory" }, deletionProtection: false });
  declare();
  expect((await project.upSteps()).text).toContain(`${name}: gold → silver: update in place`);
  const after = (await project.state())[`Volume ${name}`];
  expect([after?.id, after?.outputs["uid"]]).toEqual([before?.id, before?.outputs["uid"]]);
  expect(after?.outputs).toMatchObject({ sizeGiB: 2, settings: { iopsLimit: 3000 } });
  expect(readFileSync(join(path, "precious"), "utf8")).toBe("data");
  const mapped = ["node1 10000 IOPS 977 MB/s", "node2 0 IOPS 0 MB/s ReadOnly"];
  expect(onArray(gateway)).toMatchObject([{ mapped }]);
  succeeded(await project.run(["destroy", "--yes", "--skip-preview", "--run-program"]));
  expect([existsSync(before?.id ?? ""), onArray(gateway)]).toEqual([false, []]);
}
