// What a stack looks like from outside its program: its config file, its state, and what can be done to it. The commands, the
// HTTP service and the Docker plugin are faces of this. The truth is the config file and Pulumi's state; nothing else stores anything.

import type { BackendName } from "../core/backend";
import type { MonthlyCost } from "../core/cost";
import type { Note, Problem } from "../core/problems";
import type { Catalog, Profile } from "../core/catalog";
import type { Unreadable } from "../core/stack-config";
import type { ProfileDefinition, StackConfig, VolumeDefinition } from "../core/config-schema";
import type { ResolvedVolume, Verdict, VolumeRequest } from "../core/resolve";
import type { LockHolder } from "./errors";

/** Where a project is, and how its engine is run. */
export interface OpenOptions {
  /** Where to look for Pulumi.yaml, upwards. Default: the working directory. */
  directory?: string | undefined;
  /** The `pulumi` executable. Default: the one on the PATH of `env`. */
  pulumi?: string | undefined;
  /** What the engine gets as its environment. Default: this process's. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Where operations leave their reports. Default: `$XDG_STATE_HOME/storage-profiles-operations`, else below `~/.local/state`. */
  journalDirectory?: string | undefined;
}

/** A Pulumi project. */
export interface Project {
  /** Its name, as Pulumi.yaml has it. */
  readonly name: string;
  /** The directory of Pulumi.yaml. */
  readonly directory: string;
  /** The directory of the stacks' config files: `stackConfigDir`, else the project's. */
  readonly configDirectory: string;
  /** The stacks that have a config file, in order. The engine isn't asked. */
  stackNames(): Promise<string[]>;
  /** The stack that is meant where none is named: `PULUMI_STACK`, else the selected one, else the only one that has a config file. */
  defaultStackName(): Promise<string>;
  /**
   * A stack by its name (`dev`, `org/dev`, `org/project/dev`); always the same object for the same name, so that its operations queue up.
   * It need not exist. Error: `stack-name-invalid`.
   */
  stack(name: string): Stack;
  /** Where the engine keeps states, and the stacks of the project there. */
  stateBackend(): Promise<StateBackend>;
  /**
   * Keeps an engine ready from now on: processes that have loaded what a program loads, so that the next `apply` begins sooner (by about a
   * second, for some 200 MiB of memory). For programs of the runtime nodejs; other ones are run as ever, which `log` is told. Where it
   * is kept already, nothing changes.
   */
  keepReady(options?: { log?: ((line: string) => void) | undefined }): KeptReady;
}

/** Where states are kept. */
export interface StateBackend {
  /** Its address: `https://api.pulumi.com/…`, `file://~`. Absent where nobody is logged in. */
  url?: string | undefined;
  /** The project's stacks there, by their full names. */
  stacks: string[];
  /** Whether there is no Pulumi CLI to ask. */
  isMissing: boolean;
}

/** An engine that is kept ready. */
export interface KeptReady {
  /** Ends that. What has begun goes on. */
  close(): void;
}

