import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import type { FilterChainSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { VirtualHostSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { HttpConnectionManagerSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type {
  BuiltFilterChain,
  BuiltHttpConnectionManager,
  BuiltListener,
  BuiltNetworkFilter,
  BuiltVirtualHost,
  FilterInit,
} from "../build/built.ts";

// Puts Envoy's messages together from the pieces that builders made.

export function virtualHostMessage(host: BuiltVirtualHost): MessageInitShape<typeof VirtualHostSchema> {
  const { name, domains, routes, message } = host;
  return { ...message, name, domains: [...domains], routes: routes.map((each) => each.message) };
}

export function listenerMessage(listener: BuiltListener): MessageInitShape<typeof ListenerSchema> {
  const { name, message, filterChains, defaultFilterChain: last } = listener;
  return {
    ...message,
    name,
    filterChains: filterChains.map(filterChainMessage),
    ...(last ? { defaultFilterChain: filterChainMessage(last) } : {}),
  };
}

export function filterChainMessage(chain: BuiltFilterChain): MessageInitShape<typeof FilterChainSchema> {
  const { name, message, filters } = chain;
  return { ...message, name, filters: filters.map(networkFilterMessage) };
}

/** Chains that differ in their match alone share their filters: each is encoded once. */
const filterMessages = new WeakMap<BuiltNetworkFilter, FilterInit>();

export function networkFilterMessage(filter: BuiltNetworkFilter): FilterInit {
  const { name, message, http } = filter;
  if (!http) return { ...message, name };
  let made = filterMessages.get(filter);
  if (!made) {
    made = { ...message, name, configType: { case: "typedConfig", value: httpConnectionManager(http) } };
    filterMessages.set(filter, made);
  }
  return made;
}

function httpConnectionManager({ manager, httpFilters, routes }: BuiltHttpConnectionManager) {
  return anyOf(HttpConnectionManagerSchema, {
    ...manager,
    httpFilters: httpFilters.map(({ name, message }) => ({ ...message, name })),
    ...(routes
      ? {
          routeSpecifier: {
            case: "routeConfig",
            value: { ...routes.message, name: routes.name, virtualHosts: routes.virtualHosts.map(virtualHostMessage) },
          },
        }
      : {}),
  });
}
