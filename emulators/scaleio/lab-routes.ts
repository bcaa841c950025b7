// /_lab: the gateway's strings, for users and for tests in other processes. No token is asked for: it's a lab.
import { z } from "zod";

import { route, type App } from "./app";
import { faultSchema } from "./faults";
import type { Lab } from "./lab";
import { completeMigrations } from "./migration";

const help = `A gateway of ScaleIO / PowerFlex that storage-profiles makes up, for tests and for trying things out.

GET    /_lab/state                    what there is: volumes with mappings and limits, SDCs, pools
GET    /_lab/calls                    the calls so far; DELETE forgets them
POST   /_lab/faults                   makes something go wrong:
       {"match": {"method": "POST", "path": "createVolume"}, "times": 1, "skip": 0, "do": "cut-after-commit"}
       path: "/api/..." (how it begins), an action's name, or {"pattern": "..."}; times: a number or "always"
       do: "unauthorized", "unauthorized-html", "cut", "cut-after-commit", "restart", "hang", {"latencyMs": 500},
       {"error": {"status": 500, "errorCode": 104, "message": "Volume is mapped"}}
GET    /_lab/faults                   the faults that are still to come; DELETE removes them
POST   /_lab/clock                    {"advanceSeconds": 600}
POST   /_lab/restart                  forgets all tokens
POST   /_lab/latency                  {"milliseconds": 50}
POST   /_lab/migrations               completes the moves of volumes between pools
`;

const clockSchema = z.strictObject({ advanceSeconds: z.number().min(0).max(1e9) });
const latencySchema = z.strictObject({ milliseconds: z.number().min(0).max(3_600_000) });

export function addLabRoutes(app: App, lab: Lab): void {
  app.get("/_lab", (_request, reply) => reply.type("text/plain").send(help));
  route(app, "/_lab/state", { GET: () => lab.state() });
  route(app, "/_lab/calls", { GET: () => lab.calls.all(), DELETE: () => lab.calls.clear() });
  route(app, "/_lab/faults", {
    GET: () => lab.faults.list(),
    POST: ({ body }) => ({ id: lab.faults.add(read(faultSchema, body)).id }),
    DELETE: () => lab.faults.clear(),
  });
  route(app, "/_lab/clock", {
    POST: ({ body }) => {
      lab.clock.advance(read(clockSchema, body).advanceSeconds * 1000);
      return { now: new Date(lab.clock.now()).toISOString() };
    },
  });
  route(app, "/_lab/restart", { POST: () => lab.restart() });
  route(app, "/_lab/latency", {
    POST: ({ body }) => {
      lab.latencyMs = read(latencySchema, body).milliseconds;
    },
  });
  route(app, "/_lab/migrations", { POST: () => ({ completed: completeMigrations(lab.array) }) });
}

function read<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  return schema.parse(parsed(body));
}

/** What isn't JSON is told by the schema. */
function parsed(body: unknown): unknown {
  try {
    return typeof body === "string" ? JSON.parse(body) : undefined;
  } catch {
    return undefined;
  }
}
