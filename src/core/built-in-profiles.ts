// The profiles that ship: what each is for, and what each backend makes of it. A volume can go from each to each and back without losing
// its data, on every backend; on Kubernetes, where the CSI driver can change volumes.

import { backendNames, backends } from "./backend";
import type { ProfileDefinition } from "./config-schema";
import { perRegistration } from "./per-registration";

const descriptions = {
  default: "The lowest cost that still suits any application, encrypted on EBS",
  gold: "High IOPS, encrypted",
  silver: "Steady IOPS for most databases, encrypted",
  bronze: "Low cost with consistent performance, encrypted",
};

/** The profiles that ship, by name. */
export const builtinProfiles = perRegistration((): Readonly<Record<string, ProfileDefinition>> =>
  Object.fromEntries(
    Object.entries(descriptions).map(([name, description]) => {
      const sections = backendNames.flatMap((backend) => {
        const section = backends[backend].builtIn[name];
        return section === undefined ? [] : [[backend, section]];
      });
      return [name, { description, ...(Object.fromEntries(sections) as object) }];
    }),
  ),
);
