// How the cluster is reached: the kubeconfig that @pulumi/kubernetes uses by default, read when it is needed. What it holds is never in a state
// or a message. A client library would bring 40 MB for these few fields, and read the same ones.
// Source: k8s.io/client-go 0.34, tools/clientcmd and plugin/pkg/client/auth/exec; pulumi-kubernetes 4.32.0, provider config. Read 2026-11-30.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";

import { parse } from "yaml";
import { z } from "zod";

import { parseJson } from "../../transport";
import { KubernetesError } from "./cluster-errors";

/** How to reach an API server. */
export interface Cluster {
  server: string;
  ca: string | undefined;
  insecure: boolean;
  /** The name that the server's certificate has, where it isn't that of its address. */
  serverName: string | undefined;
  /** Obtains the credentials; anew each time, since those of a command expire. */
  logIn: () => Promise<Credentials>;
}

/** Who asks. */
export interface Credentials {
  authorization?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

const text = z.string().optional();
const clusterShape = z.object({
  server: z.string(),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": z.boolean().optional(),
  "tls-server-name": text,
  "proxy-url": text,
});
const execShape = z.object({
  apiVersion: z.string(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().optional(),
});
const userShape = z.object({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  exec: execShape.optional(),
  "auth-provider": z.unknown().optional(),
});
const kubeconfigShape = z.object({
  "current-context": text,
  clusters: z.array(z.object({ name: z.string(), cluster: clusterShape })).nullish(),
  users: z.array(z.object({ name: z.string(), user: userShape.nullish() })).nullish(),
  contexts: z
    .array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string().optional() }) }))
    .nullish(),
});
type Kubeconfig = z.infer<typeof kubeconfigShape>;
type User = z.infer<typeof userShape>;

const credentialShape = z.object({
  status: z.object({ token: text, clientCertificateData: text, clientKeyData: text }),
});

/** Where a pod finds its own cluster. */
const POD = "/var/run/secrets/kubernetes.io/serviceaccount";
const COMMAND_LIMIT_MS = 60_000;

/** The keys of the stack's config that say which cluster it is. */
export const CLUSTER_KEYS = ["kubernetes:kubeconfig", "kubernetes:context", "kubernetes:cluster"] as const;

/**
 * Reads the cluster: of `kubernetes:kubeconfig` (a path, or the text), else of KUBECONFIG, else of ~/.kube/config, else that of the pod. The
 * context is `kubernetes:context`, else the current one.
 * @throws {KubernetesError} `not-configured`
 */
