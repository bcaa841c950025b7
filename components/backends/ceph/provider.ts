// The dynamic providers of volumes on a Ceph cluster. Pulumi loads them by their names from the state of each resource (see resource.ts), in a
// process of its own: all of a run share it.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { CephSettings } from "../../../src/backends/ceph";
import { isSame } from "../../../src/core/revision";
import { Claims, declaredTwice } from "../../claims";
import { connectedProvider, identityProvider } from "../../connected-provider";
import { containsUnknown, renameFailures } from "../../provider-checks";
import { otherConnection } from "../../named-connections";
import { readConnection } from "./connection";
import { openCluster } from "./dashboard";
import { CephError } from "./errors";
import { poolProvider } from "./pool-provider";
import {
  createVolume,
  findVolume,
  importProblems,
  importVolume,
  nameProblems,
  readVolume,
  removeVolume,
  updateVolume,
  volumeProblems,
  type FoundVolume,
} from "./lifecycle";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when a stack has pools
const poolCommands = () => require("./pool-commands") as typeof import("./pool-commands");

interface VolumeInputs {
  /** Its name on the cluster; missing in a preview that can't know it. */
  name?: string;
  /** Whose it is; missing in a preview that can't know it. Decided once, as the name. */
  mark?: string;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: string;
  sizeGiB: number;
  settings: CephSettings;
  import?: string;
  takeFrom?: string;
  /** What the resource is called in the program. */
  declaredAs?: string;
}

/** What the state knows about a volume. */
interface VolumeOutputs {
  name: string;
  mark: string;
  /** `pool/name`. */
  image: string;
  imageId: string;
  fsid: string;
  sizeGiB: number;
  settings: CephSettings;
  declaredAs?: string | undefined;
  /** The named connection by which a volume is read that no state knows. */
  connection?: string | undefined;
}

const claims = new Claims();

const {
  configure,
  clientOf: clusterOf,
  failuresOf,
} = connectedProvider(CephError, (config, name) => openCluster(readConnection(config, process.env, name)));
const pools = connectedProvider(CephError, (config, name) =>
  poolCommands().commandPools(readConnection(config, process.env, name)),
);