/** A stack, as it can be read and changed from outside its program. Everything may throw a {@link StackError}. */
export interface Stack {
  readonly name: string;
  readonly project: Project;
  /** The path of its config file, which need not exist yet. */
  readonly configFile: string;
  /**
   * Reads the config file. What is wrong with values are `problems`; a file that doesn't parse is an error (`config-not-readable`).
   * Cheap when the file is as it was at the last reading.
   */
  readConfig(): Promise<StackConfigRead>;
  /**
   * Changes the config file, all edits or none. Every line that isn't meant stays as it is, byte for byte. Nothing is written when the
   * config would get a problem that it hasn't got, or when a volume that exists can't become what it would have to: then `problems` says why.
   * Errors: `config-changed`, `config-busy`, `config-not-readable`, `edit-not-possible`; with `commit` those of Git.
   */
  edit(edits: readonly ConfigEdit[], options?: EditOptions): Promise<EditResult>;
  /** What edits would do: the same as {@link edit} with `dryRun`. No edits: what an `up` would do now. */
  plan(edits?: readonly ConfigEdit[], options?: Omit<EditOptions, "dryRun">): Promise<EditResult>;
  /**
   * Fast-forwards the Git checkout of the config file to its upstream, as an edit with `commit` does; without `fetch` only looks whether edits can be
   * committed there. A checkout that is among those `done` is left out, and any other is added. Errors: `git-missing`, `git-not-ready`, `git-failed`.
   */
  syncCheckout(options?: { fetch?: boolean | undefined; done?: Set<string> | undefined }): Promise<void>;
  /** Reads the state from the engine. Secrets in it stay encrypted. A stack that doesn't exist has none: `exists` is false. */
  readState(): Promise<StackState>;
  /** Refuses a stack that there isn't: with neither a config file nor a state that the engine knows. Error: `stack-unknown`. */
  checkKnown(): Promise<void>;
  /** Config and state against each other, volume by volume. With `refresh` the backends are asked first, as `pulumi refresh` does. */
  status(options?: StatusOptions): Promise<VolumeStatus[]>;
  /** Puts what the config says into effect. Returns at once; operations of a stack run one after the other. */
  apply(options?: ApplyOptions): Operation;
  /** Asks the backends what is there, and has the state say so. Returns at once, as {@link apply} does. */
  refresh(options?: { volumes?: readonly string[] }): Operation;
  /** The operations of this stack that are known: those of this process, and what the journal tells of others. Newest first. */
  operations(): Promise<OperationReport[]>;
  /** An operation of this process. */
  operation(id: string): Operation | undefined;
  /** Runs an operation again that was interrupted, failed or was cancelled. Error: `operation-unknown`. */
  resume(id: string): Promise<Operation>;
}

/** The stack's config as it was read. */
export interface StackConfigRead {
  /** Changes whenever a byte of the file does, or of a shared one that it names; `none` where there is no file. */
  tag: string;
  /** The values below `storage-profiles`, those of Pulumi.yaml below those of the stack's file. What is wrong is left out. */
  config: StackConfig;
  catalog: Catalog;
  /** The files of shared profiles that the config names, lowest first. */
  sharedFiles: SharedFile[];
  /** The parts that have a mistake, with its problems: they are neither in `config` nor absent. */
  unreadable: Unreadable;
  /** What is wrong with values and profiles, whichever volume needs them: an `up` is refused for it as a whole. */
  mistakes: Problem[];
  /** Everything that is wrong: values, profiles, and each volume that the config lists. */
  problems: Problem[];
  /** Problems, those of keys that Pulumi.yaml sets and the stack's file doesn't with their place there: "Pulumi.yaml:12: storage-profiles:…". */
  placed: (problems: readonly Problem[]) => Problem[];
  /**
   * The environments (Pulumi ESC) that the stack's file imports. What they set only the engine knows: it isn't in `config`, and what is said
   * of the config holds without them.
   */
  environments: string[];
  /** The profiles that the stack's file itself defines. */
  ownProfiles: string[];
  /** What a request for a volume of this stack is: the stack's backend and place, and what the volume says itself. */
  requestFor: (name: string, volume?: VolumeDefinition) => VolumeRequest;
}

/** A file of shared profiles, as `storage-profiles:catalog` names it. */
export interface SharedFile {
  /** As the config names it. */
  name: string;
  /** Its path; absent where it wasn't found. */
  file?: string | undefined;
  /** Whether it belongs to an installed package, and is read-only. */
  isPackage: boolean;
  /** The profiles that it defines. */
  profiles: Readonly<Record<string, ProfileDefinition>>;
  /** Those with a mistake. */
  wrong: Unreadable["profiles"];
}

/** Where an edit of a profile goes: into the stack's file, or into the shared file that defines the profile. */
export type EditPlace = "stack" | "catalog";

