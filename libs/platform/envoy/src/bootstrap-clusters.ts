import { type HostPort, parseAddress } from "@xebec/core-config";
import { spiffeId } from "@xebec/model-names";
import { secret, socket } from "./bootstrap-parts.ts";
import { adminAddress, bindAddress, isShared, type ProxySettings } from "./proxy-settings.ts";
import { metricsClusters } from "./stats-sinks.ts";

const HTTP_OPTIONS = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: "30s", timeout: "10s" } } },
  },
};
/** Service accounts that run pilot. */
const PILOT_ACCOUNTS = ["istio-pilot-service-account", "istiod-service-account", "istiod"];
/** Pilot's port without TLS. */
const PLAINTEXT_PORT = 15_010;

/** The clusters that Envoy has from its start (docs/reference/pilot.md §4.1). */
export function staticClusters(settings: ProxySettings): Record<string, unknown>[] {
  const { proxyConfig } = settings;
  const admin: HostPort = { host: adminAddress(settings), port: proxyConfig.proxyAdminPort };
  const own = bindAddress(settings);
  const status: HostPort = { host: own === "0.0.0.0" ? "127.0.0.1" : own, port: proxyConfig.statusPort };
  return [
    localCluster("prometheus_stats", admin),
    localCluster("agent", status),
    sdsCluster(settings.sdsSocket),
    pilotCluster(settings),
    ...metricsClusters(settings),
  ];
}

function localCluster(name: string, address: HostPort): Record<string, unknown> {
  return { name, type: "STATIC", connect_timeout: "0.250s", load_assignment: endpoint(name, socket(address)) };
}

function sdsCluster(path: string): Record<string, unknown> {
  const name = "sds-grpc";
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: HTTP_OPTIONS,
    load_assignment: endpoint(name, { pipe: { path } }),
  };
}

function pilotCluster(settings: ProxySettings): Record<string, unknown> {
  const name = "xds-grpc";
  const address = parseAddress(settings.proxyConfig.discoveryAddress);
  const isIp = /^[\d.]+$|:/.test(address.host);
  const threshold = { max_connections: 100_000, max_pending_requests: 100_000, max_requests: 100_000 };
  return {
    name,
    type: isIp ? "STATIC" : "STRICT_DNS",
    respect_dns_ttl: true,
    dns_lookup_family: "V4_PREFERRED",
    connect_timeout: "1s",
    typed_extension_protocol_options: HTTP_OPTIONS,
    circuit_breakers: {
      thresholds: [
        { priority: "DEFAULT", ...threshold },
        { priority: "HIGH", ...threshold },
      ],
    },
    upstream_connection_options: { tcp_keepalive: { keepalive_time: 300 } },
    load_assignment: endpoint(name, socket(address)),
    ...(isPlaintext(address) ? {} : { transport_socket: pilotTls(settings, isIp ? undefined : address.host) }),
  };
}

/** The SPIFFE URIs and DNS names, one of which pilot's certificate must have. */
export function pilotIdentities({ trustDomain, systemNamespace, pilotNames }: ProxySettings): readonly string[] {
  const identities = PILOT_ACCOUNTS.map((serviceAccount) =>
    spiffeId({ trustDomain, namespace: systemNamespace, serviceAccount }),
  );
  return [...identities, ...pilotNames];
}

/** True where the address of pilot is that of its plaintext port. */
export function isPlaintext({ port }: Pick<HostPort, "port">): boolean {
  return port === PLAINTEXT_PORT;
}

function pilotTls(settings: ProxySettings, sni: string | undefined) {
  const names = pilotIdentities(settings).map((exact) => ({
    san_type: exact.startsWith("spiffe://") ? "URI" : "DNS",
    matcher: { exact },
  }));
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      ...(sni ? { sni } : {}),
      common_tls_context: {
        alpn_protocols: ["h2"],
        tls_params: { tls_minimum_protocol_version: "TLSv1_2", tls_maximum_protocol_version: "TLSv1_3" },
        tls_certificate_sds_secret_configs: [secret("default")],
        combined_validation_context: {
          default_validation_context: { match_typed_subject_alt_names: names },
          validation_context_sds_secret_config: secret("ROOTCA"),
        },
      },
    },
  };
}

function endpoint(cluster_name: string, address: Record<string, unknown>) {
  return { cluster_name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
}

/** Calls of the pod come from its own address when it shares the loopback interface with others. */
export function clusterManager(settings: ProxySettings): Record<string, unknown> {
  if (!isShared(settings)) return {};
  return { upstream_bind_config: { source_address: { address: settings.ip, port_value: 0 } } };
}
