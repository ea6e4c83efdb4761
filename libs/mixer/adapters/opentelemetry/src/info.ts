import {
  describeAdapter,
  double,
  duration,
  durationMs,
  enumeration,
  field,
  list,
  map,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { parseGoTemplate, urlViolations } from "@xebec/mixer-sinks";

const MetricInfo = message("opentelemetry.Params.MetricInfo", {
  name: field(string(), "The metric's name; that of the instance when absent."),
  kind: field(enumeration(["UNSPECIFIED", "COUNTER", "GAUGE", "DISTRIBUTION"]), "How values are gathered. Required."),
  unit: field(
    string(),
    "The unit, `ms` for example. Values of type DURATION are in seconds, unless it is ms, us or ns.",
  ),
  description: field(string(), "What the metric says."),
  buckets: field(list(double()), "Upper bounds of a distribution's buckets, ascending."),
});
const LogInfo = message("opentelemetry.Params.LogInfo", {
  payloadTemplate: field(string(), "The body, a template over the variables; the instance's name when absent."),
});
const Params = message("opentelemetry.Params", {
  endpoint: field(
    string(),
    "The collector's OTLP/HTTP address, such as `http://collector:4318`; `/v1/metrics` and so on are added.",
  ),
  headers: field(map(string()), "Headers of each request, for example `api-key`."),
  compression: field(enumeration(["NONE", "GZIP"]), "Whether bodies are packed."),
  resourceAttributes: field(map(string()), "Attributes of the resource; `service.name` is `mixer` when absent."),
  metrics: field(map(MetricInfo), "The metrics, by the full name of their instance, `NAME.KIND.NAMESPACE`."),
  logs: field(
    map(LogInfo),
    "How log entries are written, by the full name of their instance; others have its defaults.",
  ),
  sampleProbability: field(double({ minimum: 0, maximum: 1 }), "The share of the traces that is sent."),
  pushInterval: field(duration(), "How often metrics are sent, 1s or longer."),
  timeout: field(duration(), "How long one request may take."),
});
export type OpenTelemetryParams = Static<typeof Params>;

export const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Sends metrics, log entries and spans by OTLP. */
export const opentelemetry = describeAdapter({
  name: "opentelemetry",
  description: "sends metrics, log entries and spans to an OpenTelemetry collector, by OTLP over HTTP",
  templates: ["metric", "logentry", "tracespan"],
  config: Params,
  defaults: {
    ...{ headers: {}, compression: "GZIP", resourceAttributes: {}, metrics: {}, logs: {} },
    ...{ sampleProbability: 1, pushInterval: "10s", timeout: "10s" },
  },
  validate({ endpoint = "", metrics = {}, logs = {}, pushInterval = "10s", timeout = "10s" }, { instances, limits }) {
    const violations: Violation[] = urlViolations(["endpoint"], endpoint, limits);
    for (const [name, { kind = "UNSPECIFIED", buckets = [] }] of Object.entries(metrics)) {
      if (kind === "UNSPECIFIED")
        violations.push({ path: ["metrics", name, "kind"], message: "must be COUNTER, GAUGE or DISTRIBUTION" });
      if (buckets.some((each, i) => i > 0 && each <= (buckets[i - 1] as number)))
        violations.push({ path: ["metrics", name, "buckets"], message: "must ascend" });
      const value = instances.find((each) => each.name === name)?.types.value;
      if (value !== undefined && !["INT64", "DOUBLE", "DURATION"].includes(value))
        violations.push({ path: ["metrics", name], message: `the instance's value is ${value}, which is no number` });
    }
    for (const { name, template } of instances)
      if (template === "metric" && !Object.hasOwn(metrics, name))
        violations.push({ path: ["metrics"], message: `has no ${name}, which a rule sends to this handler` });
    for (const [name, { payloadTemplate = "" }] of Object.entries(logs))
      try {
        parseGoTemplate(payloadTemplate);
      } catch (error) {
        violations.push({ path: ["logs", name, "payloadTemplate"], message: (error as Error).message });
      }
    if (durationMs(pushInterval) < 1000) violations.push({ path: ["pushInterval"], message: "must be 1s or longer" });
    if (durationMs(timeout) <= 0) violations.push({ path: ["timeout"], message: "must be positive" });
    return violations;
  },
});
