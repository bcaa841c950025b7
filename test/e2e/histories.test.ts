// Whatever a program, its options, hands and kills do: a volume's data is gone only if the user asked for the deletion of that volume by
// name, or ran `destroy`, with protection off. Random histories, many at a time: each volume of a stack has its own, and all go through
// the same runs. STORAGE_PROFILES_TEST_HISTORIES sets how many are tried on each backend.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import fc from "fast-check";

import type { ScaleioGateway } from "../../emulators";
import { limitMs } from "../../tools/test/time.js";
import { Project } from "../support/engine";
import { emptyGateway, ScaleioProject } from "../support/scaleio";

// A run of all tests tries the same few each time: what others would find is looked for on purpose, and not by luck.
const wanted = process.env["STORAGE_PROFILES_TEST_HISTORIES"];
const histories = Number(wanted ?? 20);
/** Volumes of one stack: so many histories at a time. */
const VOLUMES = Math.min(histories, 100);
const STEPS = 6;
const LIMIT_MS = limitMs(Math.max(900, histories * 10));

/** What makes a volume another one for Pulumi. */
interface Identity {
  name: string;
  /** The component that it is a part of. */
  parent: string | null;
}

const sameAs = (one: Identity) => (other: Identity) => one.name === other.name && one.parent === other.parent;

/** A volume as the program declares it. */
interface Declaration extends Identity {
  profile: string;
  sizeGiB: number;
  isProtected: boolean;
  backend?: string;
  /** What it was before, as `aliases`. */
  aliases: Identity[];
}

const PROGRAM = `
  const volumes = JSON.parse(require("node:fs").readFileSync(__dirname + "/volumes.json", "utf8"));
  class App extends pulumi.ComponentResource { constructor(name) { super("test:App", name); } }
  const apps = {};
  for (const { name, profile, sizeGiB, isProtected, backend, parent, aliases } of volumes) {
    const owner = (name) => (name === null ? pulumi.rootStackResource : (apps[name] ??= new App(name)));
    new ProfiledVolume(name + "@" + profile, { sizeGiB, deletionProtection: isProtected, backend }, {
      parent: owner(parent),
      aliases: aliases.map(({ name, parent }) => ({ name, parent: owner(parent) })),
    });
  }
`;

/** A volume that the state has. */
interface Known extends Identity {
  /** Where its data is: the backend's own id. */
  id: string;
  child: string;
  component: string;
  isProtected: boolean;
}

/** Where the volumes of a history live. */
interface Place {
  project: Project;
  /** The type of its volume resource. */
  type: string;
  /** Begins with nothing. */
  begin: () => void | Promise<void>;
  configure: (profiles?: object) => void | Promise<void>;
  /** Whether the backend has the volume: the state of a run that was killed may list one that is deleted. */
  isThere: (id: string) => boolean;
  /** Writes data on a volume that was just made. */
  mark: (id: string) => void;
  /** Whether it is all there. */
  isWhole: (id: string) => boolean;
  /** Something that goes wrong on the backend during a run, and its end. */
  disturb: (g: fc.GeneratorValue) => { what: string; end: () => void };
}

const oneOf = <T>(g: fc.GeneratorValue, values: readonly T[]): T => values[g(fc.nat, values.length - 1)] as T;
const chance = (g: fc.GeneratorValue, percent: number): boolean => g(fc.integer, { min: 1, max: 100 }) <= percent;

const EDITS = [
  "none",
  "none",
  "profile",
  "profile",
  "grow",
  "grow",
  "protection",
  "remove",
  "rename",
  "alias",
  "move",
] as const;
/** Edits that make the whole run fail. */
const WRONG = ["misspelt", "too big", "smaller", "other backend", "protected away"] as const;

