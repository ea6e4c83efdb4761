import { bool, field, list, message, type Static, string, struct } from "@xebec/model-schema";
import { providerService } from "./provider-service.ts";

const logName = (name: string) => field(string(), "The name under which entries are sent.", { default: name });
const filterStateObjectsToLog = field(list(string()), "Objects of Envoy's filter state that are sent.");

const LogFormat = message("LogFormat", {
  text: field(string(), "A line, with Envoy's command operators. For a file not beside `labels`."),
  labels: field(struct(), "JSON whose values have command operators; `{}` for the usual fields."),
});

export const EnvoyFileAccessLog = message("EnvoyFileAccessLogProvider", {
  path: field(string(), "The file.", { default: "/dev/stdout" }),
  logFormat: field(LogFormat, "The format of entries.", { defaultText: "Istio's text" }),
  omitEmptyValues: field(bool(), "Leaves fields of JSON without a value out, and writes nothing for them in text.", {
    default: false,
  }),
});
export type EnvoyFileAccessLog = Static<typeof EnvoyFileAccessLog>;

export const EnvoyHttpAls = message("EnvoyHttpGrpcV3LogProvider", {
  ...providerService,
  logName: logName("http_envoy_accesslog"),
  filterStateObjectsToLog,
  additionalRequestHeadersToLog: field(list(string()), "Request headers that are sent."),
  additionalResponseHeadersToLog: field(list(string()), "Response headers that are sent."),
  additionalResponseTrailersToLog: field(list(string()), "Response trailers that are sent."),
});
export type EnvoyHttpAls = Static<typeof EnvoyHttpAls>;

export const EnvoyTcpAls = message("EnvoyTcpGrpcV3LogProvider", {
  ...providerService,
  logName: logName("tcp_envoy_accesslog"),
  filterStateObjectsToLog,
});
export type EnvoyTcpAls = Static<typeof EnvoyTcpAls>;

export const EnvoyOtelAls = message("EnvoyOpenTelemetryLogProvider", {
  ...providerService,
  logName: logName("otel_envoy_accesslog"),
  logFormat: field(LogFormat, "`text` is the body of records, `labels` their attributes.", {
    defaultText: "Istio's text as the body, no attributes",
  }),
});
export type EnvoyOtelAls = Static<typeof EnvoyOtelAls>;
