// The REST API 1.0 of `cio-api`, by what its clients send and read. Where no source has an answer's form, the form here is a guess.

import type { FastifyInstance, FastifyRequest } from "fastify";

import {
  CioRefusal,
  type CioModel,
  type CioOptions,
  type CioProfile,
  type CioSnapshot,
  type CioVolumeState,
} from "./cluster";
import { restVolume } from "./views";

interface Sent {
  name?: string;
  id?: string;
  opts?: Record<string, string | number | null>;
  labels?: Record<string, string>;
}

const body = (request: FastifyRequest) => (request.body ?? {}) as Sent;
const param = (request: FastifyRequest) => (request.params as { id: string }).id;

// Clients send numbers as text, and as numbers; nothing for what isn't said.
function options({ opts }: Sent): CioOptions {
  return Object.fromEntries(
    Object.entries(opts ?? {}).flatMap(([key, value]) => (value == null || value === "" ? [] : [[key, String(value)]])),
  );
}

/** A failure that isn't a refusal of the cluster: nothing was made. */
export class CioConflict extends Error {}

export function addApi(app: FastifyInstance, model: CioModel): void {
  const told = (lines: string | string[]) => ({ message: [lines].flat().join("\n") });

  app.get("/volumes", () => ({
    volumes: Object.fromEntries(model.volumes.map((each) => [each.name || `vd${each.vdisk}`, restVolume(model, each)])),
  }));
  app.post("/volumes", (request) => {
    const { name = "", labels = {} } = body(request);
    const { vdisk, level, capacity } = model.create(name, options(body(request)), labels);
    return told(`Succeed: Add vd${vdisk}: Type:${level}-copy, Size:${capacity}GB`);
  });
  app.get("/volumes/:id", (request) => restVolume(model, model.find(param(request))));
  app.post("/volumes/:id", (request) => {
    const volume = model.find(param(request));
    return told(model.update(volume, options(body(request)), body(request).labels ?? {}));
  });
  app.delete("/volumes/:id", (request) => told(model.remove(model.find(param(request)))));

  app.get("/volumes/:id/snapshots", (request) => {
    const volume = model.find(param(request));
    return { snapshots: Object.fromEntries(volume.snapshots.map((each) => [each.id, shownSnapshot(volume, each)])) };
  });
  app.post("/volumes/:id/snapshot", (request) => {
    const volume = model.find(param(request));
    if (volume.filesystem !== "btrfs") throw new CioConflict("Fail: no snapshot was made");
    const { id } = model.takeSnapshot(volume, String(body(request).opts?.["description"] ?? ""));
    return { ...told(`Succeed: Created a snapshot of vd${volume.vdisk}`), identifier: id };
  });
  app.get("/snapshots/:id", (request) => {
    const { volume, snapshot } = snapshotOf(model, param(request));
    return { snapshot: shownSnapshot(volume, snapshot) };
  });
  app.delete("/snapshots/:id", (request) => {
    const { volume, snapshot } = snapshotOf(model, param(request));
    volume.snapshots.splice(volume.snapshots.indexOf(snapshot), 1);
    return told(`Succeed: Deleted snapshot on volume ${volume.name} at '${snapshot.directory}'`);
  });

  app.get("/profiles", () => ({ profiles: [...model.profiles.keys()] }));
  app.get("/profiles/:id", (request) => profileOf(model, param(request)));
  const save = (name: string, profile: object) => {
    model.profiles.set(name, { ...profile, name });
    return told(`Succeed: Create profile: Profile ${name} saved`);
  };
  app.post("/profiles", (request) => save(body(request).name ?? "", request.body as object));
  app.put("/profiles/:id", (request) => save(profileOf(model, param(request)).name, request.body as object));
  app.delete("/profiles/:id", (request) => {
    const { name } = profileOf(model, param(request));
    model.profiles.delete(name);
    return told(`Succeed: Remove profile: Profile ${name} removed`);
  });

  app.get("/nodes", () => ({
    nodes: Object.fromEntries(model.nodes.map(({ name, ip, role, status }) => [name, { ip, role, status }])),
  }));
  app.get("/nodes/:id", (request) => {
    const { name, status } = model.node(param(request));
    const vdisks = model.volumes.filter(({ node }) => node === name).length;
    return {
      name,
      properties: {
        condition: "normal",
        domain: "emulated",
        domainID: model.domainId,
        ssds: 4,
        hdds: 0,
        vdisks,
        status,
      },
    };
  });
  for (const [action, status] of [
    ["cordon", "cordoned"],
    ["uncordon", "normal"],
  ] as const) {
    app.post(`/nodes/:id/${action}`, (request) => {
      model.node(param(request)).status = status;
      return told(`Succeed: ${action} node ${param(request)}`);
    });
  }

  app.get("/clusters/info", () => ({
    ...{ domain: "emulated", condition: "normal", nodes: model.nodes.length, vdisks: model.volumes.length },
    usedCapacity: model.used,
  }));
  app.get("/clusters/version", () => ({ version: model.version === 1 ? "V1.0.0-3249" : "V2.0.0-3556" }));
  app.get("/clusters/events", () => model.events);
}

function profileOf(model: CioModel, name: string): CioProfile {
  const profile = model.profiles.get(name);
  if (!profile) throw new CioRefusal(`profile ${name} not found`, true);
  return profile;
}

function snapshotOf(model: CioModel, id: string) {
  const found = model.snapshot(id);
  if (!found) throw new CioRefusal(`snapshot ${id} not found`, true);
  return found;
}

function shownSnapshot(volume: CioVolumeState, { id, date, description, type, directory }: CioSnapshot) {
  return { identifier: id, date, description, sourceid: volume.vdisk, type, directory, source: volume.name };
}
