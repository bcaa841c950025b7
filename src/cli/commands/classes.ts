// `classes`: the objects that a cluster needs before volumes of the profiles can be made, for people who use no Pulumi there.

import { stringify } from "yaml";

import { backendNames, backends, type Backend } from "../../core/backend";
import { listedSizes } from "../../core/listed-sizes";
import { nearest } from "../../core/nearest";
import { problem, type Problem } from "../../core/problems";
import { parseSize } from "../../core/size";
import { knownHere } from "../catalog";
import { sizeOf, textOf, UsageError, type CommandSpec } from "../context";
import { notesText } from "../text";

// Of the backends that have such objects the first: there is one.
const [backend] = backendNames.filter((each) => backends[each].manifests !== undefined);
const questions = backend === undefined ? [] : backends[backend].questions;
const [driver = ""] = questions.flatMap(({ choices }) => choices ?? []);

export const classes: CommandSpec = {
  name: "classes",
  summary: "Print the Kubernetes StorageClasses and VolumeAttributesClasses of the profiles",
  description:
    "For GitOps, or kubectl apply -f -. Names contain a hash of the content, so the same profiles always have the same classes, and a changed profile has new ones: keep the old ones while claims use them. A profile whose IOPS depend on the size has one class per size. Outside a project, prints the classes of the built-in profiles.",
  arguments: [
    {
      name: "[profile...]",
      description: "only these profiles. Default: all with settings for the driver",
      completes: "profile",
    },
  ],
  options: [
    ...questions.map(({ option, description, choices }) => ({
      flags: `--${option} <name>`,
      description: `${description}. Default: the stack's`,
      ...(choices && { choices }),
    })),
    {
      flags: "--size <size>",
      description:
        "size of claims: a number of GiB, or with a unit; may be repeated. Default: the sizes of the volumes that the stack's config lists",
      many: true,
    },
    { flags: "--no-aliases", description: "print no StorageClasses of the profiles' own names" },
    { flags: "-o, --output <format>", description: "output format", choices: ["yaml", "json"], default: "yaml" },
  ],
  examples: [
    [`classes --driver ${driver} --size 100 --size 500`, "print the classes of all profiles, as YAML"],
    [`classes silver --driver ${driver} -o json`, "print the classes of one profile, as a JSON List"],
  ],
  async run(context) {
    if (backend === undefined) throw new UsageError("no backend has classes");
    const { catalog, read } = await knownHere(context);
    const rules: Backend = backends[backend];
    const said = questions.flatMap(({ option, key }) => {
      const value = textOf(context, option);
      return value === undefined ? [] : [[key, value] as const];
    });
    const asked = read?.requestFor("volume", { backend }).placement;
    const placement = { ...asked, ...Object.fromEntries(said) };
    const problems: Problem[] = [...(catalog.unread[backend] ?? [])];
    const names = Object.keys(catalog.profiles);
    for (const profile of context.args.filter((each) => !names.includes(each))) {
      const params = { profile, profiles: names, nearest: nearest(profile, names) };
      problems.push(...(catalog.broken[profile] ?? [problem("profile-unknown", "profile", profile, params)]));
    }
    const given = context.options["size"];
    const sizes = Array.isArray(given) ? given.map((text) => parseSize(sizeOf(text))) : undefined;
    const wrongSizes = (sizes ?? []).flatMap((each) => each.problems);
    problems.push(...wrongSizes.map((each) => ({ ...each, path: "--size" })));
    if (problems.length > 0) return { code: "problems", json: { problems }, problems };
    const found = rules.manifests?.(catalog, {
      profiles: context.args.length > 0 ? context.args : undefined,
      sizesGiB: sizes?.flatMap(({ sizeGiB }) => sizeGiB ?? []) ?? (read ? listedSizes(read.config, backend) : []),
      aliases: context.options["aliases"] !== false,
      placement,
    }) ?? { objects: [], problems: [], notes: [] };
    if (found.problems.length > 0) {
      return { code: "problems", json: { problems: found.problems }, problems: found.problems };
    }
    const list = { apiVersion: "v1", kind: "List", items: found.objects };
    if (textOf(context, "output") === "json") return { json: list, text: JSON.stringify(list, null, 2) };
    const remarks = notesText(found.notes, "# ");
    const documents = found.objects.map((each) => stringify(each).trimEnd());
    return { json: list, text: [...(remarks === "" ? [] : [remarks]), documents.join("\n---\n")].join("\n") };
  },
};
