import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Workload } from "../../scope/workload.ts";
import { inspectors, listenerFilter } from "../listener-filters.ts";
import { pipeAddress, socketAddress } from "../socket-address.ts";
import { connectionChains } from "./connection-chains.ts";
import { gatewayKeys, httpChains, tlsServerChains } from "./server-chains.ts";
import { type GatewayPort, mergedServers } from "./servers.ts";

const UNIX = "unix://";

/**
 * The listeners of a router (docs/reference/pilot.md §3.3): one for each address and port, with all servers that are merged there. A port
 * that no route leads out of has none.
 */
export function gatewayListeners(scope: Scope, router: Workload): BuiltListener[] {
  return mergedServers(scope, router).ports.flatMap((port) => {
    const chains = chainsOf(scope, port, listenerName(port));
    return chains.length > 0 ? [listenerOf(scope, port, chains)] : [];
  });
}

function listenerName({ address, port }: GatewayPort): string {
  return `${address}_${port}`;
}

function chainsOf(scope: Scope, port: GatewayPort, name: string): BuiltFilterChain[] {
  switch (port.family) {
    case "http":
      return httpChains(scope, name, port.servers);
    case "tcp":
      return connectionChains(scope, port.servers);
    case "tls":
      return tlsServerChains(scope, name, port.servers);
  }
}

function listenerOf(scope: Scope, port: GatewayPort, chains: readonly BuiltFilterChain[]): BuiltListener {
  const { address, port: number, family, servers } = port;
  const isSocket = address.startsWith(UNIX);
  return {
    name: listenerName(port),
    message: {
      address: isSocket ? pipeAddress(address.slice(UNIX.length)) : socketAddress(address, number),
      ...(scope.proxyClass.interception === "NONE" && !isSocket ? { enableReusePort: false } : {}),
      trafficDirection: TrafficDirection.OUTBOUND,
      // Also where one chain takes every name: access logs and metrics have the name.
      listenerFilters: [
        ...(scope.proxyConfig.gatewayTopology?.proxyProtocol ? [listenerFilter("proxy_protocol")] : []),
        ...(family === "tls" ? [listenerFilter("tls_inspector")] : inspectors(chains)),
      ],
    },
    filterChains: chains,
    configKeys: gatewayKeys(servers),
  };
}
