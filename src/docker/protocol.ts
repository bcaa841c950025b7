// Docker's volume driver protocol, version 1, as dockerd speaks it: what it sends, checked, and what it is answered.
// Source: docs.docker.com/engine/extend/plugins_volume; moby volume/drivers/proxy.go. Read 2026-11-24.

import { z } from "zod";

/** Every body may have more fields: Docker adds some from time to time. */
const name = z.string().max(1_000);
const named = z.looseObject({ Name: name });
const mounting = z.looseObject({ Name: name, ID: z.string().max(1_000).default("") });
const nothing = z.looseObject({});

/** The calls that there are, and what is sent with each. */
export const calls = {
  "/Plugin.Activate": nothing,
  "/VolumeDriver.Capabilities": nothing,
  "/VolumeDriver.Create": z.looseObject({ Name: name, Opts: z.record(z.string(), z.string()).nullish() }),
  "/VolumeDriver.Remove": named,
  "/VolumeDriver.Mount": mounting,
  "/VolumeDriver.Unmount": mounting,
  "/VolumeDriver.Path": named,
  "/VolumeDriver.Get": named,
  "/VolumeDriver.List": nothing,
} as const;

export type Call = keyof typeof calls;

/** What is sent with a call. */
export type Body<C extends Call> = z.infer<(typeof calls)[C]>;

/** A volume as Docker is told of it. */
export interface DockerVolume {
  /** The name that Docker asked for, or knows it by. */
  Name: string;
  /** Where it is on this machine; empty where it is not mounted. */
  Mountpoint?: string;
  /** What `docker volume inspect` shows. */
  Status?: Record<string, unknown>;
}

/** What each call is answered with. An error is `{ Err: text }`, which Docker prints. */
export interface Answers {
  "/Plugin.Activate": { Implements: ["VolumeDriver"] };
  "/VolumeDriver.Capabilities": { Capabilities: { Scope: "local" | "global" } };
  "/VolumeDriver.Create": object;
  "/VolumeDriver.Remove": object;
  "/VolumeDriver.Mount": { Mountpoint: string };
  "/VolumeDriver.Unmount": object;
  "/VolumeDriver.Path": { Mountpoint?: string };
  "/VolumeDriver.Get": { Volume: DockerVolume };
  "/VolumeDriver.List": { Volumes: DockerVolume[] };
}

/**
 * How long a call may take, in seconds. Docker itself waits 120 s for those that may take long, and 60 s for the others; after that it
 * would say no more than "context deadline exceeded".
 */
export const limitSeconds: Record<Call, number> = {
  "/Plugin.Activate": 10,
  "/VolumeDriver.Capabilities": 30,
  "/VolumeDriver.Create": 110,
  "/VolumeDriver.Remove": 110,
  "/VolumeDriver.Mount": 110,
  "/VolumeDriver.Unmount": 110,
  "/VolumeDriver.Path": 30,
  "/VolumeDriver.Get": 30,
  "/VolumeDriver.List": 30,
};