/** One edit of the config. */
export type ConfigEdit =
  /**
   * Makes a profile, or makes it another. One that a shared file defines is refused unless `in` says where. Problems: `profile-shared`,
   * `profile-read-only`, `profile-not-shared`.
   */
  | { kind: "set-profile"; name: string; definition: ProfileDefinition; in?: EditPlace | undefined }
  /** Takes a profile out of the stack's file. A built-in one of the name is in force again. Problems: `profile-in-use`, `profile-not-own`. */
  | { kind: "remove-profile"; name: string }
  /** Makes a volume, or makes it another. */
  | { kind: "set-volume"; name: string; volume: VolumeDefinition }
  /** Takes a volume out of the stack's file; applied, it is deleted. Problems: `volume-unknown`, `volume-protected`. */
  | { kind: "remove-volume"; name: string }
  /** Sets another key below `storage-profiles`: `backend`, `scaleio`, … */
  | { kind: "set-value"; name: ValueKey; value: unknown };

/** The keys that are not lists of profiles or volumes. */
export type ValueKey = Exclude<keyof StackConfig, "profiles" | "volumes">;

export interface EditOptions {
  /** Only when the file's tag is still this one. Error: `config-changed`. */
  ifTag?: string | undefined;
  /** Only says what would come of it. */
  dryRun?: boolean | undefined;
  /** Whether the config is to be applied afterwards. Then whatever is wrong with it is a problem, also what was wrong before. */
  willApply?: boolean | undefined;
  /** The volumes that are applied with the edits, by name or URN: what they lack already is in `touched` as well. */
  volumes?: readonly string[] | undefined;
  /** The state, where it has been read already. Default: it is read. */
  state?: Promise<StackState> | undefined;
  /**
   * Records the edit as a commit of its own, and pushes it, in the Git checkout that has the file. The checkout is fast-forwarded before; an edit
   * that can't be pushed is undone. Not with `dryRun`. Errors: `config-changed` where the upstream has changed the config since it was read,
   * `git-missing`, `git-not-ready`, `git-file-not-clean`, `git-failed`.
   */
  commit?: CommitOptions | undefined;
}

/** How an edit is committed. */
export interface CommitOptions {
  /** Who has made it, if not Git's own user, who is the committer. The e-mail address is empty where it isn't known. */
  author?: { name: string; email: string } | undefined;
  /** Why, for the commit's message. */
  reason?: string | undefined;
}

/** What came of an edit, or would come of it. */
export interface EditResult {
  /** Whether the file was changed, or would be. */
  changed: boolean;
  /** The shared file that was changed in place of the stack's, or would be, as the config names it. */
  sharedFile?: string | undefined;
  /** The file's tag now. */
  tag: string;
  /** The commit that has the edit, and was pushed. */
  commit?: string | undefined;
  /** Why nothing was written. */
  problems: Problem[];
  /** The volumes that are to be something else with these edits; without edits, those that an `up` would touch. */
  touched: VolumePlan[];
  /** The volumes that an edit of a profile would change if they weren't pinned; absent where there are none. */
  leftOut?: PinnedVolume[] | undefined;
  /** Why it isn't known which volumes exist: the engine could not tell the state. Then `touched` knows of the config's volumes only. */
  stateUnknown?: Problem | undefined;
  /** What differs, as lines of the file: `-` and `+`. */
  diff: string;
}

/** A volume that keeps a pinned definition of its profile. */
export interface PinnedVolume {
  name: string;
  /** Its identity; absent where it isn't in the state yet. */
  urn?: string | undefined;
  profile: string;
  /** The entry of `pins` that holds for it. */
  pin: string;
}

/** What is to become of a volume. */
export type PlannedVerdict = "create" | "delete" | Verdict;

/** What edits do to one volume. */
export interface VolumePlan {
  name: string;
  /** Its identity; absent where it isn't in the state yet. */
  urn?: string | undefined;
  verdict: PlannedVerdict;
  declaredBy: DeclaredBy;
  /** What it has; absent where it isn't there. */
  from?: ResolvedVolume | undefined;
  /** What it is to be; absent where it is to go, or can't be. */
  to?: ResolvedVolume | undefined;
  /** Why it is refused. */
  problems: Problem[];
  /** What changes, setting by setting; then roundings and clamps. */
  notes: Note[];
  costBefore?: MonthlyCost | undefined;
  costAfter?: MonthlyCost | undefined;
}

