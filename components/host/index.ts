// The backends' volumes on the machine that a container runs on: what the Docker plugin mounts by.

import type { BackendName } from "../../src";
import { backendDefinition } from "../backends/registry";
import type { NodeOptions, NodeStorage } from "./contract";

/** A backend's part; nothing where its volumes can't be had on a machine. */
export function nodeStorage(backend: BackendName, options: NodeOptions): NodeStorage | undefined {
  return backendDefinition(backend).host?.()(options);
}
