// A Pulumi project of a test's own whose volumes are on the lab's Cinder, made by the real Terraform OpenStack provider. Where this machine can't
// have one of the two, the tests are skipped, and say so.

import { describeIf } from "./machine";
import { openstackReason, type OpenstackLab } from "./openstack";
import { findPlugin, ProviderProject } from "./provider";

let plugin: ReturnType<typeof findPlugin> | undefined;

/** Why this machine can't run the engine against them, or `undefined` where it can. */
export function openstackEngineReason(): string | undefined {
  const reason = openstackReason();
  if (reason !== undefined) return reason;
  plugin ??= findPlugin("openstack");
  return "missing" in plugin ? plugin.missing : undefined;
}

/** A group of tests that drives the engine against the lab; where one of the two can't be had they are skipped, and say so. */
export function describeOpenstackEngine(name: string, tests: () => void): void {
  const reason = openstackEngineReason();
  describeIf(reason === undefined, name, reason, tests);
}

/** A project whose stack has its volumes on a Cinder. */
export class OpenstackProject extends ProviderProject {
  constructor(
    name: string,
    private readonly lab: () => OpenstackLab,
    program = "",
  ) {
    plugin ??= findPlugin("openstack");
    const surroundings = "missing" in plugin ? {} : { providers: [{ name: "openstack", path: plugin.path }] };
    super(name, program, surroundings);
  }

  /** The stack's config, below `storage-profiles:` and, with what leads to the lab, below `openstack:`. */
  async connect(
    values: Record<string, unknown> = {},
    openstack: Record<string, unknown> = this.lab().config(),
    stack = "dev",
  ): Promise<this> {
    await this.init(stack);
    this.configure(values, openstack);
    return this;
  }

  /** Writes the config anew. */
  configure(values: Record<string, unknown> = {}, openstack: Record<string, unknown> = this.lab().config()): void {
    this.config(
      { backend: "openstack", deletionProtection: false, ...values },
      Object.fromEntries(Object.entries(openstack).map(([key, value]) => [`openstack:${key}`, value])),
    );
  }
}
