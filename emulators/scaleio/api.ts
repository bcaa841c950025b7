// The routes of the gateway's REST API.
import type { FastifyRequest } from "fastify";

import { bodyOf, noContent, pathOf, route, tokenIn, type App } from "./app";
import { readId, type Body } from "./body";
import { readCredentials } from "./credentials";
import { missingParameters, notFound, unauthorized } from "./errors";
import type { Lab } from "./lab";
import { findByLegacyKey } from "./legacy";
import { objectTypes } from "./objects";
import { selectedStatistics, selectedStatisticsOfType } from "./selected-statistics";
import { own, type ObjectType } from "./types";
import { mdmClusterView } from "./views";

export function addApi(app: App, lab: Lab): void {
  addLogins(app, lab);
  addTypes(app, lab);
  addInstances(app, lab);
}

function addLogins(app: App, lab: Lab): void {
  const { sessions } = lab;
  route(app, "/api/login", {
    GET: (request) => {
      const credentials = readCredentials(request.headers.authorization);
      if (credentials?.scheme !== "Basic" || !sessions.accepts(credentials.username, credentials.password)) {
        throw unauthorized;
      }
      return sessions.open();
    },
  });
  route(app, "/api/logout", {
    GET: (request) => {
      sessions.close(tokenIn(lab, request) ?? "");
    },
  });
  route(app, "/api/version", { GET: () => lab.version.text });
  if (!lab.version.atLeast("4.0")) return;
  route(app, "/rest/auth/login", {
    POST: (request) => {
      const body = bodyOf(request);
      if (!sessions.accepts(body.required("username"), body.required("password"))) throw unauthorized;
      const { accessToken, refreshToken, expiresInSeconds, refreshExpiresInSeconds } = sessions.openWithAccessToken();
      return {
        access_token: accessToken,
        refresh_token: refreshToken,
        token_type: "Bearer",
        expires_in: expiresInSeconds,
        refresh_expires_in: refreshExpiresInSeconds,
        scope: "openid profile email",
      };
    },
  });
  route(app, "/rest/auth/logout", {
    POST: (request) => {
      sessions.close(tokenIn(lab, request) ?? "");
      const refreshToken = bodyOf(request).text("refresh_token");
      if (refreshToken !== undefined) sessions.close(refreshToken);
      return noContent;
    },
  });
}

function addTypes(app: App, { array }: Lab): void {
  const url = "/api/types/:type/instances";
  route(app, url, {
    GET: (request) => typeOf(request).list(array),
    POST: (request) => {
      const created = typeOf(request).create(array, bodyOf(request));
      if (request.call) request.call.object = `${parameter(request, "type")}::${created.id}`;
      return created;
    },
  });
  route(app, `${url}/action/:action`, {
    POST: (request) => {
      const type = typeOf(request);
      const body = bodyOf(request);
      const action = parameter(request, "action");
      if (action === "queryIdByKey") return type.idByKey(array, body);
      if (action === "queryBySelectedIds") return selectedIds(type, body).map((id) => type.get(array, id));
      if (action === "querySelectedStatistics") return selectedStatisticsOfType(array, type, body);
      throw notFound(`The action ${action} of ${parameter(request, "type")}`);
    },
  });
  // From before the types had their names of today. The key may hold anything, slashes too: read from the path as it is.
  route(app, `${url}/*`, {
    GET: (request) => findByLegacyKey(array, parameter(request, "type"), pathOf(request)),
  });

  function selectedIds(type: ObjectType, body: Body): string[] {
    if (body.has("allIds")) return type.ids(array);
    const ids = body.texts("ids");
    if (!ids) throw missingParameters("ids");
    return ids;
  }
}

function addInstances(app: App, lab: Lab): void {
  const { array } = lab;
  route(app, "/api/instances", {
    GET: () => {
      const { System: system, ...others } = objectTypes;
      const lists = Object.entries(others).map(([name, type]) => [listName(name), type.list(array)] as const);
      return { System: system?.get(array, array.system.id), ...Object.fromEntries(lists) };
    },
  });
  route(app, "/api/instances/querySelectedStatistics", {
    POST: (request) => selectedStatistics(array, bodyOf(request)),
  });
  route(app, "/api/instances/:object", {
    GET: (request) => {
      const { type, id } = objectOf(lab, request);
      return type.get(array, id);
    },
  });
  route(app, "/api/instances/:object/queryMdmCluster", {
    POST: (request) => {
      if (objectOf(lab, request).type !== objectTypes["System"]) throw notFound(pathOf(request));
      return mdmClusterView(array);
    },
  });
  route(app, "/api/instances/:object/relationships/:relationship", {
    GET: (request) => {
      const { type, id } = objectOf(lab, request);
      return type.relationship(array, id, parameter(request, "relationship"));
    },
  });
  route(app, "/api/instances/:object/action/:action", {
    POST: (request) => {
      const { type, id } = objectOf(lab, request);
      return type.act(array, id, parameter(request, "action"), bodyOf(request));
    },
  });
}

/** "System" alone is the one that there is. */
function objectOf({ array }: Lab, request: FastifyRequest): { type: ObjectType; id: string } {
  const object = parameter(request, "object");
  const [name = "", id] = object.split("::");
  const type = typeNamed(name);
  if (id !== undefined) return { type, id: readId("id", id) };
  if (name === "System") return { type, id: array.system.id };
  throw notFound(object);
}

function typeOf(request: FastifyRequest): ObjectType {
  return typeNamed(parameter(request, "type"));
}

function typeNamed(name: string): ObjectType {
  const type = own(objectTypes, name);
  if (!type) throw notFound(`The type ${name}`);
  return type;
}

function parameter(request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string | undefined>)[name] ?? "";
}

/** As in the answer of /api/instances: storagePoolList, vTreeList. */
function listName(type: string): string {
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}List`;
}
