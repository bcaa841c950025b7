// `explain`: what a profile becomes for a size, why, and where its limits are; side by side over all backends.

import { admittedSizes, type AdmittedSizes } from "../../core/admitted";
import { backendNames, backends, type BackendName } from "../../core/backend";
import type { Catalog } from "../../core/catalog";
import { nearest } from "../../core/nearest";
import { isObject, own } from "../../core/overlay";
import { count, problem, sizesText, type Problem } from "../../core/problems";
import { resolve, type Resolution, type ResolvedVolume, type VolumeRequest } from "../../core/resolve";
import { settingTexts } from "../../core/setting-text";
import { knownHere, type Known } from "../catalog";
import { sizeOf, textOf, type CommandSpec, type Context } from "../context";
import { costText, noPriceList, table } from "../text";
import { originText } from "./profiles";

interface Explained {
  backend: BackendName;
  /** The answer to a question of the backend that is compared with others, where the stack gives none. */
  choice?: string | undefined;
  /** Absent where no size was given. */
  resolution?: Resolution | undefined;
  sizes: AdmittedSizes;
}

/** The width of a backend's column, at least: that of the longest name of a setting. */
const NARROWEST = 28;

const priceQuestions = backendNames.flatMap((backend) =>
  backends[backend].questions.filter((each) => each.decidesPrice).map((each) => ({ ...each, backend })),
);

export const explain: CommandSpec = {
  name: "explain",
  summary: "Show what a profile resolves to on each backend for a given size: settings, limits, cost, and reasons",
  description: "No backend is contacted. The zone matters where prices depend on it.",
  arguments: [{ name: "<profile>", description: "profile name", completes: "profile" }],
  options: [
    { flags: "--size <size>", description: "size: a number of GiB, or with a unit (1.5TiB)" },
    { flags: "-b, --backend <name>", description: "only this backend", choices: backendNames },
    ...priceQuestions.map(({ backend, option, description, choices }) => ({
      flags: `--${option} <name>`,
      description: `${description} on ${backend}. Default: the stack's${choices ? ", or all to compare" : ""}`,
      ...(choices && { choices }),
    })),
  ],
  examples: [
    ["explain gold --size 100", "compare gold at 100 GiB on all backends, side by side"],
    ["explain gold --size 1.5TiB --backend aws --zone eu-central-1a", "show one backend, with the prices of a region"],
    ["explain gold", "show which sizes gold supports, and what limits them"],
  ],
  async run(context) {
    const known = await knownHere(context);
    const [name = ""] = context.args;
    const names = Object.keys(known.catalog.profiles);
    if (!known.catalog.profiles[name]) {
      const params = { profile: name, profiles: names, nearest: nearest(name, names) };
      const { broken, unread } = known.catalog;
      const problems = broken[name] ?? unread.profiles ?? [problem("profile-unknown", "profile", name, params)];
      return { code: "problems", json: { problems }, problems };
    }
    const chosen = textOf(context, "backend");
    const shown = backendNames.filter((each) => chosen === undefined || each === chosen);
    const explained = shown.flatMap((backend) => explainOn(backend, name, known, context));
    const problems = explained.flatMap(({ resolution, sizes }) => resolution?.problems ?? sizes.problems);
    // One that can't be is an answer, as long as another can; but not the stack's own.
    const ofStack = explained.filter(({ backend }) => backend === known.read?.config.backend);
    const isPossible = (ofStack.length > 0 ? ofStack : explained).some(({ resolution, sizes }) =>
      resolution ? resolution.volume !== undefined : sizes.admitted !== undefined,
    );
    const { origin, file, line } = known.catalog.profiles[name];
    const json = {
      profile: name,
      origin,
      ...(file !== undefined && { file, line }),
      backends: Object.fromEntries(
        explained.map(({ backend, choice, resolution, sizes }) => [
          choice === undefined ? backend : `${backend}:${choice}`,
          { ...(resolution && shownOf(resolution)), ...sizesShown(sizes) },
        ]),
      ),
      problems: isPossible ? [] : problems,
    };
    return {
      code: isPossible ? "done" : "problems",
      json,
      text: [
        ...(file === undefined ? [] : [`${name} is defined in ${originText(known.catalog.profiles[name])}`]),
        sideBySide(explained, context),
      ].join("\n\n"),
      problems: explained.length === 1 ? problems : [],
    };
  },
};

