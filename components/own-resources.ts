// The resources that we have a provider for ourselves. In a program in TypeScript or JavaScript each is a dynamic resource: the state names the
// module that has its provider, and nobody has to install a plugin. The engine starts dynamic providers from the program's own
// node_modules, which programs in other languages don't have; the plugin (plugin/) makes them resources of its own package.

import type * as pulumi from "@pulumi/pulumi";

import { inPlugin } from "./plugin-mode";

/** What a resource of our own is registered as. All of it is part of the state's format. */
export interface OwnResource {
  /** The type in the plugin: "storage-profiles:local:Volume". */
  token: string;
  /** The type as a dynamic resource. */
  dynamicType: string;
  /** The text from which a run makes the dynamic provider. */
  providerText: string;
}

/** What a provider of a resource of our own may have beside what a dynamic provider has. */
export interface ImportsById {
  /**
   * What `pulumi import` finds in the plugin by an id, for the resource below a component; with the inputs that would make it. Absent where only the
   * component's argument `import` takes over what exists. Refuses what isn't the component's: the engine asks at preview too, and so
   * nothing can be taken from its owner here.
   */
  readToImport?: (id: string, component: string) => Promise<FoundById>;
}

/** A resource as it was found. */
export interface FoundById {
  id?: string | undefined;
  props?: object | undefined;
  inputs?: object | undefined;
}

/**
 * A resource of our own: what it is called in the plugin and as a dynamic resource, and the export of its backend's provider module.
 *
 * A dynamic provider is a text in the state, from which each run makes the provider anew. Pulumi would make that text by serialising a
 * closure: kilobytes for each volume, and another text (a change of every volume) with each release. This one only names the module, and
 * is the same for ever. `createRequire` finds the package from the program's directory, as the program itself does.
 */
export function ownResource(backend: string, name: string, dynamicName: string, exported: string): OwnResource {
  const module = `storage-profiles/provider/${backend}`;
  return {
    token: `storage-profiles:${backend}:${name}`,
    dynamicType: `pulumi-nodejs:dynamic/storage-profiles:${dynamicName}`,
    providerText: `exports.handler = () => require("module").createRequire(process.cwd() + "/")("${module}").${exported};`,
  };
}

/**
 * The type of a resource of our own here, the properties that it needs beside its own, and its options with the other form's type as an
 * alias: so a program in another language finds in the state what is there, instead of making it anew and deleting that.
 */
export function registrationOf(
  { token, dynamicType, providerText }: OwnResource,
  opts: pulumi.CustomResourceOptions = {},
): { type: string; props: { __provider?: string }; opts: pulumi.CustomResourceOptions } {
  const withAlias = (type: string) => ({ ...opts, aliases: [...(opts.aliases ?? []), { type }] });
  return inPlugin()
    ? { type: token, props: {}, opts: withAlias(dynamicType) }
    : { type: dynamicType, props: { __provider: providerText }, opts: withAlias(token) };
}
