// A Pulumi project of a test's own that has an EC2: the lab (test/labs/aws), and the real Terraform AWS provider behind the
// engine. Where this machine can't have one of the two, the tests are skipped, and say so.

import { askLab, startProcess } from "../labs/process.js";
import { environmentOf } from "../labs/python.js";
import { describeIf } from "./machine";
import { findPlugin, ProviderProject } from "./provider";

/** A request that reached EC2, as it came over the wire. */
export interface Ec2Request {
  action: string;
  params: Record<string, string>;
  /** Why it was refused: EC2's code. */
  error: string | null;
  /** 1 for the first time; more where the client sends it again by itself. */
  attempt: number;
}

/** An error of EC2. */
export class Ec2Error extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** An EC2 of a test's own: moto behind a strict check, in a process of its own. test/labs/aws/lab.py says what it does. */
export class AwsLab {
  private constructor(
    readonly url: string,
    private readonly lab: Awaited<ReturnType<typeof startProcess>>,
  ) {}

  static async start(): Promise<AwsLab> {
    const lab = await startProcess("aws");
    return new AwsLab((lab.ready as { url: string }).url, lab);
  }

  async stop(): Promise<void> {
    await this.lab.stop();
  }

  /** Does something behind the back of whoever is tested: EC2 judges it as it judges all, but it isn't in `requests`. */
  async call(action: string, params: Record<string, unknown> = {}): Promise<Record<string, any>> {
    const { result, error } = await this.ask("call", { action, params });
    if (error) throw new Ec2Error(error.code, error.message);
    return result;
  }

  /** The ids of the volumes whose tag `Name` has this value. */
  async volumesNamed(name: string): Promise<string[]> {
    const { Volumes } = await this.call("DescribeVolumes", { Filters: [{ Name: "tag:Name", Values: [name] }] });
    return (Volumes as { VolumeId: string }[]).map(({ VolumeId }) => VolumeId);
  }

  /** A volume as EC2 has it. */
  async volume(id: string): Promise<Record<string, any>> {
    const { Volumes } = await this.call("DescribeVolumes", { VolumeIds: [id] });
    return Volumes[0];
  }

  /** All that reached EC2, in its order. */
  async requests(): Promise<Ec2Request[]> {
    return this.ask("requests");
  }

  /**
   * What was to change something, in few words: "CreateVolume Iops=300&Size=10", "ModifyVolume Size=20 refused:
   * InvalidParameterValue". Sorted, since the engine does several things at once; ids, tokens and tags of requests are
   * left out.
   */
  async changes(): Promise<string[]> {
    const told = (await this.requests()).filter(({ action }) => !action.startsWith("Describe"));
    return told
      .map(({ action, params, error }) => {
        const kept = Object.entries(params).filter(
          ([key]) => !/^(ClientToken|\w*Id(\.\d+)?|TagSpecification.*)$/.test(key),
        );
        const text = kept.map(([key, value]) => `${key}=${value}`).join("&");
        return [action, ...(text ? [text] : []), ...(error === null ? [] : [`refused: ${error}`])].join(" ");
      })
      .sort();
  }

  /**
   * What reached EC2 for each volume, in its order: "Iops=300&Size=10&VolumeType=io1", and behind it why it was refused.
   * By the volumes' ids; where EC2 gives the id only then, by their names. What a client sends again by itself counts once.
   */
  async sent(action: string): Promise<Record<string, string[]>> {
    const by: Record<string, string[]> = {};
    for (const { params, error } of (await this.requests()).filter(
      (each) => each.action === action && each.attempt === 1,
    )) {
      const tag = Object.keys(params).find((key) => /\.Tag\.\d+\.Key$/.test(key) && params[key] === "Name");
      const of = params["VolumeId"] ?? params[tag?.replace(/Key$/, "Value") ?? ""] ?? "";
      const kept = Object.entries(params).filter(([key]) => !/^(ClientToken|VolumeId|TagSpecification.*)$/.test(key));
      const text = kept.map(([key, value]) => `${key}=${value}`).join("&");
      (by[of] ??= []).push(error === null ? text : `${text} refused: ${error}`);
    }
    return by;
  }

  /** Takes everything away: resources, what was recorded, faults, and how long modifications take. */
  async reset(): Promise<void> {
    await this.ask("reset", {});
  }

  /** Moves EC2's clock on: what four modifications in 24 hours, and an unfinished one, are judged by. */
  async advance(seconds: number): Promise<void> {
    await this.ask("advance", { seconds });
  }

  /** How long a modification is "optimizing", in which there can't be another. At the start it is over at once. */
  async setOptimizing(seconds: number): Promise<void> {
    await this.ask("set", { optimizingSeconds: seconds });
  }

  /** Has the next requests for an action fail with a code of EC2's. */
  async fail(action: string, code: string, { message = "as the test wants it", times = 1 } = {}): Promise<void> {
    await this.ask("fail", { action, code, message, times });
  }

  /** Has EC2 carry out the next requests for an action, and break the connection before it answers. */
  async cut(action: string, times: number): Promise<void> {
    await this.ask("fail", { action, code: null, message: "", times });
  }

  private async ask(command: string, body?: object): Promise<any> {
    return askLab(this.url, command, body);
  }
}

let plugin: ReturnType<typeof findPlugin> | undefined;

/** Why this machine can't run the engine against an EC2, or `undefined` where it can. */
export function awsReason(): string | undefined {
  const { reason } = environmentOf("aws");
  if (reason !== undefined) return reason;
  plugin ??= findPlugin("aws");
  return "missing" in plugin ? plugin.missing : undefined;
}

/** A group of tests that drives the engine against the lab; without the Terraform provider it is skipped, and says so. */
export function describeAws(name: string, tests: () => void): void {
  const reason = awsReason();
  describeIf(reason === undefined, name, reason, tests);
}

/** A project whose stack has its volumes on an EC2. Only where `awsReason` has none against it. */
export class AwsProject extends ProviderProject {
  constructor(
    name: string,
    private readonly lab: () => AwsLab,
    program = "",
  ) {
    plugin ??= findPlugin("aws");
    const surroundings =
      "missing" in plugin ? {} : { providers: [{ name: "aws", path: plugin.path }], env: plugin.env };
    super(name, program, surroundings);
  }

  /** The stack's config, below `storage-profiles:` and, with what leads to the lab, below `aws:`. */
  async connect(values: Record<string, unknown> = {}, aws: Record<string, unknown> = {}, stack = "dev"): Promise<this> {
    await this.init(stack);
    this.configure(values, aws);
    return this;
  }

  /** Writes the config anew. */
  configure(values: Record<string, unknown> = {}, aws: Record<string, unknown> = {}): void {
    const provider: Record<string, unknown> = {
      region: "us-east-1",
      accessKey: "test",
      secretKey: "test",
      skipCredentialsValidation: "true",
      skipRequestingAccountId: "true",
      skipMetadataApiCheck: "true",
      // Once is too little: on a busy machine a connection breaks off now and then, which AWS's own library counts on.
      maxRetries: "3",
      endpoints: [{ ec2: this.lab().url }],
      ...aws,
    };
    this.config(
      { backend: "aws", deletionProtection: false, ...values },
      Object.fromEntries(Object.entries(provider).map(([key, value]) => [`aws:${key}`, value])),
    );
  }
}
