import {
  bool,
  duration,
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
import { providerService } from "./provider-service.ts";

const maxTagLength = field(uint32(), "Most characters of the path in a span.", { default: 256 });

const Header = message("HttpHeader", {
  name: required(string({ minLength: 1 }), "The name."),
  value: field(string(), "The value. One of `value` and `envName` is required."),
  envName: field(string(), "An environment variable of pilot that has the value.", {
    noEffect: "pilot does not put its environment into the configuration of proxies; write value",
  }),
});
export type ProviderHeader = Static<typeof Header>;

const HttpService = message("HttpService", {
  path: required(string({ minLength: 1 }), "The path, such as `/v1/traces`."),
  timeout: field(duration(), "How long a request may take.", { default: "3s" }),
  headers: field(list(Header), "Headers of every request."),
});

const GrpcService = message("GrpcService", {
  timeout: field(duration(), "How long a call may take.", { defaultText: "no limit" }),
  initialMetadata: field(list(Header), "Metadata of every call."),
});

export const Zipkin = message("ZipkinTracingProvider", {
  ...providerService,
  maxTagLength,
  enable64bitTraceId: field(bool(), "Uses trace ids of 64 instead of 128 bits.", { default: false }),
  path: field(string(), "The path to which spans are sent.", { default: "/api/v2/spans" }),
  traceContextOption: field(
    enumeration(["USE_B3", "USE_B3_WITH_W3C_PROPAGATION"]),
    "Which headers carry the trace: B3 alone, or W3C's `traceparent`, too.",
    { default: "USE_B3" },
  ),
  timeout: field(duration(), "How long a request to the collector may take.", { default: "5s" }),
  headers: field(list(Header), "Headers of every request to the collector."),
});
export type Zipkin = Static<typeof Zipkin>;

const DynatraceApi = message("DynatraceSampler.DynatraceApi", {
  ...providerService,
  http: required(HttpService, "The path, headers and time-out of the sampling API."),
});

const DynatraceSampler = message("DynatraceSampler", {
  tenant: required(string({ minLength: 1 }), "The Dynatrace tenant."),
  clusterId: required(int64(), "The Dynatrace cluster."),
  rootSpansPerMinute: field(uint32(), "How many root spans are wanted while the API does not say.", { default: 1000 }),
  httpService: field(DynatraceApi, "Where the API is.", { defaultText: "the service of `http`" }),
});

const Empty = message("Empty", {});

export const OpenTelemetry = message("OpenTelemetryTracingProvider", {
  ...providerService,
  maxTagLength,
  http: field(HttpService, "Sends OTLP by HTTP. Not beside `grpc`.", { defaultText: "OTLP by gRPC" }),
  grpc: field(GrpcService, "Settings of OTLP by gRPC."),
  resourceDetectors: field(
    message("ResourceDetectors", {
      environment: field(Empty, "Takes attributes from the proxy's variable `OTEL_RESOURCE_ATTRIBUTES`."),
      dynatrace: field(Empty, "Takes attributes from Dynatrace's enrichment files."),
    }),
    "Where more attributes of the resource come from.",
  ),
  dynatraceSampler: field(DynatraceSampler, "Lets Dynatrace decide which traces are kept."),
});
export type OpenTelemetry = Static<typeof OpenTelemetry>;

export const Datadog = message("DatadogTracingProvider", { ...providerService, maxTagLength });
export type Datadog = Static<typeof Datadog>;

export const SkyWalking = message("SkyWalkingTracingProvider", {
  ...providerService,
  accessToken: field(string(), "The token of SkyWalking's OAP."),
});
export type SkyWalking = Static<typeof SkyWalking>;

// Envoy has none of these tracers any more. Today's Istio reads them without effect, too.
export const GONE = "Envoy has no such tracer any more; use opentelemetry";

export const Lightstep = message("LightstepTracingProvider", {
  ...providerService,
  accessToken: field(string(), "The access token."),
  maxTagLength,
});
export const LIGHTSTEP = { noEffect: GONE };

export const OpenCensus = message("OpenCensusAgentTracingProvider", {
  ...providerService,
  context: field(
    list(enumeration(["UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3"])),
    "Which headers carry the trace.",
  ),
  maxTagLength,
});
export const OPENCENSUS = { noEffect: GONE };

export const Stackdriver = message("StackdriverProvider", {
  debug: field(bool(), "Writes spans to standard output.", { default: false }),
  maxNumberOfAttributes: field(int64(), "Most attributes of a span.", { default: 200 }),
  maxNumberOfAnnotations: field(int64(), "Most annotations of a span.", { default: 200 }),
  maxNumberOfMessageEvents: field(int64(), "Most message events of a span.", { default: 200 }),
  maxTagLength,
  logging: field(
    message("StackdriverProvider.Logging", { labels: field(map(string()), "Labels of log entries, as expressions.") }),
    "What is logged.",
  ),
});
export const STACKDRIVER = {
  noEffect: "needs an extension of Istio's own Envoy; use opentelemetry, envoyOtelAls or prometheus",
};
