// Which cloud a volume is in, where the program gives it a provider of its own. A state may hold the names of a cloud and of a region, and
// no password: so the companion logs in by the cloud's entry in clouds.yaml.

import * as pulumi from "@pulumi/pulumi";

import { formatProblems, problem } from "../../../src";
import { refusedLater } from "../../engine";
import type { ConnectionHints } from "./connection";

const TOKEN = "openstack:blockstorage/volume:Volume";
const SECRETS = ["password", "token", "applicationCredentialSecret"] as const;

/** What is known of a component's own provider: as inputs of a resource, and as soon as it is known. */
export interface Hints {
  inputs: { cloud?: pulumi.Output<string | undefined>; region?: pulumi.Output<string | undefined> };
  known: Promise<ConnectionHints>;
}

/** The hints of the provider that a component's children have; none of the stack's own. */
export function hintsOf({ name, component }: { name: string; component: pulumi.ComponentResource }): Hints {
  const provider = component.getProvider(TOKEN) as
    (pulumi.ProviderResource & Partial<Record<string, pulumi.Output<string | undefined>>>) | undefined;
  if (!provider) return { inputs: {}, known: Promise.resolve({}) };
  const { cloud, region } = provider;
  const secrets = SECRETS.map((key) => provider[key]);
  const checked = pulumi.unsecret(
    pulumi.all([cloud, region, ...secrets]).apply(([ofCloud, ofRegion, ...given]): ConnectionHints => {
      const setting = SECRETS.find((_, index) => given[index] !== undefined);
      if (ofCloud === undefined && setting !== undefined) {
        const because = "storage-profiles logs in separately to change volumes, and never stores a secret in the state";
        const ways = [
          "put the credentials into clouds.yaml and set the provider's `cloud` to its name",
          "use the stack's `openstack:` config instead of an explicit provider",
        ];
        const params = { setting: `provider.${setting}`, because, ways };
        const problems = [problem("setting-not-applicable", "provider", undefined, params)];
        return refusedLater(formatProblems(name, problems));
      }
      return { cloud: ofCloud, region: ofRegion };
    }),
  );
  const known = new Promise<ConnectionHints>((resolve) => {
    checked.apply(resolve);
  });
  return { inputs: { cloud: checked.cloud, region: checked.region }, known };
}
