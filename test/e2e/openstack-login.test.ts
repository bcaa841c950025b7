// How a login to OpenStack gets to Cinder, over TLS with a CA of its own, without being left anywhere: by a password, an application credential,
// clouds.yaml, the environment; and what is said where it is wrong.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { certificatesFor } from "../../emulators/scaleio/certificates";
import { diagnostics, succeeded } from "../support/engine";
import { OpenstackLab } from "../support/openstack";
import { describeOpenstackEngine, OpenstackProject } from "../support/openstack-project";

const profiles = {
  gold: { openstack: { volumeType: "gold" } },
  silver: { openstack: { volumeType: "silver" } },
};

describeOpenstackEngine("a login", () => {
  let lab: OpenstackLab;
  const project = new OpenstackProject("login", () => lab);
  const folder = mkdtempSync(join(tmpdir(), "sp-clouds-"));
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    const certificates = await certificatesFor(["127.0.0.1"]);
    for (const name of ["ca", "cert", "key"] as const) writeFileSync(file(`${name}.pem`), certificates[name]);
    lab = await OpenstackLab.start({ tls: { cert: file("cert.pem"), key: file("key.pem"), ca: file("ca.pem") } });
    await lab.makeType("gold", { volume_backend_name: "fast" });
    await lab.makeType("silver", { volume_backend_name: "fast" });
    await project.init();
  });
  beforeEach(async () => {
    await lab.empty();
    project.reset();
  });
  afterAll(async () => {
    await project.dispose();
    await lab.stop();
    rmSync(folder, { recursive: true });
  });

  /** Writes the config with its secrets as `pulumi config set --secret` writes them. */
  const configure = async (login: Record<string, string>) => {
    const secrets = Object.entries(login).filter(([key]) => /password|Secret$/.test(key));
    project.configure(
      { profiles },
      Object.fromEntries(Object.entries(login).filter((each) => !secrets.includes(each))),
    );
    for (const [key, value] of secrets) {
      await project.secret(`openstack:${key}`, value);
    }
  };

  test("by a password, an application credential, clouds.yaml and the environment does the same, and leaves no secret", async () => {
    const credential = await lab.applicationCredential();
    const secrets = [lab.config()["password"]!, credential["applicationCredentialSecret"]!];
    const told: string[] = [];
    const upAs = async (reference: string, environment: NodeJS.ProcessEnv = {}) => {
      project.declare({ [reference]: { sizeGiB: 1 } });
      // Of what it has itself as config, the engine logs all that it hands to the provider.
      const log = Object.keys(environment).length > 0 ? ["-v=9", "--logtostderr"] : [];
      told.push(await project.up(environment, ...log), succeeded(await project.run(["stack", "export"])));
      const { data } = await project.ids();
      expect(await lab.volume(data!)).toMatchObject({ volume_type: reference.split("@")[1] });
    };
    await configure(lab.config());
    await upAs("data@gold");
    await configure(credential);
    await upAs("data@silver");

    const { userName, password, tenantName, authUrl, region, userDomainName, projectDomainName, cacertFile } =
      lab.config();
    const auth = {
      ...{ auth_url: authUrl, username: userName, password, project_name: tenantName },
      ...{ user_domain_name: userDomainName, project_domain_name: projectDomainName },
    };
    const clouds = { lab: { region_name: region, cacert: cacertFile, auth } };
    writeFileSync(file("clouds.yaml"), JSON.stringify({ clouds }));
    await configure({ cloud: "lab" });
    await upAs("data@gold", { OS_CLIENT_CONFIG_FILE: file("clouds.yaml") });
    await configure({});
    await upAs("data@silver", lab.environment());
    for (const secret of secrets) expect(told.filter((text) => text.includes(secret))).toEqual([]);
  });

  test("over TLS by a CA that nobody said to trust is refused at preview, and says which key to set", async () => {
    const { cacertFile: _, ...rest } = lab.config();
    await configure(rest);
    project.declare({ "other@gold": { sizeGiB: 1 } });
    const refused = await project.run(["preview"]);
    expect(refused.code).not.toBe(0);
    expect(diagnostics(refused)).toMatch(/the certificate of https:.* isn't trusted: /);
    expect(diagnostics(refused)).toContain("pulumi config set openstack:cacertFile ca.pem");
  });

  test("that is wrong is told at preview, without the password, and nothing is made", async () => {
    await configure({ ...lab.config(), password: "it-is-not-this" });
    project.declare({ "other@gold": { sizeGiB: 1 } });
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const refused = await project.run(command);
      expect(refused.code).not.toBe(0);
      expect(diagnostics(refused)).toContain('rejected the login of user "plain", or its project');
      expect(refused.text).not.toContain("it-is-not-this");
      expect(refused.text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    }
    expect(await lab.volumes()).toEqual([]);
  });
});
