import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { isHttp, isTls } from "@xebec/model-names";
import { type MeshPort, type MeshService, namedPort } from "@xebec/pilot-registry";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import { addressesFor } from "../../scope/addresses.ts";
import type { Egress } from "../../scope/egress.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains, takesRest } from "../chain.ts";
import { inspectorTimeout, sharesListeners, sniffedHttp } from "../sniffing.ts";
import { socketAddress } from "../socket-address.ts";
import { boundListeners, isBound, portOf } from "./egress-listeners.ts";
import { outboundHttp } from "./outbound-http.ts";
import { tcpChains } from "./tcp-chains.ts";
import { ALL_ADDRESSES, tcpTo, unboundListener, unknownTraffic } from "./unbound-listener.ts";
import { WildcardPort } from "./wildcard-port.ts";

/**
 * Outbound listeners behind traffic capture (docs/reference/pilot.md §4.5): one for each address of a TCP service, and
 * one for each port that HTTP services share, or TCP services that have no address of their own. Ports for which a Sidecar's egress has a
 * listener are served by that alone.
 */
export function outboundListeners(scope: Scope): BuiltListener[] {
  const listeners = new Map<string, BuiltListener>();
  for (const egress of scope.egress())
    if (egress.listener?.port)
      for (const each of egressListeners(scope, egress)) if (!listeners.has(each.name)) listeners.set(each.name, each);
  for (const egress of scope.egress())
    if (!egress.listener?.port)
      for (const each of sharedListeners(scope, egress)) if (!listeners.has(each.name)) listeners.set(each.name, each);
  return [...listeners.values(), virtualOutbound(scope)];
}

function egressListeners(scope: Scope, egress: Egress): readonly BuiltListener[] {
  if (isBound(scope, egress)) return boundListeners(scope, egress);
  return sharedListeners(scope, egress);
}

/**
 * The listeners of the ports of services. A listener of an egress with a port serves that alone, as the protocol that it says, and at
 * its own address where it has one.
 */
function sharedListeners(scope: Scope, { listener, services }: Egress): readonly BuiltListener[] {
  const listeners = new Map<string, BuiltListener>();
  const wildcards = new Map<number, WildcardPort>();
  const own = listener && portOf(listener);
  const at = (port: number): WildcardPort => {
    const known = wildcards.get(port) ?? new WildcardPort((own && listener?.bind) || ALL_ADDRESSES, port);
    wildcards.set(port, known);
    return known;
  };
  for (const service of services)
    for (const each of service.ports) {
      if (each.protocol === "UDP" || (own && each.number !== own.number)) continue;
      const port = own ? { ...each, protocol: own.protocol } : each;
      if (isHttp(port.protocol)) {
        at(port.number).addHttp(port.protocol);
        continue;
      }
      // Bytes do not say which host is meant.
      if (service.resolution === "dynamic-dns" && !isTls(port.protocol)) continue;
      const addresses = own && listener?.bind ? NO_ADDRESSES : addressesOf(scope, service, port);
      if (port.protocol === "Auto" && (sharesListeners(service) || addresses.length === 0))
        at(port.number).addHttp(port.protocol);
      const networks = addresses.filter((address) => address.includes("/"));
      const isNamed = isTls(port.protocol) && addresses.length === 0;
      if (networks.length > 0 || isNamed) at(port.number).addMatched({ service, port, networks });
      else if (addresses.length === 0 && !isHeadless(service, port)) at(port.number).addOpen({ service, port });
      for (const address of addresses) {
        const name = `${address}_${port.number}`;
        // Of several services with the same address and port, the oldest wins.
        if (!address.includes("/") && !listeners.has(name))
          listeners.set(name, addressListener(scope, name, address, service, port));
      }
    }
  const shared = [...wildcards].sort(([a], [b]) => a - b).map(([, port]) => port.listener(scope));
  return [...shared, ...listeners.values()];
}

const NO_ADDRESSES: readonly string[] = [];

/** The addresses by which a port is called: of a headless service for TCP those of its pods, by which alone services are told apart. */
function addressesOf(scope: Scope, service: MeshService, port: MeshPort): readonly string[] {
  if (!isHeadless(service, port)) return addressesFor(scope.proxyClass, service);
  const pods = scope.endpoints(service).filter((each) => namedPort(each.ports, port.name) !== undefined);
  return [...new Set(pods.map(({ address }) => address))];
}

/** True for TCP to pods that clients call by their own addresses; a server name tells TLS apart. */
function isHeadless({ headless, resolution }: MeshService, { protocol }: MeshPort): boolean {
  return headless && resolution === "passthrough" && protocol !== "Auto" && !isHttp(protocol) && !isTls(protocol);
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
    connection: outboundHttp(name, `${service.host}:${port.number}`, { port: port.number }),
    configKeys: [],
  });
  return {
    filterChains: [...chains.filter((each) => each !== rest), ...http],
    ...(rest ? { defaultFilterChain: rest } : {}),
    timeout: inspectorTimeout(scope),
  };
}

/** Accepts all outbound connections, and hands them to the listener of their original destination. */
function virtualOutbound(scope: Scope): BuiltListener {
  return {
    name: "virtualOutbound",
    message: {
      address: socketAddress(ALL_ADDRESSES, scope.mesh.ports.outbound),
      trafficDirection: TrafficDirection.OUTBOUND,
      useOriginalDst: true,
    },
    filterChains: [
      ...filterChains(scope, {
        name: "virtualOutbound-blackhole",
        matches: [{ destinationPort: scope.mesh.ports.outbound }],
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
