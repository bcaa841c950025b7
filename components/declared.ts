// What is known of a declared volume while the program runs: one object for each component, which travels from its constructor to the
// hooks and to the backend. A volume is its URN: names are labels, and two volumes may share one.

import type { BackendName, Note, Problem, ResolvedVolume } from "../src";

/** A volume that the program declares. */
export interface DeclaredVolume {
  /** The component's name: a label for people. */
  readonly name: string;
  readonly backend: BackendName | undefined;
  /** The named connection that leads to it, on a backend that has such; the volume's, else the stack's. */
  connection?: string | undefined;
  /** The component's URN, as soon as that of its parent is known: before any hook asks about it. */
  urn?: string;
  /** What its profile says for the backend; absent where the profile comes from another resource. */
  section?: Record<string, unknown> | undefined;
  /** What it is to be, where that is known. */
  volume?: ResolvedVolume;
  /** What is noted of it, when it is shown. */
  notes: () => Note[];
  /** Why it is refused, and whether a message has said so. */
  problems: Problem[];
  isReported: boolean;
  /** Whether a hook has compared the component with what the state has. The engine doesn't call it where nothing changes, or where the run leaves the component out. */
  isJudged: boolean;
  /** Whether the component is new to the state. */
  isNew: boolean;
  /** Whether the last `up` did not finish the volume, so that its own resource has to be asked what it has. */
  isUnfinished: boolean;
  /** Whether `pulumi import` brought it into the state, and no program has declared it since: its own resource has to be asked what it has. */
  isRegained: boolean;
  /** The volume's id, as the state had it when a hook compared the component. */
  recordedId?: string;
  /** What the state has of the volume's own resource, where a hook has seen that it changes. */
  before?: Record<string, unknown>;
  /**
   * Whether its own resource is given other settings than the resolution has, by a transform of the volume, of a parent or of the stack: as
   * the resource's hook sees it. Absent where the resource doesn't change.
   */
  isTransformed?: boolean;
  /** Whether it was, when the component was last registered: as the component's hook sees it. */
  wasTransformed?: boolean;
  /** What the state has of the component, once it is registered. Rejects where the volume must not be touched. */
  recorded?: Promise<RecordedVolume>;
  /** The component's outputs in the state, where the volume must not be touched. */
  keptOutputs?: Record<string, unknown>;
  /** The URNs by which the component was known before, by its `aliases`. */
  formerUrns?: string[];
  /** The owner from which it is taken over, where the program names one. */
  takeFrom?: string | undefined;
  /** Whether a mapping was declared for it. */
  isMapped: boolean;
  /** The first attachment that the program has declared of it. */
  attachment?: string;
  /** What the backend knows of the component's own provider, as soon as it is known. */
  hints?: Promise<unknown>;
}

/** What the state has of a component. */
export interface RecordedVolume {
  /** The volume's id; nothing where the volume is new, or the last `up` did not finish it. */
  volumeId?: string | undefined;
  /** The component's outputs, where it doesn't change or the run leaves it out. */
  outputs?: Record<string, unknown> | undefined;
}

/** A volume of which nothing is known yet. */
export function newDeclaration(name: string, backend: BackendName | undefined): DeclaredVolume {
  return {
    name,
    backend,
    notes: () => [],
    problems: [],
    isReported: false,
    isJudged: false,
    isNew: false,
    isUnfinished: false,
    isRegained: false,
    isMapped: false,
  };
}

// On the component itself, and not in a map: a program may have two copies of this package, and hand a volume of one to the other.
const DECLARED = Symbol.for("storage-profiles.declared-volume");

/** Ties a declaration to its component. */
export function setDeclared(component: object, declared: DeclaredVolume): void {
  Object.defineProperty(component, DECLARED, { value: declared });
}

/** What is known of a volume while the program runs; nothing where it is no `ProfiledVolume`, of whichever copy of this package. */
export function declaredVolume(component: object): DeclaredVolume | undefined {
  return (component as { [DECLARED]?: DeclaredVolume })[DECLARED];
}
