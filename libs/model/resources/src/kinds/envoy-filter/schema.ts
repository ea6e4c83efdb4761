import {
  enumeration,
  field,
  int32,
  list,
  map,
  message,
  type Static,
  string,
  struct,
  uint32,
  unsupported,
} from "@xebec/model-schema";
import { PolicyTargetReference } from "../shared/policy-target.ts";
import { Labels } from "../shared/shapes.ts";

const portNumber = () =>
  field(uint32({ maximum: 65_535 }), "The port: of a cluster's service, of a listener, or of the route table.");
const name = (what: string) => field(string(), what);

const FilterMatch = message("EnvoyFilter.ListenerMatch.FilterMatch", {
  name: name("The network filter, such as `envoy.filters.network.http_connection_manager`."),
  subFilter: field(
    message("EnvoyFilter.ListenerMatch.SubFilterMatch", {
      name: name("The HTTP filter, such as `envoy.filters.http.router`."),
    }),
    "The HTTP filter inside the connection manager.",
  ),
});

const FilterChainMatch = message("EnvoyFilter.ListenerMatch.FilterChainMatch", {
  name: name("The filter chain's name."),
  sni: field(string(), "A server name (SNI) that the chain matches."),
  transportProtocol: field(string(), "The transport protocol that the chain matches: `tls` or `raw_buffer`."),
  applicationProtocols: field(string(), "Application protocols that the chain matches, with commas between them."),
  destinationPort: field(uint32({ maximum: 65_535 }), "The destination port that the chain matches."),
  filter: field(FilterMatch, "A filter of the chain."),
});

const ListenerMatch = message("EnvoyFilter.ListenerMatch", {
  portNumber: portNumber(),
  portName: name("The name of a Gateway's port."),
  name: name("The listener's name, such as `virtualInbound`."),
  listenerFilter: field(string(), "A listener filter, such as `envoy.filters.listener.tls_inspector`."),
  filterChain: field(FilterChainMatch, "A filter chain."),
});
export type ListenerMatch = Static<typeof ListenerMatch>;

const RouteConfigurationMatch = message("EnvoyFilter.RouteConfigurationMatch", {
  portNumber: portNumber(),
  portName: name("The name of a Gateway's port."),
  gateway: field(string(), "A Gateway, as `NAMESPACE/NAME`."),
  name: name("The route table's name."),
  vhost: field(
    message("EnvoyFilter.RouteConfigurationMatch.VirtualHostMatch", {
      name: name("The virtual host's name, `HOST:PORT`."),
      domainName: field(string(), "A domain of the virtual host."),
      route: field(
        message("EnvoyFilter.RouteConfigurationMatch.RouteMatch", {
          name: name("The route's name: that of the VirtualService's rule."),
          action: field(enumeration(["ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE"]), "What the route does.", {
            default: "ANY",
          }),
        }),
        "A route of the virtual host.",
      ),
    }),
    "A virtual host.",
  ),
});
export type RouteConfigurationMatch = Static<typeof RouteConfigurationMatch>;

const ClusterMatch = message("EnvoyFilter.ClusterMatch", {
  portNumber: portNumber(),
  service: field(string(), "The full name of the cluster's service."),
  subset: field(string(), "The cluster's subset."),
  name: name("The cluster's name. Then nothing else counts."),
});
export type ClusterMatch = Static<typeof ClusterMatch>;

const ProxyMatch = message("EnvoyFilter.ProxyMatch", {
  proxyVersion: field(string(), "A regular expression (RE2) for the proxy's version."),
  metadata: field(map(string()), "Metadata of the proxy's node: all of these have these values."),
});
export type ProxyMatch = Static<typeof ProxyMatch>;

const Match = message("EnvoyFilter.EnvoyConfigObjectMatch", {
  context: field(
    enumeration(["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"]),
    "Where it applies: at sidecars on the way in or out, or at gateways.",
    { default: "ANY" },
  ),
  proxy: field(ProxyMatch, "Which proxies it is for."),
  listener: field(ListenerMatch, "Which listeners, filter chains and filters it is for."),
  routeConfiguration: field(RouteConfigurationMatch, "Which route tables, virtual hosts and routes it is for."),
  cluster: field(ClusterMatch, "Which clusters it is for."),
  waypoint: field(
    message("EnvoyFilter.WaypointMatch", {
      portNumber: portNumber(),
      filter: field(FilterMatch, "A filter."),
      route: field(message("EnvoyFilter.WaypointMatch.RouteMatch", { name: name("The route's name.") }), "A route."),
    }),
    "For waypoints of Istio's ambient mode.",
    { noEffect: "there are no waypoints" },
  ),
});
export type EnvoyFilterMatch = Static<typeof Match>;

const APPLY_TO = [
  ...(["INVALID", "LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER", "ROUTE_CONFIGURATION"] as const),
  ...(["VIRTUAL_HOST", "HTTP_ROUTE", "CLUSTER", "EXTENSION_CONFIG", "BOOTSTRAP", "LISTENER_FILTER"] as const),
] as const;

const Patch = message("EnvoyFilter.Patch", {
  operation: field(
    enumeration([
      ...(["INVALID", "MERGE", "ADD", "REMOVE", "INSERT_BEFORE", "INSERT_AFTER", "INSERT_FIRST", "REPLACE"] as const),
    ]),
    "What is done.",
  ),
  value: field(struct(), "The object, or the part of it that changes, in Envoy's JSON."),
  filterClass: field(enumeration(["UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"]), "Where a filter is inserted.", {
    noEffect: "filters are inserted by operation and match, as in Istio",
  }),
});

const ConfigPatch = message("EnvoyFilter.EnvoyConfigObjectPatch", {
  applyTo: field(enumeration(APPLY_TO), "What is changed."),
  match: field(Match, "Where it is changed.", { defaultText: "everywhere" }),
  patch: field(Patch, "How it is changed."),
});
export type EnvoyConfigPatch = Static<typeof ConfigPatch>;
export type EnvoyFilterApplyTo = Exclude<NonNullable<EnvoyConfigPatch["applyTo"]>, "INVALID">;

export const EnvoyFilterSpec = message(
  "EnvoyFilter",
  {
    workloadSelector: field(
      message("WorkloadSelector", { labels: field(Labels, "A workload is selected when it has all of these labels.") }),
      "The workloads of the namespace that the object is for.",
      { defaultText: "all of the namespace; in the root namespace all of the mesh" },
    ),
    targetRefs: field(list(PolicyTargetReference), "The Gateways of the Gateway API that the object is for."),
    configPatches: field(list(ConfigPatch), "The changes, in the order in which they are made."),
    priority: field(
      int32(),
      "Objects with a lower priority come first; of equal ones the root namespace's, then the oldest.",
      {
        default: 0,
      },
    ),
  },
  {
    unsupported: unsupported("", {
      filters:
        "write configPatches: applyTo HTTP_FILTER or NETWORK_FILTER, listenerMatch as match.listener, insertPosition as patch.operation, filterName and filterConfig as patch.value with name and typed_config",
      workloadLabels: "write workloadSelector.labels",
    }),
  },
);
export type EnvoyFilterSpec = Static<typeof EnvoyFilterSpec>;
