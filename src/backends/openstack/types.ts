// All volume types that a catalog's profiles make.

import type { Problem } from "../../core/problems";
import { profileInForce, type Catalog } from "../../core/catalog";
import { sectionPlace } from "../../core/origin";
import { isSame } from "../../core/revision";
import { validate } from "../../core/validate";
import { openstackSection } from "./settings";
import { volumeTypeToMake, type VolumeTypeToMake } from "./specs";
import { problem } from "./problems";

/** A volume type with the profiles that ask for it. */
export interface VolumeTypeOfProfiles extends VolumeTypeToMake {
  profiles: string[];
}

/**
 * The volume types that these profiles make, by name. Those without `specs` make none. Problems: all of their sections, and
 * `specs-differ` where two profiles make one type differently.
 */
export function volumeTypesOf(
  catalog: Catalog,
  profiles: readonly string[] = Object.keys(catalog.profiles),
): { types: VolumeTypeOfProfiles[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const types = new Map<string, VolumeTypeOfProfiles>();
  for (const profile of profiles) {
    // What the stack has pinned; a type isn't one volume's.
    const section = profileInForce(catalog, undefined, profile)?.sections.openstack;
    if (section?.["specs"] === undefined) continue;
    const path = sectionPlace(catalog, profile, "openstack");
    const { value, problems: wrong } = validate(openstackSection, section, path);
    problems.push(...wrong);
    if (!value?.specs) continue;
    const name = value.volumeType ?? profile;
    const made = volumeTypeToMake(name, value.specs, `${path}.specs`);
    problems.push(...made.problems);
    const known = types.get(name);
    if (!known) {
      types.set(name, { ...made.type, profiles: [profile] });
    } else if (isSame({ ...made.type, profiles: known.profiles }, known)) {
      known.profiles.push(profile);
    } else {
      const [other = ""] = known.profiles;
      problems.push(problem("specs-differ", `${path}.specs`, undefined, { type: name, profile, other }));
    }
  }
  return { types: [...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems };
}
