// The backends' volumes on the machine that a container runs on, as `storage-profiles/node`: what the Docker plugin mounts by. A backend
// is a line here, and is loaded when it is first needed.
import type { BackendName } from "../../src";
import type { NodeOptions, NodeStorage } from "../../src/docker/node";
import { localNode } from "../local/node";
import { awsNode } from "./aws";
import { openstackNode } from "./openstack";
import { scaleioNode } from "./scaleio";

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
