// The backends there are. Adding one means a folder beside this file and a line here (and its resources in components/).

import { aws } from "./aws";
import { local } from "./local";
import { openstack } from "./openstack";
import { scaleio } from "./scaleio";

/** The backends, in the order in which they are listed. */
export const backends = { aws, openstack, scaleio, local } as const;

/** The name of a backend: `aws`, `openstack`, `scaleio` or `local`. */
export type BackendName = keyof typeof backends;

/** The names of the backends. */
export const backendNames = Object.keys(backends) as BackendName[];

/** The complete settings of a volume on a backend. */
export type SettingsOf<B extends BackendName> = NonNullable<ReturnType<(typeof backends)[B]["resolve"]>["settings"]>;

/** The complete settings of a volume, of whichever backend. */
export type Settings = { [B in BackendName]: SettingsOf<B> }[BackendName];

/** What a profile says for a backend. */
export type SectionOf<B extends BackendName> = Parameters<(typeof backends)[B]["resolve"]>[0]["section"];

/** Whether a text names a backend. */
export function isBackend(name: string): name is BackendName {
  return Object.hasOwn(backends, name);
}

/** The backend whose settings these are, by their keys: the one that knows most of them; nothing where none does. */
export function backendOfSettings(settings: object): BackendName | undefined {
  const known = (name: BackendName) =>
    Object.keys(settings).filter((key) => Object.hasOwn(backends[name].change, key)).length;
  const [best] = [...backendNames].sort((a, b) => known(b) - known(a));
  return best !== undefined && known(best) > 0 ? best : undefined;
}
