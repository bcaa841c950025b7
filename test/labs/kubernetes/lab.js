#!/usr/bin/env node
// A Kubernetes API server of a test's own, with its etcd, and what changes volumes there: the external-resizer beside Kubernetes' mock CSI driver,
// and Pulumi's Kubernetes provider; or what makes volumes of a real OpenStack: its CSI driver, the external-provisioner, and the controller manager.
// All from Go modules, built once into the cache. Building takes an hour, so only this command does it: `node test/labs/kubernetes/lab.js`. There
// is no kubelet: nothing mounts a volume or grows a file system.
// @ts-check
"use strict";

const { spawn } = require("node:child_process");
const { generateKeyPairSync, randomBytes } = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { UNAVAILABLE, UserError, cacheDirectory, main } = require("../../../tools/shared.js");
const { build, capture, isExecutable, keyOf, readModule, showTo, toolchain } = require("../../../tools/engine/go.js");
const { until } = require("../../../tools/test/time.js");
const { Unavailable, pythonEnvironment } = require("../python.js");

module.exports = {
  missing,
  missingChangers,
  missingDrivers,
  missingProvisioners,
  programFiles,
  pulumiPlugin,
  startControlPlane,
};

const FLAGS = ["-mod=readonly", "-trimpath", "-ldflags=-s -w"];

/** The control plane. @type {Program[]} */
const PROGRAMS = [
  { name: "etcd", folder: "etcd", main: "go.etcd.io/etcd/server/v3" },
  { name: "kube-apiserver", folder: "control", main: "k8s.io/kubernetes/cmd/kube-apiserver" },
];

/** What changes volumes, and what applies programs. @type {Program[]} */
const CHANGERS = [
  {
    name: "csi-resizer",
    folder: "sidecars",
    main: "github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer",
    versionOf: "github.com/kubernetes-csi/external-resizer/v2",
  },
  { name: "csi-mock", folder: "mock", main: "storage-profiles/labs/kubernetes/mock", versionOf: "k8s.io/kubernetes" },
  {
    name: "pulumi-resource-kubernetes",
    folder: "pulumi",
    main: "storage-profiles/labs/kubernetes/pulumi",
    versionOf: "github.com/pulumi/pulumi-kubernetes/provider/v4",
  },
];

/** What makes volumes of a real cloud for claims: OpenStack's CSI driver, the external-provisioner, and the controllers that bind claims. @type {Program[]} */
const PROVISIONERS = [
  {
    name: "csi-provisioner",
    folder: "sidecars",
    main: "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner",
    versionOf: "github.com/kubernetes-csi/external-provisioner/v6",
  },
  {
    name: "cinder-csi-plugin",
    folder: "cinder",
    main: "k8s.io/cloud-provider-openstack/cmd/cinder-csi-plugin",
    check: "--help",
  },
  { name: "kube-controller-manager", folder: "control", main: "k8s.io/kubernetes/cmd/kube-controller-manager" },
];

/** Of the controller manager: what the life of a claim needs. One for nodes would find that they have no kubelet. */
const CONTROLLERS = [
  ...["persistentvolume-binder-controller", "persistentvolume-expander-controller"],
  ...["persistentvolumeclaim-protection-controller", "persistentvolume-protection-controller"],
  ...["volumeattributesclass-protection-controller", "garbage-collector-controller"],
];

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {string} folder of its Go module
 * @property {string} main its package
 * @property {string} [versionOf] the module whose version it has
 * @property {string} [check] what shows that it runs. Default: --version
 *
 * @param {Program} program
 * @param {NodeJS.ProcessEnv} env
 */
