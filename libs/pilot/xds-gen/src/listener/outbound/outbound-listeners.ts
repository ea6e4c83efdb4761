import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { isHttp, isTls } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains, takesRest } from "../chain.ts";
import { inspectorTimeout, sharesListeners, sniffedHttp } from "../sniffing.ts";
import { socketAddress } from "../socket-address.ts";
import { outboundHttp } from "./outbound-http.ts";
import { tcpChains } from "./tcp-chains.ts";
import { ALL_ADDRESSES, tcpTo, unboundListener, unknownTraffic } from "./unbound-listener.ts";
import { WildcardPort } from "./wildcard-port.ts";

const OUTBOUND_PORT = 15001;

/**
 * Outbound listeners behind traffic capture (docs/reference/pilot.md §4.5): one for each address of a TCP service, and
 * one for each port that HTTP services share, or TCP services that have no address of their own.
 */
export function outboundListeners(scope: Scope): BuiltListener[] {
  const listeners = new Map<string, BuiltListener>();
  const wildcards = new Map<number, WildcardPort>();
  const at = (port: number): WildcardPort => {
    const known = wildcards.get(port) ?? new WildcardPort(port);
    wildcards.set(port, known);
    return known;
  };
  for (const service of scope.services())
    for (const port of service.ports) {
      if (port.protocol === "UDP") continue;
      if (isHttp(port.protocol)) {
        at(port.number).addHttp(port.protocol);
        continue;
      }
      if (port.protocol === "Auto" && sharesListeners(service)) at(port.number).addHttp(port.protocol);
      const networks = service.addresses.filter((address) => address.includes("/"));
      const isNamed = isTls(port.protocol) && service.addresses.length === 0;
      if (networks.length > 0 || isNamed) at(port.number).addMatched({ service, port, networks });
      else if (service.addresses.length === 0) at(port.number).addOpen({ service, port });
      for (const address of service.addresses) {
        const name = `${address}_${port.number}`;
        // Of several services with the same address and port, the oldest wins.
        if (!address.includes("/") && !listeners.has(name))
          listeners.set(name, addressListener(scope, name, address, service, port));
      }
    }
  const shared = [...wildcards].sort(([a], [b]) => a - b).map(([, port]) => port.listener(scope));
  return [...shared, ...listeners.values(), virtualOutbound(scope)];
}

/** The listener of one address of a TCP service. */
function addressListener(
  scope: Scope,
  name: string,
  address: string,
  service: MeshService,
  port: MeshPort,
): BuiltListener {
  const chains = tcpChains(scope, service, port);
  const shape = port.protocol === "Auto" ? sniffed(scope, name, service, port, chains) : { filterChains: chains };
  return unboundListener(name, { address, port: port.number, ...shape, configKeys: service.configKeys });
}

/** Adds HTTP to the TCP chains of a service. Connections whose protocol is not detected in time go to the service as TCP. */
function sniffed(
  scope: Scope,
  name: string,
  service: MeshService,
  port: MeshPort,
  chains: readonly BuiltFilterChain[],
) {
  const rest = chains.find(takesRest);
  const http = filterChains(scope, {
    matches: ANYWHERE,
    transports: [{ match: sniffedHttp(scope) }],
    connection: outboundHttp(name, `${service.host}:${port.number}`),
    configKeys: [],
  });
  return {
    filterChains: [...chains.filter((each) => each !== rest), ...http],
    ...(rest ? { defaultFilterChain: rest } : {}),
    timeout: inspectorTimeout,
  };
}

/** Accepts all outbound connections, and hands them to the listener of their original destination. */
function virtualOutbound(scope: Scope): BuiltListener {
  return {
    name: "virtualOutbound",
    message: {
      address: socketAddress(ALL_ADDRESSES, OUTBOUND_PORT),
      trafficDirection: TrafficDirection.OUTBOUND,
      useOriginalDst: true,
    },
    filterChains: [
      ...filterChains(scope, {
        name: "virtualOutbound-blackhole",
        matches: [{ destinationPort: OUTBOUND_PORT }],
        transports: ANY_TRANSPORT,
        connection: tcpTo([]),
        configKeys: [],
      }),
      ...filterChains(scope, {
        name: "virtualOutbound-catchall-tcp",
        matches: ANYWHERE,
        transports: ANY_TRANSPORT,
        connection: unknownTraffic(scope),
        configKeys: [],
      }),
    ],
    configKeys: [],
  };
}
