import type { MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { FilterChainSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { isHttp, isTls } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import { type EncodedResource, encodeResourceMessage } from "../../encode/encoded.ts";
import { httpConnection } from "../../filter/network/http-connection.ts";
import { tcpProxy } from "../../filter/network/tcp-proxy.ts";
import { HTTP_PROXY_ROUTE } from "../../route/route-table.ts";
import { resolutionFor } from "../../scope/resolution.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Workload } from "../../scope/workload.ts";
import { cidrOf } from "../cidr.ts";
import { listenerFilter } from "../inbound/inbound-listeners.ts";
import { detectionTimeout, inspectorTimeout, sharesListeners, sniffedHttp } from "../sniffing.ts";
import { socketAddress } from "../socket-address.ts";
import { tcpChains, tcpConfigKeys } from "./tcp-chains.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;
type ChainMatch = NonNullable<FilterChain["filterChainMatch"]>;

const OUTBOUND_PORT = 15001;
const WILDCARD = "0.0.0.0";

interface TcpPort {
  readonly service: MeshService;
  readonly port: MeshPort;
}

/** What is behind a port on all addresses. */
interface WildcardPort {
  http: boolean;
  grpcWeb: boolean;
  /** The oldest TCP service without an address. */
  open?: TcpPort;
  /** TCP services that have whole networks for addresses, and TLS services, whose clients name them. */
  readonly told: (TcpPort & { readonly networks: readonly string[] })[];
}

/**
 * Outbound listeners behind traffic capture (docs/reference/pilot.md §4.5): one for each address of a TCP service, and
 * one for each port that HTTP services share, or TCP services that have no address of their own.
 */
export function outboundListeners(scope: Scope): EncodedResource[] {
  const listeners = new Map<string, EncodedResource>();
  const wildcards = new Map<number, WildcardPort>();
  const at = (port: number): WildcardPort => {
    const known = wildcards.get(port) ?? { http: false, grpcWeb: false, told: [] };
    wildcards.set(port, known);
    return known;
  };
  for (const service of scope.services())
    for (const port of service.ports) {
      if (port.protocol === "UDP") continue;
      if (isHttp(port.protocol)) {
        const wildcard = at(port.number);
        wildcard.http = true;
        wildcard.grpcWeb ||= port.protocol === "GRPC-Web";
        continue;
      }
      const isAuto = port.protocol === "Auto";
      if (isAuto && sharesListeners(service)) at(port.number).http = true;
      const networks = service.addresses.filter((address) => address.includes("/"));
      const isNamed = isTls(port.protocol) && service.addresses.length === 0;
      if (networks.length > 0 || isNamed) at(port.number).told.push({ service, port, networks });
      else if (service.addresses.length === 0) at(port.number).open ??= { service, port };
      for (const address of service.addresses) {
        const name = `${address}_${port.number}`;
        // The oldest service keeps an address and port that several claim.
        if (address.includes("/") || listeners.has(name)) continue;
        const chains = tcpChains(scope, service, port);
        const all = isAuto ? sniffedChains(scope, name, service, port, chains) : { filterChains: chains };
        listeners.set(name, captured(name, address, port.number, all, tcpConfigKeys(scope, service)));
      }
    }
  const shared = [...wildcards].sort(([a], [b]) => a - b).map(([port, found]) => wildcardListener(scope, port, found));
  return [...shared, ...listeners.values(), virtualOutbound(scope)];
}

/** HTTP among a service's chains for bytes; what is not told in time goes to the same service as bytes. */
function sniffedChains(
  scope: Scope,
  name: string,
  service: MeshService,
  port: MeshPort,
  chains: readonly FilterChain[],
) {
  const bytes = chains.find(({ filterChainMatch }) => !filterChainMatch);
  const http = httpChain(scope, name, `${service.host}:${port.number}`, sniffedHttp(scope));
  return {
    filterChains: [...chains.filter((each) => each !== bytes), http],
    ...(bytes ? { defaultFilterChain: bytes } : {}),
    ...inspectorTimeout,
  };
}

/** What looks into the first bytes of a connection, where chains are chosen by them. */
function inspectors(chains: readonly FilterChain[]) {
  const tls = chains.some(({ filterChainMatch: match }) => match?.serverNames?.length || match?.transportProtocol);
  const http = chains.some(({ filterChainMatch: match }) => match?.applicationProtocols?.length);
  // The order counts: what is TLS is no HTTP.
  return [...(tls ? [listenerFilter("tls_inspector")] : []), ...(http ? [listenerFilter("http_inspector")] : [])];
}

/** A listener that only takes what `virtualOutbound` hands over. */
function captured(
  name: string,
  address: string,
  port: number,
  chains: Pick<
    MessageInitShape<typeof ListenerSchema>,
    "defaultFilterChain" | "listenerFiltersTimeout" | "continueOnListenerFiltersTimeout"
  > & { readonly filterChains: FilterChain[] },
  configKeys: readonly string[] = [],
): EncodedResource {
  return encodeResourceMessage(
    ListenerSchema,
    name,
    {
      name,
      address: socketAddress(address, port),
      bindToPort: false,
      trafficDirection: TrafficDirection.OUTBOUND,
      listenerFilters: inspectors(chains.filterChains),
      ...chains,
    },
    configKeys,
  );
}

/**
 * HTTP, told by its first bytes, and the oldest TCP service share a port on all addresses, but for the networks and server
 * names of others.
 */
function wildcardListener(scope: Scope, port: number, found: WildcardPort): EncodedResource {
  const name = `${WILDCARD}_${port}`;
  const taken = new Set<string>();
  const told = found.told.flatMap((each) => {
    const chains = tcpChains(scope, each.service, each.port, { networks: each.networks, taken });
    if (each.port.protocol !== "Auto") return chains;
    // Envoy looks for no other chain once one of these addresses has one for what is plaintext.
    return chains.flatMap((chain) =>
      ["raw_buffer", "tls"].map((transportProtocol): FilterChain => {
        const filterChainMatch: ChainMatch = { ...(chain.filterChainMatch as object), transportProtocol };
        return { ...chain, filterChainMatch } as FilterChain;
      }),
    );
  });
  const behind = [...found.told, ...(found.open ? [found.open] : [])];
  const configKeys = [...new Set(behind.flatMap(({ service }) => tcpConfigKeys(scope, service)))];
  const passthrough = { name: "PassthroughFilterChain", filters: [unknownTraffic(scope)] };
  const open = found.open ? tcpChains(scope, found.open.service, found.open.port) : [];
  // Where no rule of the service is for everything, the last chain is its own: the one without a match.
  const rest = open.find(({ filterChainMatch }) => !filterChainMatch) ?? passthrough;
  const chosen = open.filter((each) => each !== rest);
  if (!found.http)
    return captured(name, WILDCARD, port, { filterChains: [...told, ...chosen], defaultFilterChain: rest }, configKeys);
  const http = (match: ChainMatch): FilterChain => httpChain(scope, name, String(port), match, found.grpcWeb);
  const sniffed = found.told
    .filter((each) => each.port.protocol === "Auto")
    .flatMap(({ networks }) => networks.map(cidrOf))
    .filter(({ addressPrefix, prefixLen }) => {
      const key = `http ${addressPrefix}/${prefixLen}`;
      return !taken.has(key) && Boolean(taken.add(key));
    })
    .map((range) => http({ ...sniffedHttp(scope), prefixRanges: [range] }));
  const filterChains = [...told, ...sniffed, ...chosen, http(sniffedHttp(scope))];
  const chains = { filterChains, defaultFilterChain: rest, ...detectionTimeout(port) };
  return captured(name, WILDCARD, port, chains, configKeys);
}

function httpChain(
  scope: Scope,
  name: string,
  rds: string,
  filterChainMatch: ChainMatch,
  grpcWeb = false,
): FilterChain {
  const statPrefix = `outbound_${name}`;
  return {
    filterChainMatch,
    filters: [httpConnection(scope, { kind: "outbound", statPrefix, routes: { rds }, grpcWeb })],
  };
}

function unknownTraffic(scope: Scope) {
  return tcpProxy(scope, [
    { name: scope.mesh.allowAnyOutbound ? "PassthroughCluster" : "BlackHoleCluster", weight: 1 },
  ]);
}

function virtualOutbound(scope: Scope): EncodedResource {
  return encodeResourceMessage(ListenerSchema, "virtualOutbound", {
    name: "virtualOutbound",
    address: socketAddress(WILDCARD, OUTBOUND_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    filterChains: [
      {
        name: "virtualOutbound-blackhole",
        filterChainMatch: { destinationPort: OUTBOUND_PORT },
        filters: [tcpProxy(scope, [])],
      },
      { name: "virtualOutbound-catchall-tcp", filters: [unknownTraffic(scope)] },
    ],
  });
}

/**
 * Outbound listeners without traffic capture (interception NONE): the explicit HTTP proxy, and a listener on the proxy's own
 * address for each TCP service whose port the workload does not serve itself.
 */
export function explicitListeners(scope: Scope, { binding, targets }: Workload): EncodedResource[] {
  if (binding.mode !== "explicit") return [];
  const { address, httpProxyPort } = binding;
  const listeners: EncodedResource[] = [];
  const taken = new Set(targets.map((target) => target.targetPort));
  if (httpProxyPort > 0) {
    taken.add(httpProxyPort);
    const name = `${address}_${httpProxyPort}`;
    listeners.push(
      encodeResourceMessage(ListenerSchema, name, {
        name,
        address: socketAddress(address, httpProxyPort),
        enableReusePort: false,
        trafficDirection: TrafficDirection.OUTBOUND,
        filterChains: [
          {
            filters: [
              httpConnection(scope, {
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
  for (const service of scope.services())
    for (const port of service.ports) {
      if (isHttp(port.protocol) || port.protocol === "UDP" || port.number < 1024 || taken.has(port.number)) continue;
      if (resolutionFor(scope.proxyClass, service) === "passthrough") continue;
      taken.add(port.number);
      const chains = tcpChains(scope, service, port);
      const name = `${address}_${port.number}`;
      listeners.push(
        encodeResourceMessage(
          ListenerSchema,
          name,
          {
            name,
            address: socketAddress(address, port.number),
            enableReusePort: false,
            trafficDirection: TrafficDirection.OUTBOUND,
            listenerFilters: inspectors(chains),
            filterChains: chains,
          },
          tcpConfigKeys(scope, service),
        ),
      );
    }
  return listeners;
}
