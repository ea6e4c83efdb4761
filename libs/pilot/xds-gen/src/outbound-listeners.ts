import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { isHttp } from "@xebec/model-names";
import { socketAddress } from "./clusters.ts";
import type { GenerationContext } from "./context.ts";
import { type EncodedResource, encodeResourceMessage } from "./encoded.ts";
import { httpConnection } from "./http-connection.ts";
import { listenerFilter } from "./inbound-listeners.ts";
import type { MeshProxy, ServiceTarget } from "./proxy.ts";
import { HTTP_PROXY_ROUTE } from "./route-table.ts";
import { tcpChains, tcpOrigins } from "./tcp-chains.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const OUTBOUND_PORT = 15001;
const WILDCARD = "0.0.0.0";

/** Outbound listeners behind traffic capture: one for each HTTP port, one for each TCP service (spec/pilot.md §4.5). */
export function outboundListeners(context: GenerationContext): EncodedResource[] {
  const listeners = new Map<string, EncodedResource>();
  const http = new Set<number>();
  const services = context.services();
  for (const service of services) for (const port of service.ports) if (isHttp(port.protocol)) http.add(port.number);
  for (const port of [...http].sort((a, b) => a - b)) {
    const name = `${WILDCARD}_${port}`;
    listeners.set(name, httpListener(context, name, port));
  }
  for (const service of services)
    for (const port of service.ports) {
      if (isHttp(port.protocol) || port.protocol === "UDP") continue;
      const addresses = service.addresses.filter((address) => !address.includes("/"));
      for (const address of addresses.length > 0 ? addresses : [WILDCARD]) {
        const name = `${address}_${port.number}`;
        // The oldest service keeps an address and port that several claim.
        if (listeners.has(name)) continue;
        listeners.set(
          name,
          encodeResourceMessage(
            ListenerSchema,
            name,
            {
              name,
              address: socketAddress(address, port.number),
              bindToPort: false,
              trafficDirection: TrafficDirection.OUTBOUND,
              filterChains: tcpChains(context, service, port),
            },
            tcpOrigins(context, service),
          ),
        );
      }
    }
  return [...listeners.values(), virtualOutbound(context)];
}

function httpListener(context: GenerationContext, name: string, port: number): EncodedResource {
  return encodeResourceMessage(ListenerSchema, name, {
    name,
    address: socketAddress(WILDCARD, port),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    listenerFilters: [listenerFilter("tls_inspector")],
    filterChains: [
      {
        filterChainMatch: { transportProtocol: "raw_buffer" },
        filters: [
          httpConnection(context, { kind: "outbound", statPrefix: `outbound_${name}`, routes: { rds: String(port) } }),
        ],
      },
    ],
    defaultFilterChain: { name: "PassthroughFilterChain", filters: [unknownTraffic(context)] },
  });
}

function unknownTraffic(context: GenerationContext) {
  return tcpProxy(context, [
    { name: context.snapshot.mesh.allowAnyOutbound ? "PassthroughCluster" : "BlackHoleCluster", weight: 1 },
  ]);
}

function virtualOutbound(context: GenerationContext): EncodedResource {
  return encodeResourceMessage(ListenerSchema, "virtualOutbound", {
    name: "virtualOutbound",
    address: socketAddress(WILDCARD, OUTBOUND_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    filterChains: [
      {
        name: "virtualOutbound-blackhole",
        filterChainMatch: { destinationPort: OUTBOUND_PORT },
        filters: [tcpProxy(context, [])],
      },
      { name: "virtualOutbound-catchall-tcp", filters: [unknownTraffic(context)] },
    ],
  });
}

/**
 * Outbound listeners without traffic capture (interception NONE): the explicit HTTP proxy, and a listener on the proxy's own
 * address for each TCP service whose port the workload does not serve itself.
 */
export function explicitListeners(
  context: GenerationContext,
  proxy: MeshProxy,
  targets: readonly ServiceTarget[],
): EncodedResource[] {
  const listeners: EncodedResource[] = [];
  const taken = new Set(targets.map((target) => target.targetPort));
  if (proxy.httpProxyPort > 0) {
    taken.add(proxy.httpProxyPort);
    const name = `${proxy.ip}_${proxy.httpProxyPort}`;
    listeners.push(
      encodeResourceMessage(ListenerSchema, name, {
        name,
        address: socketAddress(proxy.ip, proxy.httpProxyPort),
        enableReusePort: false,
        trafficDirection: TrafficDirection.OUTBOUND,
        filterChains: [
          {
            filters: [
              httpConnection(context, {
                kind: "outbound",
                statPrefix: `outbound_${name}`,
                routes: { rds: HTTP_PROXY_ROUTE },
                connect: true,
              }),
            ],
          },
        ],
      }),
    );
  }
  for (const service of context.services())
    for (const port of service.ports) {
      if (isHttp(port.protocol) || port.protocol === "UDP" || port.number < 1024 || taken.has(port.number)) continue;
      if (service.resolution === "passthrough") continue;
      taken.add(port.number);
      const name = `${proxy.ip}_${port.number}`;
      listeners.push(
        encodeResourceMessage(
          ListenerSchema,
          name,
          {
            name,
            address: socketAddress(proxy.ip, port.number),
            enableReusePort: false,
            trafficDirection: TrafficDirection.OUTBOUND,
            filterChains: tcpChains(context, service, port),
          },
          tcpOrigins(context, service),
        ),
      );
    }
  return listeners;
}
