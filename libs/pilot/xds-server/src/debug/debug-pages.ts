import { XebecError } from "@xebec/core-errors";
import type { Connection } from "../connection/connection.ts";
import { configDump, watchedEndpoints } from "./config-dump.ts";
import type { DebugSource } from "./debug-source.ts";
import { endpointStatus } from "./endpoint-status.ts";
import { nameTable } from "./name-table.ts";
import { objectUse } from "./object-use.ts";
import { connectionOf } from "./proxy-lookup.ts";
import { syncStatus } from "./sync-status.ts";

/** What a debug page is asked with. */
export interface PageQuery {
  readonly proxyID?: string;
  readonly types?: string;
  readonly brief?: string;
  readonly include_eds?: string;
  readonly namespace?: string;
  readonly object?: string;
}

type Page = (server: DebugSource, query: PageQuery) => unknown;

/** Pilot's debug pages by Istio's names (docs/reference/pilot.md §6.4): what each says, as JSON or text. */
export const DEBUG_PAGES: Readonly<Record<string, Page>> = {
  syncz: (server, { namespace }) =>
    [...server.connections].filter((each) => !namespace || each.proxy.namespace === namespace).map(syncStatus),
  adsz: (server) => {
    const clients = [...server.streams].map((each) => ({
      connectionId: each.id,
      connectedAt: each.connectedAt.toISOString(),
      protocol: each.delta ? "delta" : "sotw",
      authenticated: each.authenticated,
      labels: each.proxy.labels,
      locality: each.proxy.place.locality,
      watches: Object.fromEntries([...each.subscriptions].map(([type, sub]) => [type, sub.names?.names ?? ["*"]])),
    }));
    return { totalClients: clients.length, clients };
  },
  config_dump: (server, { proxyID, types, include_eds }) => {
    if (!proxyID)
      throw new XebecError("invalid_argument", "give the proxy as ?proxyID=POD.NAMESPACE; /debug/syncz lists them");
    return configDump(found(server, proxyID), types?.split(",") ?? [], isSet(include_eds));
  },
  edsz: async (server, { proxyID }) => {
    const endpoints = await watchedEndpoints(proxyID ? [found(server, proxyID)] : server.connections);
    if (endpoints.length === 0) throw new XebecError("not_found", "no proxy watches endpoints");
    return endpoints;
  },
  ndsz: (server, { proxyID }) => {
    if (!proxyID) throw new XebecError("invalid_argument", "give the proxy as ?proxyID=POD.NAMESPACE");
    return nameTable(server, found(server, proxyID));
  },
  endpointz: (server, { brief }) => endpointStatus(server, isSet(brief)),
  objectz: (server, { object }) => {
    if (!object)
      throw new XebecError("invalid_argument", "give the object as ?object=networking.istio.io/KIND/NAMESPACE/NAME");
    return objectUse(server.connections, object);
  },
  registryz: (server) => [...(server.generator?.snapshot.services.values() ?? [])].flat(),
};

/** @throws XebecError not_found for a page or a proxy that is not there, invalid_argument for a query without a proxy */
export async function debugPage(server: DebugSource, name: string, query: PageQuery): Promise<unknown> {
  const page = Object.hasOwn(DEBUG_PAGES, name) ? DEBUG_PAGES[name] : undefined;
  if (!page) throw new XebecError("not_found", `there is no debug page ${name.slice(0, 100)}`);
  return page(server, query);
}

/** True for `?brief` and `?brief=true`. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "false";
}

function found(server: DebugSource, proxyId: string): Connection {
  const connection = connectionOf(server, proxyId);
  if (connection) return connection;
  throw new XebecError("not_found", `no proxy ${proxyId} is connected to this pilot; /debug/syncz lists them`);
}
