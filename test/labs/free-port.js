// A port of this machine that nobody listens on, for servers of the labs that can't be told to choose one.
// @ts-check
"use strict";

const net = require("node:net");

module.exports = { freePort };

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
