import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { HttpProtocolOptionsSchema } from "@xebec/api-envoy/envoy/extensions/upstreams/http/v3/http_protocol_options";
import { inboundCluster, isHttp, outboundCluster, type PortProtocol, sniOf } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { GenerationContext } from "./context.ts";
import { type EncodedResource, encodeResourceMessage } from "./encoded.ts";
import { localitiesOf } from "./endpoints.ts";
import { mtlsMode } from "./mtls.ts";
import type { MeshProxy, ServiceTarget } from "./proxy.ts";
import { subsetLabels } from "./subset.ts";
import { meshUpstreamTls, rawBuffer, userUpstreamTls } from "./tls-context.ts";
import { applyPolicy, type EffectivePolicy, effectivePolicy, mergedRule, ms } from "./traffic-policy.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const DNS_REFRESH_MS = 60_000;
/** The source address of a sidecar's calls to its own workload, so that they are not captured again. */
const INBOUND_SOURCE = "127.0.0.6";
const ADS = { configSourceSpecifier: { case: "ads" as const, value: {} }, resourceApiVersion: 2 };

/** The clusters of one service: one for each port, and one more for each port and subset (spec/pilot.md §3.2, §4.1). */
export function outboundClusters(context: GenerationContext, service: MeshService): EncodedResource[] {
  context.reads(service);
  const rule = mergedRule(context.destinationRules(service));
  const origins = [...(service.origin ? [service.origin] : []), ...(rule?.keys ?? [])];
  const clusters: EncodedResource[] = [];
  for (const port of service.ports) {
    if (port.protocol === "UDP") continue;
    for (const subset of ["", ...(rule?.spec.subsets ?? []).map((each) => each.name)]) {
      const name = outboundCluster(port.number, subset, service.host);
      const policy = effectivePolicy(rule?.spec, subset, port.number);
      const init = clusterFor(context, service, port, subset, policy);
      const config = rule?.keys[0];
      init.metadata = {
        filterMetadata: {
          istio: {
            services: [{ host: service.host, name: service.name, namespace: service.namespace }],
            ...(config ? { config: configPath(config) } : {}),
            ...(subset ? { subset } : {}),
            ...(service.external ? { external: true } : {}),
          },
        },
      };
      clusters.push(encodeResourceMessage(ClusterSchema, name, { name, ...init }, origins));
    }
  }
  return clusters;
}

/** `/apis/networking.istio.io/v1alpha3/namespaces/NS/virtual-service/NAME`, as Istio's tools expect it. */
export function configPath(key: string): string {
  const [group, kind = "", namespace, name] = key.split("/");
  const kebab = kind.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  return `/apis/${group}/v1alpha3/namespaces/${namespace}/${kebab}/${name}`;
}

function clusterFor(
  context: GenerationContext,
  service: MeshService,
  port: MeshPort,
  subset: string,
  policy: EffectivePolicy,
): ClusterInit {
  const passthrough = service.resolution === "passthrough" || policy.loadBalancer?.simple === "PASSTHROUGH";
  const name = outboundCluster(port.number, subset, service.host);
  const init = applyPolicy(policy, context.snapshot.mesh.connectTimeoutMs, passthrough);
  init.altStatName = `${name};`;
  init.typedExtensionProtocolOptions = httpOptions(port.protocol, policy);
  Object.assign(init, discovery(context, service, port, subset, passthrough));
  return Object.assign(init, transportSocket(context, service, port, subset, policy));
}

/** How the hosts of a service's cluster are found. */
function discovery(
  context: GenerationContext,
  service: MeshService,
  port: MeshPort,
  subset: string,
  passthrough: boolean,
): ClusterInit {
  const name = outboundCluster(port.number, subset, service.host);
  if (passthrough) return { clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST } };
  if (service.resolution === "eds")
    return {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: { ...ADS, initialFetchTimeout: durationOf(0) }, serviceName: name },
    };
  const labels = subset ? subsetLabels(context, service, subset) : undefined;
  return {
    clusterDiscoveryType: {
      case: "type",
      value: service.resolution === "dns" ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.LOGICAL_DNS,
    },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    respectDnsTtl: true,
    dnsRefreshRate: durationOf(DNS_REFRESH_MS),
    loadAssignment: { clusterName: name, endpoints: localitiesOf(context.endpoints(service), port.name, labels) },
  };
}

