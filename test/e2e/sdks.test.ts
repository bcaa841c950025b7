// The SDKs for .NET and Java, which Pulumi's own generators make of the package's schema: compared with the schema, and for Java compiled
// and run, too.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ScaleioGateway } from "../../emulators";
import { schema } from "../../plugin/schema";
import { describeDotnet, describeLanguage, generateDotnet, SdkProject } from "../support/languages";
import { MISSPELT, problems } from "../support/refusals";
import { changeToSilver, emptyGateway } from "../support/scaleio";

interface Property {
  description?: string;
}
type Properties = Record<string, Property>;
interface Type {
  description?: string;
  enum?: { value: string }[];
  properties?: Properties;
}
const { resources, types } = schema() as unknown as {
  resources: Record<string, { description: string; inputProperties: Properties; properties: Properties }>;
  types: Record<string, Type>;
};
const nameOf = (token: string) => token.split(":").at(-1) ?? "";
const components = Object.entries(resources).map(([token, each]) => ({ token, name: nameOf(token), ...each }));
const enums = Object.entries(types).flatMap(([token, type]) => (type.enum ? [{ ...type, name: nameOf(token) }] : []));
const objects = Object.entries(types).flatMap(([token, { properties }]) =>
  properties ? [{ name: nameOf(token), properties, isOutput: token.includes("Output") }] : [],
);
const backends = ["aws", "openstack", "scaleio", "cio", "ceph", "kubernetes"];

/** The files of an SDK, by name. */
function sourcesIn(folder: string, ending: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(ending));
  return new Map(files.map((file) => [file.split("/").at(-1) ?? "", readFileSync(join(folder, file), "utf8")]));
}

