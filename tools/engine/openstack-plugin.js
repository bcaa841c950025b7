#!/usr/bin/env node
// The OpenStack plugin that the tests drive the engine with: the Terraform OpenStack provider, compiled in, behind the tokens of
// @pulumi/openstack. Built once, into the cache. Pulumi's own plugin would be downloaded at the first `up`, and not every machine may do that.
// @ts-check
"use strict";

const path = require("node:path");
const { main } = require("../shared.js");
const { ensurePlugin } = require("./plugin.js");

/**
 * @typedef {object} OpenstackPlugin
 * @property {string} path the folder of `pulumi-resource-openstack`: for plugins.providers in a project's Pulumi.yaml
 * @property {string} version of the npm package whose tokens it knows
 */

module.exports = { ensureOpenstackPlugin };

/**
 * @param {object} [options]
 * @param {(line: string) => void} [options.log] takes what there is to tell, line by line. Default: standard error
 * @param {NodeJS.ProcessEnv} [options.env] default: process.env
 * @returns {Promise<OpenstackPlugin | { missing: string }>} why this machine can't have it
 * @throws {UserError} when it could not be built, though all that it takes is here
 */
async function ensureOpenstackPlugin({ log, env = process.env } = {}) {
  const plugin = { name: "openstack", title: "OpenStack", main: "storageprofiles.dev/openstackplugin" };
  const built = await ensurePlugin(plugin, env, log);
  return "missing" in built ? built : { path: path.dirname(built.executable), version: built.version };
}

// `node tools/engine/openstack-plugin.js` builds it ahead of the tests, and says where it is, or why there is none.
if (require.main === module) main(async () => console.log(JSON.stringify(await ensureOpenstackPlugin(), null, 2)));
