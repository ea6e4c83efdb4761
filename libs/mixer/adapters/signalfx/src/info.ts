import {
  bool,
  describeAdapter,
  double,
  duration,
  durationMs,
  enumeration,
  field,
  list,
  message,
  type Static,
  string,
  uint32,
  type Violation,
} from "@xebec/mixer-sdk";
import { urlViolations } from "@xebec/mixer-sinks";

const MetricConfig = message("signalfx.Params.MetricConfig", {
  name: field(string(), "The full name of the instance, `NAME.KIND.NAMESPACE`."),
  type: field(enumeration(["NONE", "COUNTER", "HISTOGRAM"]), "How values are gathered. Required."),
});

const Params = message("signalfx.Params", {
  metrics: field(list(MetricConfig), "The metrics. Every instance that rules send must be among them."),
  ingestUrl: field(string(), "Where data is sent; that of the realm us0 when empty."),
  accessToken: field(string(), "The organization's access token. Required; shown nowhere."),
  datapointInterval: field(duration(), "How often data points are sent; rounded to seconds, 1s at least."),
  enableMetrics: field(bool(), "Whether metrics are sent."),
  enableTracing: field(bool(), "Whether spans are sent."),
  tracingBufferSize: field(uint32(), "Most spans that wait in memory."),
  tracingSampleProbability: field(double({ minimum: 0, maximum: 1 }), "The share of the traces that is sent."),
});
export type SignalfxParams = Static<typeof Params>;

const NUMERIC = new Set(["INT64", "DOUBLE", "BOOL", "TIMESTAMP", "DURATION"]);

/** Sends metrics and spans to SignalFx (docs/reference/mixer.md §6.16). */
export const signalfx = describeAdapter({
  name: "signalfx",
  description: "sends metrics and spans to SignalFx (Splunk Observability)",
  templates: ["metric", "tracespan"],
  config: Params,
  defaults: {
    ...{
      metrics: [],
      ingestUrl: "",
      accessToken: "",
      datapointInterval: "10s",
      enableMetrics: true,
      enableTracing: true,
    },
    ...{ tracingBufferSize: 1_000, tracingSampleProbability: 1 },
  },
  validate(params, { instances, limits }) {
    const { metrics = [], ingestUrl = "", accessToken = "", enableMetrics = true, enableTracing = true } = params;
    const violations: Violation[] = ingestUrl === "" ? [] : urlViolations(["ingestUrl"], ingestUrl, limits);
    if (accessToken === "") violations.push({ path: ["accessToken"], message: "is required" });
    if (!enableMetrics && !enableTracing)
      violations.push({ path: ["enableMetrics"], message: "and enableTracing are both false: nothing would be sent" });
    if (enableTracing && params.tracingBufferSize === 0)
      violations.push({ path: ["tracingBufferSize"], message: "must be greater than 0" });
    if (durationMs(params.datapointInterval ?? "10s") < 0)
      violations.push({ path: ["datapointInterval"], message: "must not be negative" });
    if (!enableMetrics) return violations;
    if (metrics.length === 0) violations.push({ path: ["metrics"], message: "must have one metric at least" });
    for (const [i, { name = "", type = "NONE" }] of metrics.entries()) {
      if (type === "NONE") violations.push({ path: ["metrics", i, "type"], message: "must be COUNTER or HISTOGRAM" });
      const value = instances.find((each) => each.name === name)?.types.value;
      if (value !== undefined && !NUMERIC.has(value))
        violations.push({
          path: ["metrics", i, "name"],
          message: `the instance's value is ${value}, which is no number`,
        });
    }
    for (const { name, template } of instances)
      if (template === "metric" && !metrics.some((each) => each.name === name))
        violations.push({ path: ["metrics"], message: `has no ${name}, which a rule sends to this handler` });
    return violations;
  },
});