function isHttp2(protocol: PortProtocol, policy: EffectivePolicy): boolean {
  return (
    protocol === "GRPC" ||
    protocol === "GRPC-Web" ||
    protocol === "HTTP2" ||
    (isHttp(protocol) && policy.connectionPool?.http?.h2UpgradePolicy === "UPGRADE")
  );
}

function httpOptions(
  protocol: PortProtocol,
  policy: EffectivePolicy,
  downstream = policy.connectionPool?.http?.useClientProtocol,
): ClusterInit["typedExtensionProtocolOptions"] {
  if (!isHttp(protocol) && !downstream) return {};
  const { tcp, http } = policy.connectionPool ?? {};
  const idle = ms(http?.idleTimeout ?? tcp?.idleTimeout);
  const maxDuration = ms(tcp?.maxConnectionDuration);
  const streams = http?.maxConcurrentStreams;
  const http2 = streams === undefined ? {} : { maxConcurrentStreams: streams };
  return {
    [HTTP_OPTIONS]: anyOf(HttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: {
        ...(idle === undefined ? {} : { idleTimeout: durationOf(idle) }),
        ...(maxDuration === undefined ? {} : { maxConnectionDuration: durationOf(maxDuration) }),
        ...(http?.maxRequestsPerConnection ? { maxRequestsPerConnection: http.maxRequestsPerConnection } : {}),
      },
      upstreamProtocolOptions: downstream
        ? { case: "useDownstreamProtocolConfig", value: { httpProtocolOptions: {}, http2ProtocolOptions: http2 } }
        : {
            case: "explicitHttpConfig",
            value: {
              protocolConfig: isHttp2(protocol, policy)
                ? { case: "http2ProtocolOptions", value: http2 }
                : { case: "httpProtocolOptions", value: {} },
            },
          },
    }),
  };
}

function transportSocket(
  context: GenerationContext,
  service: MeshService,
  port: MeshPort,
  subset: string,
  policy: EffectivePolicy,
): Pick<ClusterInit, "transportSocket" | "transportSocketMatches"> {
  const http2 = isHttp2(port.protocol, policy);
  const mode = policy.tls?.mode;
  const mesh = () =>
    meshUpstreamTls(
      policy.tls?.sni || sniOf(port.number, subset, service.host),
      policy.tls?.subjectAltNames?.length ? policy.tls.subjectAltNames : identities(context, service),
      http2,
    );
  if (policy.tls && mode !== undefined) {
    if (mode === "ISTIO_MUTUAL") return { transportSocket: mesh() };
    if (mode === "SIMPLE" || mode === "MUTUAL")
      return { transportSocket: userUpstreamTls(policy.tls, service.subjectAltNames, http2) };
    return {};
  }
  if (!context.snapshot.mesh.autoMtls || service.external || service.resolution === "passthrough") return {};
  const inferred = mtlsMode(context.snapshot, service.namespace, undefined, undefined, (key) =>
    context.dependencies.add(key),
  );
  if (inferred === "DISABLE") return {};
  // Without an endpoint that has a proxy there is nobody to speak mutual TLS with.
  if (!context.endpoints(service).some((each) => each.mtls)) return {};
  return {
    transportSocketMatches: [
      { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: mesh() },
      { name: "tlsMode-disabled", match: {}, transportSocket: rawBuffer() },
    ],
  };
}

/** The SPIFFE ids that a server of this service may have. */
function identities(context: GenerationContext, service: MeshService): string[] {
  const known = new Set(service.subjectAltNames);
  for (const endpoint of context.endpoints(service)) if (endpoint.identity) known.add(endpoint.identity);
  return [...known].sort();
}

