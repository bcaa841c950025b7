// What Prometheus asks for: requests by route, operations by how they ended, volumes by status. A registry of each service's own.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  registry: Registry;
  requests: Histogram<"method" | "route" | "status">;
  operations: Counter<"stack" | "kind" | "state">;
  refused: Counter<"reason">;
  streams: Gauge;
  volumes: Gauge<"stack" | "status">;
  engineStart: Histogram;
}

export function makeMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
  return {
    registry,
    requests: new Histogram({
      name: "storage_profiles_http_request_seconds",
      help: "Time to respond to a request",
      labelNames: ["method", "route", "status"],
      buckets: seconds,
      registers,
    }),
    operations: new Counter({
      name: "storage_profiles_operations_total",
      help: "Finished operations, by outcome",
      labelNames: ["stack", "kind", "state"],
      registers,
    }),
    refused: new Counter({
      name: "storage_profiles_refused_total",
      help: "Requests rejected before processing: credentials, role, cross-site, rate",
      labelNames: ["reason"],
      registers,
    }),
    streams: new Gauge({ name: "storage_profiles_event_streams", help: "Open event streams", registers }),
    volumes: new Gauge({
      name: "storage_profiles_volumes",
      help: "Volumes by status, from the last reading of the state",
      labelNames: ["stack", "status"],
      registers,
    }),
    engineStart: new Histogram({
      name: "storage_profiles_operation_queue_seconds",
      help: "Time from requesting an operation to its start",
      buckets: seconds,
      registers,
    }),
  };
}
