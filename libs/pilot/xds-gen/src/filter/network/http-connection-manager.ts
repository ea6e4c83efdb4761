import { durationOf } from "@xebec/api-envoy";
import { HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { BuiltHttpConnectionManager } from "../../build/built.ts";
import { headerCase } from "../../cluster/header-case.ts";
import { acceptsHttp10 } from "../../listener/sniffing.ts";
import type { Scope } from "../../scope/scope.ts";
import type { HttpConnection } from "../connection.ts";
import { filterAccessLogs, httpFilters } from "../http/registry.ts";
import { accessLogs } from "../telemetry/access-logs.ts";
import { telemetryConfigKeys } from "../telemetry/applied.ts";
import { managerHeaders } from "./manager-headers.ts";
import type { NetworkFilter } from "./network-filter.ts";

/** Terminates HTTP and runs the HTTP filters. */
export const httpConnectionManager: NetworkFilter = {
  name: "envoy.filters.network.http_connection_manager",
  phase: "terminal",
  chain: (scope, connection) =>
    connection.protocol === "http"
      ? {
          name: httpConnectionManager.name,
          message: {},
          configKeys: telemetryConfigKeys(scope),
          http: managerOf(scope, connection),
        }
      : undefined,
};

/** The connection manager with Istio's defaults (docs/reference/pilot.md §4.6, §4.7). */
function managerOf(scope: Scope, connection: HttpConnection): BuiltHttpConnectionManager {
  const { kind, routes, connect } = connection;
  return {
    httpFilters: httpFilters(scope, connection),
    ...("inline" in routes ? { routes: routes.inline } : {}),
    manager: {
      statPrefix: `${connection.statPrefix};`,
      ...("rds" in routes ? { routeSpecifier: { case: "rds", value: fromRds(routes.rds) } } : {}),
      accessLog: [...accessLogs(scope, kind, "http"), ...filterAccessLogs(scope, connection)],
      ...managerHeaders(scope, kind),
      ...normalization(scope),
      ...http1Options(scope),
      streamIdleTimeout: durationOf(0),
      proxy100Continue: true,
      upgradeConfigs: [{ upgradeType: "websocket" }, ...(connect ? [{ upgradeType: "CONNECT" }] : [])],
    },
  };
}

function http1Options(scope: Scope) {
  const options = { ...(acceptsHttp10(scope) ? { acceptHttp10: true } : {}), ...headerCase(scope) };
  return Object.keys(options).length > 0 ? { httpProtocolOptions: options } : {};
}

/** What is done with paths before anything compares them (docs/reference/pilot.md §3.13, pathNormalization). */
function normalization({ mesh: { pathNormalization } }: Scope) {
  return {
    normalizePath: pathNormalization !== "NONE",
    mergeSlashes: pathNormalization === "MERGE_SLASHES" || pathNormalization === "DECODE_AND_MERGE_SLASHES",
    ...(pathNormalization === "DECODE_AND_MERGE_SLASHES"
      ? { pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_FORWARD }
      : {}),
  };
}

function fromRds(routeConfigName: string) {
  return {
    routeConfigName,
    configSource: {
      resourceApiVersion: 2,
      initialFetchTimeout: durationOf(0),
      configSourceSpecifier: { case: "ads" as const, value: {} },
    },
  };
}
