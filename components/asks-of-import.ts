// What is asked at preview before a volume on an array or a cluster is taken over: what becomes of it. Why it can't be taken over, its provider says.

import * as pulumi from "@pulumi/pulumi";

import { change, note, type Note, type Problem, type StackConfig } from "../src";
import type { Settings } from "../src/core/backend";
import type { AskedOfBackend } from "./backends/contract";
import { PerConnection, type ConnectionSource } from "./named-connections";

/** A volume that is there. */
interface Found {
  sizeGiB: number;
  settings: Settings;
}

/** How a backend looks for a volume by its id, and what is worth knowing of one beside its changes. Errors of its class are left to its provider. */
interface ImportQuestion<Client, Volume extends Found> {
  errorClass: abstract new (...args: never[]) => Error;
  connect: (config: ConnectionSource["config"], connection: string | undefined) => Client;
  find: (client: Client, id: string, asked: AskedOfBackend) => Promise<{ found?: Volume }>;
  notes?: (id: string, found: Volume) => Note[];
}

export function askOfImport<Client, Volume extends Found>({
  errorClass,
  connect,
  find,
  notes = () => [],
}: ImportQuestion<Client, Volume>) {
  // One login for all volumes of a run.
  const clients = new WeakMap<StackConfig, PerConnection<Client>>();
  return async (asked: AskedOfBackend): Promise<{ problems: Problem[]; notes: Note[] }> => {
    const { to, inputs, config, declared } = asked;
    const id = inputs?.["import"];
    if (typeof id !== "string") return { problems: [], notes: [] };
    try {
      const all = pulumi.runtime.allConfig();
      const known = clients.get(config) ?? new PerConnection((name) => connect((key) => all[key], name));
      clients.set(config, known);
      const { connection } = to.settings as { connection?: string };
      const { found } = await find(known.of(connection), id, asked);
      if (!found) return { problems: [], notes: [] };
      const { sizeGiB, settings } = found;
      const what = change({ ...to, sizeGiB, settings }, to).notes.map(({ message }) => message);
      return {
        problems: [],
        notes: [note("taken-over", "import", { id, from: declared.takeFrom, what }), ...notes(id, found)],
      };
    } catch (error) {
      if (error instanceof errorClass) return { problems: [], notes: [] };
      throw error;
    }
  };
}
