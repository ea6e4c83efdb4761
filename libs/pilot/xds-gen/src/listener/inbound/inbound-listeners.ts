import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { inboundCluster, isHttp } from "@xebec/model-names";
import type { MtlsMode } from "@xebec/model-resources";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import type { TcpConnection } from "../../filter/connection.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget, Workload } from "../../scope/workload.ts";
import { mtlsDecision, policyTarget, portsWithMode } from "../../security/mtls.ts";
import { ANY_TRANSPORT, type DestinationMatch, filterChains, type Transport } from "../chain.ts";
import { inspectors, listenerFilter } from "../listener-filters.ts";
import { inspectorTimeout, MESH_HTTP, sniffedHttp } from "../sniffing.ts";
import { socketAddress } from "../socket-address.ts";
import { calledService, INBOUND_PASSTHROUGH, inboundHttp, passthroughHttp } from "./inbound-http.ts";
import { ingressTls } from "./ingress-tls.ts";
import { MESH_ALPN, MESH_ALPN_TCP, mtlsTransports, mutualTls } from "./mtls-transports.ts";

/**
 * The inbound listeners of a sidecar: `virtualInbound` behind traffic capture, or, with interception NONE, a listener on the proxy's
 * address for each port. A Sidecar's ingress listener may have a port of its own in both cases.
 */
export function inboundListeners(scope: Scope, { binding, targets }: Workload): BuiltListener[] {
  const ports = new Map<number, ServiceTarget>();
  for (const target of targets) if (!ports.has(target.targetPort)) ports.set(target.targetPort, target);
  if (binding.mode !== "explicit") {
    const all = [...ports.values()];
    const bound = all.filter(({ ingress }) => ingress?.bound);
    const captured = all.filter(({ ingress }) => !ingress?.bound);
    return [virtualInbound(scope, captured), ...bound.map((target) => boundListener(scope, target, "0.0.0.0"))];
  }
  return [...ports.values()].map((target) => boundListener(scope, target, binding.address));
}

/** The listener of a port that is not captured. @param address unless a Sidecar says another one */
function boundListener(scope: Scope, target: ServiceTarget, address: string): BuiltListener {
  const bind = target.ingress?.bind ?? address;
  const name = `${bind}_${target.targetPort}`;
  const chains = portChains(scope, target, {}, name);
  return {
    name,
    message: {
      address: socketAddress(bind, target.targetPort),
      trafficDirection: TrafficDirection.INBOUND,
      // A second proxy on the same address must fail instead of silently sharing the port.
      enableReusePort: false,
      ...inspectorTimeout(scope),
      listenerFilters: inspectors(chains),
    },
    filterChains: chains,
    configKeys: [],
  };
}

/**
 * The same for every workload: Envoy replaces a listener whole when anything but its chains changes, and then cuts all of its connections.
 * No port waits longer for the second inspector: both look at the same first bytes.
 */
const CAPTURED_FILTERS = (["original_dst", "tls_inspector", "http_inspector"] as const).map(listenerFilter);

function virtualInbound(scope: Scope, targets: readonly ServiceTarget[]): BuiltListener {
  const served = new Set([scope.mesh.ports.inbound, ...targets.map((target) => target.targetPort)]);
  const others = portsWithMode(scope, scope.proxyClass).filter((port) => !served.has(port));
  const chains = [
    ...blackHole(scope),
    ...targets.flatMap((target) =>
      portChains(scope, target, { destinationPort: target.targetPort }, `0.0.0.0_${target.targetPort}`),
    ),
    ...others.flatMap((port) => passthrough(scope, port)),
    ...passthrough(scope, undefined),
  ];
  return {
    name: "virtualInbound",
    message: {
      address: socketAddress("0.0.0.0", scope.mesh.ports.inbound),
      trafficDirection: TrafficDirection.INBOUND,
      ...inspectorTimeout(scope),
      listenerFilters: CAPTURED_FILTERS,
    },
    filterChains: chains,
    configKeys: [],
  };
}

/** Connections to the listener's own port would loop forever. */
function blackHole(scope: Scope): BuiltFilterChain[] {
  return filterChains(scope, {
    name: "virtualInbound-blackhole",
    matches: [{ destinationPort: scope.mesh.ports.inbound }],
    transports: ANY_TRANSPORT,
    connection: tcpTo(),
    configKeys: [],
  });
}

/** Ports that no service has: each connection shows its protocol. @param port undefined for every port without chains of its own */
function passthrough(scope: Scope, port: number | undefined): BuiltFilterChain[] {
  const { mode, configKeys } = modeAt(scope, port);
  const rest = { matches: [port === undefined ? {} : { destinationPort: port }], configKeys };
  return [
    ...filterChains(scope, {
      ...{ ...rest, name: "virtualInbound-catchall-http", transports: detectedHttp(scope, mode) },
      connection: passthroughHttp(port),
    }),
    ...filterChains(scope, {
      ...{ ...rest, name: "virtualInbound", transports: mtlsTransports(scope, mode, MESH_ALPN_TCP, "tcp") },
      connection: { ...tcpTo(INBOUND_PASSTHROUGH), ...(port === undefined ? {} : { port }) },
    }),
  ];
}

/** HTTP is detected by ALPN or by the first bytes. Everything else is TCP. */
function detectedHttp(scope: Scope, mode: MtlsMode): readonly Transport[] {
  return [
    ...(mode === "DISABLE" ? [] : [mutualTls(scope, MESH_HTTP, "http")]),
    ...(mode === "STRICT" ? [] : [{ match: sniffedHttp(scope) }]),
  ];
}

/** The chains of a served port. */
function portChains(
  scope: Scope,
  target: ServiceTarget,
  destination: DestinationMatch,
  name: string,
): BuiltFilterChain[] {
  const { mode, configKeys: policyKeys } = modeAt(scope, target.targetPort, target);
  const { ingress } = target;
  const configKeys = ingress ? [...policyKeys, ingress.configKey] : policyKeys;
  const chains = (takes: "http" | "tcp", transports: readonly Transport[]): BuiltFilterChain[] => {
    const connection =
      takes === "http"
        ? inboundHttp(scope, target, name)
        : { ...tcpTo(inboundCluster(target.targetPort)), port: target.targetPort, service: calledService(target) };
    return filterChains(scope, { name, matches: [destination], transports, connection, configKeys });
  };
  if (ingress?.tls && mode === "DISABLE") {
    const transport = ingressTls(ingress.tls, target.protocol);
    if (transport) return chains(target.protocol === "HTTPS" ? "http" : "tcp", [transport]);
  }
  if (isHttp(target.protocol)) return chains("http", mtlsTransports(scope, mode, MESH_ALPN, "http"));
  if (target.protocol !== "Auto") return chains("tcp", mtlsTransports(scope, mode, MESH_ALPN, "tcp"));
  return [
    ...chains("http", detectedHttp(scope, mode)),
    ...chains("tcp", mtlsTransports(scope, mode, MESH_ALPN_TCP, "tcp")),
  ];
}

/** The mutual TLS mode of a port, and the key of the policy that sets it. */
function modeAt(scope: Scope, port: number | undefined, target?: ServiceTarget) {
  const { namespace, labels } = scope.proxyClass;
  const { mode, configKey } = mtlsDecision(scope, namespace, labels, port, target && policyTarget(target));
  return { mode, configKeys: configKey === undefined ? [] : [configKey] };
}

function tcpTo(...clusters: readonly string[]): TcpConnection {
  return { protocol: "tcp", kind: "inbound", clusters: clusters.map((name) => ({ name, weight: 1 })) };
}
