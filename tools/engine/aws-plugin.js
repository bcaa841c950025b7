#!/usr/bin/env node
// The AWS plugin that the tests drive the engine with: the Terraform AWS provider's executable, taken from where Terraform
// keeps its plugins, behind the tokens of @pulumi/aws. The program in aws-plugin/ that stands between them is built once,
// into the cache. Pulumi's own plugin would be downloaded at the first `up`, and not every machine may do that.
// @ts-check
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { atLeast, main } = require("../shared.js");
const { isExecutable, platform } = require("./go.js");
const { ensurePlugin } = require("./plugin.js");

/**
 * @typedef {object} AwsPlugin
 * @property {string} path the folder of `pulumi-resource-aws`: for PATH, or for plugins.providers in a project's
 *   Pulumi.yaml, which spares the engine's warning about plugins from PATH
 * @property {Record<string, string>} env what to set besides
 * @property {string} version of the npm package whose tokens it knows
 * @property {string} provider the Terraform provider's executable
 */

module.exports = { ensureAwsPlugin, findProvider };

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes what there is to tell, line by line. Default: standard error
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<AwsPlugin | { missing: string }>} why this machine can't have it
 * @throws {UserError} when it could not be built, though all that it takes is here
 */
async function ensureAwsPlugin({ log, env = process.env } = {}) {
  const provider = findProvider(env);
  if (!provider) {
    return {
      missing:
        "no Terraform AWS provider here (set TERRAFORM_PROVIDER_AWS to its executable, or put it into a Terraform plugin mirror)",
    };
  }
  const main = "github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/awsplugin";
  const built = await ensurePlugin({ name: "aws", title: "AWS", main }, env, log);
  if ("missing" in built) return built;
  const { executable, version } = built;
  return { path: path.dirname(executable), env: { TERRAFORM_PROVIDER_AWS: provider }, version, provider };
}

// ---- the Terraform provider ------------------------------------------------------------------------------------------

/**
 * The Terraform AWS provider's executable, the newest where there are several: the one that TERRAFORM_PROVIDER_AWS names,
 * else from where Terraform looks for plugins that it need not download.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
function findProvider(env) {
  if (env.TERRAFORM_PROVIDER_AWS)
    return isExecutable(env.TERRAFORM_PROVIDER_AWS) ? env.TERRAFORM_PROVIDER_AWS : undefined;
  for (const mirror of mirrors(env)) {
    const versions = path.join(mirror, "registry.terraform.io/hashicorp/aws");
    const newestFirst = entries(versions).sort((a, b) => (a === b ? 0 : atLeast(a, b) ? -1 : 1));
    for (const version of newestFirst) {
      const folder = path.join(versions, version, platform());
      const name = entries(folder).find((each) => each.startsWith("terraform-provider-aws"));
      if (name && isExecutable(path.join(folder, name))) return path.join(folder, name);
    }
  }
  return undefined;
}

/** @param {NodeJS.ProcessEnv} env */
function mirrors(env) {
  const home = env.HOME || os.homedir();
  const config = env.TF_CLI_CONFIG_FILE || path.join(home, ".terraformrc");
  const named = fs.existsSync(config)
    ? [...fs.readFileSync(config, "utf8").matchAll(/^\s*(?:path|plugin_cache_dir)\s*=\s*"(.*)"/gm)]
    : [];
  return [
    ...named.map(([, directory = ""]) => directory.replace(/^(~|\$HOME)(?=\/)/, home)),
    ...(env.TF_PLUGIN_CACHE_DIR ? [env.TF_PLUGIN_CACHE_DIR] : []),
    path.join(home, ".terraform.d/plugins"),
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    ...entries("/opt").map((name) => path.join("/opt", name)),
  ];
}

/** @param {string} directory */
function entries(directory) {
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
}

// `node tools/engine/aws-plugin.js` builds it ahead of the tests, and says where it is, or why there is none.
if (require.main === module) main(async () => console.log(JSON.stringify(await ensureAwsPlugin(), null, 2)));
