import {
  bool,
  double,
  duration,
  enumeration,
  field,
  list,
  map,
  message,
  required,
  type Static,
  string,
} from "@xebec/model-schema";
import { environmentTag, headerTag, literalTag } from "../mesh-config/proxy-tracing.ts";
import { PolicyTargetReference } from "../shared/policy-target.ts";
import { WorkloadSelector } from "../shared/shapes.ts";

const WorkloadMode = enumeration(["CLIENT_AND_SERVER", "CLIENT", "SERVER"]);
const mode = field(WorkloadMode, "What proxies do as clients (gateways, too), as servers, or both.", {
  default: "CLIENT_AND_SERVER",
});

const ProviderRef = message("ProviderRef", {
  name: required(string({ minLength: 1 }), "The name of a provider in the mesh configuration; case does not matter."),
});
const providers = (what: string) => field(list(ProviderRef), what, { defaultText: "those of the level above" });

const CustomTag = message("Tracing.CustomTag", {
  literal: field(literalTag, "A value. One of the four is required."),
  environment: field(environmentTag, "From the proxy's environment."),
  header: field(headerTag, "From a header of the request."),
  formatter: field(
    message("Formatter", { value: required(string({ minLength: 1 }), "Text with Envoy's command operators.") }),
    "From commands as in an access log.",
  ),
});

const Tracing = message("Tracing", {
  match: field(message("Tracing.TracingSelector", { mode }), "For which requests it holds."),
  providers: providers("The tracer. Only the first one is used."),
  randomSamplingPercentage: field(double({ minimum: 0, maximum: 100 }), "Percentage of the requests that are traced.", {
    defaultText: "`defaultConfig.tracing.sampling` of the mesh configuration, 1",
  }),
  disableSpanReporting: field(bool(), "Reports no spans.", { default: false }),
  customTags: field(map(CustomTag), "Tags of every span, by name. They take the place of those of the level above."),
  useRequestIdForTraceSampling: field(
    bool(),
    "Decides by the percentage and `x-request-id`, so that all proxies decide the same; without it every request is traced.",
    {
      default: true,
    },
  ),
  enableIstioTags: field(bool(), "Adds Istio's tags, such as `istio.canonical_service`.", { default: true }),
  disableContextPropagation: field(bool(), "Does not send the trace's headers on.", { default: false }),
});

const MetricSelector = message("MetricSelector", {
  metric: field(
    enumeration([
      ...["ALL_METRICS", "REQUEST_COUNT", "REQUEST_DURATION", "REQUEST_SIZE", "RESPONSE_SIZE"],
      ...["TCP_OPENED_CONNECTIONS", "TCP_CLOSED_CONNECTIONS", "TCP_SENT_BYTES", "TCP_RECEIVED_BYTES"],
      ...["GRPC_REQUEST_MESSAGES", "GRPC_RESPONSE_MESSAGES"],
    ]),
    "One of Istio's metrics.",
    { default: "ALL_METRICS" },
  ),
  customMetric: field(string({ minLength: 1 }), "A metric by its name.", {
    noEffect: "there are Istio's metrics alone; further ones are made by Mixer's rules of config.istio.io",
  }),
  mode,
});

const MetricsOverrides = message("MetricsOverrides", {
  match: field(MetricSelector, "Of which metrics.", { defaultText: "all" }),
  disabled: field(bool(), "Leaves the metrics out.", { default: false }),
  tagOverrides: field(
    map(
      message("MetricsOverrides.TagOverride", {
        operation: field(enumeration(["UPSERT", "REMOVE"]), "Sets the label, or leaves it out.", { default: "UPSERT" }),
        value: field(string(), "The value, an expression of CEL over Envoy's attributes; for `UPSERT`."),
      }),
    ),
    "Labels, by name.",
  ),
});

const Metrics = message("Metrics", {
  providers: providers("Providers of metrics."),
  overrides: field(list(MetricsOverrides), "Changes of metrics, in this order."),
  reportingInterval: field(duration(), "How often open TCP connections are reported.", {
    noEffect: "connections are reported when they end",
  }),
});

const AccessLogging = message("AccessLogging", {
  match: field(message("AccessLogging.LogSelector", { mode }), "For which requests and connections it holds."),
  providers: providers("Providers of access logs."),
  disabled: field(bool(), "Logs nothing.", { default: false }),
  filter: field(
    message("AccessLogging.Filter", {
      expression: field(string(), "An expression of CEL over Envoy's attributes, such as `response.code >= 400`."),
    }),
    "What is logged.",
    { defaultText: "everything" },
  ),
});

/** Telemetry (docs/reference/pilot.md §3.10). */
export const TelemetrySpec = message("Telemetry", {
  selector: field(
    WorkloadSelector,
    "Workloads of the own namespace. In the root namespace one without it is for the mesh.",
  ),
  targetRef: field(PolicyTargetReference, "The old form of `targetRefs`."),
  targetRefs: field(list(PolicyTargetReference), "Gateways of the Gateway API, instead of `selector`."),
  tracing: field(list(Tracing), "Traces."),
  metrics: field(list(Metrics), "Istio's metrics."),
  accessLogging: field(list(AccessLogging), "Access logs."),
});
export type TelemetrySpec = Static<typeof TelemetrySpec>;
