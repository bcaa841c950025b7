// Where OpenStack is and how to log in: as the provider reads it, from the stack's `openstack:` config, the environment and
// clouds.yaml. Read when it is used, never kept in a state, and never part of a message.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { overlay } from "../../../src/core/overlay";
import { OpenstackError } from "./errors";

/** The namespace of the provider's config: `openstack:authUrl` and so on. */
export const CONNECTION_NAMESPACE = "openstack";

/** A user, a project or a domain, as Keystone takes it: by id, or by name. */
interface Named {
  id?: string;
  name?: string;
  domain?: Named;
}

/** How to reach Keystone and Cinder. */
export interface Connection {
  /** `https://keystone.example:5000/v3`. */
  authUrl: string;
  /** What Keystone is sent: holds the secret. */
  identity: Record<string, unknown>;
  scope: Record<string, unknown> | undefined;
  /** Who logs in, for messages. */
  who: string;
  region: string | undefined;
  interface: "public" | "internal" | "admin";
  /** Where Cinder is, where the catalog is not to say it. */
  cinderUrl: string | undefined;
  insecure: boolean;
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
}

/** What a program's own provider says and a state may hold. It counts before the stack's config. */
export interface ConnectionHints {
  cloud?: string | undefined;
  region?: string | undefined;
}

// The keys of the provider's config, with the variables that stand for them and their names below `auth` in clouds.yaml. Source:
// the provider's documentation (openstack 3.15.2, Configuration) and openstacksdk's of clouds.yaml. Read 2026-11-24.
const AUTH = {
  authUrl: { variables: ["OS_AUTH_URL"], yaml: "auth_url" },
  userName: { variables: ["OS_USERNAME"], yaml: "username" },
  userId: { variables: ["OS_USER_ID"], yaml: "user_id" },
  password: { variables: ["OS_PASSWORD"], yaml: "password" },
  token: { variables: ["OS_TOKEN", "OS_AUTH_TOKEN"], yaml: "token" },
  tenantId: { variables: ["OS_TENANT_ID", "OS_PROJECT_ID"], yaml: "project_id" },
  tenantName: { variables: ["OS_TENANT_NAME", "OS_PROJECT_NAME"], yaml: "project_name" },
  userDomainId: { variables: ["OS_USER_DOMAIN_ID"], yaml: "user_domain_id" },
  userDomainName: { variables: ["OS_USER_DOMAIN_NAME"], yaml: "user_domain_name" },
  projectDomainId: { variables: ["OS_PROJECT_DOMAIN_ID"], yaml: "project_domain_id" },
  projectDomainName: { variables: ["OS_PROJECT_DOMAIN_NAME"], yaml: "project_domain_name" },
  domainId: { variables: ["OS_DOMAIN_ID"], yaml: "domain_id" },
  domainName: { variables: ["OS_DOMAIN_NAME"], yaml: "domain_name" },
  defaultDomain: { variables: ["OS_DEFAULT_DOMAIN"], yaml: "default_domain" },
  applicationCredentialId: { variables: ["OS_APPLICATION_CREDENTIAL_ID"], yaml: "application_credential_id" },
  applicationCredentialName: { variables: ["OS_APPLICATION_CREDENTIAL_NAME"], yaml: "application_credential_name" },
  applicationCredentialSecret: {
    variables: ["OS_APPLICATION_CREDENTIAL_SECRET"],
    yaml: "application_credential_secret",
  },
} as const;
type AuthKey = keyof typeof AUTH;

const PLACE = {
  region: { variables: ["OS_REGION_NAME"], yaml: "region_name" },
  endpointType: { variables: ["OS_ENDPOINT_TYPE", "OS_INTERFACE"], yaml: "interface" },
  cacertFile: { variables: ["OS_CACERT"], yaml: "cacert" },
  cert: { variables: ["OS_CERT"], yaml: "cert" },
  key: { variables: ["OS_KEY"], yaml: "key" },
} as const;

/**
 * Reads the connection: of an entry of clouds.yaml where `openstack:cloud` (OS_CLOUD) names one, else of the config, and then of
 * the environment. All that is wrong is told at once.
 * @throws {OpenstackError} `not-configured`
 */