/** The next thing that the program says of a volume; nothing where it is taken away. */
function edited(
  g: fc.GeneratorValue,
  edit: (typeof EDITS)[number] | (typeof WRONG)[number],
  from: Declaration,
  known: Known | undefined,
): Declaration | undefined {
  // What is taken away while it is protected fails the run; that is an edit of its own.
  const goes = !known?.isProtected;
  const otherName = () => `${from.name.split("-")[0]}-${g(fc.nat, 999_999)}`;
  const aliases = [{ name: from.name, parent: from.parent }, ...from.aliases];
  switch (edit) {
    case "profile":
      return { ...from, profile: oneOf(g, ["gold", "silver", "bronze", "default"]) };
    case "grow":
      return { ...from, sizeGiB: from.sizeGiB + 8 };
    case "protection":
      return { ...from, isProtected: !from.isProtected };
    case "remove":
      return goes ? undefined : from;
    case "rename":
      return goes ? { ...from, name: otherName(), aliases: [] } : from;
    case "alias":
      return { ...from, name: otherName(), aliases };
    case "move":
      if (from.parent === null) return { ...from, parent: "app", aliases };
      return goes ? { ...from, parent: null, aliases: [] } : from;
    case "misspelt":
      return { ...from, profile: "golf" };
    case "too big":
      return { ...from, sizeGiB: 99_999_999 };
    case "smaller":
      return { ...from, sizeGiB: 1 };
    case "other backend":
      return { ...from, backend: "openstack" };
    case "protected away":
      return known?.isProtected ? undefined : from;
    default:
      return from;
  }
}

async function volumesOf({ project, type }: Place): Promise<Known[]> {
  const all = await project.resources();
  return all
    .filter((each) => each.urn.split("::").at(-2)?.split(/[$:]/).at(-1) === type && each.id)
    .map(({ urn, id = "", protect = false, parent: component = "" }) => {
      const [types = "", name = ""] = component.split("::").slice(-2);
      const parent = types.startsWith("test:App$") ? "app" : null;
      return { id, name, parent, child: urn, component, isProtected: protect };
    });
}

/** What a run did: for the report of a failure, and to see that the histories are not all the same. */
interface Tally {
  runs: number;
  succeeded: number;
  made: number;
  deleted: number;
}

