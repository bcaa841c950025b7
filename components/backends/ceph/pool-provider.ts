// The dynamic provider of pools. It runs in the process of that of volumes (provider.ts).

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { PoolSettings } from "../../../src/backends/ceph/pools";
import { isSame } from "../../../src/core/revision";
import { Claims } from "../../claims";
import { once } from "../../once";
import { containsUnknown, failuresOf } from "../../provider-checks";
import { CephError } from "./errors";
import { createPool, poolProblems, readPool, removePool, updatePool, type KnownPool, type PoolCluster } from "./pools";

export interface PoolInputs {
  name: string;
  /** Whose it is; missing in a preview that can't know it. Decided once. */
  mark?: string;
  settings: PoolSettings;
  /** Whether a pool that exists is taken over. */
  isImported?: boolean;
  connection?: string;
  /** What the resource is called in the program. */
  declaredAs?: string;
}

export interface PoolOutputs extends KnownPool {
  connection?: string | undefined;
  declaredAs?: string | undefined;
}

type Connected = (connection: string | undefined) => PoolCluster;

/** The provider. `clusterOf` makes a cluster of a connection. */
export function poolProvider(clusterOf: Connected) {
  // At preview all pools are compared with the cluster as it was at one time.
  const states = new Map<string | undefined, () => ReturnType<PoolCluster["read"]>>();
  const stateOf = (connection: string | undefined) => {
    const known = states.get(connection) ?? once(() => clusterOf(connection).read());
    states.set(connection, known);
    return known();
  };
  const claims = new Claims();
  return {
    // Runs at preview too. The cluster is asked only about what is new.
    async check(olds: Partial<PoolInputs>, news: PoolInputs): Promise<dynamic.CheckResult<PoolInputs>> {
      const inputs = { ...news };
      const isKnown = olds.settings !== undefined;
      if (isKnown) delete inputs.isImported;
      if (olds.mark !== undefined) inputs.mark = olds.mark;
      if (containsUnknown(news) || isSame(olds.settings, news.settings)) return { inputs, failures: [] };
      const { name, mark, settings, isImported = false, connection } = inputs;
      const failures = await failuresOf(isOurs, async () =>
        poolProblems(await stateOf(connection), { name, mark, settings }, { isKnown, isImported }),
      );
      return { inputs, failures };
    },

    diff(id: string, olds: PoolOutputs, news: PoolInputs): Promise<dynamic.DiffResult> {
      const other = claims.keep(onCluster(id, olds.fsid), news.declaredAs, olds.declaredAs);
      if (other) return Promise.reject(twice(id, news.declaredAs, other.by));
      const changes = !isSame([olds.settings, olds.connection], [news.settings, news.connection]);
      return Promise.resolve({ changes, deleteBeforeReplace: true });
    },

    async create(inputs: PoolInputs): Promise<dynamic.CreateResult<PoolOutputs>> {
      const { name, connection, declaredAs, isImported = false } = inputs;
      const { fsid } = await stateOf(connection);
      const other = claims.want(onCluster(name, fsid), declaredAs);
      if (other) throw twice(name, declaredAs, other.by);
      const made = await createPool(clusterOf(connection), wanted(inputs), isImported);
      claims.make(onCluster(name, fsid), declaredAs);
      return { id: made.name, outs: { ...made, ...recorded(inputs) } };
    },

    async read(id: string, props: PoolOutputs): Promise<{ id?: string; props?: PoolOutputs; inputs?: object }> {
      if ((props.settings as PoolSettings | undefined) === undefined) {
        const text = `pool ${id} can't be imported by Pulumi itself. Add "${id}" to \`import\` of CephPools.`;
        throw new CephError("not-possible", text);
      }
      const found = await readPool(clusterOf(props.connection), props);
      // No id: the pool is gone, and the engine takes it out of the state.
      if (!found) return {};
      const { name, mark, settings } = found;
      return {
        id,
        props: { ...found, ...recorded(props) },
        inputs: { name, mark, settings, ...recorded(props) },
      };
    },

    async update(_id: string, olds: PoolOutputs, news: PoolInputs): Promise<dynamic.UpdateResult<PoolOutputs>> {
      const made = await updatePool(clusterOf(news.connection), wanted({ ...news, mark: olds.mark }), olds);
      return { outs: { ...made, ...recorded(news) } };
    },

    // After a component was renamed, the pool is another resource's already.
    async delete(id: string, props: PoolOutputs): Promise<void> {
      const heir = claims.heir(onCluster(id, props.fsid), props.declaredAs);
      if (heir) console.log(`pool ${id} stays on the cluster: it is "${heir.by}" now`);
      else await removePool(clusterOf(props.connection), props);
    },
  } satisfies dynamic.ResourceProvider;
}

const isOurs = (error: unknown): error is CephError => error instanceof CephError;

// A key for what is one pool, whatever the connections to its cluster are called.
const onCluster = (name: string, fsid: string) => `${fsid}: ${name}`;

const twice = (name: string, by: string | undefined, other: string | undefined) =>
  new CephError("not-possible", `pool ${name} is declared twice: "${by}" and "${other}". Keep one of them.`);

// The SDK can't pass a value that is undefined to the engine, and fails without saying which.
const recorded = ({ connection, declaredAs }: Pick<PoolOutputs, "connection" | "declaredAs">) => ({
  ...(connection !== undefined && { connection }),
  ...(declaredAs !== undefined && { declaredAs }),
});

function wanted({ name, mark, settings }: Pick<PoolInputs, "name" | "mark" | "settings">) {
  if (mark === undefined) throw new CephError("not-possible", "a pool needs a mark on the cluster");
  return { name, mark, settings };
}