export function readConnection(
  config: (key: string) => string | undefined,
  environment: NodeJS.ProcessEnv,
  hints: ConnectionHints = {},
): Connection {
  const wrong: string[] = [];
  const given = (key: string) => nonEmpty(config(`${CONNECTION_NAMESPACE}:${key}`));
  const fromEnvironment = (variables: readonly string[]) =>
    variables.map((each) => nonEmpty(environment[each])).find((each) => each !== undefined);

  const cloudName = hints.cloud ?? given("cloud") ?? fromEnvironment(["OS_CLOUD"]);
  const cloud = cloudName === undefined ? undefined : readCloud(cloudName, environment, wrong);
  const auth = (key: AuthKey) => {
    const { variables, yaml } = AUTH[key];
    // As for the provider: what the config says of a login doesn't count beside a cloud's.
    return cloud ? (text(cloud.auth[yaml]) ?? fromEnvironment(variables)) : (given(key) ?? fromEnvironment(variables));
  };
  const place = (key: keyof typeof PLACE) => {
    const { variables, yaml } = PLACE[key];
    return given(key) ?? fromEnvironment(variables) ?? text(cloud?.entry[yaml]);
  };

  const authUrl = readUrl(auth("authUrl"), wrong);
  const login = readLogin(auth, wrong);
  const endpointType = (place("endpointType") ?? "public").replace(/URL$/, "");
  if (!/^(public|internal|admin)$/.test(endpointType)) {
    wrong.push(`endpointType must be public, internal or admin, not "${endpointType}"`);
  }
  const verify = cloud?.entry["verify"];
  const insecure = given("insecure") ?? fromEnvironment(["OS_INSECURE"]) ?? (verify === false ? "true" : "false");
  const pem = (key: "cacertFile" | "cert" | "key") => readPem(key, place(key), wrong);
  const connection: Connection = {
    authUrl,
    ...login,
    region: hints.region ?? place("region"),
    interface: endpointType as Connection["interface"],
    cinderUrl: readOverride(given("endpointOverrides"), wrong),
    insecure: /^(true|1|t)$/i.test(insecure),
    ca: pem("cacertFile"),
    cert: pem("cert"),
    key: pem("key"),
  };
  if (wrong.length > 0) {
    const list = wrong.map((each) => `\n  - ${each}`).join("");
    throw new OpenstackError("not-configured", `the connection to OpenStack isn't set up:${list}`);
  }
  return connection;
}

function readLogin(
  auth: (key: AuthKey) => string | undefined,
  wrong: string[],
): Pick<Connection, "identity" | "scope" | "who"> {
  const domain = (id: AuthKey, name: AuthKey): Named => {
    const [byId, byName] = [auth(id) ?? auth("domainId"), auth(name) ?? auth("domainName")];
    if (auth(id) === undefined && auth(name) !== undefined) return { name: auth(name) ?? "" };
    if (byId !== undefined) return { id: byId };
    return byName === undefined ? { id: auth("defaultDomain") ?? "default" } : { name: byName };
  };
  const user = (): Named => {
    const id = auth("userId");
    return id === undefined
      ? { name: auth("userName") ?? "", domain: domain("userDomainId", "userDomainName") }
      : { id };
  };
  const who = auth("userName") ?? auth("userId");

  const secret = auth("applicationCredentialSecret");
  if (secret !== undefined) {
    const id = auth("applicationCredentialId");
    const name = auth("applicationCredentialName");
    if (id === undefined && name === undefined)
      wrong.push(
        "applicationCredentialId (or applicationCredentialName and userName) is missing for applicationCredentialSecret",
      );
    else if (id === undefined && who === undefined)
      wrong.push(
        "userName (or userId) is missing: an application credential is identified by its id, or by its name and its user",
      );
    const credential = id === undefined ? { name, user: user(), secret } : { id, secret };
    return {
      identity: { methods: ["application_credential"], application_credential: credential },
      // It has a project of its own.
      scope: undefined,
      who: `application credential ${id ?? `"${name}"`}`,
    };
  }

  const project = (): Record<string, unknown> | undefined => {
    const [id, name] = [auth("tenantId"), auth("tenantName")];
    if (id !== undefined) return { project: { id } };
    if (name !== undefined) return { project: { name, domain: domain("projectDomainId", "projectDomainName") } };
    wrong.push("tenantName (OS_PROJECT_NAME) or tenantId is missing: volumes belong to a project");
    return undefined;
  };
  const token = auth("token");
  if (token !== undefined) {
    return { identity: { methods: ["token"], token: { id: token } }, scope: project(), who: "the token" };
  }
  const password = auth("password");
  if (who === undefined) {
    wrong.push(
      "no credentials: set userName, password and tenantName, or an application credential (applicationCredentialId, " +
        "applicationCredentialSecret), or `cloud` (OS_CLOUD) for an entry of clouds.yaml",
    );
  } else if (password === undefined) {
    wrong.push("password is missing: pulumi config set --secret openstack:password, or set OS_PASSWORD");
  }
  const scope = who === undefined ? undefined : project();
  return {
    identity: { methods: ["password"], password: { user: { ...user(), password: password ?? "" } } },
    scope,
    who: `user "${who}"`,
  };
}

