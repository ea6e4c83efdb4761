import { fromBinary, type Message, type Registry, toJson } from "@bufbuild/protobuf";
import { escapeLine } from "@xebec/core-log";
import { spiffeId } from "@xebec/model-names";
import { type EncodedResource, SHORT_NAME, TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";
import type { Connection } from "../connection/connection.ts";
import type { XdsServer } from "../server/xds-server.ts";

const TYPES: readonly XdsType[] = ["cluster", "listener", "route", "endpoint", "extensionconfig"];

export interface SyncStatus {
  readonly proxy: string;
  readonly proxy_type: string;
  readonly istio_version: string;
  readonly cluster_id: string;
  /** False for a client of the plaintext port: it may be anybody, and what it refuses says nothing of the configuration. */
  readonly authenticated: boolean;
  readonly [versions: `${string}_${"sent" | "acked"}`]: string;
  readonly resources: Readonly<Record<string, { sent: string; acked: string; sent_time: string; last_error: string }>>;
}

/** What each proxy was sent and accepted: `/debug/syncz` and the bus request `proxies` (docs/reference/pilot.md §6.4). */
export function syncStatus(connection: Connection): SyncStatus {
  const { proxy } = connection;
  const versions: Record<string, string> = {};
  const resources: Record<string, SyncStatus["resources"][string]> = {};
  for (const type of TYPES) {
    const sub = connection.subscriptions.get(type);
    versions[`${type}_sent`] = sub?.nonce ?? "";
    versions[`${type}_acked`] = sub?.ackedNonce ?? "";
    if (sub)
      resources[TYPE_URL[type]] = {
        sent: sub.nonce,
        acked: sub.ackedNonce,
        sent_time: sub.sentAt ? new Date(sub.sentAt).toISOString() : "",
        last_error: sub.lastError,
      };
  }
  return {
    proxy: `${proxy.pod}.${proxy.namespace}`,
    proxy_type: proxy.type,
    istio_version: proxy.istioVersion,
    cluster_id: connection.clusterId,
    authenticated: connection.authenticated,
    ...versions,
    resources,
  };
}

/**
 * The newest connection of a proxy; one that is authenticated rather than one that only says so. @param id
 * `POD.NAMESPACE`, or a whole node id
 */
export function connectionOf(server: XdsServer, id: string): Connection | undefined {
  let found: Connection | undefined;
  for (const each of server.connections)
    if (`${each.proxy.pod}.${each.proxy.namespace}` === id || each.proxy.id === id)
      if (!found?.authenticated || each.authenticated) found = each;
  return found;
}

/**
 * What a proxy was sent last, in the form of Envoy's own `/config_dump`.
 * @param types CDS, LDS, RDS, ECDS, EDS; all when empty, but endpoints
 * @param withEndpoints endpoints too, which are most of it, and what Envoy leaves out unless it is asked for them
 */
export async function configDump(
  connection: Connection,
  types: readonly string[],
  withEndpoints: boolean,
): Promise<unknown> {
  const registry = await wholeApi();
  const wanted = (type: XdsType): boolean =>
    types.some((each) => each.toLowerCase() === SHORT_NAME[type]) ||
    (type === "endpoint" ? withEndpoints : types.length === 0);
  const dump = (type: XdsType): unknown[] =>
    [...(connection.subscriptions.get(type)?.sent.resources.values() ?? [])].map((each) =>
      decoded(type, each.bytes, each.version, registry),
    );
  const section = (name: string, fields: Record<string, unknown>) => ({
    "@type": `type.googleapis.com/envoy.admin.v3.${name}`,
    ...fields,
  });
  return {
    configs: [
      ...(wanted("cluster")
        ? [section("ClustersConfigDump", { dynamic_active_clusters: dump("cluster").map((cluster) => ({ cluster })) })]
        : []),
      ...(wanted("listener")
        ? [
            section("ListenersConfigDump", {
              dynamic_listeners: dump("listener").map((listener) => ({ active_state: { listener } })),
            }),
          ]
        : []),
      ...(wanted("route")
        ? [
            section("RoutesConfigDump", {
              dynamic_route_configs: dump("route").map((route_config) => ({ route_config })),
            }),
          ]
        : []),
      ...(wanted("extensionconfig")
        ? [
            section("EcdsConfigDump", {
              ecds_filters: dump("extensionconfig").map((ecds_filter) => ({ ecds_filter })),
            }),
          ]
        : []),
      ...(wanted("endpoint")
        ? [
            section("EndpointsConfigDump", {
              dynamic_endpoint_configs: dump("endpoint").map((endpoint_config) => ({ endpoint_config })),
            }),
          ]
        : []),
    ],
  };
}

/** The endpoints that proxies watch, each once, as they were sent. @param connections of all proxies, or of one */
export async function watchedEndpoints(connections: Iterable<Connection>): Promise<unknown[]> {
  const registry = await wholeApi();
  const found = new Map<string, EncodedResource>();
  for (const { subscriptions } of connections)
    for (const each of subscriptions.get("endpoint")?.sent.resources.values() ?? [])
      found.set(`${each.name} ${each.version}`, each);
  return [...found.values()].map((each) => decoded("endpoint", each.bytes, each.version, registry));
}

/** Only debug pages need the whole API; it takes a second to load. */
async function wholeApi(): Promise<Registry> {
  return (await import("@xebec/api-envoy/registry")).registry;
}

function decoded(type: XdsType, bytes: Uint8Array, version: string, registry: Registry): unknown {
  const typeName = TYPE_URL[type].replace("type.googleapis.com/", "");
  const schema = registry.getMessage(typeName);
  if (!schema || bytes.length === 0) return { "@type": TYPE_URL[type], version };
  const message: Message = fromBinary(schema, bytes);
  return { "@type": TYPE_URL[type], ...(toJson(schema, message, { registry, useProtoFieldName: true }) as object) };
}

/** The endpoints of every service, for `/debug/endpointz`. @param brief one line of text each, as Istio 1.1 */
export function endpointStatus(server: XdsServer, brief: boolean): unknown {
  const snapshot = server.generator?.snapshot;
  if (!snapshot) return brief ? "" : [];
  const services = [...snapshot.services.values()].flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  const all = services.flatMap((service) =>
    service.ports.map((port) => ({
      svc: `${service.host}:${port.name}`,
      ep: (snapshot.endpoints.get(service.id) ?? [])
        .filter((endpoint) => endpoint.ports[port.name] !== undefined)
        .map((endpoint) => ({
          endpoint: {
            Address: endpoint.address,
            Port: endpoint.ports[port.name],
            ServicePort: { name: port.name, port: port.number, protocol: port.protocol },
            Locality: endpoint.locality,
            LbWeight: endpoint.weight,
          },
          labels: endpoint.labels,
          serviceaccount: endpoint.serviceAccount
            ? spiffeId({ trustDomain: snapshot.mesh.trustDomain, ...endpoint.serviceAccount })
            : "",
        })),
    })),
  );
  if (!brief) return all;
  const lines = all.flatMap(({ svc, ep }) =>
    ep.map(
      (each) =>
        `${svc} TCP ${each.endpoint.Address}:${each.endpoint.Port} ${JSON.stringify(each.labels)} ${each.serviceaccount}`,
    ),
  );
  return `${lines.map(escapeLine).join("\n")}\n`;
}
