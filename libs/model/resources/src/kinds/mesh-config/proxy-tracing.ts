import {
  bool,
  double,
  enumeration,
  field,
  int64,
  list,
  map,
  message,
  required,
  type Static,
  string,
  uint32,
} from "@xebec/model-schema";
import { ClientTls } from "../destination-rule/client-tls.ts";
import { GONE } from "./tracing-providers.ts";

/** Where the value of a tag comes from; also in Telemetry. */
export const literalTag = message("Literal", { value: required(string({ minLength: 1 }), "The value.") });
export const environmentTag = message("Environment", {
  name: required(string({ minLength: 1 }), "A variable of the proxy's environment."),
  defaultValue: field(string(), "The value where there is no such variable.", { defaultText: "no tag" }),
});
export const headerTag = message("RequestHeader", {
  name: required(string({ minLength: 1 }), "A header of the request."),
  defaultValue: field(string(), "The value where there is no such header.", { defaultText: "no tag" }),
});

const CustomTag = message("Tracing.CustomTag", {
  literal: field(literalTag, "A value. One of the three is required."),
  environment: field(environmentTag, "From the proxy's environment."),
  header: field(headerTag, "From a header of the request."),
});

/** Tracing of 1.1, and of proxies for which no Telemetry says something (docs/reference/pilot.md §3.13). */
export const ProxyTracing = message("Tracing", {
  zipkin: field(message("Tracing.Zipkin", { address: field(string(), "`HOST:PORT` of Zipkin.") }), "A Zipkin tracer."),
  lightstep: field(
    message("Tracing.Lightstep", {
      address: field(string(), "`HOST:PORT` of the satellites."),
      accessToken: field(string(), "The access token."),
      secure: field(bool(), "Uses TLS."),
      cacertPath: field(string(), "File with the authorities of the satellites."),
    }),
    "A Lightstep tracer.",
    { noEffect: GONE },
  ),
  datadog: field(
    message("Tracing.Datadog", { address: field(string(), "`HOST:PORT` of the agent.") }),
    "A Datadog tracer.",
  ),
  stackdriver: field(
    message("Tracing.Stackdriver", {
      debug: field(bool(), "Writes spans to standard output."),
      maxNumberOfAttributes: field(int64(), "Most attributes of a span."),
      maxNumberOfAnnotations: field(int64(), "Most annotations of a span."),
      maxNumberOfMessageEvents: field(int64(), "Most message events of a span."),
    }),
    "Google Cloud's traces.",
    { noEffect: GONE },
  ),
  openCensusAgent: field(
    message("Tracing.OpenCensusAgent", {
      address: field(string(), "The address of the agent."),
      context: field(
        list(enumeration(["UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3"])),
        "Which headers carry the trace.",
      ),
    }),
    "An OpenCensus tracer.",
    { noEffect: GONE },
  ),
  customTags: field(map(CustomTag), "Tags of every span, by name."),
  maxPathTagLength: field(uint32(), "Most characters of the path in a span.", { default: 256 }),
  sampling: field(double({ minimum: 0, maximum: 100 }), "Percentage of the requests that are traced.", { default: 1 }),
  tlsSettings: field(ClientTls, "TLS to the tracer."),
  enableIstioTags: field(bool(), "Adds Istio's tags, such as `istio.canonical_service`.", { default: true }),
});
export type ProxyTracing = Static<typeof ProxyTracing>;
