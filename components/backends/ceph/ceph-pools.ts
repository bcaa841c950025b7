// CephPools: the pools that the stack's profiles define, created on a Ceph cluster. For an administrator's stack.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, problem, wrongType, type Problem, type StackConfig } from "../../../src";
import type { PoolSettings } from "../../../src/backends/ceph/pools";
import type { CephPool } from "../../../src/backends/ceph/section";
import { componentHook, withBeforeUpdate } from "../../hooks";
import { unknownArguments, unknownProfiles } from "../../component-arguments";
import { optionProblems } from "../../options";
import { registered } from "../../pulumi-internals";
import { currentRun } from "../../run";

/* eslint-disable @typescript-eslint/no-require-imports -- loaded when the first component is declared */
const definitions = () => require("../../../src/backends/ceph") as typeof import("../../../src/backends/ceph");
const poolDefinitions = () =>
  require("../../../src/backends/ceph/pools") as typeof import("../../../src/backends/ceph/pools");
const resources = () => require("./pool-resource") as typeof import("./pool-resource");
/* eslint-enable @typescript-eslint/no-require-imports */

/** The type token of the component. */
export const CEPH_POOLS = "storage-profiles:index:CephPools";

/** Which pools are created. */
export interface CephPoolsArgs {
  /**
   * The profiles whose pools are created.
   * @default all profiles of the stack that have `ceph: { specs }`
   */
  profiles?: string[] | undefined;
  /**
   * Names of pools that exist already, and are managed with their data from now on. May be omitted afterwards.
   * @default none: a pool that this stack didn't create is refused
   */
  import?: string[] | undefined;
  /**
   * Name of the connection to the cluster, of those in `ceph:connections`.
   * @default `storage-profiles:ceph.connection`, else the stack's own `ceph:configFile`
   */
  connection?: string | undefined;
}

/** A pool that was created. */
export interface MadeCephPool {
  name: string;
  /** The settings that it has. */
  settings: PoolSettings;
  /** The profiles that define it. */
  profiles: string[];
}

/** What the component has of its pools in its inputs. */
interface RecordedPools {
  pools?: Record<string, unknown>;
  connection?: string;
}

/**
 * The pools of the stack's profiles, with their CRUSH rules, compression and quotas: for an administrator's stack.
 *
 * ```ts
 * new CephPools("pools"); // of every profile with ceph: { specs: … }
 * ```
 *
 * Pools change in place. Preview refuses what would lose data or stop clients: the removal of a pool that has images, fewer copies while some
 * are missing, a quota below the data. A pool that this stack didn't create is only taken over by `import`. Pools are protected as volumes
 * are (`storage-profiles:deletionProtection`).
 */
export class CephPools extends pulumi.ComponentResource {
  /** The pools that were created, by name. */
  public readonly pools: pulumi.Output<Record<string, MadeCephPool>>;

  /**
   * Declares the pools.
   * @throws `pulumi.RunError` with every problem of the arguments, of the stack's config and of the specs.
   */
  constructor(name: string, args: CephPoolsArgs = {}, opts: pulumi.ComponentResourceOptions = {}) {
    const run = currentRun();
    const placement = run.placementOf("ceph") as { pools?: CephPool[]; connection?: string };
    const { choosePool } = definitions();
    const { pools, problems } = poolDefinitions().poolsOf(
      run.catalog,
      (section, path, profile, wrong) => choosePool({ section, path, profile, placement }, wrong, []),
      Array.isArray(args.profiles) ? args.profiles : undefined,
    );
    const connection = args.connection ?? placement.connection;
    const wrong = [
      ...wrongArguments(
        args,
        Object.keys(run.catalog.profiles),
        pools.map((each) => each.name),
      ),
      ...optionProblems(opts),
      ...(pools.length > 0 ? resources().poolConnectionProblems(run.config, connection) : []),
      ...problems,
    ];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    const recorded = Object.fromEntries(pools.map(({ name: pool, ...made }) => [pool, made]));
    // The inputs are all that the pools consist of: so one hook sees which go, before anything is touched.
    const told = run.hooks && removalHook(run.config);
    const hooked = told ? { ...opts, hooks: withBeforeUpdate(opts.hooks, told) } : opts;
    super(CEPH_POOLS, name, { pools: recorded, connection }, hooked);

    const { protect: inherited } = registered(this);
    const protect = opts.protect ?? (inherited === true || (run.config.deletionProtection ?? true));
    const made = pools.map(({ name: pool, settings, profiles }) => {
      const isImported = args.import?.includes(pool) === true;
      const own = { name: pool, settings, isImported, connection };
      const has = resources().makePool(`${name}-${pool}`, own, run.config, { parent: this, protect });
      return has.apply((found) => [pool, { name: pool, settings: found, profiles }] as const);
    });
    this.pools = pulumi.all(made).apply((entries) => Object.fromEntries(entries));
    this.registerOutputs({ pools: this.pools });
  }
}

/** A hook that refuses the removal of pools that have images. */
function removalHook(config: StackConfig): pulumi.ResourceHook {
  return componentHook(config, "ceph-pools", async ({ name, oldInputs, newInputs }) => {
    const [before, after] = [oldInputs, newInputs].map((inputs) => (inputs ?? {}) as RecordedPools);
    const gone = Object.keys(before?.pools ?? {}).filter((pool) => !Object.hasOwn(after?.pools ?? {}, pool));
    if (gone.length === 0) return;
    const problems = await resources().problemsOfRemoval(gone, before?.connection);
    if (problems.length > 0) throw new Error(formatProblems(name, problems));
  });
}

function wrongArguments(args: CephPoolsArgs, known: string[], pools: string[]): Problem[] {
  const problems = unknownArguments(args, ["profiles", "import", "connection"]);
  const { profiles = [], import: imported = [], connection } = args as Record<keyof CephPoolsArgs, unknown>;
  if (connection !== undefined && typeof connection !== "string")
    problems.push(wrongType("connection", connection, "string"));
  problems.push(...unknownProfiles(profiles, known));
  if (!Array.isArray(imported)) problems.push(wrongType("import", imported, "array"));
  else
    for (const pool of imported.filter((each) => !pools.includes(each as string)) as string[]) {
      const params = {
        id: pool,
        because: "no profile defines that pool",
        way: `remove it; pools: ${pools.join(", ") || "none"}`,
      };
      problems.push(problem("import-not-possible", "import", pool, params));
    }
  return problems;
}
