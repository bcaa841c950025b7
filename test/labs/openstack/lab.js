// Starts the lab's Keystone and Cinder, and Nova, for tests, benches and people. lab.py says what they are and what can be done to them.
// @ts-check
"use strict";

const path = require("node:path");
const { cacheDirectory, UserError } = require("../../../tools/shared.js");
const { until } = require("../../../tools/test/time.js");
const { askLab, startProcess } = require("../process.js");

module.exports = { config, environment, makeServer, startLab };

/**
 * What reached Keystone, Cinder or Nova. Nothing of it is secret: headers aren't kept, nor is what was sent to Keystone.
 *
 * @typedef {"keystone" | "cinder" | "nova"} OpenstackService
 *
 * @typedef {object} OpenstackRequest
 * @property {OpenstackService} service
 * @property {string} method
 * @property {string} path
 * @property {string} query
 * @property {number | null} status null: not answered (yet)
 * @property {string} agent
 * @property {any} body what was sent, but to Keystone
 */

/**
 * What happens to the next requests that match: they wait `seconds`, and are then answered with `status` without being
 * passed on, or are done and the answer is lost (`lose`).
 *
 * @typedef {object} Fault
 * @property {OpenstackService} [service] default: all
 * @property {string} [method] default: all
 * @property {string} [path] a regular expression. Default: all
 * @property {number} [times] how many requests. Default: 1
 * @property {number} [seconds]
 * @property {number} [status]
 * @property {string} [message]
 * @property {Record<string, string>} [headers] of the answer
 * @property {boolean} [lose]
 */

/**
 * @typedef {"admin" | "plain" | "reader"} User admin of the project admin, member of the project plain, reader of it
 *
 * @typedef {{ status: number, body: any }} Answer
 *
 * @typedef {object} Call
 * @property {unknown} [body]
 * @property {User} [user] default: admin
 * @property {string} [microversion] such as 3.60
 */

/**
 * @typedef {object} OpenstackLab
 * @property {string} authUrl
 * @property {string} cinderUrl
 * @property {string} [novaUrl] where there is a Nova
 * @property {string} controlUrl
 * @property {string} region
 * @property {string} password of each user
 * @property {Record<User, { id: string, project: string, projectId: string }>} users
 * @property {string} state the directory of its databases and logs
 * @property {string} template the directory that the databases were copied from
 * @property {boolean} templateMade by this start
 * @property {{ keystone: number, cinder: number, compute?: number }} processes as they were started: their ids
 * @property {string} [caFile] the certificate file to trust, with TLS
 * @property {() => Promise<OpenstackRequest[]>} requests what reached them since the last clear, in its order
 * @property {() => Promise<void>} clear forgets requests and faults
 * @property {(service: OpenstackService, method: string, path: string, call?: Call) => Promise<Answer>} call does it, off
 *   the record and past the faults; the path is below /v3, for Cinder below /v3/<the user's project>, for Nova below /v2.1
 * @property {(fault: Fault) => Promise<void>} fail
 * @property {(step: "create" | "delete" | "extend" | "retype" | "snapshot") => Promise<void>} breakNext the next of these
 *   fails on its backend, after Cinder has taken the request
 * @property {() => Promise<void>} stopCinder kills it: its port refuses
 * @property {() => Promise<void>} startCinder again, on the same port and with what it had
 * @property {() => Promise<void>} stop
 * @property {Promise<number | null>} ended
 */

/**
 * @param {object} [options]
 * @param {boolean} [options.nova] with a Nova, whose servers are records only
 * @param {{ cert: string, key: string, ca?: string }} [options.tls] files: Keystone, Cinder and Nova then speak TLS, with this certificate, which
 *   the CA signed. Default of `ca`: the certificate itself
 * @param {boolean} [options.detached] a terminal's Ctrl-C is for us; the lab ends with us
 * @param {(line: string) => void} [options.log] takes what there is to tell of its packages. Default: standard error
 * @param {string} [options.cache] where the template is kept. Default: the cache of all
 * @returns {Promise<OpenstackLab>} when all answer, and Cinder's scheduler knows both backends
 */
