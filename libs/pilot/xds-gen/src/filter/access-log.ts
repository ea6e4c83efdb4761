import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { FileAccessLogSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/file/v3/file";
import { StdoutAccessLogSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/stream/v3/stream";
import type { Scope } from "../scope/scope.ts";

type AccessLog = MessageInitShape<typeof AccessLogSchema>;

/** Istio's default text format (istio.io, "Envoy Access Logs"). */
const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

/** The access log of the mesh configuration; none unless it names a file. */
export function fileAccessLogs(scope: Scope): AccessLog[] {
  const { accessLogFile: path, accessLogFormat, accessLogEncoding } = scope.mesh;
  if (!path) return [];
  const text = accessLogFormat || DEFAULT_FORMAT;
  const format =
    accessLogEncoding === "JSON"
      ? { case: "jsonFormat" as const, value: jsonFormat(accessLogFormat) }
      : { case: "textFormatSource" as const, value: { specifier: { case: "inlineString" as const, value: text } } };
  // Standard output has a logger of its own: opening /dev/stdout fails after another user opened it.
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

/** The fields of a JSON log. Invalid JSON yields the default: one invalid string must not stop the whole mesh. */
function jsonFormat(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Use the default.
  }
  return DEFAULT_JSON;
}
