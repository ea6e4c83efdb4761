import { fromBinary, type MessageShape } from "@bufbuild/protobuf";
import type { Cluster } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { TypedExtensionConfig } from "@xebec/api-envoy/envoy/config/core/v3/extension";
import type { Listener } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { Filter, FilterChain } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { Route, VirtualHost } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type {
  BuiltCluster,
  BuiltExtensionConfig,
  BuiltFilterChain,
  BuiltHttpConnectionManager,
  BuiltHttpFilter,
  BuiltListener,
  BuiltNetworkFilter,
  BuiltRoute,
  BuiltVirtualHost,
} from "../../build/built.ts";

// Envoy's messages in the pieces that builders make, so that further patches reach them. The object that a patch is of is added to
// the keys where the patch is applied.

const NO_KEYS: readonly string[] = [];

/** The fields of a message: what a builder would give. */
export function fieldsOf<M extends object>(message: M): Omit<M, "$typeName" | "$unknown"> {
  const {
    $typeName: _type,
    $unknown: _unknown,
    ...fields
  } = message as M & { $typeName?: unknown; $unknown?: unknown };
  return fields as Omit<M, "$typeName" | "$unknown">;
}

export function builtCluster(message: Cluster): BuiltCluster {
  const { name, ...fields } = fieldsOf(message);
  return { name, message: fields, configKeys: NO_KEYS };
}

export function builtListener(message: Listener): BuiltListener {
  const { name, filterChains, defaultFilterChain: last, ...fields } = fieldsOf(message);
  return {
    ...{ name, message: fields, filterChains: filterChains.map(builtFilterChain), configKeys: NO_KEYS },
    ...(last ? { defaultFilterChain: builtFilterChain(last) } : {}),
  };
}

export function builtFilterChain(message: FilterChain): BuiltFilterChain {
  const { name, filters, ...fields } = fieldsOf(message);
  return { name, message: fields, filters: filters.map(builtNetworkFilter), configKeys: NO_KEYS };
}

export function builtNetworkFilter(message: Filter): BuiltNetworkFilter {
  const { name, configType, ...fields } = fieldsOf(message);
  const manager = configType.case === "typedConfig" ? managerIn(configType.value) : undefined;
  if (manager) return { name, message: fields, http: builtManager(manager), configKeys: NO_KEYS };
  return { name, message: { ...fields, configType }, configKeys: NO_KEYS };
}

/** The HTTP connection manager that an Any holds, if it is one. */
export function managerIn(any: {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}): HttpConnectionManager | undefined {
  return any.typeUrl.endsWith(`/${HttpConnectionManagerSchema.typeName}`)
    ? fromBinary(HttpConnectionManagerSchema, any.value)
    : undefined;
}

export function builtManager(message: MessageShape<typeof HttpConnectionManagerSchema>): BuiltHttpConnectionManager {
  const { httpFilters, routeSpecifier, ...manager } = fieldsOf(message);
  const filters = httpFilters.map(builtHttpFilter);
  if (routeSpecifier.case !== "routeConfig") return { manager: { ...manager, routeSpecifier }, httpFilters: filters };
  const { name, virtualHosts, ...table } = fieldsOf(routeSpecifier.value);
  return {
    manager,
    httpFilters: filters,
    routes: { name, message: table, virtualHosts: virtualHosts.map(builtVirtualHost), configKeys: NO_KEYS },
  };
}

export function builtHttpFilter(message: HttpFilter): BuiltHttpFilter {
  const { name, ...fields } = fieldsOf(message);
  return { name, message: fields, configKeys: NO_KEYS };
}

export function builtVirtualHost(message: VirtualHost): BuiltVirtualHost {
  const { name, domains, routes, ...fields } = fieldsOf(message);
  return { name, domains, routes: routes.map(builtRoute), message: fields, configKeys: NO_KEYS };
}

export function builtRoute(message: Route): BuiltRoute {
  return { message: fieldsOf(message), configKeys: NO_KEYS };
}

export function builtExtensionConfig({ name, typedConfig }: TypedExtensionConfig): BuiltExtensionConfig {
  if (!typedConfig) throw new Error(`the extension config ${name} has no typed_config`);
  return { name, message: typedConfig, configKeys: NO_KEYS };
}