function recipe({ name, folder, main: source, versionOf = source.split("/cmd/")[0] }, env) {
  const module = readModule(path.join(__dirname, folder));
  const sums = fs.readFileSync(path.join(module.folder, "go.sum"), "utf8");
  const own = path.join(module.folder, "main.go");
  const parts = [module.text, sums, source, FLAGS, ...(fs.existsSync(own) ? [fs.readFileSync(own, "utf8")] : [])];
  const directory = path.join(cacheDirectory(env), "kubernetes", keyOf(parts));
  const root = versionOf;
  const version = new RegExp(`^(?:require )?\\s*${root} v(\\S+)`, "m").exec(module.text)?.[1] ?? "";
  return { module, version, executable: path.join(directory, name) };
}

/**
 * Why this machine has no control plane, or nothing where it has.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @param {Program[]} [programs]
 * @returns {string | undefined}
 */
function missing(env = process.env, programs = PROGRAMS) {
  const absent = programs.filter((program) => !isExecutable(recipe(program, env).executable));
  if (absent.length === 0) return undefined;
  const names = absent.map(({ name }) => name).join(", ");
  return `${names} not built yet; build with: node test/labs/kubernetes/lab.js (takes about an hour)`;
}

/** Why this machine has nothing that changes volumes of a control plane, or nothing where it has. */
function missingDrivers(env = process.env) {
  return missing(env, [...PROGRAMS, ...CHANGERS.filter(({ name }) => name.startsWith("csi-"))]);
}

/** The same for what a program needs as well: Pulumi's Kubernetes provider. */
function missingChangers(env = process.env) {
  return missing(env, [...PROGRAMS, ...CHANGERS]);
}

/** The same for what makes volumes of a cloud for claims. */
function missingProvisioners(env = process.env) {
  return missing(env, [...PROGRAMS, ...CHANGERS, ...PROVISIONERS]);
}

/** Where the programs are, or go when they are built. */
function programFiles(env = process.env, programs = PROGRAMS) {
  return programs.map((program) => recipe(program, env).executable);
}

/** Pulumi's Kubernetes provider, for plugins.providers in a project's Pulumi.yaml. */
function pulumiPlugin(env = process.env) {
  const [, , executable = ""] = programFiles(env, CHANGERS);
  return { name: "kubernetes", path: path.dirname(executable) };
}

/** @param {NodeJS.ProcessEnv} env */
async function buildPrograms(env) {
  for (const program of [...PROGRAMS, ...CHANGERS, ...PROVISIONERS]) {
    const { module, version, executable } = recipe(program, env);
    if (isExecutable(executable)) continue;
    const tools = await toolchain(module.go, env);
    if ("missing" in tools) throw new UserError(`${program.name} can't be built: ${tools.why}`);
    const fault = async (/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ goEnv) => {
      const { failed, stderr } = await capture(file, [program.check ?? "--version"], goEnv);
      return failed ? `${program.name} was built, but does not run: ${stderr}.` : "";
    };
    const what = { what: program.name, because: "because the Kubernetes lab runs it", reason: "The lab needs it." };
    const product = { ...what, version, module, main: program.main, flags: FLAGS, executable, fault, instead: "." };
    await build(product, tools, showTo(undefined));
  }
}

/**
 * @typedef {object} Answer
 * @property {number} status of HTTP
 * @property {any} body
 *
 * @typedef {object} ControlPlane
 * @property {(method: string, path: string, body?: object) => Promise<Answer>} ask a PATCH is a merge patch
 * @property {string} kubeconfig its file, with the credentials of an administrator
 * @property {(name: string) => Promise<string>} addAccount creates a service account in namespace default, without any permission until a role is
 *   bound to it, and returns its kubeconfig
 * @property {(name: string, canModify?: boolean) => Promise<CsiDriver>} startDriver starts a CSI driver of a name, and its external-resizer
 * @property {(cloud: Cloud) => Promise<void>} startCinder starts OpenStack's CSI driver, its external-provisioner and external-resizer, and the
 *   controllers that bind claims, protect what is used, and delete
 * @property {() => Request[]} requests what programs have asked the server so far: Pulumi's Kubernetes provider, and what is ours
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} Request
 * @property {"plugin" | "us" | undefined} by
 * @property {string} verb get, list, create, patch, and apply for a patch by server-side apply
 * @property {string} uri
 * @property {string} resource "persistentvolumeclaims"; empty where it is about none
 * @property {boolean} isDryRun
 * @property {boolean} isPermitted whether the user's roles permit it
 *
 * @typedef {object} Cloud an OpenStack: the keys of the driver's own config, such as `auth-url`
 * @property {Record<string, string>} global
 *
 * @typedef {object} CsiDriver
 * @property {(rule: { code?: number, message?: string, delayMs?: number }) => void} answer what changes are answered with from now on
 * @property {() => Record<string, any>[]} changes that it was asked for: `{ modify: parameters }` and `{ expand: bytes }`
 * @property {() => Promise<void>} stop
 */

