import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import {
  type CommonGrpcAccessLogConfigSchema,
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "@xebec/api-envoy/envoy/extensions/access_loggers/grpc/v3/als";
import { OpenTelemetryAccessLogConfigSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/open_telemetry/v3/logs_service";
import type { ExtensionProvider } from "@xebec/model-resources";
import type { Scope } from "../../scope/scope.ts";
import type { AccessLog } from "./file-access-log.ts";
import { DEFAULT_TEXT, formattersFor } from "./log-format.ts";
import { type ProviderCluster, providerCluster } from "./provider-cluster.ts";

type Common = Omit<MessageInitShape<typeof CommonGrpcAccessLogConfigSchema>, "$typeName" | "$unknown">;

/** The cluster of `enableEnvoyAccessLogService` (docs/reference/pilot.md §3.10). */
export const ACCESS_LOG_SERVICE = "envoy_accesslog_service";

function common(logName: string, to: Partial<ProviderCluster>, more: Common = {}): Common {
  return {
    ...more,
    logName,
    transportApiVersion: ApiVersion.V3,
    grpcService: { targetSpecifier: { case: "envoyGrpc", value: to } },
  };
}

export function httpGrpcLog(
  logName: string,
  to: Partial<ProviderCluster>,
  settings: ExtensionProvider["envoyHttpAls"],
): AccessLog {
  const value = anyOf(HttpGrpcAccessLogConfigSchema, {
    commonConfig: common(logName, to, objects(settings)),
    additionalRequestHeadersToLog: settings?.additionalRequestHeadersToLog ?? [],
    additionalResponseHeadersToLog: settings?.additionalResponseHeadersToLog ?? [],
    additionalResponseTrailersToLog: settings?.additionalResponseTrailersToLog ?? [],
  });
  return { name: "envoy.access_loggers.http_grpc", configType: { case: "typedConfig", value } };
}

export function tcpGrpcLog(
  logName: string,
  to: Partial<ProviderCluster>,
  settings: ExtensionProvider["envoyTcpAls"],
): AccessLog {
  const value = anyOf(TcpGrpcAccessLogConfigSchema, { commonConfig: common(logName, to, objects(settings)) });
  return { name: "envoy.tcp_grpc_access_log", configType: { case: "typedConfig", value } };
}

function objects(settings: { filterStateObjectsToLog?: string[] } | undefined): Common {
  return settings?.filterStateObjectsToLog ? { filterStateObjectsToLog: settings.filterStateObjectsToLog } : {};
}

/**
 * The access log of a provider that has a service.
 * @param takes what the log is for
 * @returns none when the provider is for other traffic, or the proxies do not see its service
 */
export function providerGrpcLog(
  scope: Scope,
  provider: ExtensionProvider,
  takes: "http" | "tcp",
): AccessLog | undefined {
  const { envoyHttpAls: http, envoyTcpAls: tcp, envoyOtelAls: otel } = provider;
  const settings = otel ?? (takes === "http" ? http : tcp);
  const to = settings && providerCluster(scope, settings);
  if (!to) return undefined;
  if (otel) return openTelemetryLog(otel, to);
  return takes === "http"
    ? httpGrpcLog(http?.logName || "http_envoy_accesslog", to, http)
    : tcpGrpcLog(tcp?.logName || "tcp_envoy_accesslog", to, tcp);
}

function openTelemetryLog(settings: NonNullable<ExtensionProvider["envoyOtelAls"]>, to: ProviderCluster): AccessLog {
  const { text, labels = {} } = settings.logFormat ?? {};
  const body = text || DEFAULT_TEXT;
  const attributes = Object.entries(labels as Record<string, unknown>).map(([key, each]) => ({
    key,
    text: typeof each === "string" ? each : JSON.stringify(each),
  }));
  const value = anyOf(OpenTelemetryAccessLogConfigSchema, {
    commonConfig: common(settings.logName || "otel_envoy_accesslog", to),
    disableBuiltinLabels: true,
    body: { value: { case: "stringValue", value: body } },
    ...(attributes.length > 0
      ? {
          attributes: {
            values: attributes
              .sort((a, b) => (a.key < b.key ? -1 : 1))
              .map((each) => ({ key: each.key, value: { value: { case: "stringValue" as const, value: each.text } } })),
          },
        }
      : {}),
    formatters: formattersFor(body, ...attributes.map((each) => each.text)),
  });
  return { name: "envoy.access_loggers.open_telemetry", configType: { case: "typedConfig", value } };
}
