import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { SubstitutionFormatStringSchema } from "@xebec/api-envoy/envoy/config/core/v3/substitution_format_string";
import { ReqWithoutQuerySchema } from "@xebec/api-envoy/envoy/extensions/formatter/req_without_query/v3/req_without_query";

/** A format of Envoy. */
export type Format = Omit<MessageInitShape<typeof SubstitutionFormatStringSchema>, "$typeName" | "$unknown">;

/** Istio's default text format (docs/reference/pilot.md §3.10). */
export const DEFAULT_TEXT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

/** Istio's fields of a JSON log. */
export const DEFAULT_JSON: JsonObject = {
  start_time: "%START_TIME%",
  route_name: "%ROUTE_NAME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
};

/** Text as a format; a line ends where it does not. */
export function textFormat(text: string, omitEmptyValues = false): Format {
  const inlineString = text.endsWith("\n") ? text : `${text}\n`;
  return {
    format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } },
    ...more(text, omitEmptyValues),
  };
}

/** Fields as a format. */
export function jsonFormat(fields: JsonObject, omitEmptyValues = false): Format {
  return { format: { case: "jsonFormat", value: fields }, ...more(JSON.stringify(fields), omitEmptyValues) };
}

function more(text: string, omitEmptyValues: boolean): Partial<Format> {
  return {
    ...(omitEmptyValues ? { omitEmptyValues } : {}),
    ...(needsFormatter(text) ? { formatters: FORMATTERS } : {}),
  };
}

function needsFormatter(text: string): boolean {
  return text.includes("%REQ_WITHOUT_QUERY");
}

/** The commands that Envoy has as an extension. */
const FORMATTERS = [{ name: "envoy.formatter.req_without_query", typedConfig: anyOf(ReqWithoutQuerySchema, {}) }];

/** The extensions that formats need. */
export function formattersFor(...texts: readonly string[]): typeof FORMATTERS {
  return texts.some(needsFormatter) ? FORMATTERS : [];
}
