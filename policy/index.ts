// The policy pack: rules.ts as policies of Pulumi's. The package storage-profiles-policy starts it, and has what it needs beyond this one.

import { PolicyPack, type Policies, type PolicyConfigSchema } from "@pulumi/policy";

import { formatProblem } from "../src";
import "./problems";
import {
  costBeyondLimit,
  notEncrypted,
  profileNotPermitted,
  transformed,
  withoutProfile,
  type CostLimit,
  type PermittedProfiles,
  type Violation,
} from "./rules";

type Properties = PolicyConfigSchema["properties"];
type Report = (message: string, urn?: string) => void;

const names = (description: string): Properties[string] => ({ type: "array", items: { type: "string" }, description });

interface Exempt {
  exempt?: string[];
}

const exemptions = names("Names or URNs of resources that the policy leaves alone");

/** The policies, each with the schema of its config. */
export const policies: Policies = [
  {
    name: "volumes-by-profile",
    description: "Volumes are declared by profile: no volume of a backend without a ProfiledVolume",
    enforcementLevel: "mandatory",
    configSchema: { properties: { exempt: exemptions } },
    validateResource: (args, report) => tell(withoutProfile(args, args.getConfig<Exempt>().exempt), report),
  },
  {
    name: "permitted-profiles",
    description: "Stacks use only the profiles that are permitted there",
    enforcementLevel: "mandatory",
    configSchema: {
      properties: {
        profiles: names("The profiles that stacks may use which `stacks` doesn't name. Default: all"),
        stacks: {
          type: "object",
          additionalProperties: { type: "array", items: { type: "string" } },
          description: "The profiles that a stack may use, by the stack's name",
        },
      },
    },
    validateResource: (args, report) => tell(profileNotPermitted(args, args.getConfig<PermittedProfiles>()), report),
  },
  {
    name: "monthly-cost",
    description: "The volumes of a stack cost at most the limit per month, by list price",
    enforcementLevel: "mandatory",
    configSchema: {
      properties: {
        monthly: {
          type: "number",
          minimum: 0,
          description: "The limit per month for stacks that `stacks` doesn't name. Default: none",
        },
        stacks: {
          type: "object",
          additionalProperties: { type: "number", minimum: 0 },
          description: "The limit per month of a stack, by the stack's name",
        },
        currency: { type: "string", description: 'The currency of the limits, for messages. Default: "USD"' },
        refuseUnknown: {
          type: "boolean",
          description: "Whether volumes are refused whose cost isn't known. Default: false",
        },
      },
    },
    validateStack: (args, report) => tell(costBeyondLimit(args.resources, args.getConfig<CostLimit>()), report),
  },
  {
    name: "encryption",
    description: "Volumes are encrypted",
    enforcementLevel: "mandatory",
    configSchema: {
      properties: {
        exempt: names(
          'Backends whose volumes the policy leaves alone: ones whose storage encrypts by itself. Default: ["local"]',
        ),
      },
    },
    validateResource: (args, report) => tell(notEncrypted(args, args.getConfig<Exempt>().exempt), report),
  },
  {
    name: "no-transform",
    description: "No transform changes what a profile says",
    enforcementLevel: "mandatory",
    configSchema: { properties: { exempt: exemptions } },
    validateStack: (args, report) => tell(transformed(args.resources, args.getConfig<Exempt>().exempt), report),
  },
];

/** Starts the pack. A process has one. */
export function start(): PolicyPack {
  return new PolicyPack("storage-profiles", { policies });
}

// Without the mark of a list: each stands alone, below the name of its policy.
function tell(violations: readonly Violation[], report: Report): void {
  for (const { problem, urn } of violations) report(formatProblem(problem).replace(/^ {2}- /, ""), urn);
}
