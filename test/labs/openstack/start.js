#!/usr/bin/env node
// The lab's Keystone and Cinder for people: starts them, says how a Pulumi stack (or any other client) gets there, and ends
// with Ctrl-C.
//
//   node test/labs/openstack/start.js [--nova] [admin|plain|reader]
// @ts-check
"use strict";

const { UserError, main } = require("../../../tools/shared.js");
const { config, environment, makeServer, startLab } = require("./lab.js");

main(async () => {
  const given = process.argv.slice(2);
  const nova = given[0] === "--nova";
  const [user = "plain", ...rest] = nova ? given.slice(1) : given;
  if (!(user === "admin" || user === "plain" || user === "reader") || rest.length > 0) {
    throw new UserError("Usage: node test/labs/openstack/start.js [--nova] [admin|plain|reader]");
  }
  const lab = await startLab({ nova, detached: true });
  void lab.ended.then((code) => process.exit(code ?? 1));
  const settings = config(lab, user);
  console.log(`A Keystone answers at ${lab.authUrl}, a Cinder at ${lab.cinderUrl}, with the backends fast and slow.`);
  if (lab.novaUrl !== undefined) {
    const server = await makeServer(lab, "node", user === "reader" ? "plain" : user);
    console.log(`A Nova answers at ${lab.novaUrl}, with the server ${server} ("node").`);
  }
  console.log(`What reached them: curl ${lab.controlUrl}/lab/requests. Their logs: ${lab.state}\n`);
  const variables = Object.entries({ ...environment(lab, user), OS_IDENTITY_API_VERSION: "3" });
  console.log(`export ${variables.map(([key, value]) => `${key}=${value}`).join(" ")}`);
  for (const [key, value] of Object.entries(settings)) {
    console.log(`pulumi config set ${key === "password" ? "--secret " : ""}openstack:${key} ${value}`);
  }
});