/** One history of all volumes of a stack. Returns what was lost without being asked for. */
async function live(g: fc.GeneratorValue, place: Place, tally: Tally): Promise<string[]> {
  const { project } = place;
  const said: string[] = [];
  await place.begin();
  let declared: Declaration[] = Array.from({ length: VOLUMES }, (_, n) => ({
    name: `v${n}`,
    profile: oneOf(g, ["gold", "silver", "bronze", "default"]),
    sizeGiB: 8,
    isProtected: chance(g, 30),
    parent: null,
    aliases: [],
  }));
  /** The ids of what was made and marked, and not deleted at somebody's wish. */
  const alive = new Set<string>();
  for (let step = 0; step <= STEPS; step++) {
    const before = await volumesOf(place);
    const knownAs = (identity: Identity) => before.find((known) => sameAs(identity)(known));
    const isWrong = step > 0 && chance(g, 20);
    const edits = declared.map((from) => {
      const edit = step === 0 ? "none" : isWrong && chance(g, 20) ? oneOf(g, WRONG) : oneOf(g, EDITS);
      return { from, edit, to: edited(g, edit, from, knownAs(from)) };
    });
    const program = edits.flatMap(({ to }) => to ?? []);
    writeFileSync(join(project.directory, "volumes.json"), JSON.stringify(program));
    // The stack's own profiles change, or can't be read.
    const profiles = oneOf(g, ["same", "same", "same", "same", "same", "changed", "changed", "broken"] as const);
    if (step > 0 && profiles !== "same") {
      const key = place.type === "LocalVolume" ? "iops" : "iopsLimit";
      const settings = { [profiles === "broken" ? "iop" : key]: 1000 + g(fc.nat, 1000) };
      await place.configure({
        silver: { extends: "silver", [place.type === "LocalVolume" ? "local" : "scaleio"]: settings },
      });
    } else await place.configure();

    const verb = step > 0 && chance(g, 8) ? "destroy" : "up";
    const options = step === 0 ? [] : runOptions(g, before, verb);
    const trouble = step > 0 && chance(g, 10) ? place.disturb(g) : undefined;
    const killAfterMs = step > 0 && chance(g, 12) ? 500 + g(fc.nat, 6000) : undefined;
    const args = [
      verb,
      "--yes",
      "--skip-preview",
      ...options.flatMap(({ option, urn }) => (urn ? [option, urn] : [option])),
    ];
    let outcome: string;
    if (killAfterMs === undefined) {
      const { code } = await project.run(args);
      outcome = code === 0 ? "succeeded" : "failed";
    } else {
      const { kill } = await project.begin(args);
      await sleep(killAfterMs);
      await kill();
      await project.run(["cancel", "--yes"]);
      outcome = "killed";
    }
    trouble?.end();
    tally.runs++;
    if (outcome === "succeeded") tally.succeeded++;
    const after = await volumesOf(place);

    // What was asked for by name, or by `destroy`, with protection off.
    const among = (option: string, { child, component }: Known) =>
      options.some((each) => each.option === option && [child, component].includes(each.urn ?? ""));
    const isTargeted = options.some(({ option }) => option === "--target");
    const identities = program.map((each) => ({ ...each, all: [each, ...each.aliases] }));
    const isAsked = (known: Known) => {
      const declaration = identities.find(({ all }) => all.some(sameAs(known)));
      // Where the program runs first, it counts what that says of protection.
      const replaces = among("--replace", known) && declaration !== undefined;
      const isRead = replaces || options.some(({ option }) => option === "--run-program");
      if ((isRead && declaration ? declaration : known).isProtected) return false;
      if (replaces) return true;
      // The engine leaves out what is excluded, and not what belongs to it: of a volume that is declared, the hooks see to the rest. A
      // `destroy` that runs the program first knows a volume by the URN that the program gives it, not by one that an alias replaces.
      const isRenamed =
        declaration !== undefined &&
        (!known.child.endsWith(`::${declaration.name}`) ||
          known.child.includes("::test:App$") !== (declaration.parent !== null));
      const excluded = options.flatMap(({ option, urn }) => (option === "--exclude" && urn !== undefined ? [urn] : []));
      const isKept =
        verb === "up"
          ? excluded.some((urn) => urn === known.child || (declaration && urn === known.component))
          : excluded.includes(known.child) && !(isRead && isRenamed);
      if (isKept) return false;
      if (isTargeted && !among("--target", known)) return false;
      return verb === "destroy" || declaration === undefined;
    };
    const line = `${args.slice(0, 1).join(" ")} ${options.map(({ option, urn = "" }) => `${option} ${urn.split("::").slice(-2).join("::")}`).join(" ")}`;
    said.push(`step ${step}: ${line} (profiles ${profiles}${trouble ? `, ${trouble.what}` : ""}): ${outcome}`);
    const lost: string[] = [];
    for (const id of alive) {
      if (place.isWhole(id)) continue;
      alive.delete(id);
      const known = before.find((each) => each.id === id);
      if (known && isAsked(known)) {
        tally.deleted++;
        continue;
      }
      const of = edits.find(({ from }) => known && sameAs(from)(known));
      lost.push(`${id} (${known ? known.component : "in no state"}), edit "${of?.edit ?? "none"}"`);
    }
    if (lost.length > 0) return [...said, ...lost];
    for (const { id } of after) {
      if (alive.has(id) || !place.isThere(id)) continue;
      place.mark(id);
      alive.add(id);
      tally.made++;
    }
    // A user corrects what was refused.
    const isThere = (identity: Identity) => after.some((known) => sameAs(identity)(known));
    declared = edits.flatMap(({ from, edit, to }) => {
      if ((WRONG as readonly string[]).includes(edit)) return from;
      return to ?? (outcome === "succeeded" && !isThere(from) ? [] : from);
    });
    if (declared.length < VOLUMES / 2) {
      const fresh = { profile: "bronze", sizeGiB: 8, isProtected: false, parent: null, aliases: [] };
      declared.push({ ...fresh, name: `w${g(fc.nat, 999_999)}` });
    }
  }
  return [];
}