export function readCluster(config: (key: string) => string | undefined, env: NodeJS.ProcessEnv): Cluster {
  const found = findKubeconfig(config("kubernetes:kubeconfig"), env);
  if (found === undefined) return ofPod(env);
  const { kubeconfig, of } = found;
  const wrong = (what: string) => new KubernetesError("not-configured", `${of}: ${what}`);
  const name = config("kubernetes:context") ?? kubeconfig["current-context"];
  if (name === undefined || name === "") throw wrong("no context selected; set kubernetes:context or current-context");
  const context = kubeconfig.contexts?.find((each) => each.name === name)?.context;
  if (!context) throw wrong(`no context "${name}"`);
  const clusterName = config("kubernetes:cluster") ?? context.cluster;
  const cluster = kubeconfig.clusters?.find((each) => each.name === clusterName)?.cluster;
  if (!cluster) throw wrong(`no cluster "${clusterName}"`);
  if (cluster["proxy-url"] !== undefined) throw wrong("proxy-url isn't supported");
  const user: User = kubeconfig.users?.find((each) => each.name === context.user)?.user ?? {};
  if (user["auth-provider"] != null) throw wrong("auth-provider isn't supported; use exec");
  const pem = (data: string | undefined, file: string | undefined) =>
    data !== undefined
      ? Buffer.from(data, "base64").toString("utf8")
      : file === undefined
        ? undefined
        : read(file, wrong);
  const server = cluster.server.replace(/\/+$/, "");
  return {
    server: server.includes("://") ? server : `https://${server}`,
    ca: pem(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    insecure: cluster["insecure-skip-tls-verify"] === true,
    serverName: cluster["tls-server-name"],
    logIn: () => credentialsOf(user, { pem, wrong, cluster, env }),
  };
}

interface Found {
  kubeconfig: Kubeconfig;
  /** Where it was found, for messages. */
  of: string;
}

function findKubeconfig(given: string | undefined, env: NodeJS.ProcessEnv): Found | undefined {
  if (given !== undefined && given.trim() !== "") {
    const of = "kubernetes:kubeconfig";
    // A text has several lines, or is JSON; a path is neither.
    if (/\n|^\s*\{/.test(given)) return { kubeconfig: parsed(given, of, process.cwd()), of };
    const path = resolve(given.replace(/^~(?=\/)/, homedir()));
    return { ...fromFile(path), of };
  }
  const paths = env["KUBECONFIG"]?.split(delimiter).filter((each) => each !== "") ?? [];
  const files = (paths.length > 0 ? paths : [join(homedir(), ".kube", "config")]).filter((each) => existsSync(each));
  const [first, ...others] = files.map((each) => fromFile(resolve(each)));
  // As kubectl does: of one name, the first file's counts.
  return (
    first && { ...first, kubeconfig: others.reduce((all, { kubeconfig }) => merged(all, kubeconfig), first.kubeconfig) }
  );
}

function merged(first: Kubeconfig, second: Kubeconfig): Kubeconfig {
  return {
    "current-context": [first, second].map((each) => each["current-context"]).find(Boolean),
    clusters: [...(first.clusters ?? []), ...(second.clusters ?? [])],
    users: [...(first.users ?? []), ...(second.users ?? [])],
    contexts: [...(first.contexts ?? []), ...(second.contexts ?? [])],
  };
}

function fromFile(path: string): Found {
  const of = `kubeconfig ${path}`;
  const wrong = (what: string) => new KubernetesError("not-configured", `${of}: ${what}`);
  return { kubeconfig: parsed(read(path, wrong), of, dirname(path)), of };
}

function parsed(content: string, of: string, directory: string): Kubeconfig {
  let document: unknown;
  try {
    document = parse(content);
  } catch {
    // What the parser says quotes the text, which may hold a token.
    throw new KubernetesError("not-configured", `${of}: not valid YAML`);
  }
  const { success, data, error } = kubeconfigShape.safeParse(document);
  if (success) return located(data, directory);
  const where = error.issues.map(({ path }) => path.join(".") || "the document").join(", ");
  throw new KubernetesError("not-configured", `${of}: not a kubeconfig: check ${where}`);
}

// Relative paths are relative to the file that has them.
function located(kubeconfig: Kubeconfig, directory: string): Kubeconfig {
  const at = (path: string) => resolve(directory, path);
  const paths = <T extends object>(of: T, keys: readonly (keyof T)[]): T => ({
    ...of,
    ...Object.fromEntries(keys.flatMap((key) => (typeof of[key] === "string" ? [[key, at(of[key])]] : []))),
  });
  // A command without a folder is looked for in PATH.
  const isPath = (command: string) => command.includes("/") && !isAbsolute(command);
  return {
    ...kubeconfig,
    clusters: kubeconfig.clusters?.map(({ name, cluster }) => ({
      name,
      cluster: paths(cluster, ["certificate-authority"]),
    })),
    users: kubeconfig.users?.map(({ name, user }) => ({
      name,
      user: user && {
        ...paths(user, ["tokenFile", "client-certificate", "client-key"]),
        ...(user.exec && isPath(user.exec.command) && { exec: { ...user.exec, command: at(user.exec.command) } }),
      },
    })),
  };
}

function read(path: string, wrong: (what: string) => KubernetesError): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw wrong(`can't read ${path}: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
  }
}

function ofPod(env: NodeJS.ProcessEnv): Cluster {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  const wrong = (what: string) => new KubernetesError("not-configured", what);
  if (host === undefined || !existsSync(join(POD, "token"))) throw wrong("no kubeconfig found");
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    ca: read(join(POD, "ca.crt"), wrong),
    insecure: false,
    serverName: undefined,
    // Kubernetes renews it.
    logIn: () => Promise.resolve({ authorization: `Bearer ${read(join(POD, "token"), wrong).trim()}` }),
  };
}

interface Surroundings {
  pem: (data: string | undefined, file: string | undefined) => string | undefined;
  wrong: (what: string) => KubernetesError;
  cluster: z.infer<typeof clusterShape>;
  env: NodeJS.ProcessEnv;
}

async function credentialsOf(user: User, surroundings: Surroundings): Promise<Credentials> {
  const { pem, wrong } = surroundings;
  const own = {
    cert: pem(user["client-certificate-data"], user["client-certificate"]),
    key: pem(user["client-key-data"], user["client-key"]),
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token.trim()}` });
  if (user.tokenFile !== undefined) return { ...own, ...bearer(read(user.tokenFile, wrong)) };
  if (user.token !== undefined) return { ...own, ...bearer(user.token) };
  if (user.username !== undefined) {
    const basic = Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64");
    return { ...own, authorization: `Basic ${basic}` };
  }
  if (!user.exec) return own;
  const { token, clientCertificateData, clientKeyData } = await runCommand(user.exec, surroundings);
  return {
    cert: clientCertificateData ?? own.cert,
    key: clientKeyData ?? own.key,
    ...(token !== undefined && bearer(token)),
  };
}

// A credential plugin: `aws eks get-token` and the like. What it prints is a secret.
async function runCommand(
  { apiVersion, command, args, env: more, provideClusterInfo }: z.infer<typeof execShape>,
  { cluster, env }: Surroundings,
) {
  const info = {
    apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(provideClusterInfo === true && {
        cluster: {
          server: cluster.server,
          "tls-server-name": cluster["tls-server-name"],
          "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"],
          "certificate-authority-data": cluster["certificate-authority-data"],
        },
      }),
    },
  };
  const failed = (why: string) =>
    new KubernetesError("login-failed", `the kubeconfig's command "${command}" ${why}; run kubectl to see its message`);
  const output = await new Promise<string>((done, fail) => {
    const options = {
      env: {
        ...env,
        ...Object.fromEntries((more ?? []).map(({ name, value }) => [name, value])),
        KUBERNETES_EXEC_INFO: JSON.stringify(info),
      },
      timeout: COMMAND_LIMIT_MS,
      maxBuffer: 1024 * 1024,
    };
    execFile(command, args ?? [], options, (error, stdout) => {
      if (!error) return done(stdout);
      const { code, killed } = error;
      fail(failed(killed === true ? "didn't finish within a minute" : `failed (${code ?? "killed"})`));
    }).stdin?.end();
  });
  const { success, data } = credentialShape.safeParse(parseJson(output));
  if (!success) throw failed("didn't print an ExecCredential");
  return data.status;
}
