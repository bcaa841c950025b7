// The dynamic providers of volumes on a ContainerIO cluster. Pulumi loads them by their names from the state of each resource (see
// resource.ts), in a process of its own: all of a run share it.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { CioSettings } from "../../../src/backends/cio";
import { isSame } from "../../../src/core/revision";
import { Claims, declaredTwice } from "../../claims";
import { connectedProvider, identityProvider } from "../../connected-provider";
import { containsUnknown, renameFailures } from "../../provider-checks";
import { CioCluster } from "./cluster";
import { otherConnection } from "../../named-connections";
import { readConnection } from "./connection";
import { CioError } from "./errors";
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

interface VolumeInputs {
  /** Its name on the cluster; missing in a preview that can't know it. */
  name?: string;
  /** Whether `name` was asked for and not just made from the resource's; then an existing volume's must be the same. */
  physicalName?: string;
  sizeGiB: number;
  settings: CioSettings;
  import?: string;
  /** What the resource is called in the program. */
  declaredAs?: string;
}

/** What the state knows about a volume. */
interface VolumeOutputs {
  name: string;
  uuid: string;
  /** The cluster that it is on; missing where the cluster doesn't tell, or an older version made the volume. */
  clusterId?: string | undefined;
  devicePath: string;
  sizeGiB: number;
  settings: CioSettings;
  /** Settings that couldn't be read when it was taken over. */
  unread?: string[] | undefined;
  declaredAs?: string | undefined;
  /** The named connection by which a volume is read that no state knows. */
  connection?: string | undefined;
}

const claims = new Claims();

const {
  configure,
  clientOf: clusterOf,
  failuresOf,
} = connectedProvider(CioError, (config, name) => new CioCluster(readConnection(config, process.env, name)));

