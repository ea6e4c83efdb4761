import { isIP } from "node:net";
import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { QUICK_RETRY, secret, socket } from "./bootstrap-parts.ts";
import type { RemoteService } from "./proxy-config.ts";
import type { ProxySettings } from "./proxy-settings.ts";

type Secret = ReturnType<typeof secret>;

const METRICS_SERVICE = "envoy_metrics_service";

/** Where Envoy sends its own statistics (ProxyConfig's `statsdUdpAddress` and `envoyMetricsService`). */
export function statsSinks({ proxyConfig: { statsd, metricsService } }: ProxySettings): Record<string, unknown>[] {
  return [
    ...(statsd ? [sink("statsd", "metrics.v3.StatsdSink", { address: udp(statsd) })] : []),
    ...(metricsService
      ? [
          sink("metrics_service", "metrics.v3.MetricsServiceConfig", {
            transport_api_version: "V3",
            grpc_service: { envoy_grpc: { cluster_name: METRICS_SERVICE, retry_policy: QUICK_RETRY } },
          }),
        ]
      : []),
  ];
}

function sink(name: string, type: string, config: Record<string, unknown>): Record<string, unknown> {
  return {
    name: `envoy.stat_sinks.${name}`,
    typed_config: { "@type": `type.googleapis.com/envoy.config.${type}`, ...config },
  };
}

function udp(address: string): Record<string, unknown> {
  const { host, port } = parseAddress(address);
  return { socket_address: { protocol: "UDP", address: host, port_value: port } };
}

/** The cluster of the service that gets statistics; none without one. @throws XebecError invalid_argument for TLS that has no meaning there */
export function metricsClusters({
  proxyConfig: { metricsService: service },
}: ProxySettings): Record<string, unknown>[] {
  if (!service) return [];
  const address = parseAddress(service.address);
  return [
    {
      name: METRICS_SERVICE,
      type: isIP(address.host) ? "STATIC" : "STRICT_DNS",
      respect_dns_ttl: true,
      dns_lookup_family: "V4_PREFERRED",
      connect_timeout: "1s",
      typed_extension_protocol_options: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          explicit_http_config: { http2_protocol_options: {} },
        },
      },
      load_assignment: {
        cluster_name: METRICS_SERVICE,
        endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(address) } }] }],
      },
      ...keepalive(service),
      ...tls(service, address.host),
    },
  ];
}

function keepalive({ tcpKeepalive }: RemoteService): Record<string, unknown> {
  if (!tcpKeepalive) return {};
  const { probes, timeSeconds, intervalSeconds } = tcpKeepalive;
  return {
    upstream_connection_options: {
      tcp_keepalive: {
        ...(probes ? { keepalive_probes: probes } : {}),
        ...(timeSeconds ? { keepalive_time: timeSeconds } : {}),
        ...(intervalSeconds ? { keepalive_interval: intervalSeconds } : {}),
      },
    },
  };
}

function tls({ tlsSettings }: RemoteService, host: string): Record<string, unknown> {
  const mode = tlsSettings?.mode ?? "DISABLE";
  if (!tlsSettings || mode === "DISABLE") return {};
  if (tlsSettings.credentialName)
    throw new XebecError(
      "invalid_argument",
      "PROXY_CONFIG.envoyMetricsService.tlsSettings.credentialName: only files are read here",
    );
  const { caCertificates, caCrl, clientCertificate, privateKey, subjectAltNames = [], sni } = tlsSettings;
  const names = subjectAltNames.flatMap((exact) =>
    ["DNS", "URI"].map((san_type) => ({ san_type, matcher: { exact } })),
  );
  const defaults = {
    ...(names.length > 0 ? { match_typed_subject_alt_names: names } : {}),
  };
  // Without a file, statistics go nowhere, and the proxy starts all the same.
  const file = (name: string): Secret => secret(`file-${name}`, "2s");
  // The agent reads the files again when they change, which Envoy would not do with those of its bootstrap.
  const validation = (roots: string, plain: Secret) => ({
    combined_validation_context: {
      default_validation_context: defaults,
      validation_context_sds_secret_config: caCrl ? file(`crl:${caCrl}~${roots}`) : plain,
    },
  });
  // Without roots of their own, servers are verified by those of the system.
  const roots = caCertificates || "system";
  const common =
    mode === "ISTIO_MUTUAL"
      ? {
          tls_certificate_sds_secret_configs: [secret("default")],
          ...validation("ROOTCA", secret("ROOTCA")),
        }
      : {
          ...(mode === "MUTUAL" && clientCertificate && privateKey
            ? {
                tls_certificate_sds_secret_configs: [file(`cert:${clientCertificate}~${privateKey}`)],
              }
            : {}),
          ...(tlsSettings.insecureSkipVerify ? {} : validation(roots, file(`root:${roots}`))),
        };
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        sni: sni || host,
        common_tls_context: { alpn_protocols: ["h2"], ...common },
      },
    },
  };
}