/** Volumes. */
export const volume = {
  configure,

  // Runs at preview too. The cluster is asked only about what is new. Name and mark are decided once: an existing volume keeps them.
  async check(olds: Partial<VolumeInputs>, news: VolumeInputs): Promise<dynamic.CheckResult<VolumeInputs>> {
    const inputs = { ...news };
    const { settings, sizeGiB = 0 } = olds;
    if (settings) {
      delete inputs.import;
      delete inputs.takeFrom;
      const failures = renameFailures(olds.name, news.physicalName);
      if (failures.length > 0) return { inputs, failures };
      if (olds.name !== undefined) inputs.name = olds.name;
      if (olds.mark !== undefined) inputs.mark = olds.mark;
    }
    const isUnchanged = isSame([settings, sizeGiB], [news.settings, news.sizeGiB]);
    if (containsUnknown(news) || (settings && isUnchanged)) return { inputs, failures: [] };
    const failures = await failuresOf(async () => {
      if (settings) return volumeProblems(clusterOf(news.settings), inputs, { sizeGiB, settings });
      if (inputs.import !== undefined) {
        const { found, problems } = await importProblems(clusterOf(news.settings), inputs.import, inputs);
        if (found) {
          refuseSecond(found.name, found.fsid, inputs.declaredAs);
          inputs.name = found.name;
        }
        return problems;
      }
      const { name, mark, physicalName } = inputs;
      const taken =
        physicalName === undefined || name === undefined
          ? []
          : await nameProblems(clusterOf(news.settings), { name, mark, settings: inputs.settings });
      return [...taken, ...(await volumeProblems(clusterOf(news.settings), inputs))];
    });
    return { inputs, failures };
  },

  diff(id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.DiffResult> {
    const elsewhere = otherConnection(id, olds, news);
    if (elsewhere !== undefined) return Promise.reject(new CephError("not-possible", elsewhere));
    const other = claims.keep(onCluster(id, olds.fsid), news.declaredAs, olds.declaredAs);
    if (other) return Promise.reject(twice(id, news.declaredAs, other.by));
    const changes = olds.sizeGiB !== news.sizeGiB || !isSame(olds.settings, news.settings);
    return Promise.resolve({ changes, deleteBeforeReplace: true });
  },

  async create(inputs: VolumeInputs): Promise<dynamic.CreateResult<VolumeOutputs>> {
    const { declaredAs, name, mark } = inputs;
    if (name === undefined || mark === undefined)
      throw new CephError("not-possible", "a volume needs a name and a mark on the cluster");
    const fsid = await clusterOf(inputs.settings).fsid();
    refuseSecond(name, fsid, declaredAs);
    if (inputs.import !== undefined) {
      const taken = await importVolume(clusterOf(inputs.settings), inputs.import, { ...inputs, mark });
      claims.make(onCluster(taken.name, fsid), declaredAs);
      return { id: taken.name, outs: outputs(taken, declaredAs) };
    }
    const made = await createVolume(
      clusterOf(inputs.settings),
      { ...inputs, name, mark },
      inputs.physicalName === undefined,
    );
    claims.make(onCluster(name, fsid), declaredAs);
    if (made.found)
      console.log(`${name}: found on the cluster, created by an interrupted run of this stack; continuing with it`);
    return { id: name, outs: outputs(made, declaredAs) };
  },

  async read(id: string, props: VolumeOutputs): Promise<{ id?: string; props?: VolumeOutputs; inputs?: object }> {
    // Read by its id alone, it has no settings yet.
    const isKnown = (props.settings as CephSettings | undefined) !== undefined;
    const found = isKnown ? await readVolume(clusterOf(props.settings), props) : await findAlone(id, props);
    // No id: the volume is gone, and the engine takes it out of the state.
    if (!found) return {};
    const { name, mark, sizeGiB, settings } = found;
    const { declaredAs } = props;
    // The inputs are those that would make what is there: so a refresh shows what was changed behind our back.
    return { id, props: outputs(found, declaredAs), inputs: { name, mark, sizeGiB, settings, declaredAs } };
  },

  async update(_id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.UpdateResult<VolumeOutputs>> {
    return { outs: outputs(await updateVolume(clusterOf(news.settings), news, olds), news.declaredAs) };
  },

  async delete(id: string, props: VolumeOutputs): Promise<void> {
    const heir = claims.heir(onCluster(id, props.fsid), props.declaredAs);
    if (heir) console.log(`volume ${id} stays on the cluster: it is "${heir.by}" now`);
    else await removeVolume(clusterOf(props.settings), props);
  },
} satisfies dynamic.ResourceProvider;

/** Pools. */
export const pool = {
  ...poolProvider((connection) => pools.clientOf({ connection })),
  configure: pools.configure,
} satisfies dynamic.ResourceProvider;

/** Who a stack is on a cluster. */
export const identity = {
  ...identityProvider,
  configure,

  // Problems of the connection are reported here, once for all volumes.
  async check(olds: object, news: { connection?: string }): Promise<dynamic.CheckResult> {
    const isNew = Object.keys(olds).length === 0;
    const failures = await failuresOf(async () => {
      if (isNew) await clusterOf(news).fsid();
      return [];
    });
    return { inputs: news, failures };
  },
} satisfies dynamic.ResourceProvider;

async function findAlone(id: string, { connection }: VolumeOutputs): Promise<FoundVolume> {
  const found = await findVolume(clusterOf({ connection }), id);
  return { ...found, settings: { ...found.settings, ...(connection !== undefined && { connection }) } };
}

// A key for what is one image on a cluster, whatever the connections to it are called.
const onCluster = (id: string, fsid: string) => `${fsid}: ${id}`;

function refuseSecond(id: string, fsid: string, by: string | undefined): void {
  const other = claims.want(onCluster(id, fsid), by);
  if (other) throw twice(id, by, other.by);
}

const twice = (...which: Parameters<typeof declaredTwice>) => new CephError("not-possible", declaredTwice(...which));

function outputs(
  { name, mark, imageId, fsid, sizeGiB, settings }: FoundVolume,
  declaredAs: string | undefined,
): VolumeOutputs {
  return { name, mark, image: `${settings.pool}/${name}`, imageId, fsid, sizeGiB, settings, declaredAs };
}
