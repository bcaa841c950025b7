// The provider: makes components, and makes, changes and deletes resources of our own by the code of the dynamic providers.

import type * as pulumi from "@pulumi/pulumi";
import type * as dynamic from "@pulumi/pulumi/dynamic";

import { backendNames, type BackendName } from "../src";
import type { BackendDefinition } from "../components/backends/contract";
import { backendDefinition } from "../components/backends/registry";
import type { FoundById, ImportsById } from "../components/own-resources";
import { components, withVolume } from "./components";
import { stackConfig, withoutProgram } from "./config";
import { packageManifest } from "../src/system/manifest";
import { schema } from "./schema";
import { marked, markedFailure, plain } from "./wire";

type Properties = Record<string, unknown>;
type OwnProvider = dynamic.ResourceProvider<Properties, Properties> & ImportsById;

export class StorageProfiles implements pulumi.provider.Provider {
  readonly version = packageManifest().version;
  private readonly configured = new Map<string, Promise<OwnProvider>>();

  getSchema(): Promise<string> {
    return Promise.resolve(JSON.stringify(schema()));
  }

  async construct(
    name: string,
    type: string,
    inputs: pulumi.Inputs,
    options: pulumi.ComponentResourceOptions,
  ): Promise<pulumi.provider.ConstructResult> {
    const make = components[type];
    if (!make) throw new Error(`unknown resource type ${type}`);
    const { urn, state, accepted } = make(name, await withVolume(inputs), givenOptions(options));
    await accepted;
    return { urn, state };
  }

  async check(urn: pulumi.URN, olds: Properties, news: Properties): Promise<pulumi.provider.CheckResult> {
    const provider = await this.providerOf(urn);
    const { inputs = plain(news), failures } = (await provider.check?.(plain(olds), plain(news))) ?? {};
    return { inputs: marked(inputs, news), failures };
  }

  async diff(id: pulumi.ID, urn: pulumi.URN, olds: Properties, news: Properties): Promise<pulumi.provider.DiffResult> {
    const provider = await this.providerOf(urn);
    return (await provider.diff?.(id, plain(olds), plain(news))) ?? {};
  }

  async create(urn: pulumi.URN, inputs: Properties): Promise<pulumi.provider.CreateResult> {
    const provider = await this.providerOf(urn);
    const { id, outs = {} } = await provider.create(plain(inputs)).catch(markedFailure(inputs, textOf(urn)));
    return { id, outs: { ...marked(outs, inputs), ...textOf(urn) } };
  }

  async read(id: pulumi.ID, urn: pulumi.URN, props: Properties = {}): Promise<pulumi.provider.ReadResult> {
    // For `pulumi import` nothing is known but the id.
    const isImport = Object.keys(props).length === 0;
    if (isImport) refuseComponent(urn);
    const provider = await this.providerOf(urn);
    if (!provider.read) return { id, props };
    const { inputs, ...found }: FoundById = isImport
      ? await readToImport(provider, id, urn)
      : await provider.read(id, plain(props)).catch(withoutProgram);
    // No id: it is gone.
    return {
      id: found.id ?? "",
      props: found.props ? { ...marked(found.props, props), ...textOf(urn) } : {},
      ...(inputs && { inputs: marked(inputs, props) }),
    };
  }

  async update(
    id: pulumi.ID,
    urn: pulumi.URN,
    olds: Properties,
    news: Properties,
  ): Promise<pulumi.provider.UpdateResult> {
    const provider = await this.providerOf(urn);
    const { outs = {} } =
      (await provider.update?.(id, plain(olds), plain(news)).catch(markedFailure(news, textOf(urn)))) ?? {};
    return { outs: { ...marked(outs, news), ...textOf(urn) } };
  }

  async delete(id: pulumi.ID, urn: pulumi.URN, props: Properties): Promise<void> {
    await (await this.providerOf(urn)).delete?.(id, plain(props)).catch(withoutProgram);
  }

  // storage-profiles:local:Volume is the provider `Volume` of backend `local`.
  private providerOf(urn: pulumi.URN): Promise<OwnProvider> {
    const type = typeOf(urn);
    const known = this.configured.get(type);
    if (known) return known;
    const made = loadProvider(type);
    this.configured.set(type, made);
    return made;
  }
}

function refuseComponent(urn: string): void {
  const type = typeOf(urn);
  if (!components[type]) return;
  const how = "declare it in the program, where its argument `import`, if it has one, takes over what exists";
  throw new Error(`${type} is a component, which \`pulumi import\` can't read: ${how}`);
}

async function readToImport(provider: OwnProvider, id: string, urn: string): Promise<FoundById> {
  const component = componentOf(urn);
  if (provider.readToImport && component !== undefined) return provider.readToImport(id, component);
  const why = provider.readToImport ? " without its component as its parent" : "";
  const how = "declare the component that creates it: its argument `import`, if it has one, takes over what exists";
  throw new Error(`${typeOf(urn)} can't be imported by \`pulumi import\`${why}: ${how}`);
}

// The component that a resource is below, which has its name.
function componentOf(urn: string): string | undefined {
  return /\$[^$]*?::/.test(urn) ? urn.replace(/\$[^$]*?::/, "::") : undefined;
}

const typeOf = (urn: string) => urn.split("::").at(-2)?.split("$").at(-1) ?? "";

// The backend that a type of ours is of, and its name there.
function partsOf(type: string): { definition: BackendDefinition | undefined; name: string } {
  const [, backend = "", name = ""] = type.split(":");
  const isBackend = (each: string): each is BackendName => backendNames.some((known) => known === each);
  return { definition: isBackend(backend) ? backendDefinition(backend) : undefined, name };
}

// The text that names the dynamic provider, for the outputs: a program in TypeScript that declares the resource takes them over as they are, and
// by the text it is read and deleted then.
function textOf(urn: string): { __provider?: string } {
  const { definition, name } = partsOf(typeOf(urn));
  const text = definition?.resources?.()[name]?.providerText;
  return text === undefined ? {} : { __provider: text };
}

async function loadProvider(type: string): Promise<OwnProvider> {
  const { definition, name } = partsOf(type);
  const provider = definition?.providers?.()[name] as OwnProvider | undefined;
  if (!provider) throw new Error(`unknown resource type ${type}`);
  await provider.configure?.({ config: stackConfig });
  return provider;
}

/** Options without what the SDK has made up: its server fills in what nobody gave. */
export function givenOptions(options: pulumi.ComponentResourceOptions): pulumi.ComponentResourceOptions {
  const { create, update, pb_delete: remove } = (options.customTimeouts ?? {}) as Record<string, string | undefined>;
  const timeouts = Object.entries({ create, update, delete: remove }).filter(([, text]) => text);
  return { ...options, customTimeouts: timeouts.length > 0 ? Object.fromEntries(timeouts) : undefined };
}
