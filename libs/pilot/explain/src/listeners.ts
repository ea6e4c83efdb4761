import { type ConfigDump, type Json, list, object, string, typeOf } from "@xebec/pilot-proxy-config";
import { type Connection, filterChainFor } from "./filter-chain.ts";
import type { RequestToExplain } from "./request.ts";

const HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const HTTP_PROXY = "http_proxy";

/** The listener of the client that takes HTTP for a port: the explicit HTTP proxy, or the one of the port. */
export function outboundListener(
  dump: ConfigDump,
  request: RequestToExplain,
): { listener: Json; manager: Json } | undefined {
  const connection: Connection = {
    ...{ address: "", port: request.port, tls: false, serverName: "", applicationProtocols: ["http/1.1"] },
  };
  const found = dump.listeners.flatMap((listener) => {
    const chain = filterChainFor(listener, connection);
    const manager = chain && managerOf(chain);
    return manager?.rds ? [{ listener, manager, table: string(object(manager.rds)?.route_config_name) }] : [];
  });
  const port = String(request.port);
  return (
    found.find(({ table }) => table === port) ??
    found.find(({ table }) => table === `http.${port}` || table.endsWith(`:${port}`)) ??
    found.find(({ table }) => table === HTTP_PROXY)
  );
}

/** The HTTP connection manager of a filter chain. */
export function managerOf(chain: Json): Json | undefined {
  const filter = list(chain.filters).find(({ typed_config }) => typeOf(typed_config) === HCM);
  return object(filter?.typed_config);
}
