import type { HostPort } from "@xebec/core-config";

/**
 * A secret that the agent serves.
 * @param wait how long Envoy waits for it; without end where nothing could be done without it
 */
export function secret(name: string, wait = "0s") {
  return {
    name,
    sds_config: {
      resource_api_version: "V3",
      initial_fetch_timeout: wait,
      api_config_source: {
        api_type: "GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: "sds-grpc", retry_policy: QUICK_RETRY } }],
      },
    },
  };
}

/** Envoy's own back-off grows to 30 s, which is too long after a restart of the other side. */
export const QUICK_RETRY = { retry_back_off: { base_interval: "0.1s", max_interval: "1s" } };

export function socket({ host, port }: HostPort) {
  return { socket_address: { address: host, port_value: port } };
}
