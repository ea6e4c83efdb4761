import { XebecError } from "@xebec/core-errors";
import { requireOwnMachine } from "@xebec/platform-http";
import type { FastifyInstance } from "fastify";
import type { Connection } from "../connection/connection.ts";
import type { XdsServer } from "../server/xds-server.ts";
import { configDump, watchedEndpoints } from "./config-dump.ts";
import { endpointStatus } from "./endpoint-status.ts";
import { objectUse } from "./object-use.ts";
import { connectionOf } from "./proxy-lookup.ts";
import { syncStatus } from "./sync-status.ts";

interface Query {
  readonly proxyID?: string;
  readonly types?: string;
  readonly brief?: string;
  readonly include_eds?: string;
  readonly namespace?: string;
  readonly object?: string;
}

/**
 * Pilot's debug pages with Istio's paths (docs/reference/pilot.md §6.4). They show what the mesh looks like, so they
 * are for callers on this machine only.
 */
export function debugRoutes(app: FastifyInstance, server: XdsServer, isReady: () => boolean): void {
  app.get("/ready", (_request, reply) =>
    reply
      .status(isReady() ? 200 : 503)
      .type("text/plain")
      .send(isReady() ? "" : "not ready\n"),
  );
  app.addHook("onRequest", async (request) => {
    // The route that was found, not the text of the request, which may be spelled in other ways: /%64ebug.
    if (request.routeOptions.url?.startsWith("/debug")) requireOwnMachine(request.raw, "debug pages are");
  });
  app.get("/debug", () => ({
    pages: [
      "/debug/syncz",
      "/debug/config_dump?proxyID=POD.NAMESPACE[&types=CDS,LDS][&include_eds]",
      "/debug/edsz[?proxyID=POD.NAMESPACE]",
      "/debug/endpointz[?brief=true]",
      "/debug/registryz",
      "/debug/adsz",
      "/debug/objectz?object=GROUP/KIND/NAMESPACE/NAME",
    ],
  }));
  app.get<{ Querystring: Query }>("/debug/syncz", ({ query }) =>
    [...server.connections]
      .filter((each) => !query.namespace || each.proxy.namespace === query.namespace)
      .map(syncStatus),
  );
  app.get("/debug/adsz", () => {
    const clients = [...server.connections].map((each) => ({
      connectionId: each.id,
      connectedAt: each.connectedAt.toISOString(),
      protocol: each.delta ? "delta" : "sotw",
      authenticated: each.authenticated,
      labels: each.proxy.labels,
      locality: each.proxy.place.locality,
      watches: Object.fromEntries([...each.subscriptions].map(([type, sub]) => [type, sub.names?.names ?? ["*"]])),
    }));
    return { totalClients: clients.length, clients };
  });
  app.get<{ Querystring: Query }>("/debug/config_dump", ({ query }) => {
    if (!query.proxyID)
      throw new XebecError("invalid_argument", "give the proxy as ?proxyID=POD.NAMESPACE; /debug/syncz lists them");
    return configDump(found(server, query.proxyID), query.types?.split(",") ?? [], isSet(query.include_eds));
  });
  app.get<{ Querystring: Query }>("/debug/edsz", async ({ query: { proxyID } }) => {
    const endpoints = await watchedEndpoints(proxyID ? [found(server, proxyID)] : server.connections);
    if (endpoints.length === 0) throw new XebecError("not_found", "no proxy watches endpoints");
    return endpoints;
  });
  app.get<{ Querystring: Query }>("/debug/endpointz", (request, reply) => {
    const brief = isSet(request.query.brief);
    return reply.type(brief ? "text/plain" : "application/json").send(endpointStatus(server, brief));
  });
  app.get<{ Querystring: Query }>("/debug/objectz", ({ query: { object } }) => {
    if (!object)
      throw new XebecError("invalid_argument", "give the object as ?object=networking.istio.io/KIND/NAMESPACE/NAME");
    return objectUse(server.connections, object);
  });
  app.get("/debug/registryz", () => [...(server.generator?.snapshot.services.values() ?? [])].flat());
}

/** True for `?brief` and `?brief=true`. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "false";
}

function found(server: XdsServer, proxyId: string): Connection {
  const connection = connectionOf(server, proxyId);
  if (connection) return connection;
  throw new XebecError("not_found", `no proxy ${proxyId} is connected to this pilot; /debug/syncz lists them`);
}
