import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { AccessLogFilterSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { ExpressionFilterSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/filters/cel/v3/cel";
import type { Scope } from "../../scope/scope.ts";
import type { TrafficKind } from "../connection.ts";
import { modeOf } from "./applied.ts";
import { type AccessLog, meshAccessLog, providerFileLog } from "./file-access-log.ts";
import { ACCESS_LOG_SERVICE, httpGrpcLog, providerGrpcLog, tcpGrpcLog } from "./grpc-access-log.ts";
import { mergedLogging } from "./merged-logging.ts";

type Filter = MessageInitShape<typeof AccessLogFilterSchema>;

/** The access logs of requests or connections: those that Telemetry asks for, else those of the mesh configuration. */
export function accessLogs(scope: Scope, kind: TrafficKind, takes: "http" | "tcp"): AccessLog[] {
  return logs(scope, kind, takes, takes === "http" ? "http_envoy_accesslog" : "tcp_envoy_accesslog");
}

/** The access logs of a listener, for connections that no filter chain takes (docs/reference/pilot.md §3.10). */
export function listenerAccessLogs(scope: Scope, kind: TrafficKind): AccessLog[] {
  if (!scope.mesh.listenerLog) return [];
  return logs(scope, kind, "tcp", "listener_envoy_accesslog").map((log) => ({
    ...log,
    filter: both(NO_ROUTE, log.filter),
  }));
}

function logs(scope: Scope, kind: TrafficKind, takes: "http" | "tcp", serviceLogName: string): AccessLog[] {
  const asked = mergedLogging(scope, modeOf(kind));
  if (!asked) return meshLogs(scope, takes, serviceLogName);
  return asked.flatMap(({ provider, filter }) => {
    const log = provider.envoyFileAccessLog
      ? providerFileLog(scope.mesh, provider)
      : providerGrpcLog(scope, provider, takes);
    return log ? [{ ...log, ...(filter ? { filter: celFilter(filter) } : {}) }] : [];
  });
}

function meshLogs({ mesh, proxyConfig }: Scope, takes: "http" | "tcp", logName: string): AccessLog[] {
  const to = { clusterName: ACCESS_LOG_SERVICE };
  const toService = mesh.accessLogService && proxyConfig.envoyAccessLogService?.address;
  return [
    ...(mesh.accessLogFile ? [meshAccessLog(mesh)] : []),
    ...(toService ? [takes === "http" ? httpGrpcLog(logName, to, undefined) : tcpGrpcLog(logName, to, undefined)] : []),
  ];
}

function celFilter(expression: string): Filter {
  return {
    filterSpecifier: {
      case: "extensionFilter",
      value: {
        name: "envoy.access_loggers.extension_filters.cel",
        configType: { case: "typedConfig", value: anyOf(ExpressionFilterSchema, { expression }) },
      },
    },
  };
}

const NO_ROUTE: Filter = { filterSpecifier: { case: "responseFlagFilter", value: { flags: ["NR"] } } };

function both(one: Filter, other: Filter | undefined): Filter {
  return other ? { filterSpecifier: { case: "andFilter", value: { filters: [one, other] } } } : one;
}
