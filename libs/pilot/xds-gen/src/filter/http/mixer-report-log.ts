import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import type { AccessLogFilterSchema, AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import {
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "@xebec/api-envoy/envoy/extensions/access_loggers/grpc/v3/als";
import type { CustomTagSchema } from "@xebec/api-envoy/envoy/type/tracing/v3/custom_tag";
import type { Scope } from "../../scope/scope.ts";
import { knownTags } from "../known-tags.ts";
import { mixerService } from "../mixer-service.ts";
import { labelTags, mergedMetrics } from "../telemetry/merged-metrics.ts";

/** The dynamic metadata that marks a request. */
export const MARK = { namespace: "mixer.report", key: "on", value: "1" } as const;

type AccessLog = MessageInitShape<typeof AccessLogSchema>;
type AccessLogFilter = MessageInitShape<typeof AccessLogFilterSchema>;

/** The access log that reports each marked request to mixer-telemetry. */
export function reportLog(scope: Scope, direction: "inbound" | "outbound"): AccessLog {
  return {
    name: "envoy.access_loggers.http_grpc",
    filter: { filterSpecifier: { case: "andFilter", value: { filters: [isMarked, isNoTunnel] } } },
    configType: {
      case: "typedConfig",
      value: anyOf(HttpGrpcAccessLogConfigSchema, {
        commonConfig: {
          logName: `xebec_http_${direction}`,
          transportApiVersion: ApiVersion.V3,
          grpcService: { targetSpecifier: { case: "envoyGrpc", value: mixerService(scope, "istio-telemetry") } },
          bufferFlushInterval: durationOf(1000),
          customTags: knownTags(scope, [
            ...(direction === "outbound" ? PRINCIPALS : []),
            ...labelTags(mergedMetrics(scope, direction === "inbound" ? "SERVER" : "CLIENT")),
          ]),
        },
      }),
    },
  };
}

function formatTag(tag: string, format: string): MessageInitShape<typeof CustomTagSchema> {
  return { tag, type: { case: "value", value: format } };
}

/** Who the two sides of the connection to the server are. */
const PRINCIPALS = [
  formatTag("source.principal.upstream", "%UPSTREAM_LOCAL_URI_SAN%"),
  formatTag("destination.principal.upstream", "%UPSTREAM_PEER_URI_SAN%"),
];

/** The access log that reports the connections of a chain; none where nobody asks for metrics. */
export function tcpReportLogs(scope: Scope, direction: "inbound" | "outbound"): AccessLog[] {
  const settings = scope.mesh.disableReports
    ? undefined
    : mergedMetrics(scope, direction === "inbound" ? "SERVER" : "CLIENT");
  if (!settings) return [];
  const value = anyOf(TcpGrpcAccessLogConfigSchema, {
    commonConfig: {
      logName: `xebec_tcp_${direction}`,
      transportApiVersion: ApiVersion.V3,
      grpcService: { targetSpecifier: { case: "envoyGrpc", value: mixerService(scope, "istio-telemetry") } },
      bufferFlushInterval: durationOf(1000),
      customTags: knownTags(scope, [
        ...(direction === "outbound" ? PRINCIPALS : []),
        { tag: METRICS, type: { case: "literal", value: { value: settings.descriptor } } },
        ...labelTags(settings),
      ]),
    },
  });
  return [{ name: "envoy.access_loggers.tcp_grpc", configType: { case: "typedConfig", value } }];
}

/** The metadata namespace, and of connections the tag, by which mixer-telemetry learns what to count. */
export const METRICS = "istio.metrics";

/** Matches marked requests. */
const isMarked: AccessLogFilter = {
  filterSpecifier: {
    case: "metadataFilter",
    value: {
      matcher: {
        filter: MARK.namespace,
        path: [{ segment: { case: "key", value: MARK.key } }],
        value: {
          matchPattern: {
            case: "stringMatch",
            value: { matchPattern: { case: "exact", value: MARK.value } },
          },
        },
      },
      matchIfKeyNotFound: false,
    },
  },
};

/** Excludes CONNECT: a tunnel is not a request of the application, and the requests inside it are logged themselves. */
const isNoTunnel: AccessLogFilter = {
  filterSpecifier: {
    case: "headerFilter",
    value: {
      header: {
        name: ":method",
        headerMatchSpecifier: {
          case: "stringMatch",
          value: { matchPattern: { case: "exact", value: "CONNECT" } },
        },
        invertMatch: true,
      },
    },
  },
};
