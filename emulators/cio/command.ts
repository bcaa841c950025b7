// The command `cio`: its arguments in, its screen out. Each outcome is a line that starts with `Succeed:` or `Fail:`, and both exit with 0.

import { parse, stringify } from "yaml";

import { CioRefusal, type CioModel, type CioOptions, type CioProfile, type CioVolumeState } from "./cluster";
import { infoJson, infoText, table, yesNo } from "./views";

/** The options of volumes by their flags. */
const FLAGS: Record<string, string> = {
  ...{ "-c": "capacity", "-g": "grow", "-D": "directory", "-f": "filesystem", "-l": "level", "-n": "node" },
  ...{ "-N": "nodeid", "-P": "provision", "-t": "type", "-C": "compression", "-A": "algorithm", "-s": "snapshot" },
  ...{ "-p": "profile", "-v": "volume", "-V": "vdisk", "-u": "uuid", "-e": "encryption" },
};
const WITHOUT_VALUE: Record<string, string> = {
  ...{
    "-o": "local",
    "--local": "local",
    "-q": "quiet",
    "--quiet": "quiet",
    "-y": "yes",
    "-j": "json",
    "--json": "json",
  },
  ...{ "-a": "all", "--nounits": "nounits", "-L": "long" },
};
const KNOWN = new Set(
  [...Object.values(FLAGS)].concat(
    ...["iopsmin", "iopsmax", "bandwidthmin", "bandwidthmax", "label", "interval", "snapshotMax"],
    ...["autoexpand", "threshold", "increment", "limit", "description"],
  ),
);
/** What `cio volume update` takes. */
const UPDATES = new Set([
  ...["capacity", "grow", "directory", "iopsmin", "iopsmax", "bandwidthmin", "bandwidthmax", "label"],
  ...["snapshot", "autoexpand", "threshold", "increment", "limit", "volume", "vdisk", "uuid"],
]);

interface Parsed {
  positional: string[];
  opts: CioOptions;
  labels: Record<string, string>;
}

function parseArgs(args: readonly string[]): Parsed {
  const parsed: Parsed = { positional: [], opts: {}, labels: {} };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const single = WITHOUT_VALUE[arg];
    if (single !== undefined) {
      parsed.opts[single] = "yes";
      continue;
    }
    if (!arg.startsWith("-")) {
      parsed.positional.push(arg);
      continue;
    }
    const key = FLAGS[arg] ?? arg.replace(/^--/, "");
    const value = args[++at];
    if (!KNOWN.has(key)) throw new CioRefusal(`unknown option ${arg}`);
    if (value === undefined) throw new CioRefusal(`option ${arg} needs a value`);
    if (key === "label") {
      const [, name = "", text = ""] = /^([^=]+)=(.*)$/s.exec(value) ?? [];
      if (name === "") throw new CioRefusal(`invalid label ${value}`);
      parsed.labels[name] = text;
    } else parsed.opts[key] = value;
  }
  return parsed;
}

const ALIASES: Record<string, string> = { add: "create", list: "ls", remove: "rm", delete: "rm", inspect: "info" };

/** Runs the command, and returns its screen. `readFile` reads a file that is named to it. */
export function runCommand(model: CioModel, args: readonly string[], readFile: (path: string) => string): string {
  try {
    const [noun = "", verb = "", ...rest] = args;
    const key = ["nodeid", "info", "event"].includes(noun) ? noun : `${noun} ${ALIASES[verb] ?? verb}`;
    const command = commands[key];
    if (!command) throw new CioRefusal(`unknown command: cio ${args.join(" ")}`);
    return command(model, parseArgs(key.includes(" ") ? rest : args.slice(1)), readFile);
  } catch (error) {
    if (error instanceof CioRefusal) return error.message;
    throw error;
  }
}

type Command = (model: CioModel, parsed: Parsed, readFile: (path: string) => string) => string;

function volumeOf(model: CioModel, { positional, opts }: Parsed): CioVolumeState {
  const key = positional[0] ?? opts["volume"] ?? opts["uuid"] ?? opts["vdisk"];
  if (key === undefined) throw new CioRefusal("no volume is named");
  return model.find(key);
}