/** Volumes. */
export const volume = {
  configure,

  // Runs at preview too. The cluster is asked only about what is new. The name is decided once: an existing volume keeps it.
  async check(olds: Partial<VolumeInputs>, news: VolumeInputs): Promise<dynamic.CheckResult<VolumeInputs>> {
    const inputs = { ...news };
    const exists = olds.settings !== undefined;
    if (exists) {
      delete inputs.import;
      const failures = renameFailures(olds.name, news.physicalName);
      if (failures.length > 0) return { inputs, failures };
      if (olds.name !== undefined) inputs.name = olds.name;
    }
    if (containsUnknown(news) || (exists && isSame(olds.settings, news.settings))) return { inputs, failures: [] };
    const failures = await failuresOf(async () => {
      if (exists) return volumeProblems(clusterOf(news.settings), inputs, olds.settings);
      if (inputs.import !== undefined) {
        const wanted = { ...inputs, name: inputs.import };
        const { found, problems } = await importProblems(clusterOf(news.settings), inputs.import, wanted);
        if (found) {
          refuseSecond(found, inputs.declaredAs);
          inputs.name = found.name;
        }
        return problems;
      }
      const taken =
        isOwnName(inputs) || inputs.name === undefined ? [] : await nameProblems(clusterOf(news.settings), inputs.name);
      return [...taken, ...(await volumeProblems(clusterOf(news.settings), inputs))];
    });
    return { inputs, failures };
  },

  diff(id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.DiffResult> {
    const elsewhere = otherConnection(id, olds, news);
    if (elsewhere !== undefined) return Promise.reject(new CioError("not-possible", elsewhere));
    const other = claims.keep(claimOf(olds), news.declaredAs, olds.declaredAs);
    if (other) return Promise.reject(twice(id, news.declaredAs, other.by));
    const changes = olds.sizeGiB !== news.sizeGiB || !isSame(olds.settings, news.settings);
    return Promise.resolve({ changes, deleteBeforeReplace: true });
  },

  async create(inputs: VolumeInputs): Promise<dynamic.CreateResult<VolumeOutputs>> {
    const { declaredAs, name } = inputs;
    const mayTake = (found: Claimed) => {
      refuseSecond(found, declaredAs);
      claims.make(claimOf(found), declaredAs);
    };
    if (inputs.import !== undefined) {
      const wanted = { ...inputs, name: inputs.import };
      const taken = await importVolume(clusterOf(inputs.settings), inputs.import, wanted, mayTake);
      return { id: taken.name, outs: await outputs(taken, declaredAs) };
    }
    if (name === undefined) throw new CioError("not-possible", "a volume needs a name on the cluster");
    const made = await createVolume(clusterOf(inputs.settings), { ...inputs, name }, isOwnName(inputs), mayTake);
    claims.make(claimOf(made), declaredAs);
    if (made.found)
      console.log(`${name}: found on the cluster, created by an interrupted run of this stack; continuing with it`);
    return { id: name, outs: await outputs(made, declaredAs) };
  },

  async read(id: string, props: VolumeOutputs): Promise<{ id?: string; props?: VolumeOutputs; inputs?: object }> {
    // Read by its id alone, it has no settings yet.
    const isKnown = (props.settings as CioSettings | undefined) !== undefined;
    const found = isKnown ? await readVolume(clusterOf(props.settings), props) : await findAlone(id, props);
    // No id: the volume is gone, and the engine takes it out of the state.
    if (!found) return {};
    const { name, sizeGiB, settings } = found;
    const { declaredAs } = props;
    // The inputs are those that would make what is there: so a refresh shows what was changed behind our back.
    return { id, props: await outputs(found, declaredAs), inputs: { name, sizeGiB, settings, declaredAs } };
  },

  async update(_id: string, olds: VolumeOutputs, news: VolumeInputs): Promise<dynamic.UpdateResult<VolumeOutputs>> {
    const { name, uuid, clusterId, unread } = olds;
    const updated = await updateVolume(clusterOf(news.settings), { ...news, name, uuid, clusterId, unread });
    return { outs: await outputs(updated, news.declaredAs) };
  },

  async delete(id: string, { declaredAs, ...known }: VolumeOutputs): Promise<void> {
    const heir = claims.heir(claimOf(known), declaredAs);
    if (heir) console.log(`volume ${id} stays on the cluster: it is "${heir.by}" now`);
    else await removeVolume(clusterOf(known.settings), known);
  },
} satisfies dynamic.ResourceProvider;

/** Who a stack is on a cluster. */
export const identity = {
  ...identityProvider,
  configure,

  // Problems of the connection are reported here, once for all volumes.
  async check(olds: object, news: { connection?: string }): Promise<dynamic.CheckResult> {
    const isNew = Object.keys(olds).length === 0;
    const failures = await failuresOf(async () => {
      if (isNew) await clusterOf(news).nodes();
      return [];
    });
    return { inputs: news, failures };
  },
} satisfies dynamic.ResourceProvider;

async function findAlone(id: string, { connection }: VolumeOutputs): Promise<FoundVolume> {
  const found = await findVolume(clusterOf({ connection }), id);
  return { ...found, settings: { ...found.settings, ...(connection !== undefined && { connection }) } };
}

// Under a name that was made from what only this state has, there can only be what its own declaration made.
const isOwnName = ({ physicalName }: VolumeInputs) => physicalName === undefined;

type Claimed = Pick<FoundVolume, "name" | "uuid">;

// A volume is the same by whichever connection it is reached, and its cluster may tell no id: what the cluster gave the volume itself tells two
// of one name apart.
const claimOf = ({ name, uuid }: Claimed) => `${uuid}: ${name}`;

function refuseSecond(volume: Claimed, by: string | undefined): void {
  const other = claims.want(claimOf(volume), by);
  if (other) throw twice(volume.name, by, other.by);
}

const twice = (...which: Parameters<typeof declaredTwice>) => new CioError("not-possible", declaredTwice(...which));

async function outputs(
  { name, uuid, vdisk, sizeGiB, settings, unread }: FoundVolume,
  declaredAs: string | undefined,
): Promise<VolumeOutputs> {
  const clusterId = await clusterOf(settings).id();
  const devicePath = `/dev/vdisk/vd${vdisk}`;
  return { name, uuid, clusterId, devicePath, sizeGiB, settings, ...(unread.length > 0 && { unread }), declaredAs };
}
