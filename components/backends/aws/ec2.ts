// What the Docker plugin asks of EC2 and of the instance it runs on: few requests, signed as AWS has it (Signature Version 4), so that
// no SDK is needed. Sources: the EC2 API Reference (2016-11-15), "Create a signed AWS API request", "Use IMDSv2". Read 2026-11-24.

import { createHash, createHmac } from "node:crypto";

import { fetch } from "undici";

import { NodeError } from "../../host/contract";
import { once } from "../../once";

/** What EC2 refuses, by its own code. */
export class Ec2Refusal extends NodeError {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** No answer of EC2 that can be read: what was asked for may have been done. */
export class Ec2Unanswered extends NodeError {}

/** An attachment of a volume. */
export interface Ec2Attachment {
  instanceId: string;
  device: string;
  /** attaching, attached, detaching, detached, busy */
  status: string;
}

/** What is asked of EC2. */
export interface Ec2 {
  /** The id of the instance that this runs on. */
  instanceId(): Promise<string>;
  attachments(volumeId: string): Promise<Ec2Attachment[]>;
  /** The names under which the instance has devices. */
  devices(instanceId: string): Promise<string[]>;
  attach(volumeId: string, instanceId: string, device: string): Promise<void>;
  detach(volumeId: string, instanceId: string): Promise<void>;
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  /** When they are no longer taken, in milliseconds; those of the environment stay. */
  until: number;
}

const TIMEOUT_MS = 30_000;

/**
 * EC2 of the instance's region. The region, the credentials and the instance's id come from the environment (AWS_REGION, AWS_ACCESS_KEY_ID
 * and its kin, STORAGE_PROFILES_INSTANCE_ID), else from the instance's metadata (IMDSv2).
 */
export function ec2Of(env: NodeJS.ProcessEnv): Ec2 {
  const metadata = metadataOf(env);
  const given = (name: string, path: string) =>
    once(() => (env[name] === undefined ? metadata(path) : Promise.resolve(env[name])));
  const region = given(env["AWS_REGION"] === undefined ? "AWS_DEFAULT_REGION" : "AWS_REGION", "placement/region");
  const instanceId = given("STORAGE_PROFILES_INSTANCE_ID", "instance-id");
  let known: Credentials | undefined;

  async function credentials(): Promise<Credentials> {
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = env;
    if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey, sessionToken, until: Infinity };
    if (known && known.until > Date.now() + 300_000) return known;
    const role = (await metadata("iam/security-credentials/")).split("\n")[0] ?? "";
    const told = JSON.parse(await metadata(`iam/security-credentials/${role}`)) as Record<string, string | undefined>;
    known = {
      accessKeyId: told["AccessKeyId"] ?? "",
      secretAccessKey: told["SecretAccessKey"] ?? "",
      sessionToken: told["Token"],
      until: Date.parse(told["Expiration"] ?? "") || 0,
    };
    return known;
  }

  async function ask(action: string, params: Record<string, string>): Promise<string> {
    const where = await region();
    const endpoint = env["AWS_ENDPOINT_URL_EC2"] ?? env["AWS_ENDPOINT_URL"] ?? `https://ec2.${where}.amazonaws.com`;
    const body = new URLSearchParams({ Action: action, Version: "2016-11-15", ...params }).toString();
    const headers = sign({ url: new URL(endpoint), body, region: where, now: new Date() }, await credentials());
    const { host } = new URL(endpoint);
    let answer;
    let text;
    try {
      answer = await fetch(endpoint, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
      text = await answer.text();
    } catch (error) {
      throw new Ec2Unanswered(`${action}: ${host} can't be reached, or didn't respond: ${causeOf(error)}`);
    }
    // What was cut, and the page of a proxy, must not read as "nothing is attached".
    if (answer.ok && text.trimEnd().endsWith(`</${action}Response>`)) return text;
    const [code, message = ""] = [textOf(text, "Code"), textOf(text, "Message")];
    if (answer.ok || answer.status >= 500 || code === undefined) {
      const said = code === undefined ? "not like EC2" : `${message} (${code})`;
      throw new Ec2Unanswered(`${action}: ${host} answered ${answer.status}: ${said}`);
    }
    throw new Ec2Refusal(code, `EC2 rejected ${action}: ${message} (${code})`);
  }

  return {
    instanceId,
    async attachments(volumeId) {
      const text = await ask("DescribeVolumes", { "VolumeId.1": volumeId });
      return partsOf(partsOf(text, "attachmentSet").join(""), "item").map((item) => ({
        instanceId: textOf(item, "instanceId") ?? "",
        device: textOf(item, "device") ?? "",
        status: textOf(item, "status") ?? "",
      }));
    },
    async devices(instanceId) {
      const text = await ask("DescribeInstances", { "InstanceId.1": instanceId });
      return partsOf(text, "deviceName").map(unescaped);
    },
    async attach(volumeId, instanceId, device) {
      await ask("AttachVolume", { VolumeId: volumeId, InstanceId: instanceId, Device: device });
    },
    async detach(volumeId, instanceId) {
      await ask("DetachVolume", { VolumeId: volumeId, InstanceId: instanceId });
    },
  };
}

/** The instance's metadata, by version 2 of the service: with a token. */
function metadataOf(env: NodeJS.ProcessEnv): (path: string) => Promise<string> {
  const base = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]?.replace(/\/+$/, "") ?? "http://169.254.169.254";
  return async (path) => {
    const fails = (why: string) =>
      new NodeError(
        `${path} can't be read from the instance's metadata: ${why}. Set STORAGE_PROFILES_INSTANCE_ID, AWS_REGION and AWS_ACCESS_KEY_ID ` +
          "with AWS_SECRET_ACCESS_KEY in the plugin's environment",
      );
    try {
      const signal = AbortSignal.timeout(5_000);
      const asked = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
      const token = await fetch(`${base}/latest/api/token`, { method: "PUT", headers: asked, signal });
      if (!token.ok) throw fails(`no token, ${token.status}`);
      const headers = { "x-aws-ec2-metadata-token": await token.text() };
      const answer = await fetch(`${base}/latest/meta-data/${path}`, { headers, signal });
      if (!answer.ok) throw fails(`${answer.status}`);
      return (await answer.text()).trim();
    } catch (error) {
      throw error instanceof NodeError ? error : fails(causeOf(error));
    }
  };
}

interface ToSign {
  url: URL;
  body: string;
  region: string;
  now: Date;
}

/** The headers of a signed request. */
export function sign(
  { url, body, region, now }: ToSign,
  credentials: Omit<Credentials, "until">,
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${time.slice(0, 8)}/${region}/ec2/aws4_request`;
  const headers: Record<string, string> = {
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    host: url.host,
    "x-amz-date": time,
    ...(credentials.sessionToken !== undefined && { "x-amz-security-token": credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const listed = names.join(";");
  const canonical = [
    "POST",
    url.pathname,
    url.search.slice(1),
    ...names.map((name) => `${name}:${headers[name] ?? ""}`),
    "",
    listed,
    sha256(body),
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = scope
    .split("/")
    .reduce<string | Buffer>((each, part) => hmac(each, part), `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, text).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${listed}, Signature=${signature}`;
  return { ...headers, authorization };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

// Of an answer only plain texts are wanted, whose elements have no attributes and don't hold one another.
function partsOf(xml: string, tag: string): string[] {
  return [...xml.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map(([, text = ""]) => text);
}

function textOf(xml: string, tag: string): string | undefined {
  const [text] = partsOf(xml, tag);
  return text === undefined ? undefined : unescaped(text);
}

function unescaped(text: string): string {
  const names: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => names[name] ?? "");
}

function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