function runOptions(g: fc.GeneratorValue, before: Known[], verb: string): { option: string; urn?: string }[] {
  const options: { option: string; urn?: string }[] = [];
  const some = (option: string, percent: number) => {
    // What is protected makes a whole `destroy` fail.
    const among = verb === "destroy" && chance(g, 80) ? before.filter(({ isProtected }) => !isProtected) : before;
    for (const { child, component } of among) {
      if (!chance(g, percent)) continue;
      const which = g(fc.nat, 2);
      for (const urn of which === 0 ? [child] : which === 1 ? [component] : [child, component])
        options.push({ option, urn });
    }
  };
  const kind = chance(g, 5) ? "--replace" : oneOf(g, ["all", "all", "--target", "--exclude"] as const);
  if (kind === "--target" || kind === "--exclude") some(kind, 30);
  if (kind === "--replace" && verb === "up") some(kind, 5);
  if (chance(g, 25)) options.push({ option: "--refresh" });
  if (chance(g, 20)) options.push({ option: "--continue-on-error" });
  if (verb === "destroy" && chance(g, 50)) options.push({ option: "--run-program" });
  return options;
}

async function expectNothingLost(place: Place): Promise<void> {
  const tally: Tally = { runs: 0, succeeded: 0, made: 0, deleted: 0 };
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      expect(await live(g, place, tally)).toEqual([]);
    }),
    { numRuns: Math.ceil(histories / VOLUMES), endOnFailure: true, ...(wanted === undefined && { seed: 20_261_129 }) },
  );
  process.stderr.write(`${place.project.name}: ${JSON.stringify(tally)}\n`);
  expect(tally.made).toBeGreaterThanOrEqual(VOLUMES);
  expect(tally.succeeded).toBeGreaterThan(0);
}

describe("no volume's data is lost that nobody asked to delete", () => {
  test(
    "on the local backend",
    async () => {
      const project = new Project("histories", PROGRAM);
      const away = `${project.volumes}.away`;
      try {
        await project.init();
        const file = (id: string) => join(id, "data/precious");
        await expectNothingLost({
          project,
          type: "LocalVolume",
          begin: () => project.reset(),
          configure: (profiles) => project.config({ local: { mode: "directory" }, ...(profiles && { profiles }) }),
          isThere: (id) => existsSync(join(id, "data")),
          mark: (id) => writeFileSync(file(id), id),
          isWhole: (id) => existsSync(file(id)) && readFileSync(file(id), "utf8") === id,
          // The disk of the state directory isn't mounted.
          disturb: () => {
            if (!existsSync(project.volumes)) return { what: "nothing", end: () => undefined };
            renameSync(project.volumes, away);
            mkdirSync(project.volumes);
            return {
              what: "the state directory's disk is not mounted",
              end: () => {
                rmSync(project.volumes, { recursive: true, force: true });
                renameSync(away, project.volumes);
              },
            };
          },
        });
      } finally {
        await project.dispose();
      }
    },
    LIMIT_MS,
  );

  test(
    "on an array",
    async () => {
      let gateway: ScaleioGateway = await emptyGateway();
      const project = new ScaleioProject("histories-array", () => gateway);
      project.program(PROGRAM);
      try {
        const ids = () => (gateway.state() as unknown as { volumes: { id: string }[] }).volumes.map(({ id }) => id);
        await project.init();
        await expectNothingLost({
          project,
          type: "ScaleioVolume",
          begin: async () => {
            await gateway.close();
            gateway = await emptyGateway();
            project.reset();
          },
          configure: async (profiles) => {
            await project.connect({ ...(profiles && { profiles }) }, { timeoutSeconds: "3" });
          },
          isThere: (id) => ids().includes(id),
          mark: () => undefined,
          isWhole: (id) => ids().includes(id),
          disturb: (g) => {
            const path = oneOf(g, ["createVolume", "setVolumeSize", "removeVolume", "queryIdByKey", "setVolumeName"]);
            const effect = oneOf(g, ["cut", "cut-after-commit", "truncated-after-commit", "restart"] as const);
            const fault = gateway.fault({ match: { path }, skip: g(fc.nat, 3), do: effect });
            return { what: `${effect} at ${path}`, end: () => fault.remove() };
          },
        });
      } finally {
        await project.dispose();
        await gateway.close();
      }
    },
    LIMIT_MS,
  );
});
