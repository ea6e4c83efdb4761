import { type Json, object, string } from "./dump.ts";
import { sorted } from "./table.ts";

/** The parts of a cluster's name (docs/reference/pilot.md §4.1). */
export interface ClusterName {
  readonly direction: string;
  readonly port: number | undefined;
  readonly subset: string;
  readonly host: string;
}

/** Parses `outbound|80|v1|reviews.default.svc.cluster.local`; undefined for any other name. */
export function parseClusterName(name: string): ClusterName | undefined {
  // The form of a name in SNI has `_.` and `_` where the usual one has `|`.
  const parts = name.includes("|") ? name.split("|") : (/^(\w+?)_\.(\d+)_\.(.*?)_\.(.*)$/.exec(name)?.slice(1) ?? []);
  const [direction, port, subset, host] = parts;
  if (parts.length !== 4 || direction === undefined || subset === undefined || host === undefined) return undefined;
  return { direction, port: Number(port) || undefined, subset, host };
}

/** Sorts by the parts of clusters' names as istioctl does: host, subset, port, direction. */
export function byCluster<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  const parts = new Map(items.map((item) => [item, parseClusterName(nameOf(item))]));
  return sorted(
    items,
    (item) => parts.get(item)?.host ?? nameOf(item),
    (item) => parts.get(item)?.subset ?? "",
    (item) => parts.get(item)?.port ?? 0,
    (item) => parts.get(item)?.direction ?? "",
  );
}

/** `NAME.NAMESPACE` of the Istio object that metadata names, such as a route's VirtualService; empty when there is none. */
export function sourceObject(resource: Json): string {
  const istio = object(object(object(resource.metadata)?.filter_metadata)?.istio);
  const found = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(string(istio?.config));
  return found ? `${found[2]}.${found[1]}` : "";
}

/** The address of a socket, pipe or internal listener. */
export function addressOf(address: unknown): { readonly host: string; readonly port: string } {
  const found = object(address);
  const socket = object(found?.socket_address);
  if (socket) return { host: string(socket.address), port: string(socket.port_value) || "0" };
  const pipe = object(found?.pipe);
  if (pipe) return { host: `unix://${string(pipe.path)}`, port: "0" };
  const internal = object(found?.envoy_internal_address);
  if (internal)
    return {
      host: `envoy://${string(internal.server_listener_name)}/${string(internal.endpoint_id)}`,
      port: "0",
    };
  return { host: "", port: "0" };
}
