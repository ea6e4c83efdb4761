// A small dump, in the form in which Envoy writes it.
const ISTIO = "/apis/networking.istio.io/v1alpha3/namespaces/default";
const source = (kind: string, name: string) => ({
  metadata: { filter_metadata: { istio: { config: `${ISTIO}/${kind}/${name}` } } },
});
const socket = (address: string, port_value: number) => ({ socket_address: { address, port_value } });
const any = (type: string, fields: object) => ({ "@type": `type.googleapis.com/envoy.${type}`, ...fields });
const http = (fields: object) => ({
  name: "hcm",
  typed_config: any("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", fields),
});
const tcp = (fields: object) => ({
  name: "tcp",
  typed_config: any("extensions.filters.network.tcp_proxy.v3.TcpProxy", fields),
});
const dump = (type: string, fields: object) => any(`admin.v3.${type}ConfigDump`, fields);

export const listener = {
  name: "virtualOutbound",
  address: socket("0.0.0.0", 15_001),
  filter_chains: [
    { filter_chain_match: { destination_port: 15_001 }, filters: [tcp({ cluster: "BlackHoleCluster" })] },
    {
      filter_chain_match: {
        server_names: ["a.example.com", "b.example.com"],
        transport_protocol: "tls",
        prefix_ranges: [{ address_prefix: "10.0.0.1", prefix_len: 32 }],
      },
      filters: [tcp({ weighted_clusters: { clusters: [{ name: "outbound|443||a" }, { name: "outbound|443||b" }] } })],
    },
    {
      filter_chain_match: { application_protocols: ["http/1.0", "http/1.1", "h2c"], transport_protocol: "raw_buffer" },
      filters: [http({ rds: { route_config_name: "80" } })],
    },
  ],
  default_filter_chain: {
    filters: [
      http({ route_config: { virtual_hosts: [{ routes: [{ match: { prefix: "/" } }, { match: { path: "/x" } }] }] } }),
    ],
  },
};

export const TEXT = JSON.stringify({
  configs: [
    dump("Clusters", {
      static_clusters: [{ cluster: { name: "agent" } }],
      dynamic_active_clusters: [
        {
          cluster: {
            name: "outbound|80|v1|web.default.svc.cluster.local",
            type: "EDS",
            ...source("destination-rule", "web"),
          },
        },
        { cluster: { name: "outbound|80||web.default.svc.cluster.local", type: "EDS" } },
        { cluster: { name: "inbound|8080||", type: "ORIGINAL_DST" } },
      ],
    }),
    dump("Listeners", { dynamic_listeners: [{ name: "virtualOutbound", active_state: { listener } }] }),
    dump("Routes", {
      static_route_configs: [{ route_config: { name: "", virtual_hosts: [{ name: "backend", domains: ["*"] }] } }],
      dynamic_route_configs: [
        {
          route_config: {
            name: "80",
            virtual_hosts: [
              {
                name: "web.default.svc.cluster.local:80",
                domains: [
                  ...["web.default.svc.cluster.local", "web.default.svc.cluster.local:80", "web", "web:80"],
                  ...["web.default.svc", "web.default", "10.0.0.2"],
                ],
                routes: [
                  {
                    match: {
                      path_separated_prefix: "/api",
                      headers: [{ name: "end-user", string_match: { exact: "jason" } }],
                    },
                    route: { cluster: "outbound|80|v1|web.default.svc.cluster.local" },
                    ...source("virtual-service", "web"),
                  },
                ],
              },
              {
                name: "allow_any",
                domains: ["*"],
                routes: [{ match: { prefix: "/" }, route: { cluster: "PassthroughCluster" } }],
              },
            ],
          },
        },
      ],
    }),
    dump("Endpoints", {
      dynamic_endpoint_configs: [
        {
          endpoint_config: {
            cluster_name: "outbound|80||web.default.svc.cluster.local",
            endpoints: [
              {
                locality: { region: "r1", zone: "z1" },
                lb_endpoints: [
                  { endpoint: { address: socket("10.1.0.2", 8080) }, health_status: "HEALTHY" },
                  { endpoint: { address: { pipe: { path: "/tmp/s" } } }, health_status: "DRAINING" },
                ],
              },
            ],
          },
        },
      ],
    }),
    dump("Ecds", { ecds_filters: [{ ecds_filter: { name: "a", typed_config: any("x.HttpFilter", {}) } }] }),
    // Envoy lists network filters by themselves.
    dump("Ecds", { ecds_filters: [{ ecds_filter: { name: "b", typed_config: any("x.NetworkFilter", {}) } }] }),
  ],
});
