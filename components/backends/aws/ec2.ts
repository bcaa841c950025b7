// What the Docker plugin asks of EC2, by AWS's own SDK: its credentials (profiles, SSO, roles of an instance, a container or a service
// account), endpoints and signatures. And of the instance it runs on, by its metadata. Source: "Use IMDSv2". Read 2026-11-24.

import type { DescribeInstancesCommandOutput, DescribeVolumesCommandOutput, EC2Client } from "@aws-sdk/client-ec2";
import { fetch } from "undici";

import { NodeError } from "../../host/contract";
import { MissingPackage } from "../../load";
import { once } from "../../once";
import { ec2Sdk } from "./sdk";

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

const TIMEOUT_MS = 30_000;

/**
 * EC2 of the instance's region. The region and the instance's id come from the environment (AWS_REGION, STORAGE_PROFILES_INSTANCE_ID), else
 * from the instance's metadata (IMDSv2). The credentials are those that AWS's SDK finds.
 */
export function ec2Of(env: NodeJS.ProcessEnv): Ec2 {
  const metadata = metadataOf(env);
  const given = (name: string, path: string) =>
    once(() => (env[name] === undefined ? metadata(path) : Promise.resolve(env[name])));
  const region = given(env["AWS_REGION"] === undefined ? "AWS_DEFAULT_REGION" : "AWS_REGION", "placement/region");
  const instanceId = given("STORAGE_PROFILES_INSTANCE_ID", "instance-id");
  const endpoint = env["AWS_ENDPOINT_URL_EC2"] ?? env["AWS_ENDPOINT_URL"];

  const clientOf = async (options: { maxAttempts?: number }) => {
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = env;
    const { EC2Client } = sdk();
    return new EC2Client({
      region: await region(),
      ...(endpoint !== undefined && { endpoint }),
      ...(accessKeyId &&
        secretAccessKey && {
          credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
        }),
      ...options,
    });
  };
  const reading = once(() => clientOf({}));
  // Repeated blindly, a change that was carried out would read as refused: who asks for it looks first whether it is there.
  const changing = once(() => clientOf({ maxAttempts: 1 }));

  /** `read` takes from the answer what is wanted, and nothing from an answer that isn't one of EC2: a proxy's page must not read as "nothing is attached". */
  async function ask<Answer, Wanted>(
    action: string,
    client: EC2Client,
    send: (client: EC2Client, options: { abortSignal: AbortSignal }) => Promise<Answer>,
    read: (answer: Answer) => Wanted | undefined,
  ): Promise<Wanted> {
    const host = endpoint === undefined ? `EC2 in ${await region()}` : new URL(endpoint).host;
    let answer;
    try {
      answer = await send(client, { abortSignal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw failure(action, host, error as Error);
    }
    const wanted = read(answer);
    if (wanted === undefined) throw new Ec2Unanswered(`${action}: ${host} answered, but not like EC2`);
    return wanted;
  }

  return {
    instanceId,
    async attachments(volumeId) {
      const { DescribeVolumesCommand } = sdk();
      const command = new DescribeVolumesCommand({ VolumeIds: [volumeId] });
      const read = ({ Volumes }: DescribeVolumesCommandOutput) =>
        Volumes?.find((each) => each.VolumeId === volumeId && each.State !== undefined);
      const volume = await ask("DescribeVolumes", await reading(), (ec2, how) => ec2.send(command, how), read);
      return (volume.Attachments ?? []).map(({ InstanceId = "", Device = "", State = "" }) => ({
        instanceId: InstanceId,
        device: Device,
        status: State,
      }));
    },
    async devices(instanceId) {
      const { DescribeInstancesCommand } = sdk();
      const command = new DescribeInstancesCommand({ InstanceIds: [instanceId] });
      const read = ({ Reservations }: DescribeInstancesCommandOutput) =>
        Reservations?.flatMap(({ Instances = [] }) => Instances).find((each) => each.InstanceId === instanceId);
      const instance = await ask("DescribeInstances", await reading(), (ec2, how) => ec2.send(command, how), read);
      return (instance.BlockDeviceMappings ?? []).flatMap(({ DeviceName }) => DeviceName ?? []);
    },
    async attach(volumeId, instanceId, device) {
      const { AttachVolumeCommand } = sdk();
      const command = new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: instanceId, Device: device });
      await ask("AttachVolume", await changing(), (ec2, how) => ec2.send(command, how), ofVolume(volumeId));
    },
    async detach(volumeId, instanceId) {
      const { DetachVolumeCommand } = sdk();
      const command = new DetachVolumeCommand({ VolumeId: volumeId, InstanceId: instanceId });
      await ask("DetachVolume", await changing(), (ec2, how) => ec2.send(command, how), ofVolume(volumeId));
    },
  };
}

const ofVolume =
  (volumeId: string) =>
  ({ VolumeId, State }: { VolumeId?: string | undefined; State?: string | undefined }) =>
    VolumeId === volumeId ? State : undefined;

function sdk(): ReturnType<typeof ec2Sdk> {
  try {
    return ec2Sdk();
  } catch (error) {
    throw error instanceof MissingPackage ? new NodeError(error.message) : error;
  }
}

/** What went wrong, told by the SDK's error. */
function failure(action: string, host: string, error: Error): NodeError {
  const { EC2ServiceException } = sdk();
  if (error instanceof EC2ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    const said = `${error.message} (${error.name})`;
    // A refusal has a code of EC2's own; what has none is the page of a proxy.
    if (status >= 400 && status < 500 && !error.name.startsWith("Unknown"))
      return new Ec2Refusal(error.name, `EC2 rejected ${action}: ${said}`);
    return new Ec2Unanswered(`${action}: ${host} answered ${status}: ${said}`);
  }
  if (error.name === "CredentialsProviderError")
    return new NodeError(
      `${action}: there are no AWS credentials. Give the instance a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ` +
        `or AWS_PROFILE, in the plugin's environment`,
    );
  return new Ec2Unanswered(`${action}: ${host} can't be reached, or didn't respond: ${causeOf(error)}`);
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

function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
