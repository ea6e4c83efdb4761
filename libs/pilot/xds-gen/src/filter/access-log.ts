import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { anyOf, durationOf } from "@xebec/api-envoy";
import type { AccessLogFilterSchema, AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import { FileAccessLogSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/file/v3/file";
import { HttpGrpcAccessLogConfigSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/grpc/v3/als";
import { StdoutAccessLogSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/stream/v3/stream";
import { CustomTagSchema } from "@xebec/api-envoy/envoy/type/tracing/v3/custom_tag";
import { outboundCluster } from "@xebec/model-names";
import type { Scope } from "../scope/scope.ts";
import { isMarked } from "./http/report-filter.ts";

type AccessLog = MessageInitShape<typeof AccessLogSchema>;

/** Istio's default text format (istio.io, "Envoy Access Logs"). */
const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';
const MIXER_PORT = 9091;
/** Field `value` of envoy.type.tracing.v3.CustomTag, which the shipped descriptors are too old to name. */
const CUSTOM_TAG_VALUE = 6;
const LENGTH_DELIMITED = 2;

/**
 * Where a proxy reaches one of Mixer's two services, by Istio's names. The cluster's own name would be the authority, but it
 * has characters that HTTP/2 servers refuse there.
 */
export function mixerService(scope: Scope, service: "istio-policy" | "istio-telemetry") {
  const { rootNamespace, domain } = scope.mesh;
  const host = `${service}.${rootNamespace}.svc.${domain}`;
  return { clusterName: outboundCluster(MIXER_PORT, "", host), authority: host };
}

/** The access logs of an HTTP listener: the mesh's file, and reports to mixer-telemetry of what is marked for it. */
export function httpAccessLogs(scope: Scope, direction: "inbound" | "outbound"): AccessLog[] {
  return [...fileLog(scope), ...reportLog(scope, direction)];
}

/** The access logs of a TCP listener. */
export function tcpAccessLogs(scope: Scope): AccessLog[] {
  return fileLog(scope);
}

function fileLog(scope: Scope): AccessLog[] {
  const { accessLogFile: path, accessLogFormat, accessLogEncoding } = scope.mesh;
  if (!path) return [];
  const text = accessLogFormat || DEFAULT_FORMAT;
  const format =
    accessLogEncoding === "JSON"
      ? { case: "jsonFormat" as const, value: jsonFormat(accessLogFormat) }
      : { case: "textFormatSource" as const, value: { specifier: { case: "inlineString" as const, value: text } } };
  // Standard output by its own logger: opening /dev/stdout fails when another user opened it first.
  const typed =
    path === "/dev/stdout"
      ? anyOf(StdoutAccessLogSchema, { accessLogFormat: { case: "logFormat", value: { format } } })
      : anyOf(FileAccessLogSchema, { path, accessLogFormat: { case: "logFormat", value: { format } } });
  return [{ name: "envoy.access_loggers.file", configType: { case: "typedConfig", value: typed } }];
}

const DEFAULT_JSON: JsonObject = {
  start_time: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_cluster: "%UPSTREAM_CLUSTER%",
  route_name: "%ROUTE_NAME%",
};

/** The fields of a JSON log. A text that is no JSON object gives the default: one wrong text must not stop the whole mesh. */
function jsonFormat(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // The default it is.
  }
  return DEFAULT_JSON;
}

function formatTag(tag: string, format: string) {
  const message = create(CustomTagSchema, { tag });
  const data = new BinaryWriter().string(format).finish();
  message.$unknown = [{ no: CUSTOM_TAG_VALUE, wireType: LENGTH_DELIMITED, data }];
  return message;
}

function reportLog(scope: Scope, direction: "inbound" | "outbound"): AccessLog[] {
  return [
    {
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
            customTags:
              direction === "outbound"
                ? [
                    formatTag("source.principal.upstream", "%UPSTREAM_LOCAL_URI_SAN%"),
                    formatTag("destination.principal.upstream", "%UPSTREAM_PEER_URI_SAN%"),
                  ]
                : [],
          },
        }),
      },
    },
  ];
}

/** A tunnel's CONNECT is not a request of the application: what it carries is logged itself. */
const isNoTunnel: MessageInitShape<typeof AccessLogFilterSchema> = {
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
