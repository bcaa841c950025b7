// The sizes that a profile admits on a backend: where it ends, and why. For `explain`.

import { backends, type BackendName } from "./backend";
import type { Admitted, Backend } from "./backend";
import type { Problem } from "./problems";
import { profileInForce, type Catalog } from "./catalog";
import { sectionPlace, wayWithout } from "./origin";
import { resolve, type VolumeRequest } from "./resolve";
import { NO_TAGS } from "./tags";

/** The sizes that a profile admits, type by type; or why there is nothing to say. */
export type AdmittedSizes = { admitted: Admitted[]; problems: [] } | { admitted?: undefined; problems: Problem[] };

/**
 * Finds the sizes for which a profile is possible on a backend. On a backend with types, one entry for each type that the
 * profile may have. The placement is that of a {@link VolumeRequest}.
 */
export function admittedSizes(
  catalog: Catalog,
  { profile, backend, placement = {} }: { profile: string; backend: BackendName; placement?: object },
): AdmittedSizes {
  const request = (sizeGiB: number): VolumeRequest => ({ name: "volume", profile, backend, placement, sizeGiB });
  const at = (sizeGiB: number): Problem | undefined => resolve(catalog, request(sizeGiB)).problems[0];
  // What doesn't depend on the size is wrong without one, too.
  const { sizeGiB: _none, ...sizeless } = request(1);
  const problems = resolve(catalog, sizeless).problems.filter(({ code }) => code !== "size-missing");
  if (problems.length > 0) return { problems };

  const base = backends[backend].basedOn?.at(placement);
  if (base)
    return (
      admittedByBase(catalog, { profile, backend: base, placement }, at) ?? {
        admitted: [inOneRange(backend, at)],
        problems: [],
      }
    );
  const rules: Backend = backends[backend];
  if (!rules.admitted) return { admitted: [inOneRange(backend, at)], problems: [] };
  const known = profileInForce(catalog, request(1).name, profile);
  const asked = {
    name: "volume",
    profile,
    section: known?.sections[backend] ?? {},
    without: (setting: string, part?: string) =>
      known ? wayWithout(known, backend, setting, part) : `remove \`${setting}\``,
    path: sectionPlace(catalog, profile, backend),
    sizePath: "sizeGiB",
    placement,
    placementPath: "placement",
    // No size depends on them.
    tags: NO_TAGS,
    limits: catalog.limits[backend],
  };
  const found = rules.admitted(asked, catalog.prices[backend]);
  if (found.length > 0) return { admitted: found, problems: [] };
  return { problems: resolve(catalog, request(1)).problems };
}

// A base has types of its own. What the backend itself can't do, it can do at no size.
function admittedByBase(
  catalog: Catalog,
  { placement, ...asked }: { profile: string; backend: BackendName; placement: object },
  at: (sizeGiB: number) => Problem | undefined,
): AdmittedSizes | undefined {
  if (!backends[asked.backend].admitted) return undefined;
  const { bases = {} } = placement as { bases?: Partial<Record<BackendName, object>> };
  const ofBase = admittedSizes(catalog, { ...asked, placement: bases[asked.backend] ?? {} });
  const first = ofBase.admitted?.[0]?.ranges[0]?.fromGiB;
  const refused = first === undefined ? undefined : at(first);
  return refused ? { problems: [refused] } : ofBase;
}

// Without types nothing but the size itself, and what grows with it, is limited: from some size on it is too much.
function inOneRange(backend: BackendName, at: (sizeGiB: number) => Problem | undefined): Admitted {
  const what = backends[backend].title;
  const reason = at(1);
  if (reason) return { what, ranges: [], above: reason };
  let [low, high] = [1, 2];
  while (!at(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (at(middle)) high = middle;
    else low = middle;
  }
  return { what, ranges: [{ fromGiB: 1, toGiB: low }], above: at(high) };
}