/** Who says that there is a volume: the config's list of volumes, or the program itself. */
export type DeclaredBy = "config" | "program";

/** The stack's state, as far as it is about volumes. */
export interface StackState {
  /** Whether the engine knows the stack. */
  exists: boolean;
  /** Which update of the stack wrote it: the deployment's own time, or `undefined` before the first. */
  updatedAt?: string | undefined;
  volumes: RecordedVolume[];
  /** Our other components, which may make what volumes need. Absent where there are none. */
  components?: { urn: string; type: string }[] | undefined;
  /** Operations on resources that an interrupted engine left unfinished. */
  pending: { urn: string; type: string }[];
  /** How many resources the state has in all. */
  resources: number;
}

/** A volume as the state has it. */
export interface RecordedVolume {
  name: string;
  /** The URN of its component, `ProfiledVolume`. */
  urn: string;
  /** The resources below the component. */
  children: { urn: string; type: string; id: string | undefined }[];
  /** What follows the volume's profile though it stands elsewhere: mappings and attachments, with what is below them. */
  followers: Follower[];
  /** What it was last asked to be: the component's inputs. Absent where they can't be read. */
  asked?: ResolvedVolume | undefined;
  /** What it last got: the component's outputs. Absent where the last `up` did not finish it. */
  got?: Pick<ResolvedVolume, "sizeGiB" | "settings"> | undefined;
  /** What its own resource was given, where a transform of the program may have changed that from what was asked. */
  given?: Partial<Pick<ResolvedVolume, "sizeGiB" | "settings">> | undefined;
  /** What its own resource has: newer than `got` after a refresh. Absent where there is no resource. */
  has?: Pick<ResolvedVolume, "sizeGiB" | "settings"> | undefined;
  /** Who has taken it over, as the last refresh found. */
  takenBy?: string | undefined;
  /** What the backend accepted and hasn't carried out, as it was last seen. */
  incomplete?: string | undefined;
  volumeId?: string | undefined;
  /** Where it is mounted, on backends that mount it. */
  mountPath?: string | undefined;
  /** Whether it is protected against deletion. */
  protected: boolean;
}

/** A resource that follows a volume's profile. */
export interface Follower {
  urn: string;
  name: string;
  /** Whether a refresh found it gone from the backend: the host has lost the volume. */
  isGone?: boolean | undefined;
  /** The limits that it has, where they are those of the volume's profile. */
  limits?: Record<string, number> | undefined;
}

/**
 * compliant: it is what is declared. not-created: it is declared, and isn't created yet. out-of-date: what is declared was changed since it
 * last got it. non-compliant: it isn't what it got, or what is declared isn't possible. unknown: it can't be determined, for the reason given with it.
 */
export const complianceStatuses = ["compliant", "not-created", "out-of-date", "non-compliant", "unknown"] as const;
export type ComplianceStatus = (typeof complianceStatuses)[number];

export interface StatusOptions {
  /** Whether the backends are asked first, and the state is made to say what they tell. */
  refresh?: boolean | undefined;
  /** Only these volumes, by name or URN. Errors: `volume-unknown`, `volume-ambiguous`. */
  volumes?: readonly string[] | undefined;
}

