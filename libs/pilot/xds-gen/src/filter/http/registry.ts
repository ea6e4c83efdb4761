import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import type { BuiltExtensionConfig, BuiltHttpFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { HttpConnection } from "../connection.ts";
import { alpn } from "./alpn.ts";
import { authorization } from "./authorization.ts";
import { cors } from "./cors.ts";
import { customAuthorization } from "./custom-authorization.ts";
import { dynamicForwardProxy } from "./dynamic-forward-proxy.ts";
import { fault } from "./fault.ts";
import { grpcWeb } from "./grpc-web.ts";
import type { FilterSettings, HttpFilter, RouteTarget, VirtualHostTarget } from "./http-filter.ts";
import { jwtAuthn } from "./jwt-authn.ts";
import { mixerCheck } from "./mixer-check.ts";
import { mixerReport } from "./mixer-report.ts";
import { router } from "./router.ts";
import { serviceRoles } from "./service-roles.ts";
import { wasm, wasmBeforeAuthentication, wasmBeforeAuthorization } from "./wasm.ts";

/**
 * All HTTP filters, in the order in which requests pass through them: by phase, and within a phase by position. To add a filter, add a
 * file and a line here.
 */
export const HTTP_FILTERS: readonly HttpFilter[] = [
  mixerReport,
  customAuthorization,
  wasmBeforeAuthentication,
  jwtAuthn,
  wasmBeforeAuthorization,
  authorization,
  serviceRoles,
  mixerCheck,
  wasm,
  grpcWeb,
  fault,
  cors,
  alpn,
  dynamicForwardProxy,
  router,
];

/** The filters of a connection manager. */
export function httpFilters(scope: Scope, connection: HttpConnection): BuiltHttpFilter[] {
  return HTTP_FILTERS.flatMap((each) => each.listener?.(scope, connection) ?? []);
}

/** The access logs that the filters of a connection manager need. */
export function filterAccessLogs(scope: Scope, connection: HttpConnection): MessageInitShape<typeof AccessLogSchema>[] {
  return HTTP_FILTERS.flatMap((each) => each.accessLogs?.(scope, connection) ?? []);
}

/** The settings of all filters for a route or a virtual host. */
export interface PerFilterConfig {
  readonly typedPerFilterConfig: Record<string, Any>;
  /** Keys of the objects behind the settings. */
  readonly configKeys: readonly string[];
}

/** The filters' settings for a virtual host. */
export function virtualHostSettings(scope: Scope, host: VirtualHostTarget): PerFilterConfig {
  return settingsOf((each) => each.virtualHost?.(scope, host));
}

/** The filters' settings for a route. */
export function routeSettings(scope: Scope, route: RouteTarget): PerFilterConfig {
  return settingsOf((each) => each.route?.(scope, route));
}

function settingsOf(of: (filter: HttpFilter) => FilterSettings | undefined): PerFilterConfig {
  const typedPerFilterConfig: Record<string, Any> = {};
  const keys: string[] = [];
  for (const each of HTTP_FILTERS) {
    const settings = of(each);
    if (!settings) continue;
    typedPerFilterConfig[settings.name] = settings.message;
    keys.push(...settings.configKeys);
  }
  return { typedPerFilterConfig, configKeys: keys };
}

/** The configuration of an entry that takes it by discovery; undefined when no filter knows the name. */
export function extensionConfig(scope: Scope, name: string): BuiltExtensionConfig | undefined {
  for (const each of HTTP_FILTERS) {
    const config = each.extensionConfig?.(scope, name);
    if (config) return config;
  }
  return undefined;
}