/** The clusters that every proxy has: nowhere, and for sidecars whatever the client dialled. */
export function standardClusters(context: GenerationContext): EncodedResource[] {
  const blackHole: ClusterInit = {
    name: "BlackHoleCluster",
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: durationOf(context.snapshot.mesh.connectTimeoutMs),
  };
  const clusters = [encodeResourceMessage(ClusterSchema, "BlackHoleCluster", blackHole)];
  if (context.view.type === "router") return clusters;
  clusters.push(
    encodeResourceMessage(ClusterSchema, "PassthroughCluster", originalDestination(context, "PassthroughCluster")),
  );
  if (context.view.interception === "NONE") return clusters;
  const inbound = originalDestination(context, "InboundPassthroughCluster");
  inbound.upstreamBindConfig = {
    sourceAddress: { address: INBOUND_SOURCE, portSpecifier: { case: "portValue", value: 0 } },
  };
  clusters.push(encodeResourceMessage(ClusterSchema, "InboundPassthroughCluster", inbound));
  return clusters;
}

function originalDestination(context: GenerationContext, name: string): ClusterInit {
  return {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: durationOf(context.snapshot.mesh.connectTimeoutMs),
    typedExtensionProtocolOptions: httpOptions("HTTP", {}, true),
    circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
  };
}

/** The clusters of a sidecar's own ports. */
export function inboundClusters(
  context: GenerationContext,
  proxy: MeshProxy,
  targets: readonly ServiceTarget[],
): EncodedResource[] {
  const made = new Map<string, EncodedResource>();
  for (const target of targets) {
    const name = inboundCluster(target.targetPort);
    if (made.has(name)) continue;
    const protocol =
      context.service(target.host)?.ports.find((port) => port.name === target.portName)?.protocol ?? "TCP";
    const init: ClusterInit = {
      name,
      altStatName: `${name};`,
      connectTimeout: durationOf(context.snapshot.mesh.connectTimeoutMs),
      circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
      typedExtensionProtocolOptions: httpOptions(protocol, {}),
      metadata: {
        filterMetadata: {
          istio: {
            services: targets
              .filter((each) => each.targetPort === target.targetPort)
              .map((each) => ({ host: each.host, name: each.serviceName, namespace: each.serviceNamespace })),
          },
        },
      },
      ...(proxy.interception === "NONE"
        ? {
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
            loadAssignment: {
              clusterName: name,
              endpoints: [
                {
                  lbEndpoints: [
                    {
                      hostIdentifier: {
                        case: "endpoint",
                        value: { address: socketAddress(proxy.appAddress, target.targetPort) },
                      },
                    },
                  ],
                },
              ],
            },
          }
        : {
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
            lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
            upstreamBindConfig: {
              sourceAddress: { address: INBOUND_SOURCE, portSpecifier: { case: "portValue", value: 0 } },
            },
          }),
    };
    made.set(name, encodeResourceMessage(ClusterSchema, name, init));
  }
  return [...made.values()];
}

/** A TCP socket address as Envoy's API writes it. */
export function socketAddress(address: string, port: number) {
  return {
    address: {
      case: "socketAddress" as const,
      value: { address, portSpecifier: { case: "portValue" as const, value: port } },
    },
  };
}

/** The way back into the proxy's own HTTP listener, for what clients tunnel with CONNECT. */
export function tunnelCluster(proxy: MeshProxy): EncodedResource {
  return encodeResourceMessage(ClusterSchema, TUNNEL_CLUSTER, {
    name: TUNNEL_CLUSTER,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: durationOf(1000),
    circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
    loadAssignment: {
      clusterName: TUNNEL_CLUSTER,
      endpoints: [
        {
          lbEndpoints: [
            { hostIdentifier: { case: "endpoint", value: { address: socketAddress(proxy.ip, proxy.httpProxyPort) } } },
          ],
        },
      ],
    },
  });
}

/** The name of that cluster. */
export const TUNNEL_CLUSTER = "http_proxy_tunnel";
