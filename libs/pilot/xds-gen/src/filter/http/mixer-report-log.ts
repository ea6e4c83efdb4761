import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import type { AccessLogFilterSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import {
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "@xebec/api-envoy/envoy/extensions/access_loggers/grpc/v3/als";
import type { CustomTagSchema } from "@xebec/api-envoy/envoy/type/tracing/v3/custom_tag";
import { mixerReports } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { knownTags } from "../known-tags.ts";
import { mixerService } from "../mixer-service.ts";
import type { AccessLog } from "../telemetry/file-access-log.ts";
import { labelTags, mergedMetrics } from "../telemetry/merged-metrics.ts";
import { durableLog } from "./mixer-durable-log.ts";

const modeOf = (direction: Direction) => (direction === "inbound" ? "SERVER" : "CLIENT");

/** The dynamic metadata that marks a request. */
export const MARK = { namespace: "mixer.report", key: "on", value: "1" } as const;

type Direction = "inbound" | "outbound";
type AccessLogFilter = MessageInitShape<typeof AccessLogFilterSchema>;

/** The access log that reports each marked request to mixer-telemetry. */
export function reportLog(scope: Scope, direction: Direction): AccessLog {
  const settings = mergedMetrics(scope, modeOf(direction));
  const filter: AccessLogFilter = {
    filterSpecifier: { case: "andFilter", value: { filters: [isMarked, isNoTunnel] } },
  };
  if (scope.mesh.durableReports) return { filter, ...durableLog(scope, "http", direction, settings) };
  return {
    name: "envoy.access_loggers.http_grpc",
    filter,
    configType: {
      case: "typedConfig",
      value: anyOf(HttpGrpcAccessLogConfigSchema, {
        commonConfig: streamConfig(scope, "http", direction, labelTags(settings)),
        ...GRPC_HEADERS,
      }),
    },
  };
}

/** By these a call of gRPC is known, and how it ended. */
const GRPC_HEADERS = {
  additionalRequestHeadersToLog: ["content-type"],
  additionalResponseHeadersToLog: ["content-type", "grpc-status", "grpc-message"],
  additionalResponseTrailersToLog: ["grpc-status", "grpc-message"],
};

function formatTag(tag: string, format: string): MessageInitShape<typeof CustomTagSchema> {
  return { tag, type: { case: "value", value: format } };
}

/** Who the two sides of the connection to the server are. */
const PRINCIPALS = [
  formatTag("source.principal.upstream", "%UPSTREAM_LOCAL_URI_SAN%"),
  formatTag("destination.principal.upstream", "%UPSTREAM_PEER_URI_SAN%"),
];

/** The access log that reports the connections of a chain; none where no rule reports and nobody asks for metrics. */
export function tcpReportLogs(scope: Scope, direction: Direction): AccessLog[] {
  if (scope.mesh.disableReports) return [];
  const settings = mergedMetrics(scope, modeOf(direction));
  if (!settings && !scope.read(mixerReports)) return [];
  if (scope.mesh.durableReports) return [durableLog(scope, "tcp", direction, settings)];
  const tags = [
    ...(settings ? [{ tag: METRICS, type: { case: "literal" as const, value: { value: settings.descriptor } } }] : []),
    ...labelTags(settings),
  ];
  const value = anyOf(TcpGrpcAccessLogConfigSchema, { commonConfig: streamConfig(scope, "tcp", direction, tags) });
  return [{ name: "envoy.access_loggers.tcp_grpc", configType: { case: "typedConfig", value } }];
}

function streamConfig(
  scope: Scope,
  of: "http" | "tcp",
  direction: Direction,
  tags: readonly MessageInitShape<typeof CustomTagSchema>[],
) {
  return {
    logName: `xebec_${of}_${direction}`,
    transportApiVersion: ApiVersion.V3,
    grpcService: { targetSpecifier: { case: "envoyGrpc", value: mixerService(scope, "istio-telemetry") } },
    bufferFlushInterval: durationOf(1000),
    customTags: knownTags(scope, [...(direction === "outbound" ? PRINCIPALS : []), ...tags]),
  } as const;
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
