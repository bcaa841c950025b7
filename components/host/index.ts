// The backends' volumes on the machine that a container runs on: what the Docker plugin mounts by.
import type { BackendName } from "../../src";
import type { NodeOptions, NodeStorage } from "./contract";
import { localNode } from "../backends/local/host";
import { awsNode } from "../backends/aws/host";
import { openstackNode } from "../backends/openstack/host";
import { scaleioNode } from "../backends/scaleio/host";

const backends: Partial<Record<BackendName, (options: NodeOptions) => NodeStorage>> = {
  local: localNode,
  aws: awsNode,
  openstack: openstackNode,
  scaleio: scaleioNode,
};

/** A backend's part; nothing where its volumes can't be had on a machine. */
export function nodeStorage(backend: BackendName, options: NodeOptions): NodeStorage | undefined {
  return backends[backend]?.(options);
}
