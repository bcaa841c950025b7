// The metadata by which our volumes are known on a cloud: the stack, the volume in it, and the one state that has them.

import type { Problem } from "../../../src";
import { MARK_PREFIX } from "../../../src/backends/openstack/placement";
import { problem } from "../../../src/backends/openstack/problems";

export const STACK_MARK = `${MARK_PREFIX}stack`;
export const VOLUME_MARK = `${MARK_PREFIX}volume`;
export const STATE_MARK = `${MARK_PREFIX}state`;

/** What of a volume's metadata isn't a mark of ours. */
export function withoutMarks(metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !key.startsWith(MARK_PREFIX)));
}

interface Marked {
  metadata: Readonly<Record<string, string>>;
}

/**
 * The stack that has imported a volume of ours; nothing where none has. `state` is what marks our state's volumes: a stack may be renamed,
 * and another may have its name.
 */
export function takenBy({ metadata }: Marked, state: string | undefined): string | undefined {
  const has = metadata[STATE_MARK];
  if (has === undefined || state === undefined || has === state) return undefined;
  return metadata[STACK_MARK] ?? `another Pulumi state (${has})`;
}

/** The stack that a volume belongs to by its marks, where that isn't this one, or another state of its name; nothing where it is nobody's. */
export function otherOwner(
  { metadata }: Marked,
  own: { stack: string; state: string | undefined },
): string | undefined {
  const { [STACK_MARK]: stack, [STATE_MARK]: state } = metadata;
  const isOurs = state === undefined ? stack === own.stack : state === own.state;
  return isOurs ? undefined : stack;
}

/** That another stack has imported a volume. */
export function taken(id: string, owner: string): Problem {
  return problem("volume-taken", "volumeId", id, { id, owner });
}
