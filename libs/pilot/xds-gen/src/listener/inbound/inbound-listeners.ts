import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type {
  FilterChainSchema,
  ListenerFilterSchema,
} from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { HttpInspectorSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/http_inspector/v3/http_inspector";
import { OriginalDstSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/original_dst/v3/original_dst";
import { TlsInspectorSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector";
import { inboundCluster, isHttp } from "@xebec/model-names";
import { type EncodedResource, encodeResourceMessage } from "../../encode/encoded.ts";
import { checkSettings } from "../../filter/http/policy-check.ts";
import { httpConnection } from "../../filter/network/http-connection.ts";
import { tcpProxy } from "../../filter/network/tcp-proxy.ts";
import { NO_TIMEOUT } from "../../route/route-timeout.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget, Workload } from "../../scope/workload.ts";
import { mtlsDecision, type mtlsMode, portsWithMode } from "../../security/mtls.ts";
import { meshDownstreamTls } from "../../security/tls-context.ts";
import { inspectorTimeout, MESH_HTTP, sniffedHttp } from "../sniffing.ts";
import { socketAddress } from "../socket-address.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;
type ListenerFilter = MessageInitShape<typeof ListenerFilterSchema>;
type Filters = NonNullable<FilterChain["filters"]>;

const INBOUND_PORT = 15006;
/** Protocols that a client of the mesh announces in its handshake (docs/reference/pilot.md §4.4): those of bytes, and all. */
const MESH_ALPN_BYTES = ["istio", "istio-peer-exchange"];
const MESH_ALPN = [...MESH_HTTP, ...MESH_ALPN_BYTES];

const LISTENER_FILTERS = {
  tls_inspector: () => anyOf(TlsInspectorSchema, {}),
  http_inspector: () => anyOf(HttpInspectorSchema, {}),
  original_dst: () => anyOf(OriginalDstSchema, {}),
} as const;

export function listenerFilter(name: keyof typeof LISTENER_FILTERS): ListenerFilter {
  return {
    name: `envoy.filters.listener.${name}`,
    configType: { case: "typedConfig", value: LISTENER_FILTERS[name]() },
  };
}

/**
 * A sidecar's inbound side: one listener `virtualInbound` behind traffic capture, or with interception NONE a listener of its
 * own for each port on the proxy's address.
 */
export function inboundListeners(scope: Scope, { binding, targets }: Workload): EncodedResource[] {
  const ports = new Map<number, ServiceTarget>();
  for (const target of targets) if (!ports.has(target.targetPort)) ports.set(target.targetPort, target);
  if (binding.mode !== "explicit") return [virtualInbound(scope, [...ports.values()])];
  const { address } = binding;
  return [...ports.values()].map((target) => {
    const name = `${address}_${target.targetPort}`;
    const configKeys = new Set<string>();
    const filterChains = portChains(scope, target, undefined, name, configKeys);
    const init = {
      name,
      address: socketAddress(address, target.targetPort),
      trafficDirection: TrafficDirection.INBOUND,
      // Two proxies on one address would share it silently; a clash must be an error.
      enableReusePort: false,
      ...inspectorTimeout,
      listenerFilters: [listenerFilter("tls_inspector"), ...httpInspector([target])],
      filterChains,
    };
    return encodeResourceMessage(ListenerSchema, name, init, [...configKeys]);
  });
}

function virtualInbound(scope: Scope, targets: readonly ServiceTarget[]): EncodedResource {
  const trustDomain = scope.mesh.trustDomain;
  /** Objects that decide about a mode. */
  const configKeys = new Set<string>();
  const passthrough: Filters = [tcpProxy(scope, [{ name: "InboundPassthroughCluster", weight: 1 }])];
  /** Ports of no service, one of them or all others. */
  const unknownPort = (port: number | undefined): FilterChain[] =>
    modeChains(
      workloadMode(scope, port, configKeys),
      MESH_ALPN,
      port,
      "virtualInbound",
      passthrough,
      () => meshDownstreamTls(trustDomain, ["istio-peer-exchange", "h2", "http/1.1"]),
      true,
    );
  const served = new Set([INBOUND_PORT, ...targets.map((target) => target.targetPort)]);
  const named = portsWithMode(scope, scope.proxyClass);
  const chains: FilterChain[] = [
    {
      // A call to the listener's own port would come back to it for ever.
      name: "virtualInbound-blackhole",
      filterChainMatch: { destinationPort: INBOUND_PORT },
      filters: [tcpProxy(scope, [])],
    },
    ...targets.flatMap((target) =>
      portChains(scope, target, target.targetPort, `0.0.0.0_${target.targetPort}`, configKeys),
    ),
    ...named.filter((port) => !served.has(port)).flatMap(unknownPort),
    ...unknownPort(undefined),
  ];
  const init = {
    name: "virtualInbound",
    address: socketAddress("0.0.0.0", INBOUND_PORT),
    trafficDirection: TrafficDirection.INBOUND,
    ...inspectorTimeout,
    listenerFilters: [listenerFilter("original_dst"), listenerFilter("tls_inspector"), ...httpInspector(targets)],
    filterChains: chains,
  };
  return encodeResourceMessage(ListenerSchema, "virtualInbound", init, [...configKeys]);
}

/** Looks for HTTP where a port's protocol is not declared. */
function httpInspector(targets: readonly ServiceTarget[]): ListenerFilter[] {
  return targets.some(({ protocol }) => protocol === "Auto") ? [listenerFilter("http_inspector")] : [];
}

/** @param configKeys gets the object that the mode is from */
function workloadMode(scope: Scope, port: number | undefined, configKeys: Set<string>): ReturnType<typeof mtlsMode> {
  const { namespace, labels } = scope.proxyClass;
  const { mode, configKey } = mtlsDecision(scope, namespace, labels, port);
  if (configKey) configKeys.add(configKey);
  return mode;
}

function portChains(
  scope: Scope,
  target: ServiceTarget,
  destinationPort: number | undefined,
  name: string,
  configKeys: Set<string>,
): FilterChain[] {
  const trustDomain = scope.mesh.trustDomain;
  const mode = workloadMode(scope, target.targetPort, configKeys);
  const http = (): Filters => httpFilters(scope, target, name);
  const httpTls = () => meshDownstreamTls(trustDomain, ["h2", "http/1.1"]);
  if (isHttp(target.protocol)) return modeChains(mode, MESH_ALPN, destinationPort, name, http(), httpTls, false);
  const bytes = [tcpProxy(scope, [{ name: inboundCluster(target.targetPort), weight: 1 }])];
  const tls = () => meshDownstreamTls(trustDomain, ["istio-peer-exchange", "h2", "http/1.1"]);
  if (target.protocol !== "Auto") return modeChains(mode, MESH_ALPN, destinationPort, name, bytes, tls, true);
  const port = destinationPort === undefined ? {} : { destinationPort };
  const announced = { ...port, transportProtocol: "tls", applicationProtocols: MESH_HTTP };
  return [
    ...(mode === "DISABLE" ? [] : [{ name, filterChainMatch: announced, filters: http(), transportSocket: httpTls() }]),
    ...(mode === "STRICT" ? [] : [{ name, filterChainMatch: { ...port, ...sniffedHttp(scope) }, filters: http() }]),
    ...modeChains(mode, MESH_ALPN_BYTES, destinationPort, name, bytes, tls, true),
  ];
}

/** What a port's HTTP goes through. */
function httpFilters(scope: Scope, target: ServiceTarget, name: string): Filters {
  const cluster = inboundCluster(target.targetPort);
  return [
    httpConnection(scope, {
      kind: "inbound",
      statPrefix: `inbound_${name}`,
      checksOf: target.serviceNamespace,
      grpcWeb: target.protocol === "GRPC-Web",
      routes: {
        inline: {
          name: cluster,
          validateClusters: false,
          virtualHosts: [
            {
              name: `inbound|http|${target.servicePort}`,
              domains: ["*"],
              routes: [
                {
                  name: "default",
                  match: { pathSpecifier: { case: "prefix", value: "/" } },
                  decorator: { operation: `${target.host}:${target.servicePort}/*` },
                  action: {
                    case: "route",
                    value: {
                      clusterSpecifier: { case: "cluster", value: cluster },
                      ...NO_TIMEOUT,
                      ...retriesOf(target.protocol),
                    },
                  },
                },
              ],
              typedPerFilterConfig: checkSettings(target, "inbound"),
            },
          ],
        },
      },
    }),
  ];
}

/**
 * A workload may close a connection just when the proxy takes it: what was not sent yet is sent again
 * (docs/reference/pilot.md §3.1, Retries). Not for gRPC, whose streams may last.
 */
function retriesOf(protocol: ServiceTarget["protocol"]) {
  if (protocol === "GRPC" || protocol === "GRPC-Web") return {};
  return { retryPolicy: { retryOn: "reset-before-request", numRetries: 2 } };
}

/**
 * The chains that a mutual TLS mode asks for (docs/reference/pilot.md §4.4, match rows). What two modes both take has
 * the same chain in both: a connection is cut when its chain changes, and it must not be because others are not taken any more.
 */
function modeChains(
  mode: ReturnType<typeof mtlsMode>,
  alpn: readonly string[],
  destinationPort: number | undefined,
  name: string,
  filters: Filters,
  tls: () => ReturnType<typeof meshDownstreamTls>,
  foreignTls: boolean,
): FilterChain[] {
  const port = destinationPort === undefined ? {} : { destinationPort: destinationPort };
  const anyTls = { name, filterChainMatch: { ...port, transportProtocol: "tls" }, filters };
  const plain = { name, filterChainMatch: { ...port, transportProtocol: "raw_buffer" }, filters };
  if (mode === "DISABLE") return [plain, anyTls];
  const mutual = {
    ...{ name, filters, transportSocket: tls() },
    filterChainMatch: { ...port, transportProtocol: "tls", applicationProtocols: [...alpn] },
  };
  if (mode === "STRICT") return [mutual, { ...anyTls, transportSocket: tls() }];
  // The application's own TLS goes through untouched.
  return [mutual, plain, ...(foreignTls ? [anyTls] : [])];
}
