// What becomes of the volumes of a type that changes or goes: Cinder is asked which have it.

import type { Note, Problem, StackConfig } from "../../../src";
import type { VolumeTypeOfProfiles } from "../../../src/backends/openstack/types";
import { sectionPath } from "../../../src/core/catalog";
import { isSame } from "../../../src/core/revision";
import { volumesOfType } from "./cinder";
import { cloudOf } from "./cloud";
import type { ConnectionHints } from "./connection";
import { OpenstackError } from "./errors";
import { note, problem } from "../../../src/backends/openstack/problems";

/** How many volumes a note names. */
const MOST_SHOWN = 20;

/** Types as a component has them in its inputs, by name. */
export type RecordedTypes = Record<string, Partial<Omit<VolumeTypeOfProfiles, "name">> | undefined>;

/**
 * What comes of a change for the volumes that have the type.
 *
 * Source: cinder/api/contrib/types_extra_specs.py _allow_update, cinder/volume/volume_types.py destroy, 29.0. Read 2026-11-24.
 */
export async function judge(
  config: StackConfig,
  hints: () => Promise<ConnectionHints>,
  name: string,
  before: RecordedTypes[string],
  after: RecordedTypes[string],
): Promise<{ problems: Problem[]; notes: Note[] }> {
  const goes = after === undefined;
  const changesSpecs = !goes && !isSame(before?.extraSpecs, after.extraSpecs);
  const changesQos = !goes && !isSame(before?.qos ?? null, after.qos ?? null);
  if (!goes && !changesSpecs && !changesQos) return { problems: [], notes: [] };
  try {
    const cloud = cloudOf(config, await hints());
    const type = (await cloud.types()).find((each) => each.name === name);
    const having = type ? await volumesOfType(cloud.session, type) : [];
    if (having.length === 0) return { problems: [], notes: [] };
    const volumes = having.slice(0, MOST_SHOWN).map((each) => `${each.name || "(no name)"} (${each.id})`);
    const params = { type: name, volumes, total: having.length };
    if (!goes && !changesSpecs) return { problems: [], notes: [note("specs-not-reapplied", "specs", params)] };
    const [profile = ""] = (goes ? before : after)?.profiles ?? [];
    const path = goes ? "profiles" : `${sectionPath(profile, "openstack")}.specs.extraSpecs`;
    return { problems: [problem("type-in-use", path, undefined, { ...params, goes })], notes: [] };
  } catch (error) {
    if (!(error instanceof OpenstackError)) throw error;
    const what = `the existing volumes of type "${name}" were`;
    return { problems: [], notes: [note("not-checked", "specs", { what, because: error.message })] };
  }
}