/** How a volume stands. */
export interface VolumeStatus {
  /** A label: several volumes may have the same. */
  name: string;
  /** Its identity; absent where it isn't in the state yet. */
  urn?: string | undefined;
  status: ComplianceStatus;
  /** Why, in the words of the registry; for `compliant` nothing. */
  causes: Note[];
  declaredBy: DeclaredBy;
  backend?: BackendName | undefined;
  /** The profile that is declared. */
  profile?: string | undefined;
  /** The edit of the profile that is in force now. */
  revision?: string | undefined;
  /** Where it keeps a pinned definition: the entry of `pins`, and the edit of the profile that it would have otherwise. */
  pin?: { reference: string; current?: string | undefined } | undefined;
  /** Where the profile is defined: it ships, a shared file has it, at this line, or the stack's config. */
  definition?: Pick<Profile, "origin" | "file" | "line"> | undefined;
  /** The size that is declared, as the backend makes it. */
  sizeGiB?: number | undefined;
  /** What it last got; absent where it was never made. */
  recorded?: ResolvedVolume | undefined;
  /** What is declared; absent where that has problems. */
  declared?: ResolvedVolume | undefined;
  /** What the next `up` does to it. */
  verdict?: PlannedVerdict | undefined;
  /** What is wrong with what is declared, or with the change to it. */
  problems: Problem[];
  /** What is worth knowing of what is declared: roundings, clamps. */
  notes?: Note[] | undefined;
  volumeId?: string | undefined;
  mountPath?: string | undefined;
  protected?: boolean | undefined;
  /** The monthly cost of what it has; of one that isn't there yet, of what is declared. */
  monthlyCost?: MonthlyCost | undefined;
  /** The monthly cost of what is declared. */
  declaredMonthlyCost?: MonthlyCost | undefined;
}

export interface ApplyOptions {
  /** The volumes to bring up to date, by name or URN. Default: those that are not compliant; with `destroy` none. */
  volumes?: readonly string[] | undefined;
  /**
   * Those of `volumes` that must exist afterwards; otherwise the problem is `volume-not-made`. For the others, a volume that the program doesn't
   * declare is only a warning. Default: all of `volumes`.
   */
  required?: readonly string[] | undefined;
  /**
   * Volumes to delete that the config no longer lists, by name or URN. No other volume is deleted or replaced: problem
   * `deletion-not-requested`. Problems: `volume-protected`, `volume-declared`, `volume-ambiguous`.
   */
  destroy?: readonly string[] | undefined;
  /** Whether the backends are asked first what is there, so that drift is put right as well. Default: false. */
  refresh?: boolean | undefined;
  /** How long to wait, in seconds, where another `up` holds the stack's lock. Default: 0. Error: `stack-locked`, with who holds it. */
  waitForLockSeconds?: number | undefined;
}

/** queued → running → one of the others. interrupted: the process that ran it is gone, and nobody knows how it ended. */
export type OperationState = "queued" | "running" | "succeeded" | "failed" | "cancelled" | "interrupted";

export type OperationKind = "apply" | "refresh";

/** What is known of an operation, as plain data. */
export interface OperationReport {
  id: string;
  kind: OperationKind;
  project: string;
  stack: string;
  /** The volumes that it is about, by name, and by URN where several have the name; empty until it is known which ones have to change. */
  volumes: string[];
  destroy: string[];
  refresh: boolean;
  state: OperationState;
  createdAt: string;
  startedAt?: string | undefined;
  finishedAt?: string | undefined;
  /** What went wrong; empty unless it failed. */
  problems: Problem[];
  /** What was done: created, updated, deleted, same. */
  summary?: Record<string, number> | undefined;
  /** The process that runs it, and whether its engine still works though that process is gone. */
  pid: number;
  engineRunning?: boolean | undefined;
}

/** An operation of this process. */
export interface Operation {
  readonly id: string;
  /** As plain data, as it is now. */
  report(): OperationReport;
  /** What happened so far and what happens until the end. Every caller gets all of it, from the beginning or after a sequence number. */
  events(after?: number): AsyncIterable<OperationEvent>;
  /** How it ended. Never rejects. */
  readonly done: Promise<OperationReport>;
  /** Ends it: a queued one at once, a running one by asking the engine to stop after what it is doing; asked again, at once. */
  cancel(): void;
}

/** What happens in an operation. */
export type OperationEvent = { sequence: number; at: string } & (
  | { type: "state"; state: OperationState; volumes?: string[] }
  /** A resource is being made, changed or removed, is done, or failed. */
  | {
      type: "resource";
      phase: "started" | "done" | "failed";
      operation: string;
      resource: string;
      urn: string;
      volume?: string;
    }
  /** What the engine, a hook or a provider says. */
  | { type: "message"; severity: "info" | "warning" | "error"; text: string; volume?: string }
  | { type: "summary"; changes: Record<string, number>; seconds: number }
);

export type { LockHolder };
