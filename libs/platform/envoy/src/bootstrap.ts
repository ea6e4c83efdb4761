import { clusterManager, staticClusters } from "./bootstrap-clusters.ts";
import { QUICK_RETRY, socket } from "./bootstrap-parts.ts";
import { envoyNode } from "./node.ts";
import { adminAddress, bindAddress, type ProxySettings } from "./proxy-settings.ts";
import { statsConfig } from "./stats-config.ts";
import { statsSinks } from "./stats-sinks.ts";

const NO_LIMIT = 2_147_483_647;

/**
 * Every thread shows Envoy's watchdogs that it is alive, several times within the time that they allow: with their
 * default of 200 ms that wakes a proxy at rest thirty times a second. They only count what they miss.
 */
const QUIET_WATCHDOG = { miss_timeout: "2s", megamiss_timeout: "10s" };

/** Compression of statistics, for those who ask for it; the best one is asked first. */
const COMPRESSORS = ["brotli", "zstd", "gzip"].map((name) => ({
  name: `envoy.filters.http.compressor.${name}`,
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor",
    compressor_library: {
      name: "text_optimized",
      typed_config: {
        "@type": `type.googleapis.com/envoy.extensions.compression.${name}.compressor.v3.${name[0]?.toUpperCase()}${name.slice(1)}`,
      },
    },
  },
}));

/**
 * Envoy's bootstrap in proto3 JSON (docs/reference/pilot.md §7.3). Differences from Istio's: pilot is dialled by Envoy
 * itself with secrets from the agent, so that nothing depends on the agent once they are there; readiness on 15021 is
 * Envoy's own, so that a pod stays ready while its agent is replaced; retries to pilot pause at most one second.
 * @throws XebecError invalid_argument for a setting that cannot be used
 */
export function renderBootstrap(settings: ProxySettings): Record<string, unknown> {
  const sinks = statsSinks(settings);
  return {
    node: envoyNode(settings),
    admin: {
      profile_path: "/dev/null",
      address: socket({ host: adminAddress(settings), port: settings.proxyConfig.proxyAdminPort }),
      ignore_global_conn_limit: true,
    },
    layered_runtime: {
      layers: [
        {
          name: "global config",
          static_layer: runtimeOf(settings),
        },
        { name: "admin", admin_layer: {} },
      ],
    },
    overload_manager: {
      resource_monitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            max_active_downstream_connections: Number(
              settings.env.ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS ?? NO_LIMIT,
            ),
          },
        },
      ],
    },
    stats_config: statsConfig(settings),
    ...(sinks.length > 0 ? { stats_sinks: sinks } : {}),
    stats_flush_interval: "5s",
    watchdogs: { main_thread_watchdog: QUIET_WATCHDOG, worker_watchdog: QUIET_WATCHDOG },
    bootstrap_extensions: [
      {
        name: "envoy.bootstrap.internal_listener",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
        },
      },
    ],
    cluster_manager: clusterManager(settings),
    dynamic_resources: dynamicResources(settings),
    static_resources: {
      clusters: staticClusters(settings),
      listeners: [
        // Clients may ask for parts only: `?filter=` and `?usedonly` are passed on.
        ownListener(settings, settings.envoyPrometheusPort, "/stats/prometheus", "/stats/prometheus"),
        ownListener(settings, settings.envoyStatusPort, "/healthz/ready", "/ready"),
      ],
    },
  };
}

/** Envoy's runtime: what Istio sets, and the user's own values; an empty one takes a value away. */
function runtimeOf({ proxyConfig: { runtimeValues } }: ProxySettings): Record<string, unknown> {
  const all = {
    "re2.max_program_size.error_level": "32768",
    "envoy.reloadable_features.http_reject_path_with_fragment": "false",
    ...runtimeValues,
  };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name, plainValue(value)]),
  );
}

/** A number or a truth value where a text is one. */
function plainValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function dynamicResources({ env }: ProxySettings): Record<string, unknown> {
  const ads = { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" };
  return {
    lds_config: ads,
    cds_config: ads,
    ads_config: {
      api_type: env.ISTIO_DELTA_XDS === "false" ? "GRPC" : "DELTA_GRPC",
      set_node_on_first_message_only: true,
      transport_api_version: "V3",
      grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc", retry_policy: QUICK_RETRY } }],
    },
  };
}

function ownListener(settings: ProxySettings, port: number, path: string, adminPath: string): Record<string, unknown> {
  return {
    // Without a shared port: a second Envoy on the same address must fail, not take half of the connections.
    enable_reuse_port: false,
    ignore_global_conn_limit: true,
    address: socket({ host: bindAddress(settings), port }),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              codec_type: "AUTO",
              stat_prefix: path.includes("stats") ? "stats" : "agent",
              route_config: {
                virtual_hosts: [
                  {
                    name: "backend",
                    domains: ["*"],
                    routes: [
                      { match: { prefix: path }, route: { cluster: "prometheus_stats", prefix_rewrite: adminPath } },
                    ],
                  },
                ],
              },
              http_filters: [
                ...(settings.proxyConfig.statsCompression && path.includes("stats") ? COMPRESSORS : []),
                {
                  name: "envoy.filters.http.router",
                  typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}
