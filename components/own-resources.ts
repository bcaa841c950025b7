// The resources that we have a provider for ourselves. In a program in TypeScript or JavaScript each is a dynamic resource: the state names the
// module that has its provider, and nobody has to install a plugin. The engine starts dynamic providers from the program's own
// node_modules, which programs in other languages don't have; the plugin (plugin/) makes them resources of its own package.

import { inPlugin } from "./plugin-mode";

/** What a resource of our own is registered as. */
export interface OwnResource {
  /** The token in the plugin: "storage-profiles:local:Volume". Part of the state's format. */
  token: string;
  /** The type as a dynamic resource. Part of the state's format. */
  dynamicType: string;
  /** The text from which a run makes the dynamic provider. Part of the state's format. */
  providerText: string;
}

/** The type of a resource of our own here, and the properties that it needs beside its own. */
export function registrationOf({ token, dynamicType, providerText }: OwnResource): {
  type: string;
  props: { __provider?: string };
} {
  return inPlugin() ? { type: token, props: {} } : { type: dynamicType, props: { __provider: providerText } };
}
