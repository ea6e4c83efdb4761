import { field, list, message, required, type Static, string } from "@xebec/model-schema";
import { EnvoyFileAccessLog, EnvoyHttpAls, EnvoyOtelAls, EnvoyTcpAls } from "./access-log-providers.ts";
import { ExtAuthzGrpc, ExtAuthzHttp } from "./ext-authz-providers.ts";
import { providerService } from "./provider-service.ts";
import {
  Datadog,
  LIGHTSTEP,
  Lightstep,
  OPENCENSUS,
  OpenCensus,
  OpenTelemetry,
  SkyWalking,
  STACKDRIVER,
  Stackdriver,
  Zipkin,
} from "./tracing-providers.ts";

const Sds = message("SDSProvider", {
  name: field(string(), "The prefix of the names of credentials that come from it."),
  ...providerService,
});

/** A provider that Telemetry and AuthorizationPolicy refer to by its name (docs/reference/pilot.md §3.10). */
export const ExtensionProvider = message("ExtensionProvider", {
  name: required(string({ minLength: 1 }), "The name. Each provider has one of its own, and one of the fields below."),
  envoyExtAuthzHttp: field(ExtAuthzHttp, "An authorizer that speaks HTTP."),
  envoyExtAuthzGrpc: field(ExtAuthzGrpc, "An authorizer that implements Envoy's ext_authz."),
  zipkin: field(Zipkin, "A tracer that sends Zipkin's spans (v2, JSON) by HTTP."),
  lightstep: field(Lightstep, "A Lightstep tracer.", LIGHTSTEP),
  datadog: field(Datadog, "A tracer that sends spans to a Datadog agent."),
  stackdriver: field(Stackdriver, "Google Cloud's traces, metrics and logs.", STACKDRIVER),
  opencensus: field(OpenCensus, "An OpenCensus tracer.", OPENCENSUS),
  skywalking: field(SkyWalking, "A tracer that sends segments to Apache SkyWalking by gRPC."),
  opentelemetry: field(OpenTelemetry, "A tracer that sends OTLP."),
  prometheus: field(message("PrometheusMetricsProvider", {}), "Metrics for Prometheus, by mixer-telemetry."),
  envoyFileAccessLog: field(EnvoyFileAccessLog, "An access log in a file, or on standard output."),
  envoyHttpAls: field(EnvoyHttpAls, "A gRPC access log service that gets the requests."),
  envoyTcpAls: field(EnvoyTcpAls, "A gRPC access log service that gets the connections."),
  envoyOtelAls: field(EnvoyOtelAls, "A collector that gets the access log as OpenTelemetry logs."),
  sds: field(Sds, "A server of secrets for gateways.", {
    noEffect: "secrets of gateways come from Kubernetes Secrets",
  }),
});
export type ExtensionProvider = Static<typeof ExtensionProvider>;

/** Providers that hold where an object names none. */
export const DefaultProviders = message("DefaultProviders", {
  tracing: field(list(string()), "Providers of traces; the first one is used."),
  metrics: field(list(string()), "Providers of metrics."),
  accessLogging: field(list(string()), "Providers of access logs."),
});
