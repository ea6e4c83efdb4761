import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import type { HttpRoute } from "@xebec/model-resources";
import type { BuiltExtensionConfig, BuiltHttpFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget } from "../../scope/workload.ts";
import type { HttpConnection } from "../connection.ts";

/**
 * Where a filter stands among the others, the first before all (docs/reference/pilot.md §4.6). Filters of users (EnvoyFilter,
 * WasmPlugin) come before, between or behind these phases.
 */
export const HTTP_FILTER_PHASES = [
  /** Notes what is told of every request, also of one that is refused. */
  "telemetry",
  /** An external authorizer that a policy names. */
  "customAuthorization",
  /** Who is the caller? */
  "authentication",
  /** May the caller do that? */
  "authorization",
  /** Mixer's check. */
  "policy",
  /** Makes other protocols of HTTP plain requests. */
  "protocol",
  /** What routes ask for: faults, CORS. */
  "traffic",
  /** What concerns the connection to the server. */
  "upstream",
  /** Sends the request on; nothing comes behind it. */
  "router",
] as const;

export type HttpFilterPhase = (typeof HTTP_FILTER_PHASES)[number];

/** A virtual host for which filters have settings. */
export interface VirtualHostTarget {
  readonly kind: "inbound";
  /** The port that is served. */
  readonly service: ServiceTarget;
}

/** A route for which filters have settings. */
export interface RouteTarget {
  /** The rule that it comes from; absent for the route of a service without rules. */
  readonly rule?: HttpRoute;
  /** The destinations that take its requests. */
  readonly destinations: readonly RouteDestination[];
}

export interface RouteDestination {
  readonly host: string;
  /** Empty for none. */
  readonly subset: string;
  readonly port: number;
}

/** Settings of filters for a route or a virtual host (`typed_per_filter_config`), by the name of the filter's entry. */
export type FilterSettings = Readonly<Record<string, Any>>;

/**
 * An HTTP filter: all that pilot makes for it stands in one file. Each part is a pure function of the scope and what it is for;
 * absent where the filter has nothing to say.
 */
export interface HttpFilter {
  /** The name of its entries, or what their names begin with. */
  readonly name: string;
  readonly phase: HttpFilterPhase;
  /** Its entry in the connection manager of a filter chain; undefined where it is not in it. */
  listener?(scope: Scope, connection: HttpConnection): BuiltHttpFilter | undefined;
  /** Access logs that it needs in the same connection manager. */
  accessLogs?(scope: Scope, connection: HttpConnection): MessageInitShape<typeof AccessLogSchema>[];
  /** Its settings for a virtual host. */
  virtualHost?(scope: Scope, host: VirtualHostTarget): FilterSettings | undefined;
  /** Its settings for a route. */
  route?(scope: Scope, route: RouteTarget): FilterSettings | undefined;
  /**
   * Its configuration by extension config discovery (ECDS), where its entry takes it from there (`discoveredFilter`).
   * @param name the name of an entry
   * @returns undefined for a name that is none of its own
   */
  extensionConfig?(scope: Scope, name: string): BuiltExtensionConfig | undefined;
}
