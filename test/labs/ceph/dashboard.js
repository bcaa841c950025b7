// The dashboard of a lab's cluster, over TLS, with a user of its own.
// @ts-check
"use strict";

const { randomBytes, webcrypto } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const x509 = require("@peculiar/x509");
const { until } = require("../../../tools/test/time.js");
const { freePort } = require("../free-port.js");

/**
 * @typedef {object} Dashboard
 * @property {string} url
 * @property {string} username
 * @property {string} password
 * @property {string} passwordFile
 * @property {string} caFile
 * @property {() => void} kill ends the manager that serves it, for good
 */

module.exports = { startDashboard };

/**
 * Enables it, and waits until it answers: the manager starts anew for that.
 *
 * @param {import("./lab.js").Ceph} ceph
 * @returns {Promise<Dashboard>}
 */
async function startDashboard({ directory, must }) {
  const file = (/** @type {string} */ name, /** @type {string} */ text) => {
    const at = path.join(directory, name);
    fs.writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const port = await freePort();
  const { cert, key } = await certificate();
  const set = (/** @type {string} */ option, /** @type {string} */ value) =>
    must("ceph", "config", "set", "mgr", `mgr/dashboard/${option}`, value);
  // The monitor knows the options of a module when the manager has told it of them, a moment after its start.
  const isSet = () =>
    set("server_addr", "127.0.0.1").then(
      () => true,
      () => false,
    );
  await until("the manager has told of the dashboard's options", isSet);
  await set("ssl_server_port", `${port}`);
  // What `ceph dashboard set-ssl-certificate` does, which needs the dashboard to be enabled: without one, that doesn't start.
  await must("ceph", "config-key", "set", "mgr/dashboard/crt", "-i", file("dashboard.crt", cert));
  await must("ceph", "config-key", "set", "mgr/dashboard/key", "-i", file("dashboard.key", key));
  await must("ceph", "mgr", "module", "enable", "dashboard");
  const services = async () => JSON.parse(await must("ceph", "mgr", "services", "--format", "json"));
  await until("the dashboard answers", async () => `${(await services()).dashboard}`.includes(`:${port}/`));
  const [username, password] = ["storage-profiles", randomBytes(12).toString("base64url")];
  const passwordFile = file("dashboard.password", password);
  await must("ceph", "dashboard", "ac-user-create", username, "-i", passwordFile, "block-manager", "--force-password");
  await must("ceph", "dashboard", "ac-user-add-roles", username, "read-only");
  const kill = () => {
    // By its socket, which has its number: it is another process since the module was enabled.
    for (const name of fs.readdirSync(path.join(directory, "run"))) {
      const [, pid] = /^mgr\.x\.(\d+)\.asok$/.exec(name) ?? [];
      try {
        if (pid !== undefined) process.kill(Number(pid), "SIGKILL");
      } catch {
        // A socket that one of before has left.
      }
    }
  };
  return {
    url: `https://127.0.0.1:${port}`,
    username,
    password,
    passwordFile,
    caFile: file("dashboard-ca.pem", cert),
    kill,
  };
}

/** A certificate for 127.0.0.1 that is its own CA. The manager takes none but RSA's ("Only RSA keys can currently be checked"). */
async function certificate() {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const sizes = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const keys = await webcrypto.subtle.generateKey({ ...algorithm, ...sizes }, true, ["sign", "verify"]);
  x509.cryptoProvider.set(/** @type {never} */ (webcrypto));
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=127.0.0.1",
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const lines = (der.match(/.{1,64}/g) ?? []).join("\n");
  return { cert: cert.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n` };
}
