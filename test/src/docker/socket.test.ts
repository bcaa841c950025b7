// What systemd passes, and what only looks like it. The story of the Docker plugin has one passed for real.

import { openSync } from "node:fs";

import { passedSocket } from "../../../src/docker/socket";

test.each([
  ["nothing is passed", {}],
  ["what is passed is for another process", { LISTEN_PID: "1", LISTEN_FDS: "1" }],
  ["a number of sockets without a process", { LISTEN_FDS: "1" }],
])("listens on a socket of its own where %s", (_, env) => {
  expect(passedSocket(env, { pid: 42 })).toBeUndefined();
});

test.each([
  ["no socket", "0", /LISTEN_FDS is 0/],
  ["two sockets", "2", /LISTEN_FDS is 2/],
  ["something that isn't one", "1", /file descriptor \d+ isn't a socket/],
])("refuses %s from systemd, with what to check", (_, count, message) => {
  // Not 3: in a test's process that is jest's own socket.
  const fd = openSync(__filename, "r");
  expect(() => passedSocket({ LISTEN_PID: "42", LISTEN_FDS: count }, { pid: 42, fd })).toThrow(
    expect.objectContaining({ code: "socket-not-passed", message: expect.stringMatching(message) }),
  );
});
