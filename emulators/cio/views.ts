// How the REST API and the command show what the cluster has.

import type { CioModel, CioVolumeState } from "./cluster";

/** The keys of `cio volume info --json`. */
export function infoJson(model: CioModel, volume: CioVolumeState): Record<string, unknown> {
  const { vdisk, uuid, name, capacity, level, type, autoexpand } = volume;
  const node = model.node(volume.node);
  return {
    ...{ vdisk, uuid, node: node.name, ipaddr: node.ip, nodeid: node.id, name },
    ...{ capacity: `${capacity}GB`, redundancy: String(level), driveType: type.toUpperCase() },
    ...{ localDriveOnly: yesNo(volume.local), provisioning: volume.provision },
    ...{ minimumIOPS: volume.iopsMin, maximumIOPS: volume.iopsMax, directory: volume.directory },
    ...{ autoexpandEnabled: autoexpand.enabled, autoexpandThreshold: autoexpand.threshold },
    ...{ autoexpandIncrement: autoexpand.increment, autoexpandLimit: autoexpand.limit, autoexpandCount: 0 },
    ...{ encryption: volume.encryption, snapshot: volume.snapshot, snapInterval: volume.snapInterval },
    ...{
      maximumSnapshots: volume.snapshotMax,
      filesystem: volume.filesystem,
      labels: volume.labels,
      allocated: "0.4%",
    },
  };
}

/** The same over REST, which has bandwidth as well. */
export function restVolume(model: CioModel, volume: CioVolumeState): Record<string, unknown> {
  const { bandwidthMin: minimumBandwidth, bandwidthMax: maximumBandwidth } = volume;
  return { ...infoJson(model, volume), minimumBandwidth, maximumBandwidth };
}

/** The lines of `cio volume info`: 28 columns, then the value. */
export function infoText(model: CioModel, volume: CioVolumeState): string {
  const { autoexpand } = volume;
  const node = model.node(volume.node);
  const labels = Object.entries(volume.labels).map(([key, value]) => `${key}=${value}@`);
  const onOff = (value: boolean) => (value ? "enabled" : "disabled");
  const lines: [string, string | number][] = [
    ["vdisk", `vd${volume.vdisk}`],
    ["uuid", volume.uuid],
    ["node", node.name],
    ["ipaddr", node.ip],
    ["nodeid", node.id],
    ["name", volume.name],
    ["capacity", `${volume.capacity}GB`],
    ["redundancy", volume.level],
    ["drive type", volume.type.toUpperCase()],
    ["local drive only", yesNo(volume.local)],
    ["provisioning", volume.provision],
    ["minimum iops", volume.iopsMin],
    ["maximum iops", volume.iopsMax],
    ["directory", volume.directory],
    ["autoexpand enabled", yesNo(autoexpand.enabled)],
    ["autoexpand threshold", autoexpand.threshold],
    ["autoexpand increment", autoexpand.increment],
    ["autoexpand limit", autoexpand.limit],
    ["autoexpand count", 0],
    ["encryption", onOff(volume.encryption)],
    ["snapshot", onOff(volume.snapshot)],
    ["snapshot interval", volume.snapInterval],
    ["maximum snapshots", volume.snapshotMax],
    ["filesystem", volume.filesystem],
    ["labels", labels.join("")],
    ["allocated", "0.4%"],
  ];
  return lines.map(([key, value]) => `${key.padEnd(28)}${value}`).join("\n");
}

/** A table as the command prints it. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => String(row[column] ?? "").length)) + 2);
  return all
    .map((row) =>
      row
        .map((cell, column) => String(cell).padEnd(widths[column] ?? 0))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}

export function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