function readUrl(url: string | undefined, wrong: string[]): string {
  if (url === undefined) {
    wrong.push(
      "authUrl is missing: pulumi config set openstack:authUrl https://keystone.example:5000/v3, or set OS_AUTH_URL",
    );
    return "";
  }
  try {
    const { protocol, username, password } = new URL(url);
    if (!/^https?:$/.test(protocol)) wrong.push(`authUrl must begin with https:// or http://`);
    if (username || password) wrong.push("authUrl contains a user or a password: use the keys for them");
  } catch {
    wrong.push("authUrl isn't a URL: use https://keystone.example:5000/v3");
  }
  const trimmed = url.replace(/\/+$/, "");
  // As the provider: what has no version gets Keystone's only one.
  return trimmed.endsWith("/v3") ? trimmed : `${trimmed}/v3`;
}

function readOverride(overrides: string | undefined, wrong: string[]): string | undefined {
  if (overrides === undefined) return undefined;
  try {
    const parsed = JSON.parse(overrides) as Record<string, unknown>;
    return text(parsed["volumev3"] ?? parsed["block-storage"])?.replace(/\/+$/, "");
  } catch {
    wrong.push("endpointOverrides must be an object");
    return undefined;
  }
}

function readPem(key: string, value: string | undefined, wrong: string[]): string | undefined {
  // The provider takes the text itself as well.
  if (value === undefined || value.includes("-----BEGIN ")) return value;
  try {
    return readFileSync(resolve(value), "utf8");
  } catch (error) {
    wrong.push(`${key}: ${(error as Error).message}`);
    return undefined;
  }
}

// ---- clouds.yaml -------------------------------------------------------------------------------------------------------

interface Cloud {
  entry: Record<string, unknown>;
  auth: Record<string, unknown>;
}

function readCloud(name: string, environment: NodeJS.ProcessEnv, wrong: string[]): Cloud | undefined {
  const clouds = readYaml("clouds.yaml", nonEmpty(environment["OS_CLIENT_CONFIG_FILE"]), wrong);
  const secure = readYaml("secure.yaml", nonEmpty(environment["OS_CLIENT_SECURE_FILE"]), wrong);
  const vendors = readYaml("clouds-public.yaml", undefined, wrong);
  if (wrong.length > 0) return undefined;
  const section = (tree: unknown, key: string, entry: string): Record<string, unknown> | undefined => {
    const found = (tree as Record<string, Record<string, unknown> | undefined> | undefined)?.[key]?.[entry];
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : undefined;
  };
  const own = section(clouds, "clouds", name);
  if (!own) {
    const known = Object.keys((clouds as { clouds?: object } | undefined)?.clouds ?? {}).join(", ");
    wrong.push(
      clouds === undefined
        ? `cloud "${name}": no clouds.yaml found here, in ~/.config/openstack or in /etc/openstack (OS_CLIENT_CONFIG_FILE)`
        : `unknown cloud "${name}" in clouds.yaml; it contains ${known || "no clouds"}`,
    );
    return undefined;
  }
  const profile = text(own["profile"]) ?? text(own["cloud"]);
  const vendor = profile === undefined ? undefined : section(vendors, "public-clouds", profile);
  const entry = [own, section(secure, "clouds", name)].reduce<unknown>(overlay, vendor ?? {}) as Record<
    string,
    unknown
  >;
  return { entry, auth: (entry["auth"] ?? {}) as Record<string, unknown> };
}

function readYaml(name: string, explicit: string | undefined, wrong: string[]): unknown {
  const folders = [process.cwd(), join(homedir(), ".config/openstack"), "/etc/openstack"];
  const file = explicit ?? folders.map((folder) => join(folder, name)).find((each) => existsSync(each));
  if (file === undefined) return undefined;
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded when it is needed
    const { parse } = require("yaml") as typeof import("yaml");
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    // What the parser shows of the file may be a password.
    const [why] = (error as Error).message.split("\n");
    wrong.push(
      `${file} can't be read: ${error instanceof SyntaxError || "linePos" in (error as object) ? "not valid YAML" : why}`,
    );
    return undefined;
  }
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? nonEmpty(String(value)) : undefined;
}
