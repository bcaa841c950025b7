// The plugin's socket: one of its own, or one that systemd listens on and passes (sd_listen_fds(3)).

import { fstatSync, promises as fs } from "node:fs";
import { connect, type Server } from "node:net";
import * as path from "node:path";

import { privately } from "../system/private-socket";
import { stackError } from "./problems";

/** Where to listen: a path, whose directory is made when it isn't there, or an inherited file descriptor. */
export type Listening = { path: string } | { fd: number };

const FIRST_FD = 3;

/**
 * The socket that systemd has passed to this process; undefined where there is none. What is meant for another process, an ancestor that started us
 * with its own environment, is none. Problem: `socket-not-passed`.
 */
export function passedSocket(
  env: NodeJS.ProcessEnv,
  { pid = process.pid, fd = FIRST_FD } = {},
): { fd: number } | undefined {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = env;
  if (forPid === undefined || Number(forPid) !== pid) return undefined;
  if (count !== "1")
    throw stackError("socket-not-passed", "LISTEN_FDS", count, { why: `LISTEN_FDS is ${count ?? "not set"}` });
  if (!isSocket(fd)) {
    throw stackError("socket-not-passed", "LISTEN_FDS", count, { why: `file descriptor ${fd} isn't a socket` });
  }
  return { fd };
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

/** Has a server listen. Problem: `socket-in-use`. */
export async function bind(server: Server, at: Listening): Promise<void> {
  // What is passed is systemd's: nothing is made, nothing is removed.
  if ("fd" in at) return listen(server, at);
  await fs.mkdir(path.dirname(at.path), { recursive: true, mode: 0o755 });
  await removeStale(at.path);
  // Who may write to it may make and remove volumes: only dockerd's user, which is ours.
  await privately(() => listen(server, at));
}

function listen(server: Server, at: Listening): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(at, () => {
      server.off("error", failed);
      done();
    });
  });
}

/** Whether somebody listens at a socket. */
export function isServed(socket: string): Promise<boolean> {
  return new Promise((done) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      done(true);
    });
    connection.once("error", () => done(false));
  });
}

/** Removes the socket of a plugin that was killed. Problems: `socket-in-use`, where one still answers. */
async function removeStale(socket: string): Promise<void> {
  if (await isServed(socket)) throw stackError("socket-in-use", socket, undefined, { socket });
  const stats = await fs.lstat(socket).catch(() => undefined);
  if (stats?.isSocket()) await fs.rm(socket, { force: true });
}
