// The dynamic provider of what a Cinder volume has that the provider of `openstack.blockstorage.Volume` can't change: it would make a new
// volume of another type, and forget the old size after a failure. Pulumi loads it by its name from the state (own-resources.ts), in
// a process of its own: all of a run share it, and with it one login.

import type * as dynamic from "@pulumi/pulumi/dynamic";

import type { MigrationPolicy } from "../../../src/backends/openstack/settings";
import { leaveToEngine } from "../../provider-errors";
import { readVolume } from "./cinder";
import { readConnection, type ConnectionHints } from "./connection";
import { CinderSession } from "./session";
import { converge, refuseTaken, type Has } from "./lifecycle";
import { takenBy } from "./marks";

leaveToEngine("OpenstackError");

interface Inputs extends ConnectionHints {
  volumeId: string;
  /** What marks this state's volumes; missing where the state had no identity when the volume was made. */
  state?: string;
  /** The volume's name in the program, for progress. */
  declaredAs: string;
  sizeGiB: number;
  /** Missing where the volume shall have the cloud's default type. */
  volumeType?: string;
  migrationPolicy: MigrationPolicy;
  timeoutMinutes: number;
  /** The text from which the provider is made: Pulumi's. */
  __provider?: string;
}

/** What the state knows: what was asked for, and what the volume has. */
interface Outputs extends Omit<Inputs, "volumeType"> {
  volumeType: string | null;
  /** The type that was asked for; missing where the cloud's default type was. */
  askedType?: string | undefined;
  /** The stack that has imported the volume, as the last reading found. */
  takenBy?: string;
}

type Config = Parameters<NonNullable<dynamic.ResourceProvider["configure"]>>[0];

let readConfig: ((key: string) => string | undefined) | undefined;
const sessions = new Map<string, CinderSession>();

// The credentials are read when they are first used: a run that changes nothing needs none.
function sessionOf({ cloud, region }: ConnectionHints): CinderSession {
  const key = JSON.stringify([cloud, region]);
  const known = sessions.get(key);
  if (known) return known;
  const session = new CinderSession(readConnection(readConfig ?? (() => undefined), process.env, { cloud, region }));
  sessions.set(key, session);
  return session;
}

export const provider = {
  configure({ config }: Config): Promise<void> {
    readConfig = (key) => config.get(key);
    return Promise.resolve();
  },

  diff(_id: string, olds: Outputs, news: Inputs): Promise<dynamic.DiffResult> {
    const replaces = olds.volumeId === news.volumeId ? [] : ["volumeId"];
    // The rest says how a change is made, and changes nothing by itself.
    const keys = ["sizeGiB", "cloud", "region"] as const;
    const changes =
      // Whether it still is another's, the update finds, and its hook before that.
      olds.takenBy !== undefined ||
      replaces.length > 0 ||
      retypes(olds, news) ||
      keys.some((key) => olds[key] !== news[key]);
    return Promise.resolve({ changes, replaces });
  },

  async create(inputs: Inputs): Promise<dynamic.CreateResult<Outputs>> {
    // A volume that was just made has the type that it was made with.
    const outs = await change(inputs, inputs.volumeType);
    return { id: inputs.volumeId, outs };
  },

  async update(_id: string, olds: Outputs, news: Inputs): Promise<dynamic.UpdateResult<Outputs>> {
    const outs = await change(news, retypes(olds, news) ? (news.volumeType ?? null) : news.volumeType);
    return { outs };
  },

  async read(id: string, props: Outputs): Promise<{ id?: string; props?: Outputs; inputs?: object }> {
    const volume = await readVolume(sessionOf(props), props.volumeId);
    // No id: the volume is gone, and the engine takes this out of the state.
    if (!volume) return {};
    const { askedType, volumeType: had, takenBy: _before, ...asked } = props;
    const owner = takenBy(volume, props.state);
    // Of a volume that another has taken over, size and type are that one's business.
    const { sizeGiB, volumeType } = owner === undefined ? volume : { ...props, volumeType: had };
    // The inputs are those that would make what is there: so a refresh shows what was changed behind our back.
    const type = askedType === undefined ? {} : { volumeType: volumeType ?? undefined };
    return {
      id,
      props: {
        ...outputs({ ...asked, ...type }, { sizeGiB, volumeType }),
        ...(owner !== undefined && { takenBy: owner }),
      },
      inputs: { ...asked, sizeGiB, ...type },
    };
  },

  // Size and type are the volume's, and go with it. The engine deletes this first, and not the volume where it fails.
  async delete(_id: string, props: Outputs): Promise<void> {
    if (props.state === undefined) return;
    const volume = await readVolume(sessionOf(props), props.volumeId);
    if (volume) refuseTaken(volume, props.state);
  },
} satisfies dynamic.ResourceProvider;

// Who asks for the default type has the one that the volume was made with, until another was asked for.
function retypes(olds: Outputs, news: Inputs): boolean {
  return news.volumeType === undefined ? olds.askedType !== undefined : news.volumeType !== olds.volumeType;
}

async function change(inputs: Inputs, volumeType: string | null | undefined): Promise<Outputs> {
  const { declaredAs, volumeId, state, sizeGiB, migrationPolicy, timeoutMinutes } = inputs;
  const wanted = { volumeId, state, sizeGiB, volumeType, migrationPolicy, timeoutMinutes };
  const { failure, ...has } = await converge(sessionOf(inputs), wanted, (line) =>
    console.log(`${declaredAs}: ${line}`),
  );
  if (!failure) return outputs(inputs, has);
  // The state must have what the volume has now, or the next run would judge by what it had before.
  const properties = { ...outputs(inputs, has), __provider: inputs.__provider };
  throw Object.assign(failure, { id: volumeId, properties, reasons: [failure.message] });
}

function outputs({ volumeType: askedType, ...inputs }: Inputs, { sizeGiB, volumeType }: Has): Outputs {
  const { __provider: _provider, ...asked } = inputs;
  return { ...asked, sizeGiB, volumeType, ...(askedType !== undefined && { askedType }) };
}

/** Who a stack is on a cloud. Nothing of it is in the cloud. */
export { identityProvider as identity } from "../../connected-provider";