// One answer; or one for each choice that the stack leaves open.
function explainOn(backend: BackendName, profile: string, { catalog, read }: Known, context: Context): Explained[] {
  const asked = read?.requestFor("volume", { backend, profile }) ?? { name: "volume", profile, backend };
  const said = priceQuestions.flatMap(({ backend: whose, option, key }) => {
    const value = whose === backend ? textOf(context, option) : undefined;
    return value === undefined ? [] : [[key, value]];
  });
  const here: Record<string, unknown> = { ...asked.placement, ...(Object.fromEntries(said) as object) };
  const size = textOf(context, "size");
  const resolved = (request: VolumeRequest): Resolution => {
    const { problems, volume, ...rest } = resolve(catalog, request);
    return {
      ...rest,
      ...(volume && { volume: nameless(volume, catalog) }),
      problems: read?.placed(problems) ?? problems,
    };
  };
  const explainAt = (placement: object, choice?: string): Explained => {
    const request: VolumeRequest = { ...asked, profile, ...sizeOf(size), placement };
    const found = admittedSizes(catalog, { profile, backend, placement });
    const sizes = found.admitted ? found : { problems: read?.placed(found.problems) ?? found.problems };
    return { backend, choice, resolution: size === undefined ? undefined : resolved(request), sizes };
  };
  const open = backends[backend].questions.find(({ key, choices }) => choices && here[key] === undefined);
  if (!open?.choices) return [explainAt(here)];
  return open.choices.map((choice) => explainAt({ ...here, [open.key]: choice }, choice));
}

// The name is of no volume: a tag that the backend adds with it is left out, unless the profile or the stack sets one.
function nameless(volume: ResolvedVolume, { limits }: Catalog): ResolvedVolume {
  const { backend, name, settings } = volume;
  const { tags } = backends[backend];
  const all = tags && own(settings, tags.setting);
  if (!tags || !isObject(all)) return volume;
  const { added = [] } = tags.rules(limits[backend]);
  const kept = Object.fromEntries(Object.entries(all).filter(([key, tag]) => !(added.includes(key) && tag === name)));
  return { ...volume, settings: { ...settings, [tags.setting]: kept } };
}

const shownOf = ({ volume, problems, notes, monthlyCost }: Resolution) => ({ volume, problems, notes, monthlyCost });

function sizesShown(sizes: AdmittedSizes): object {
  return sizes.admitted ? { admitted: sizes.admitted } : { notAdmitted: sizes.problems };
}

function sideBySide(explained: readonly Explained[], context: Context): string {
  const { colours, io } = context;
  // As many side by side as fit, beside the labels.
  const room = io.columns - 8;
  const perRow = Math.max(1, Math.min(explained.length, Math.floor(room / (NARROWEST + 2))));
  const width = Math.max(NARROWEST, Math.floor(room / perRow) - 2);
  const blocks: string[] = [];
  for (let at = 0; at < explained.length; at += perRow) {
    const group = explained.slice(at, at + perRow);
    const row = (label: string, cell: (each: Explained) => string): string[][] => {
      const cells = group.map(cell);
      return cells.every((each) => each === "") ? [] : [[label, ...cells]];
    };
    const rows = [
      ...row("size", ({ resolution }) => (resolution?.volume ? `${count(resolution.volume.sizeGiB)} GiB` : "")),
      ...row("settings", ({ resolution: { volume } = {} }) => (volume ? settingTexts(volume).join("\n") : "")),
      ...row("cost", (each) =>
        each.resolution?.volume && hasPrices(each) ? costText(each.resolution.monthlyCost) : "",
      ),
      ...row("notes", ({ resolution }) => (resolution?.notes ?? []).map(({ message }) => message).join("\n")),
      ...row("problems", ({ resolution, sizes }) => {
        // Of one backend they are told in full below.
        const lines = explained.length === 1 ? "" : problemLines(resolution?.problems ?? sizes.problems);
        return lines === "" ? "" : colours.red(lines);
      }),
      ...row("sizes", (each) => sizeLines(each)),
    ];
    const head = ["", ...group.map(headOf)];
    blocks.push(table([head, ...rows.flatMap((each, index) => (index === 0 ? [each] : [[""], each]))], colours, width));
  }
  const unpriced = explained.filter((each) => each.resolution?.volume && !hasPrices(each));
  const missing = noPriceList(unpriced.map((each) => ({ backend: each.backend, title: headOf(each) })));
  return [...blocks, ...missing].join("\n\n");
}

// Whether its cost is known, or is not for a reason that the notes give.
const hasPrices = ({ resolution }: Explained): boolean =>
  resolution?.monthlyCost !== undefined || (resolution?.notes ?? []).some(({ code }) => code === "price-unknown");

const headOf = ({ backend, choice }: Explained): string =>
  choice === undefined ? backends[backend].title : `${backends[backend].title}, ${choice}`;

function problemLines(problems: readonly Problem[]): string {
  return problems.map(({ message, fix }) => (fix === "" ? message : `${message}\n  fix: ${fix}`)).join("\n");
}

function sizeLines({ backend, sizes: { admitted = [] } }: Explained): string {
  return admitted
    .map(({ what, ranges, above }) => {
      const told = ranges.map(({ fromGiB, toGiB }) => sizesText(fromGiB, toGiB)).join(", ");
      const text = told === "" ? `none (${above?.message ?? "not possible"})` : told;
      return what === backends[backend].title ? text : `${what}: ${text}`;
    })
    .join("\n");
}
