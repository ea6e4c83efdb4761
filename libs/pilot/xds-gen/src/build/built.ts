import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { LbEndpointSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint_components";
import type { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { FilterChainSchema, FilterSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { RouteSchema, VirtualHostSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type {
  HttpConnectionManagerSchema,
  HttpFilterSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";

// What builders return: Envoy's messages before they are encoded, in the pieces at which patches apply, each with the configuration
// objects that it came from. Nothing here is changed once it is made: a builder's pieces may be shared.

/**
 * A message, or the initial fields of one, and where it came from.
 * @template M the message without its name and without the pieces that stand beside it
 */
export interface Built<M> {
  readonly message: M;
  /** Keys of the configuration objects that it came from (`keyOf`), without those of the pieces that it is made of. */
  readonly configKeys: readonly string[];
}

type Init<M extends object, Apart extends string = never> = Omit<M, Apart | "$typeName" | "$unknown">;

export type ClusterInit = MessageInitShape<typeof ClusterSchema>;
export type RouteInit = Init<MessageInitShape<typeof RouteSchema>>;
export type FilterInit = MessageInitShape<typeof FilterSchema>;
export type HttpFilterInit = MessageInitShape<typeof HttpFilterSchema>;

export interface BuiltCluster extends Built<Init<ClusterInit, "name">> {
  readonly name: string;
}

export interface BuiltRoute extends Built<RouteInit> {}

export interface BuiltVirtualHost
  extends Built<Init<MessageInitShape<typeof VirtualHostSchema>, "name" | "domains" | "routes">> {
  readonly name: string;
  /** In the order in which they are claimed: within a table a domain belongs to the first virtual host that names it. */
  readonly domains: readonly string[];
  readonly routes: readonly BuiltRoute[];
}

/** A route table without its virtual hosts. */
export interface BuiltRouteConfiguration
  extends Built<Init<MessageInitShape<typeof RouteConfigurationSchema>, "name" | "virtualHosts">> {
  readonly name: string;
}

/** A route table that is part of a listener. */
export interface BuiltInlineRouteConfiguration extends BuiltRouteConfiguration {
  readonly virtualHosts: readonly BuiltVirtualHost[];
}

export interface BuiltHttpFilter extends Built<Init<HttpFilterInit, "name">> {
  readonly name: string;
}

export interface BuiltNetworkFilter extends Built<Init<FilterInit, "name">> {
  readonly name: string;
  /** For an HTTP connection manager, whose `message` has no configuration: it is put together from this. */
  readonly http?: BuiltHttpConnectionManager;
}

export interface BuiltHttpConnectionManager {
  /** With its route specifier, unless `routes` is given. */
  readonly manager: Init<MessageInitShape<typeof HttpConnectionManagerSchema>, "httpFilters">;
  readonly httpFilters: readonly BuiltHttpFilter[];
  readonly routes?: BuiltInlineRouteConfiguration;
}

export interface BuiltFilterChain extends Built<Init<MessageInitShape<typeof FilterChainSchema>, "name" | "filters">> {
  /** May be empty. */
  readonly name: string;
  readonly filters: readonly BuiltNetworkFilter[];
}

export interface BuiltListener
  extends Built<Init<MessageInitShape<typeof ListenerSchema>, "name" | "filterChains" | "defaultFilterChain">> {
  readonly name: string;
  readonly filterChains: readonly BuiltFilterChain[];
  readonly defaultFilterChain?: BuiltFilterChain;
}

/** The configuration of a filter that listeners refer to by its name. */
export interface BuiltExtensionConfig extends Built<Any> {
  readonly name: string;
}

/** An endpoint at one of its ports. The same object as long as the endpoint does not change, so that its bytes are made once. */
export interface BuiltEndpoint {
  /** Made when it is wanted, and not kept: there may be ten thousands. */
  message(): MessageInitShape<typeof LbEndpointSchema>;
}

export interface BuiltLocality {
  /** `region/zone/subzone`. */
  readonly locality: string;
  readonly endpoints: readonly BuiltEndpoint[];
  /** Its share among the localities of its priority. */
  readonly weight: number;
  /** 0 goes first. */
  readonly priority: number;
}

export interface BuiltLoadAssignment {
  readonly clusterName: string;
  readonly localities: readonly BuiltLocality[];
  readonly configKeys: readonly string[];
}