/**
 * Starts an API server, and waits until it is ready.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @param {string[]} [flags] of the API server, beside those that every lab has
 * @returns {Promise<ControlPlane>}
 */
async function startControlPlane(env = process.env, flags = []) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-profiles-kubernetes-"));
  const [client = 0, peer = 0, secure = 0] = await freePorts(3);
  const token = randomBytes(16).toString("hex");
  const inside = (/** @type {string} */ name) => path.join(directory, name);
  fs.writeFileSync(inside("tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  fs.writeFileSync(inside("sa.key"), keys.privateKey, { mode: 0o600 });
  fs.writeFileSync(inside("sa.pub"), keys.publicKey);
  const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };
  fs.writeFileSync(inside("audit.json"), JSON.stringify({ ...policy, omitStages: ["RequestReceived"] }));

  const [etcd, server] = programFiles(env);
  const store = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  const running = [
    start(etcd, inside("etcd.log"), [
      ...["--data-dir", inside("data"), "--listen-client-urls", store, "--advertise-client-urls", store],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers],
      ...["--initial-cluster", `default=${peers}`, "--unsafe-no-fsync"],
    ]),
  ];
  const stop = async () => {
    for (const each of running.reverse()) await each.end();
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  const ready = async (/** @type {string} */ what, /** @type {() => Promise<boolean>} */ isReady) => {
    const isDead = () => running.some((each) => each.hasEnded());
    await until(`${what} to be ready`, async () => isDead() || (await isReady().catch(() => false)), { everyMs: 200 });
    if (!isDead()) return;
    const log = fs
      .readFileSync(inside(`${what}.log`), "utf8")
      .trim()
      .split("\n")
      .slice(-5)
      .join("\n");
    throw new Error(`${what} has ended:\n${log}`);
  };
  const ask = (/** @type {string} */ method, /** @type {string} */ at, /** @type {object | undefined} */ body) =>
    request(`https://127.0.0.1:${secure}${at}`, method, token, body);
  try {
    await ready("etcd", async () => (await request(`${store}/health`, "GET", token)).status === 200);
    running.push(
      start(server, inside("kube-apiserver.log"), [
        ...[`--etcd-servers=${store}`, "--bind-address=127.0.0.1", `--secure-port=${secure}`],
        ...[`--cert-dir=${inside("certificates")}`, "--service-cluster-ip-range=10.0.0.0/24"],
        ...["--service-account-issuer=https://lab.invalid", `--service-account-key-file=${inside("sa.pub")}`],
        ...[`--service-account-signing-key-file=${inside("sa.key")}`, "--authorization-mode=RBAC"],
        ...[`--token-auth-file=${inside("tokens.csv")}`, "--disable-admission-plugins=ServiceAccount"],
        ...["--endpoint-reconciler-type=none", `--audit-policy-file=${inside("audit.json")}`],
        `--audit-log-path=${inside("audit.log")}`,
        ...flags,
      ]),
    );
    await ready("kube-apiserver", async () => (await ask("GET", "/readyz", undefined)).status === 200);
    await ready(
      "kube-apiserver",
      async () => (await ask("GET", "/api/v1/namespaces/default", undefined)).status === 200,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const configOf = (/** @type {string} */ user, /** @type {string} */ userToken) => {
    const cluster = { server: `https://127.0.0.1:${secure}`, "insecure-skip-tls-verify": true };
    const content = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "lab" },
      clusters: [{ name: "lab", cluster }],
      users: [{ name: user, user: { token: userToken } }],
      contexts: [{ name: "lab", context: { cluster: "lab", user } }],
    };
    const file = inside(user === "admin" ? "kubeconfig" : `${user}.kubeconfig`);
    fs.writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  };
  const kubeconfig = configOf("admin", token);

  const accounts = "/api/v1/namespaces/default/serviceaccounts";
  const addAccount = async (/** @type {string} */ name) => {
    await ask("POST", accounts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
    const requested = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const { status, body } = await ask("POST", `${accounts}/${name}/token`, requested);
    if (status !== 201) throw new Error(`No token for ${name}: ${body.message}`);
    return configOf(name, body.status.token);
  };

  // It drops a change that arrives before its cache has the volume, until the next resync; 10 minutes by default, and a matter of luck in a test.
  const resize = (/** @type {string} */ id, /** @type {string} */ socket) =>
    start(programFiles(env, CHANGERS)[0], inside(`${id}-resizer.log`), [
      ...["--kubeconfig", kubeconfig, "--csi-address", socket, "--timeout", "60s"],
      ...["--handle-volume-inuse-error=false", "--retry-interval-start", "500ms", "--retry-interval-max", "5s"],
      ...["--resync-period", "20s"],
      // By default it sends five requests a second, which is a minute for thirty claims.
      ...["--kube-api-qps", "100", "--kube-api-burst", "200", "--workers", "50"],
    ]);

  const startCinder = async (/** @type {Cloud} */ { global }) => {
    const [provisioner, cinder, controllers] = programFiles(env, PROVISIONERS);
    const [socket, config] = [inside("cinder.sock"), inside("cloud.conf")];
    const lines = Object.entries(global).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
    fs.writeFileSync(config, `[Global]\n${lines.join("")}`, { mode: 0o600 });
    const driver = start(cinder, inside("cinder-csi-plugin.log"), [
      ...["--endpoint", `unix://${socket}`, "--cloud-config", config, "--cluster", "lab"],
      ...["--with-topology=false", "--provide-node-service=false"],
    ]);
    running.push(driver);
    await ready("cinder-csi-plugin", async () => fs.existsSync(socket));
    running.push(
      start(controllers, inside("kube-controller-manager.log"), [
        ...[
          "--kubeconfig",
          kubeconfig,
          "--leader-elect=false",
          "--secure-port=0",
          "--use-service-account-credentials=false",
        ],
        `--controllers=${CONTROLLERS.join(",")}`,
      ]),
      start(provisioner, inside("csi-provisioner.log"), [
        ...["--kubeconfig", kubeconfig, "--csi-address", socket, "--timeout", "60s", "--extra-create-metadata"],
        ...["--retry-interval-start", "500ms", "--retry-interval-max", "5s"],
      ]),
      resize("cinder", socket),
    );
  };

  let drivers = 0;
  const startDriver = async (/** @type {string} */ name, canModify = true) => {
    const [, mock] = programFiles(env, CHANGERS);
    const id = `driver-${++drivers}`;
    const [socket, rules, log] = [inside(`${id}.sock`), inside(`${id}.json`), inside(`${id}.log`)];
    const answer = (/** @type {object} */ rule) => {
      // At once, as the driver may read it at any moment.
      fs.writeFileSync(`${rules}.new`, JSON.stringify(rule));
      fs.renameSync(`${rules}.new`, rules);
    };
    answer({});
    const driver = start(mock, log, [name, socket, rules, ...(canModify ? [] : ["--no-modify"])]);
    await until("the CSI driver to listen", () => driver.hasEnded() || fs.existsSync(socket), { everyMs: 50 });
    const sidecar = resize(id, socket);
    const own = {
      hasEnded: () => false,
      async end() {
        await sidecar.end();
        await driver.end();
      },
    };
    running.push(own);
    const changes = () =>
      fs
        .readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line));
    return { answer, changes, stop: own.end };
  };
  // The server writes a request down before it answers.
  const requests = () =>
    fs
      .readFileSync(inside("audit.log"), "utf8")
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [requestOf(JSON.parse(line))]))
      .filter(({ by }) => by !== undefined);
  return { addAccount, ask, kubeconfig, requests, startCinder, startDriver, stop };
}

