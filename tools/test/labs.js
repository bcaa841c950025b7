// Which tests run when. `npm test` runs the default tier: every test file that no lab below has. A lab is a group of test files that need
// more than Node.js and the Pulumi engine: root, a real backend, a Docker engine, a browser, or simply much time.
// @ts-check
"use strict";

const { acceleratorOf } = require("../../test/labs/vm/qemu.js");

/**
 * @typedef {object} Lab
 * @property {string} name as in `npm test -- --only NAME`
 * @property {string} what what it runs against, for people
 * @property {string} needs what a machine must have for it, for people
 * @property {string[]} files regular expressions over the paths of test files
 * @property {string[][]} [prepare] commands of Node.js that make what the tests need, before any of them runs
 * @property {number} [minutes] about what it takes on the reference machine
 * @property {number} [endsBy] the minute of a run of everything by which it must have ended, since CI stops after 90: it runs after the labs
 * that have no such limit. Where there is no time left for it, it is left out, by name; where it takes longer, so is what has not ended by then
 * @property {boolean} [isOptional] whether `--require all` does without it: what it needs takes too long to build in every run
 * @property {string[]} [alone] regular expressions over those of its files that have the machine to themselves, because they measure
 */

/** @type {Lab[]} What runs alone does so at the end, in this order: the slowest last. */
const labs = [
  {
    name: "local",
    what: "local volumes on loop devices, with limits",
    needs: "Linux, root, loop devices",
    files: [
      "test/components/backends/local/",
      "test/components/host/(attached|blank)\\.",
      "test/e2e/(crash|histories|limits|volume)\\.",
    ],
    alone: ["/limits\\."],
  },
  {
    name: "engine",
    what: "commands, HTTP service and packages on a real Pulumi engine",
    needs: "nothing more",
    files: [
      "test/e2e/(apply-deletions|cli|compose|connections|estate|http|left-out|package|policy|read|ready|renamed|same-name|sdk|stack|stack-values)\\.",
    ],
  },
  {
    name: "languages",
    what: "programs in YAML, Python and Go, by generated SDKs and this package as a plugin",
    needs: "Go, Python 3, Linux, root, loop devices",
    files: ["test/e2e/languages\\."],
    prepare: [
      ["tools/engine/modules.js", "yaml-host"],
      ["tools/engine/codegen-hosts.js"],
      ["test/labs/python.js", "languages"],
    ],
  },
  {
    name: "scaleio",
    what: "the emulated ScaleIO gateway, driven by the engine and by other people's clients",
    needs: "Python 3",
    files: ["test/e2e/scaleio", "test/labs/scaleio/"],
    prepare: [["test/labs/python.js", "scaleio"]],
  },
  {
    name: "cio",
    what: "an emulated ContainerIO cluster, driven by the engine",
    needs: "nothing more",
    files: ["test/e2e/cio\\."],
  },
  {
    name: "aws",
    what: "the real Terraform AWS provider on an EC2 server (moto)",
    needs: "Go, Python 3",
    files: ["test/e2e/aws", "test/labs/aws/"],
    prepare: [["tools/engine/aws-plugin.js"], ["test/labs/python.js", "aws"]],
  },
  {
    name: "state",
    what: "stacks whose state is on PostgreSQL and on S3 (moto)",
    needs: "Linux, root, PostgreSQL or Debian packages, Python 3",
    files: ["test/e2e/state\\."],
    prepare: [
      ["test/labs/state/lab.js", "--probe"],
      ["test/labs/python.js", "aws"],
    ],
    minutes: 2,
  },
  {
    name: "openstack",
    what: "a real Keystone, Cinder and Nova, and the real Terraform OpenStack provider",
    needs: "Go, Python 3",
    files: ["test/e2e/openstack", "test/labs/openstack/", "test/components/backends/openstack/(host|resource)\\."],
    prepare: [["tools/engine/openstack-plugin.js"], ["test/labs/python.js", "openstack"]],
    minutes: 14,
    endsBy: 80,
  },
  {
    name: "kubernetes",
    what: "a real Kubernetes API server and external-resizer, with a mock CSI driver, and with OpenStack's own on a real Cinder",
    needs:
      "etcd, kube-apiserver and six more programs, built once by test/labs/kubernetes/lab.js (Go, an hour); Python 3 for Cinder",
    files: ["test/labs/kubernetes/"],
    prepare: [["test/labs/kubernetes/lab.js", "--prepare"]],
    isOptional: true,
  },
  {
    name: "browser",
    what: "the status page in Chromium and Firefox, and the HTTP service under schemathesis",
    needs: "Debian packages, Python 3",
    files: ["test/e2e/http-(page|page-firefox|document)\\."],
    prepare: [
      ["test/labs/python.js", "schemathesis"],
      ["test/labs/firefox/lab.js", "--probe"],
    ],
    minutes: 4,
    endsBy: 80,
  },
  {
    name: "ceph",
    what: "a real Ceph cluster, driven by the engine",
    needs: "Linux on x86-64, Debian packages",
    files: ["test/e2e/ceph(-dashboard|-limits|-pools)?\\."],
    prepare: [["test/labs/ceph/lab.js", "--probe"]],
    minutes: 9,
    endsBy: 80,
    isOptional: true,
    alone: ["/ceph-limits\\."],
  },
  {
    name: "sdks",
    what: "programs in Java by a generated SDK; the SDK for .NET, generated",
    needs: "Go, a JDK and Maven, Linux, root, loop devices",
    files: ["test/e2e/sdks\\."],
    prepare: [
      ["tools/engine/modules.js", "yaml-host"],
      ["tools/engine/modules.js", "java-host"],
      ["tools/engine/modules.js", "dotnet-generator"],
      ["test/labs/java.js", "languages"],
    ],
    minutes: 4,
    endsBy: 80,
    isOptional: true,
  },
  {
    name: "docker",
    what: "a real Docker engine, and Docker Compose's own code",
    needs: "Linux, root, Debian packages, Go, Python 3",
    files: [
      "test/e2e/(compose-docker|docker|docker-limits|docker-nodes)\\.",
      "test/components/compose/(judges|include)\\.",
    ],
    prepare: [["test/labs/docker/lab.js", "--probe"]],
    alone: ["/docker-limits\\."],
  },
  {
    name: "vm",
    what: "a virtual machine with systemd and cgroup v2",
    needs: "Linux, root, Debian packages, QEMU (with KVM, or much time)",
    files: ["test/e2e/docker-vm"],
    prepare: [["test/labs/vm/lab.js", "--probe"]],
    minutes: acceleratorOf(process.env) === "kvm" ? 8 : 35,
    endsBy: 75,
    alone: [""],
  },
];

module.exports = { isAlone, isTooLate, labOf, labs };

/**
 * The lab that a test file belongs to; none for one of the default tier.
 *
 * @param {string} file relative to the root, with slashes
 * @returns {Lab | undefined}
 */
function labOf(file) {
  return labs.find(({ files }) => files.some((pattern) => new RegExp(pattern).test(file)));
}

/**
 * Whether a test file has the machine to itself.
 *
 * @param {string} file relative to the root, with slashes
 */
function isAlone(file) {
  return labOf(file)?.alone?.some((pattern) => new RegExp(pattern).test(file)) ?? false;
}

/**
 * Why a lab has to be left out of a run of everything, or nothing where there is time for it.
 *
 * @param {Lab} lab
 * @param {number} minutes that have passed
 * @param {number} slowness of the machine
 * @returns {string | undefined}
 */
function isTooLate({ minutes: needed, endsBy }, minutes, slowness) {
  if (needed === undefined || endsBy === undefined || minutes + needed * slowness <= endsBy) return undefined;
  return `${Math.round(minutes)} minutes have passed, and with this lab the run would take more than ${endsBy}`;
}