async function startLab({ nova, tls, cache = path.join(cacheDirectory(process.env), "openstack"), ...options } = {}) {
  const args = [cache, ...(nova ? ["--nova"] : []), ...(tls ? ["--tls", tls.cert, tls.key] : [])];
  const { ready, ended, stop } = await startProcess("openstack", { ...options, args });
  const ask = (/** @type {string} */ command, /** @type {object} */ body) => askLab(ready.controlUrl, command, body);
  return {
    ...ready,
    ...(tls ? { caFile: tls.ca ?? tls.cert } : {}),
    requests: () => askLab(ready.controlUrl, "requests"),
    clear: () => ask("clear", {}),
    call: (service, method, path, call = {}) => ask("call", { service, method, path, ...call }),
    fail: (fault) => ask("fail", fault),
    breakNext: (step) => ask("break", { step }),
    stopCinder: () => ask("stop", {}),
    startCinder: () => ask("start", {}),
    stop,
    ended,
  };
}

/**
 * A server of a user's, where there is a Nova, when it runs. It boots from a volume of its own, "root of <name>".
 *
 * @param {Pick<OpenstackLab, "call">} lab
 * @param {string} name
 * @param {User} user
 * @returns {Promise<string>} its id
 */
async function makeServer({ call }, name, user) {
  const must = async (
    /** @type {OpenstackService} */ service,
    /** @type {string} */ method,
    /** @type {string} */ path,
    /** @type {unknown} */ body = undefined,
    /** @type {User} */ as = user,
  ) => {
    const answer = await call(service, method, path, {
      body,
      user: as,
      microversion: service === "nova" ? "2.93" : "3.60",
    });
    if (answer.status < 300 || answer.status === 409) return answer.body;
    throw new UserError(`The server ${name} can't be made: ${method} ${path}: ${JSON.stringify(answer)}`);
  };
  const wait = (/** @type {() => Promise<any>} */ look, /** @type {string} */ begun, /** @type {string} */ done) =>
    until(
      `the server ${name} is made`,
      async () => {
        const found = await look();
        const status = found.status.toLowerCase();
        if (![begun, done].includes(status)) {
          throw new UserError(`The server ${name} can't be made: ${JSON.stringify(found)}`);
        }
        return status === done;
      },
      { everyMs: 100 },
    );
  const flavor = { id: "small", name: "small", ram: 64, vcpus: 1, disk: 0 };
  await must("nova", "POST", "/flavors", { flavor }, "admin"); // 409: it is there
  const { volume } = await must("cinder", "POST", "/volumes", { volume: { name: `root of ${name}`, size: 1 } });
  const at = `/volumes/${volume.id}`;
  await wait(async () => (await must("cinder", "GET", at)).volume, "creating", "available");
  await must("cinder", "POST", `${at}/action`, { "os-set_bootable": { bootable: true } });
  const boot = { uuid: volume.id, source_type: "volume", destination_type: "volume", boot_index: 0 };
  const asked = { name, flavorRef: flavor.id, imageRef: "", networks: "none", block_device_mapping_v2: [boot] };
  const { server } = await must("nova", "POST", "/servers", { server: asked });
  await wait(async () => (await must("nova", "GET", `/servers/${server.id}`)).server, "build", "active");
  return server.id;
}

/**
 * What leads the provider of @pulumi/openstack there, without `openstack:`.
 *
 * @param {Pick<OpenstackLab, "authUrl" | "password" | "region" | "users" | "caFile">} lab
 * @param {User} [user]
 * @returns {Record<string, string>}
 */
function config({ authUrl, password, region, users, caFile }, user = "plain") {
  return {
    authUrl,
    userName: user,
    password,
    tenantName: users[user].project,
    userDomainName: "Default",
    projectDomainName: "Default",
    region,
    ...(caFile ? { cacertFile: caFile } : {}),
  };
}

/**
 * The same for clients that read `OS_…` variables.
 *
 * @param {Pick<OpenstackLab, "authUrl" | "password" | "region" | "users" | "caFile">} lab
 * @param {User} [user]
 * @returns {Record<string, string>}
 */
function environment({ authUrl, password, region, users, caFile }, user = "plain") {
  return {
    OS_AUTH_URL: authUrl,
    OS_USERNAME: user,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: users[user].project,
    OS_USER_DOMAIN_NAME: "Default",
    OS_PROJECT_DOMAIN_NAME: "Default",
    OS_REGION_NAME: region,
    ...(caFile ? { OS_CACERT: caFile } : {}),
  };
}