/** Who else talks to the server: itself, the programs of the lab, and the tests. */
const OTHERS = /^(lab$|kube-|csi-|cinder-)/;

/**
 * @param {{ userAgent?: string, requestURI: string, verb: string, annotations?: Record<string, string> }} entry of the audit log
 * @returns {Request}
 */
function requestOf({ userAgent = "", requestURI: uri, verb, annotations }) {
  const by = OTHERS.test(userAgent) ? undefined : userAgent === "" ? "us" : "plugin";
  const [, resource = ""] = /\/v\d\w*\/(?:namespaces\/[^/]+\/)?([a-z]+)/.exec(uri) ?? [];
  const isPermitted = annotations?.["authorization.k8s.io/decision"] !== "forbid";
  // Of patches only a server-side apply must name its manager.
  const isApply = verb === "patch" && uri.includes("fieldManager=");
  return {
    by,
    verb: isApply ? "apply" : verb,
    uri,
    resource,
    isDryRun: uri.includes("dryRun="),
    isPermitted,
  };
}

/**
 * @param {string | undefined} executable
 * @param {string} logFile
 * @param {string[]} args
 */
function start(executable = "", logFile, args) {
  const log = fs.openSync(logFile, "w");
  const child = spawn(executable, args, { stdio: ["ignore", log, log] });
  fs.closeSync(log);
  let hasEnded = false;
  const ended = new Promise((resolve) => child.once("close", resolve)).then(() => (hasEnded = true));
  // The two end with whoever started them, however that ends.
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    hasEnded: () => hasEnded,
    async end() {
      kill();
      await ended;
      process.removeListener("exit", kill);
    },
  };
}