/** The names that a pattern finds, in order, each once. */
const namesIn = (text = "", pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();
const sorted = (properties: object) => Object.keys(properties).sort();

// The descriptions of a class's properties, without comment markers, and unescaped as the schema has them.
const docsOf = (text: string) =>
  text
    .replace(/^\s*(\*|\/\/\/) ?/gm, " ")
    .replaceAll("&#39;", "'")
    .replaceAll("&#34;", '"')
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .replaceAll("{@literal @}", "@")
    .replace(/\s+/g, " ");
const undocumented = (text: string, properties: Properties) => {
  const docs = docsOf(text);
  return Object.entries(properties)
    .filter(([, { description = "" }]) => !docs.includes(description.replace(/\s+/g, " ")))
    .map(([name]) => name);
};

test("each backend with settings of a volume's own has a type in the schema", () => {
  expect(Object.keys(resources["storage-profiles:index:ProfiledVolume"]!.inputProperties)).toEqual(
    expect.arrayContaining(backends),
  );
});

describeDotnet("the SDK for .NET", () => {
  const folder = mkdtempSync(join(tmpdir(), "sp-dotnet-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("has each component, type and enumeration of the schema, with its docs, and takes no secrets", () => {
    generateDotnet(schema(), folder);
    const sources = sourcesIn(folder, ".cs");
    const INPUT = /\[Input\("(\w+)"/g;
    const OUTPUT = /\[Output\("(\w+)"/g;
    for (const { token, name, description, inputProperties, properties } of components) {
      const text = sources.get(`${name}.cs`) ?? "";
      expect(text).toContain(`[StorageProfilesResourceType("${token}")]`);
      expect(text).toContain(`public partial class ${name} : global::Pulumi.ComponentResource`);
      expect([name, namesIn(text, INPUT)]).toEqual([name, sorted(inputProperties)]);
      expect([name, namesIn(text, OUTPUT)]).toEqual([name, sorted(properties)]);
      expect([name, undocumented(text, { ...inputProperties })]).toEqual([name, []]);
      expect([name, undocumented(text, { ...properties, itself: { description } })]).toEqual([name, []]);
    }
    for (const { name, properties, isOutput } of objects) {
      const text = sources.get(isOutput ? `${name}.cs` : `${name}Args.cs`) ?? "";
      const names = isOutput ? namesIn(text, /public readonly .+ (\w+);/g) : namesIn(text, INPUT);
      const keys = isOutput
        ? sorted(properties).map((key) => key.slice(0, 1).toUpperCase() + key.slice(1))
        : sorted(properties);
      expect([name, names]).toEqual([name, keys]);
      expect([name, undocumented(text, properties)]).toEqual([name, []]);
    }
    const volume = sources.get("ProfiledVolume.cs");
    expect(namesIn(volume, /Input<Inputs\.ProfiledVolume(\w+)Args>\?/g).map((name) => name?.toLowerCase())).toEqual(
      [...backends].sort(),
    );
    const all = sources.get("Enums.cs") ?? "";
    for (const { name, enum: values } of enums) {
      expect([name, namesIn(all, new RegExp(`new ${name}\\("(\\w+)"\\)`, "g"))]).toEqual([
        name,
        values?.map(({ value }) => value).sort(),
      ]);
    }
    expect(sources.get("VolumeAttachment.cs")).toContain(
      "InputUnion<Pulumi.StorageProfiles.ProfiledVolume, Inputs.ExistingVolumeArgs> Volume",
    );
    // Secrets of the backends are in the stack's config: a provider takes nothing.
    expect(sources.get("Provider.cs")).toContain("class Provider : global::Pulumi.ProviderResource");
    expect(namesIn(sources.get("Provider.cs"), INPUT)).toEqual([]);
    expect(readFileSync(join(folder, "version.txt"), "utf8")).toBe(schema()["version"]);
  });
});

describeLanguage("java", "the SDK for Java", () => {
  const project = new SdkProject("java", "java");
  let gateway: ScaleioGateway;
  beforeAll(async () => {
    gateway = await emptyGateway();
    await project.init();
  });
  afterAll(async () => {
    await project.dispose();
    await gateway.close();
  });

  const page = readFileSync(join(__dirname, "../../docs/java.md"), "utf8");
  const [, example = ""] = /```java\n(package shop;\n[^]*?)```/.exec(page) ?? [];
  const program = (...statements: string[]) => `package shop;

import com.pulumi.Pulumi;
import com.pulumi.storageprofiles.*;
import com.pulumi.storageprofiles.enums.*;
import com.pulumi.storageprofiles.inputs.*;

public class App {
    public static void main(String[] args) {
        Pulumi.run(context -> {
            ${statements.join("\n            ")}
        });
    }
}
`;
  const volume = (name: string, ...args: string[]) =>
    `new ProfiledVolume("${name}", ProfiledVolumeArgs.builder()${args.map((each) => `.${each}`).join("")}.build())`;
  const attachment = (host: string, of: string, mode: string) => {
    const onArray = `VolumeAttachmentScaleioArgs.builder().accessMode(VolumeAttachmentScaleioAccessMode.${mode}).build()`;
    const args = `VolumeAttachmentArgs.builder().host("${host}").volume(${of}).scaleio(${onArray}).build()`;
    return `new VolumeAttachment("on-${host}", ${args});`;
  };

  test("has each component, type and enumeration of the schema, compiles, and makes, changes and attaches volumes", async () => {
    project.writeProject();
    // Compiles what was generated.
    expect(await project.addPackage()).toEqual({ "storage-profiles": "./node_modules/storage-profiles" });
    const sources = sourcesIn(join(project.directory, "sdks/storage-profiles"), ".java");
    const IMPORT = /@Import\(name="(\w+)"/g;
    for (const { token, name, description, inputProperties, properties } of components) {
      const text = sources.get(`${name}.java`) ?? "";
      const args = sources.get(`${name}Args.java`) ?? "";
      expect(text).toContain(`@ResourceType(type="${token}")`);
      expect(text).toContain(`public class ${name} extends com.pulumi.resources.ComponentResource`);
      expect([name, namesIn(args, IMPORT)]).toEqual([name, sorted(inputProperties)]);
      expect([name, namesIn(text, /@Export\(name="(\w+)"/g)]).toEqual([name, sorted(properties)]);
      expect([name, undocumented(args, inputProperties)]).toEqual([name, []]);
      expect([name, undocumented(text, { ...properties, itself: { description } })]).toEqual([name, []]);
    }
    for (const { name, properties, isOutput } of objects) {
      const text = sources.get(isOutput ? `${name}.java` : `${name}Args.java`) ?? "";
      const names = namesIn(text, isOutput ? /@CustomType\.Setter(?:\("(\w+)"\))?/g : IMPORT);
      if (!isOutput) expect([name, names]).toEqual([name, sorted(properties)]);
      expect([name, undocumented(text, properties)]).toEqual([name, []]);
    }
    for (const { name, enum: values } of enums) {
      const made = namesIn(sources.get(`${name}.java`), /^ +\w+\("(\w+)"\)[,;]/gm);
      expect([name, made]).toEqual([name, values?.map(({ value }) => value).sort()]);
    }
    expect(sources.get("VolumeAttachmentArgs.java")).toContain("Either<ProfiledVolume,ExistingVolumeArgs> volume");
    expect(namesIn(sources.get("ProviderArgs.java"), IMPORT)).toEqual([]);

    project.config({ local: { mode: "directory" } });
    project.declare(program(`${volume("data@glod", 'size("1GiB")')};`, `${volume("logs", 'profile("sliver")')};`));
    const preview = await project.run(["preview"]);
    expect(preview.code).not.toBe(0);
    expect(problems(preview)).toEqual(MISSPELT);

    // The program of the page, with a smaller volume.
    expect(example).toContain('size("100GiB")');
    project.declare(example.replace("100GiB", "1GiB"));
    await project.up();
    const path = (await project.outputs())["where"] as string;
    expect(path).toBe(join(project.volumes, "volumes/java/dev/highperfvolume/data"));
    expect((await project.state())["Volume highperfvolume"]).toMatchObject({
      type: "storage-profiles:local:Volume",
      protect: true,
    });
    await changeToSilver(project, gateway, "highperfvolume", () =>
      project.declare(
        program(
          `${volume("highperfvolume@silver", "sizeGiB(2.0)")};`,
          `var array = ${volume(
            "array@gold",
            'size("8GiB")',
            "backend(ProfiledVolumeBackend.Scaleio)",
            'scaleio(ProfiledVolumeScaleioArgs.builder().storagePool("pool1").build())',
          )};`,
          attachment("node1", "array", "ReadWrite"),
          attachment(
            "node2",
            "ExistingVolumeArgs.builder().backend(ExistingVolumeBackend.Scaleio).volumeId(array.volumeId()).build()",
            "ReadOnly",
          ),
        ),
      ),
    );
  });
});
