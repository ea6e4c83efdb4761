import { isIP } from "node:net";
import { durationOf } from "@xebec/api-envoy";
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { ClientTls } from "@xebec/model-resources";
import type { BuiltCluster } from "../build/built.ts";
import { ACCESS_LOG_SERVICE } from "../filter/telemetry/grpc-access-log.ts";
import { proxyTracerAddress } from "../filter/telemetry/merged-tracing.ts";
import type { Scope } from "../scope/scope.ts";
import { userUpstreamTls } from "../security/client-tls.ts";
import { meshUpstreamTls } from "../security/tls-context.ts";
import { httpOptions, oneEndpoint } from "./cluster-parts.ts";

/**
 * The clusters that the mesh configuration's `defaultConfig` names by address. Istio has them in the bootstrap, under the same names
 * (docs/reference/pilot.md §4.1, §7.3).
 */
export function addressClusters(scope: Scope): BuiltCluster[] {
  const { mesh, proxyConfig } = scope;
  const { tracing, envoyAccessLogService: log } = proxyConfig;
  const tracer = mesh.enableTracing ? proxyTracerAddress(scope) : undefined;
  return [
    ...(tracer ? [addressCluster(scope, tracer.tracer, tracer.address, tracing?.tlsSettings, false)] : []),
    ...(mesh.accessLogService && log?.address
      ? [addressCluster(scope, ACCESS_LOG_SERVICE, log.address, log.tlsSettings, true)]
      : []),
  ];
}

function addressCluster(
  scope: Scope,
  name: string,
  address: string,
  tls: ClientTls | undefined,
  http2: boolean,
): BuiltCluster {
  const { mesh } = scope;
  const end = address.lastIndexOf(":");
  const host = address.slice(0, end).replace(/^\[|\]$/g, "");
  return {
    name,
    message: {
      clusterDiscoveryType: {
        case: "type",
        value: isIP(host) ? Cluster_DiscoveryType.STATIC : Cluster_DiscoveryType.STRICT_DNS,
      },
      dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
      respectDnsTtl: true,
      connectTimeout: durationOf(mesh.connectTimeoutMs),
      typedExtensionProtocolOptions: httpOptions(http2 ? "GRPC" : "HTTP", {}),
      ...oneEndpoint(name, { address: host, port: Number(address.slice(end + 1)) }),
      ...socketOf(scope, tls, host, http2),
    },
    configKeys: mesh.configKey ? [mesh.configKey] : [],
  };
}

function socketOf(
  scope: Scope,
  tls: ClientTls | undefined,
  host: string,
  http2: boolean,
): Pick<BuiltCluster["message"], "transportSocket"> {
  if (tls?.mode === "ISTIO_MUTUAL") return { transportSocket: meshUpstreamTls(scope.mesh, tls.sni || host, [], http2) };
  if (tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL")
    return { transportSocket: userUpstreamTls(scope, tls, { host, subjectAltNames: [], http2 }) };
  return {};
}
