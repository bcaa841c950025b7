// What differs where components are made by the plugin (plugin/): the program is another process, in any language, and each of its
// components comes by a call of its own.

import { setTimeout } from "node:timers/promises";

import * as pulumi from "@pulumi/pulumi";

/** How long no component must have come for all to be there, and the longest wait for that. Only what is refused waits. */
const QUIET_MS = 500;
const LONGEST_MS = 10_000;

let isPlugin = false;
let lastCall = 0;
const keys = new Map<string, object>();

/** Tells this process that it is the plugin, for as long as it lives. */
export function becomePlugin(): void {
  isPlugin = true;
}

/** Whether this process is the plugin. */
export function inPlugin(): boolean {
  return isPlugin;
}

/** Takes note that the program declares another component. */
export function declaring(): void {
  lastCall = performance.now();
}

/** When the program has declared all that it can without waiting for others: as far as can be seen from here. */
export async function allDeclared(): Promise<void> {
  const start = performance.now();
  for (;;) {
    const now = performance.now();
    const left = Math.min(lastCall + QUIET_MS, start + LONGEST_MS) - now;
    if (left <= 0) return;
    await setTimeout(left);
  }
}

/**
 * What stands for the run that the calling code belongs to: its connection to the engine. Each run of a program has its own, and each
 * `setMocks` its own monitor; in the plugin each call has one, and a run is known by the address.
 */
export function runKey(): object | undefined {
  const monitor = pulumi.runtime.getMonitor() as { getChannel?: () => { getTarget: () => string } } | undefined;
  const address = isPlugin ? monitor?.getChannel?.().getTarget() : undefined;
  if (address === undefined) return monitor;
  const key = keys.get(address) ?? {};
  keys.set(address, key);
  return key;
}