const commands: Record<string, Command> = {
  "volume create": (model, parsed) => {
    const { positional, opts, labels } = parsed;
    const volume = model.create(positional[0] ?? opts["volume"] ?? "", opts, labels);
    if (opts["quiet"] !== undefined) return String(volume.vdisk);
    return `Succeed: Add vd${volume.vdisk}: Type:${volume.level}-copy, Size:${volume.capacity}GB`;
  },
  "volume update": (model, parsed) => {
    const volume = volumeOf(model, parsed);
    const other = Object.keys(parsed.opts).find((key) => !UPDATES.has(key));
    if (other !== undefined) throw new CioRefusal(`Update vd${volume.vdisk}: ${other} can't be updated`);
    return model.update(volume, parsed.opts, parsed.labels).join("\n");
  },
  "volume move": (model, parsed) => {
    const to = parsed.opts["node"] ?? parsed.opts["nodeid"];
    if (to === undefined) throw new CioRefusal("no node is named");
    return model.move(volumeOf(model, parsed), to).join("\n");
  },
  "volume rm": (model, parsed) => {
    // Without -y the command asks, and nobody is there to answer.
    if (parsed.opts["yes"] === undefined) return "Remove volume? [Y/N]";
    return model.remove(volumeOf(model, parsed));
  },
  "volume info": (model, parsed) => {
    const volume = volumeOf(model, parsed);
    return parsed.opts["json"] === undefined
      ? infoText(model, volume)
      : JSON.stringify(infoJson(model, volume), null, 2);
  },
  "volume ls": (model) =>
    table(
      ["NODENAME", "VDISK", "DRIVE", "TYPE", "SIZE", "UUID", "VOLUMENAME", "ALLOCATED"],
      model.volumes.map(({ node, vdisk, type, level, capacity, uuid, name }) => [
        ...[node, `vd${vdisk}`, type.toUpperCase(), `${level}-copy`, `${capacity}GB`, uuid, name, "0.4%"],
      ]),
    ),
  "profile create": (model, { positional }, readFile) => {
    const file = positional[0] ?? "";
    const name = file.split("/").at(-1) ?? "";
    const { filesystem, ...profile } = parse(readFile(file)) as Record<string, unknown>;
    const type = typeof filesystem === "string" ? { filesystem: { type: filesystem } } : {};
    model.profiles.set(name, { name, ...profile, ...type });
    return `Succeed: Create profile: Profile ${name} saved`;
  },
  "profile rm": (model, { positional }) => {
    const name = positional[0] ?? "";
    if (!model.profiles.delete(name)) throw new CioRefusal(`profile ${name} not found`);
    return `Succeed: Remove profile: Profile ${name} removed`;
  },
  "profile info": (model, { positional }) => {
    const profile = model.profiles.get(positional[0] ?? "");
    if (!profile) throw new CioRefusal(`profile ${positional[0] ?? ""} not found`);
    return profileYaml(profile);
  },
  "profile show": (model, parsed) => profileYaml(profileOf(volumeOf(model, parsed))),
  "profile ls": (model) =>
    table(
      ["PROFILE", "DATE"],
      [...model.profiles.keys()].map((name) => [name, "Sun Apr 14 06:28:51 2019"]),
    ),
  "snapshot create": (model, parsed) => {
    const volume = volumeOf(model, parsed);
    const { directory } = model.takeSnapshot(volume, parsed.opts["description"] ?? "");
    return `Succeed: Created a snapshot of '${volume.directory}/vd${volume.vdisk}' in '${directory}'`;
  },
  "snapshot ls": (model, { positional }) => {
    const volumes = positional[0] === undefined ? model.volumes : [model.find(positional[0])];
    return table(
      ["VOLUME", "SNAPSHOT", "DATE", "TYPE", "DESCRIPTION"],
      volumes.flatMap(({ name, snapshots }) =>
        snapshots.map(({ id, date, type, description }) => [name || "noname", id, date, type, description]),
      ),
    );
  },
  "snapshot rm": (model, { positional }) => {
    const found = model.snapshot(positional[0] ?? "");
    if (!found) throw new CioRefusal(`snapshot ${positional[0] ?? ""} not found`);
    const { volume, snapshot } = found;
    volume.snapshots.splice(volume.snapshots.indexOf(snapshot), 1);
    return `Succeed: Deleted snapshot on volume ${volume.name} at '${snapshot.directory}'`;
  },
  "node ls": (model) =>
    table(
      ["NODENAME", "IP", "NODE_ID", "ROLE", "STATUS"],
      model.nodes.map(({ name, ip, id, role, status }) => [name, ip, id, role, status]),
    ),
  nodeid: (model) => model.nodes[0]?.id ?? "",
  info: (model) =>
    [
      ["Nodes", model.nodes.length],
      ["Vdisks", model.volumes.length],
      ["Condition", "Normal"],
    ]
      .map(([key, value]) => `${key}: ${value}`)
      .join("\n"),
  event: (model) =>
    model.events
      .map(({ time, category, module, content }) => `${time} [${category}] [${module}] ${content}`)
      .join("\n"),
};

function profileYaml({ name: _name, filesystem, ...profile }: CioProfile): string {
  const { type } = (filesystem ?? {}) as { type?: string };
  return `---\n${stringify({ ...profile, ...(type !== undefined && { filesystem: type }) })}`;
}

/** What a volume has, as a profile. */
function profileOf(volume: CioVolumeState): CioProfile {
  const { autoexpand } = volume;
  return {
    name: volume.name,
    ...{ capacity: volume.capacity, directory: volume.directory, level: volume.level, local: yesNo(volume.local) },
    iops: { min: volume.iopsMin, max: volume.iopsMax },
    ...(volume.bandwidthMax > 0 && { bandwidth: { min: volume.bandwidthMin, max: volume.bandwidthMax } }),
    ...{
      provision: volume.provision,
      type: volume.type,
      label: volume.labels,
      filesystem: { type: volume.filesystem },
    },
    service: {
      autoexpand: { ...autoexpand, enabled: yesNo(autoexpand.enabled) },
      compression: {
        enabled: yesNo(volume.compression !== "no"),
        ...(volume.compression !== "no" && { algorithm: volume.compression }),
      },
      dedupe: "no",
      encryption: { enabled: yesNo(volume.encryption) },
      replication: { enabled: "no", destination: "none", interval: 120, type: "synchronous" },
      snapshot: { enabled: yesNo(volume.snapshot), interval: volume.snapInterval, max: volume.snapshotMax },
    },
  };
}
