import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { mergedAny, mergedMessage } from "@xebec/api-envoy";
import {
  type Cluster,
  Cluster_TransportSocketMatchSchema,
  ClusterSchema,
} from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { type Listener, ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import {
  type Filter,
  type FilterChain,
  FilterChainSchema,
  FilterSchema,
} from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { type RouteConfiguration, RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import {
  type Route,
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import {
  HttpConnectionManagerSchema,
  type HttpFilter,
  HttpFilterSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type {
  BuiltCluster,
  BuiltFilterChain,
  BuiltHttpFilter,
  BuiltListener,
  BuiltNetworkFilter,
  BuiltRoute,
  BuiltRouteConfiguration,
  BuiltVirtualHost,
} from "../../build/built.ts";
import { envoyApi } from "./compiled.ts";
import {
  builtCluster,
  builtFilterChain,
  builtHttpFilter,
  builtManager,
  builtNetworkFilter,
  builtRoute,
  builtVirtualHost,
  fieldsOf,
  managerIn,
} from "./from-message.ts";

// MERGE of each sort of piece. What a piece is made of stands beside it, so that it is appended and not encoded.

function merged<T extends DescMessage>(
  schema: T,
  fields: MessageInitShape<T>,
  value: MessageShape<T>,
): MessageShape<T> {
  return mergedMessage(schema, create(schema, fields), value, envoyApi());
}

const keep = <T extends { readonly configKeys: readonly string[] }>(
  { configKeys }: { configKeys: readonly string[] },
  built: T,
): T => ({
  ...built,
  configKeys,
});

/** TLS goes into the sockets of that name among those that endpoints choose from, where there are any. */
export function mergedCluster(target: BuiltCluster, value: Cluster): BuiltCluster {
  const { name, message } = target;
  const { transportSocket: socket } = value;
  const matches = message.transportSocketMatches ?? [];
  if (!socket || !matches.some(({ transportSocket }) => transportSocket?.name === socket.name))
    return keep(target, builtCluster(merged(ClusterSchema, { ...message, name }, value)));
  const config = socket.configType.case === "typedConfig" ? socket.configType.value : undefined;
  const transportSocketMatches = matches.map((each) => {
    const own = each.transportSocket;
    if (own?.name !== socket.name || !config || own.configType?.case !== "typedConfig")
      return create(Cluster_TransportSocketMatchSchema, each);
    const typed = mergedAny(own.configType.value as Any, config, envoyApi());
    return create(Cluster_TransportSocketMatchSchema, {
      ...fieldsOf(each),
      transportSocket: { ...fieldsOf(own), configType: { case: "typedConfig", value: typed } },
    });
  });
  const { transportSocket: _own, ...rest } = fieldsOf(value);
  const result = merged(
    ClusterSchema,
    { ...message, name, transportSocketMatches: [] },
    create(ClusterSchema, rest as MessageInitShape<typeof ClusterSchema>),
  );
  const built = builtCluster(result);
  return keep(target, {
    ...built,
    message: {
      ...built.message,
      transportSocketMatches: [...transportSocketMatches, ...result.transportSocketMatches],
    },
  });
}

export function mergedListener(target: BuiltListener, value: Listener): BuiltListener {
  const { filterChains, defaultFilterChain: last, ...own } = fieldsOf(value);
  const { name, ...message } = fieldsOf(
    merged(
      ListenerSchema,
      { ...target.message, name: target.name },
      create(ListenerSchema, own as MessageInitShape<typeof ListenerSchema>),
    ),
  );
  const { filterChains: _none, defaultFilterChain: _no, ...rest } = message;
  return {
    ...target,
    ...{ name, message: rest, filterChains: [...target.filterChains, ...filterChains.map(builtFilterChain)] },
    ...(last ? { defaultFilterChain: builtFilterChain(last) } : {}),
  };
}

export function mergedFilterChain(target: BuiltFilterChain, value: FilterChain): BuiltFilterChain {
  const { filters, ...own } = fieldsOf(value);
  const {
    name,
    filters: _none,
    ...message
  } = fieldsOf(
    merged(
      FilterChainSchema,
      { ...target.message, name: target.name },
      create(FilterChainSchema, own as MessageInitShape<typeof FilterChainSchema>),
    ),
  );
  return { ...target, name, message, filters: [...target.filters, ...filters.map(builtNetworkFilter)] };
}

/** A connection manager is merged as what it is; any other filter by its configuration. */
export function mergedNetworkFilter(target: BuiltNetworkFilter, value: Filter): BuiltNetworkFilter {
  const { http } = target;
  if (!http)
    return keep(target, builtNetworkFilter(merged(FilterSchema, { ...target.message, name: target.name }, value)));
  const config = value.configType.case === "typedConfig" ? managerIn(value.configType.value) : undefined;
  if (!config) return value.configType.case === undefined ? target : keep(target, builtNetworkFilter(value));
  const { httpFilters, ...own } = fieldsOf(config);
  const isOwnTable = own.routeSpecifier.case !== undefined;
  const manager = builtManager(
    merged(
      HttpConnectionManagerSchema,
      http.manager as MessageInitShape<typeof HttpConnectionManagerSchema>,
      create(HttpConnectionManagerSchema, own as MessageInitShape<typeof HttpConnectionManagerSchema>),
    ),
  );
  return {
    ...target,
    http: {
      manager: manager.manager,
      httpFilters: [...http.httpFilters, ...httpFilters.map(builtHttpFilter)],
      ...(isOwnTable ? (manager.routes ? { routes: manager.routes } : {}) : http.routes ? { routes: http.routes } : {}),
    },
  };
}

export function mergedHttpFilter(target: BuiltHttpFilter, value: HttpFilter): BuiltHttpFilter {
  return keep(target, builtHttpFilter(merged(HttpFilterSchema, { ...target.message, name: target.name }, value)));
}

export function mergedRouteConfiguration(
  target: BuiltRouteConfiguration,
  value: RouteConfiguration,
): BuiltRouteConfiguration {
  // Its virtual hosts are added to the table.
  const { virtualHosts: _added, name: _name, ...own } = fieldsOf(value);
  const {
    name,
    virtualHosts: _none,
    ...message
  } = fieldsOf(
    merged(
      RouteConfigurationSchema,
      { ...target.message, name: target.name },
      create(RouteConfigurationSchema, own as MessageInitShape<typeof RouteConfigurationSchema>),
    ),
  );
  return { ...target, name, message };
}

export function mergedVirtualHost(target: BuiltVirtualHost, value: VirtualHost): BuiltVirtualHost {
  const { routes, ...own } = fieldsOf(value);
  const result = builtVirtualHost(
    merged(
      VirtualHostSchema,
      { ...target.message, name: target.name, domains: [...target.domains] },
      create(VirtualHostSchema, own as MessageInitShape<typeof VirtualHostSchema>),
    ),
  );
  return { ...target, ...result, configKeys: target.configKeys, routes: [...target.routes, ...routes.map(builtRoute)] };
}

export function mergedRoute(target: BuiltRoute, value: Route): BuiltRoute {
  return keep(target, builtRoute(merged(RouteSchema, target.message, value)));
}
