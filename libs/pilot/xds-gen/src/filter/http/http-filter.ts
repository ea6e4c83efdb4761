import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import type { HttpRoute } from "@xebec/model-resources";
import type { Built, BuiltExtensionConfig, BuiltHttpFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";
import type { HttpConnection } from "../connection.ts";

/**
 * The order of filters (docs/reference/pilot.md §4.6). Filters of EnvoyFilters are inserted before, between or after these phases.
 */
export const HTTP_FILTER_PHASES = [
  /** Collects what is reported about every request, including rejected ones. */
  "telemetry",
  /** External authorizers that policies name. */
  "customAuthorization",
  /** Plugins of the user before authentication. */
  "wasmAuthentication",
  /** Authenticates the caller. */
  "authentication",
  /** Plugins of the user before authorization. */
  "wasmAuthorization",
  /** Authorizes the request. */
  "authorization",
  /** Mixer's check. */
  "policy",
  /** All other plugins of the user. */
  "wasm",
  /** Translates other protocols, such as gRPC-Web. */
  "protocol",
  /** Traffic policies of routes: faults, CORS. */
  "traffic",
  /** Prepares the upstream connection. */
  "upstream",
  /** Forwards the request. It is the last filter. */
  "router",
] as const;

export type HttpFilterPhase = (typeof HTTP_FILTER_PHASES)[number];

/** A virtual host that filters may have settings for. */
export interface VirtualHostTarget {
  readonly kind: "inbound";
  /** The served port. */
  readonly service: ServiceTarget;
}

/** A route that filters may have settings for. */
export interface RouteTarget {
  /** The rule behind the route, whose key the route has already; absent for the default route of a service. */
  readonly rule?: HttpRoute;
  /** The destinations that receive its requests. */
  readonly destinations: readonly RouteDestination[];
}

export interface RouteDestination {
  readonly host: string;
  /** Empty for the whole service. */
  readonly subset: string;
  readonly port: number;
}

/** Settings of one filter for a route or a virtual host (`typed_per_filter_config`), with the keys of the objects behind them. */
export interface FilterSettings extends Built<Any> {
  /** The name of the filter's entry. */
  readonly name: string;
}

/**
 * An HTTP filter: everything that pilot generates for it is in one file. Each method is a pure function of the scope and its
 * argument; a filter implements the ones that it needs.
 */
export interface HttpFilter {
  /** The name of its entries, or the prefix of their names. */
  readonly name: string;
  readonly phase: HttpFilterPhase;
  /** Its entry, or entries, in the connection manager of a filter chain; undefined when it is not part of it. */
  listener?(scope: Scope, connection: HttpConnection): BuiltHttpFilter | readonly BuiltHttpFilter[] | undefined;
  /** The access logs that it needs in the same connection manager. */
  accessLogs?(scope: Scope, connection: HttpConnection): MessageInitShape<typeof AccessLogSchema>[];
  /** Its settings for a virtual host. */
  virtualHost?(scope: Scope, host: VirtualHostTarget): FilterSettings | undefined;
  /** Its settings for a route. */
  route?(scope: Scope, route: RouteTarget): FilterSettings | undefined;
  /**
   * Its configuration, for an entry that takes it by extension config discovery (`discoveredFilter`).
   * @param name the requested name
   * @returns undefined when the name belongs to another filter
   */
  extensionConfig?(scope: Scope, name: string): BuiltExtensionConfig | undefined;
}
