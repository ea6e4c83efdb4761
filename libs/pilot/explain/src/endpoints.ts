import { type ConfigDump, type Json, list, object, string, typeOf } from "@xebec/pilot-proxy-config";
import type { RequestToExplain } from "./request.ts";
import type { ProxyView } from "./way.ts";

/** How a cluster finds whom it calls when it does not have them by itself: by the host of the request, or where the client wanted to go. */
export function foundAtRunTime(cluster: Json, { host }: Pick<RequestToExplain, "host">): string | undefined {
  if (string(object(cluster.cluster_type)?.name) === "envoy.clusters.dynamic_forward_proxy") {
    const [name = "", port = "80"] = host.split(":");
    return `${name}:${port}, looked up in DNS when it is called`;
  }
  return string(cluster.type) === "ORIGINAL_DST" ? "where the client wanted to go" : undefined;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Empty when it is healthy. */
  readonly health: string;
  readonly metadata: Json;
}

export function endpointsOf(dump: ConfigDump, cluster: Json): Endpoint[] {
  const name = string(object(cluster.eds_cluster_config)?.service_name) || string(cluster.name);
  const assignment = object(cluster.load_assignment) ?? dump.endpoints.find((each) => each.cluster_name === name);
  return list(assignment?.endpoints).flatMap((group) =>
    list(group.lb_endpoints).map((each) => {
      const socket = object(object(object(each.endpoint)?.address)?.socket_address) ?? {};
      const health = string(each.health_status);
      return {
        address: string(socket.address),
        port: Number(socket.port_value ?? 0),
        health: health === "" || health === "HEALTHY" || health === "UNKNOWN" ? "" : ` (${health.toLowerCase()})`,
        metadata: object(object(each.metadata)?.filter_metadata) ?? {},
      };
    }),
  );
}

/** Where the server sees the client. On the loopback network an address that is not bound to is 127.0.0.1. */
export function sourceAddress(cluster: Json, client: ProxyView, target: string): string {
  const bound = string(object(object(cluster.upstream_bind_config)?.source_address)?.address);
  return bound || (target.startsWith("127.") ? "127.0.0.1" : client.address);
}

/** The transport socket for an endpoint, by the matches of its cluster. */
export function transportOf(
  cluster: Json,
  metadata: Json,
): { readonly name: string; readonly detail: string; readonly isMutual: boolean } {
  const wanted = object(metadata["envoy.transport_socket_match"]) ?? {};
  const match = list(cluster.transport_socket_matches).find((each) =>
    Object.entries(object(each.match) ?? {}).every(([key, value]) => wanted[key] === value),
  );
  const socket = object(match?.transport_socket) ?? object(cluster.transport_socket);
  const config = object(socket?.typed_config);
  if (!socket || typeOf(config).endsWith("raw_buffer.v3.RawBuffer"))
    return { name: "plaintext", detail: "", isMutual: false };
  const common = object(config?.common_tls_context);
  const secret = string(list(common?.tls_certificate_sds_secret_configs)[0]?.name);
  const names = list(
    object(object(common?.combined_validation_context)?.default_validation_context)?.match_typed_subject_alt_names,
  ).map((each) => string(object(each.matcher)?.exact) || JSON.stringify(each.matcher));
  const isMutual = secret === "default";
  return {
    name: isMutual ? "mutual TLS" : "TLS",
    detail: names.length > 0 ? `the server is ${names.join(" or ")}` : "",
    isMutual,
  };
}
