/** Runs the command behind it in a network namespace of its own, in which 127.0.0.0/8 and 10.0.0.0/8 are the machine's own. */
export const IN_NAMESPACE = [
  ...["unshare", "--map-root-user", "--net", "sh", "-c"],
  'ip link set lo up; ip route add local 10.0.0.0/8 dev lo; exec "$@"',
  "sh",
];

/**
 * A bootstrap that takes everything from one Unix socket: xDS and secrets.
 * @param own listeners of its own in place of those that the server has, and the port of the admin page
 */
export function bootstrap(
  node: { readonly id: string; readonly metadata: Record<string, unknown> },
  socket: string,
  own: { readonly listeners?: readonly unknown[]; readonly adminPort?: number } = {},
): unknown {
  const unix = (name: string, path: string) => ({
    name,
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  });
  const ads = { ads: {}, resource_api_version: "V3" };
  return {
    node: { ...node, cluster: "test" },
    ...(own.adminPort === undefined
      ? {}
      : { admin: { address: { socket_address: { address: "127.0.0.1", port_value: own.adminPort } } } }),
    static_resources: {
      clusters: [unix("xds-grpc", socket), unix("sds-grpc", socket)],
      listeners: own.listeners ?? [],
    },
    dynamic_resources: {
      ads_config: {
        api_type: "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
      cds_config: ads,
      ...(own.listeners ? {} : { lds_config: ads }),
    },
  };
}
