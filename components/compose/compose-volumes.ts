// ComposeVolumes: the volumes of a Compose file, made ahead of `docker compose up`.

import { resolve as pathOf } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import {
  formatProblems,
  ownPlacement,
  resolve,
  wrongType,
  type Problem,
  type VolumeDefinition,
  unknownKey,
} from "../../src";
import type { ComposeVolume } from "../../src/compose";
import { optionProblems, passedOn } from "../options";
import { ProfiledVolume, type ProfiledVolumeArgs } from "../profiled-volume";
import { currentRun, type Run } from "../run";
import type * as Files from "./files";

/** The type token of the component. */
export const COMPOSE_VOLUMES = "storage-profiles:index:ComposeVolumes";

/** Which Compose files, and how they are to be read. */
export interface ComposeVolumesArgs {
  /**
   * The files, as by `-f`, each overriding those before it; relative to `directory`.
   * @default COMPOSE_FILE, then the files that Compose looks for in `directory` and above it, with the override file beside
   */
  files?: string | string[] | undefined;
  /**
   * Where one would call Compose.
   * @default the directory of Pulumi.yaml
   */
  directory?: string | undefined;
  /**
   * The project's name, as by `-p`: it precedes the names of the volumes.
   * @default COMPOSE_PROJECT_NAME, then `name` in the file, then the name of the file's directory
   */
  projectName?: string | undefined;
  /**
   * The file with variables, as by `--env-file`.
   * @default ".env" beside the first Compose file, if it is there
   */
  envFile?: string | undefined;
  /**
   * The environment.
   * @default the program's own
   */
  environment?: Record<string, string | undefined> | undefined;
  /**
   * The name under which Docker knows the driver.
   * @default "storage-profiles"
   */
  driver?: string | undefined;
  /** What holds for volumes of which the file doesn't say it: a size, say. */
  defaults?: VolumeDefinition | undefined;
}

const argumentTypes: Record<keyof ComposeVolumesArgs, string | undefined> = {
  files: undefined,
  directory: "string",
  projectName: "string",
  envFile: "string",
  environment: "object",
  driver: "string",
  defaults: "object",
};

/**
 * The volumes of our driver in a Compose file, each a {@link ProfiledVolume} of the name that Compose gives it.
 *
 * ```ts
 * const shop = new ComposeVolumes("shop", { files: "docker-compose.yml", defaults: { size: "10GiB" } });
 * export const data = shop.volumes["data"]?.volumeId;
 * ```
 *
 * ```yaml
 * volumes:
 *   data: { driver: storage-profiles, x-storage-profiles: data@gold }
 * ```
 *
 * `pulumi up` makes them; `docker compose up` then finds them by the driver. Names, variables, `.env`, external volumes, files laid over
 * each other and files that are included are read as Compose reads them.
 */
export class ComposeVolumes extends pulumi.ComponentResource {
  /** The project's name. */
  public readonly project: string;
  /** The volumes, by their keys below `volumes` in the file. */
  public readonly volumes: Readonly<Record<string, ProfiledVolume>>;
  /** What Docker calls the volumes, by their keys. */
  public readonly dockerNames: Readonly<Record<string, string>>;

  /**
   * Reads the files and declares their volumes.
   * @throws `pulumi.RunError` with every problem of the arguments and of the files, each with its line.
   */
  constructor(name: string, args: ComposeVolumesArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    // What limits an operation its volumes know.
    const wrong = [...wrongArguments(args), ...optionProblems(opts, ["create", "update", "delete"])];
    if (wrong.length > 0) throw new pulumi.RunError(formatProblems(name, wrong));
    const run = currentRun();
    const { files = [], driver = "storage-profiles", defaults = {}, projectName, envFile } = args;
    const root = pulumi.getRootDirectory() || process.cwd();
    const directory = args.directory === undefined ? root : pathOf(root, args.directory);
    const environment = args.environment ?? process.env;
    const place = { directory, files: [files].flat(), envFile, environment };
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- only who reads Compose files pays for loading what reads them
    const { readProject } = require("./files") as typeof Files;
    const read = readProject(place, { projectName, driver });
    const asked = read.volumes.map((volume) => ({ volume, definition: withDefaults(volume.definition, defaults) }));
    const problems = [...read.problems];
    for (const { volume, definition } of asked) problems.push(...problemsOf(run, volume, definition));
    const warn = (resource?: pulumi.Resource) => {
      for (const note of read.notes) void pulumi.log.warn(`${note.path}: ${note.message} [${note.code}]`, resource);
    };
    if (problems.length > 0) {
      // A variable that is not set may be why.
      warn();
      throw new pulumi.RunError(formatProblems(name, problems));
    }

    super(COMPOSE_VOLUMES, name, { project: read.project, files: read.files }, opts);
    warn(this);
    this.project = read.project;
    this.volumes = Object.fromEntries(
      asked.map(({ volume, definition }) => [
        volume.key,
        new ProfiledVolume(volume.name, definition as ProfiledVolumeArgs, { parent: this, ...passedOn(opts) }),
      ]),
    );
    this.dockerNames = Object.fromEntries(asked.map(({ volume }) => [volume.key, volume.dockerName]));
    this.registerOutputs({ dockerNames: this.dockerNames });
  }
}

// A size is a size, whichever way it is written.
function withDefaults(own: VolumeDefinition, defaults: VolumeDefinition): VolumeDefinition {
  const { size, sizeGiB, ...others } = defaults;
  const hasSize = own.size !== undefined || own.sizeGiB !== undefined;
  return { ...others, ...(hasSize ? {} : { size, sizeGiB }), ...own };
}

// The component would tell them too, but can't know where in the file they come from.
function problemsOf(run: Run, { name, places }: ComposeVolume, definition: VolumeDefinition): Problem[] {
  const { backend = run.config.backend, profile, sizeGiB, size, tags } = definition;
  const placement = backend && run.placementOf(backend, ownPlacement(backend, definition));
  const { problems } = resolve(run.catalog, { name, profile, sizeGiB, size, tags, backend, placement });
  return problems.map((each) => {
    const place = places[each.path] ?? (each.path === "sizeGiB" ? places["size"] : undefined);
    return { ...each, path: place ?? `${places[""] ?? ""} (${each.path})` };
  });
}

// Programs in JavaScript may pass anything.
function wrongArguments(args: object): Problem[] {
  const keys = Object.keys(argumentTypes);
  return Object.entries(args).flatMap(([key, value]): Problem[] => {
    if (!keys.includes(key)) return [unknownKey(key, value, key, keys)];
    if (value === undefined) return [];
    if (key === "files") {
      const isRight = [value].flat().every((each) => typeof each === "string" && each !== "");
      return isRight ? [] : [wrongType(key, value, "string")];
    }
    const expected = argumentTypes[key as keyof ComposeVolumesArgs];
    return expected === undefined || typeof value === expected ? [] : [wrongType(key, value, expected)];
  });
}
