// A stack from outside its program, as `storage-profiles/stack`: reads and edits its config file, reads its state, says how
// its volumes stand, plans, and applies. What the commands, the HTTP service and the Docker plugin are made of.
//
//   const project = await openProject();
//   const stack = project.stack("dev");
//   const { problems } = await stack.edit([{ kind: "set-volume", name: "data", volume: { profile: "gold", sizeGiB: 100 } }]);
//   const operation = stack.apply({ volumes: ["data"] });
//   for await (const event of operation.events()) console.log(event);

import "../backends/registry";
import "./problems";

export { StackError, stackError, type LockHolder, type StackErrorOptions } from "./errors";
export { packageManifest } from "../system/manifest";
export { createMissingFiles, hasPackage, lacksSdk, languages, type Language } from "./new-project";
export { whatIf } from "./plan";
export { findProject, openProject } from "./project";
export type * from "./types";