/**
 * @param {string} url
 * @param {string} method
 * @param {string} token
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
function request(url, method, token, body) {
  return new Promise((resolve, reject) => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { authorization: `Bearer ${token}`, "user-agent": "lab", ...(body && { "content-type": type }) };
    const send = url.startsWith("https:") ? https.request : http.request;
    // Its certificate is its own, made when it started, on this machine.
    const sent = send(url, { method, headers, rejectUnauthorized: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () => {
        const isJson = /json/.test(response.headers["content-type"] ?? "");
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}

/** @param {number} count */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer());
  const ports = await Promise.all(
    servers.map(
      (each) =>
        new Promise((resolve) =>
          each.listen(0, "127.0.0.1", () => resolve(/** @type {net.AddressInfo} */ (each.address()).port)),
        ),
    ),
  );
  await Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))));
  return ports;
}

/**
 * The lab as a command: builds its programs for people; or makes, where they are there, what Cinder needs beside them.
 *
 * @param {string[]} args
 */
async function command([option, ...rest]) {
  if ((option !== undefined && option !== "--prepare") || rest.length > 0)
    throw new UserError("Usage: node test/labs/kubernetes/lab.js [--prepare]");
  if (option === undefined) return buildPrograms(process.env);
  try {
    const reason = missingProvisioners();
    if (reason !== undefined) throw new Unavailable(reason);
    await pythonEnvironment("openstack");
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    process.exitCode = UNAVAILABLE;
    console.log(error.message);
  }
}

if (require.main === module) main(() => command(process.argv.slice(2)));
