import {
  bool,
  describeAdapter,
  double,
  duration,
  durationMs,
  enumeration,
  field,
  int32,
  list,
  map,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { parseGoTemplate, urlViolations } from "@xebec/mixer-sinks";

const Buckets = message("stackdriver.Params.MetricInfo.BucketsDefinition", {
  linearBuckets: field(
    message("stackdriver.Params.MetricInfo.BucketsDefinition.Linear", {
      numFiniteBuckets: field(int32({ minimum: 1 }), "How many buckets."),
      width: field(double(), "How wide each is."),
      offset: field(double(), "Where the first begins."),
    }),
    "Buckets of one width.",
  ),
  exponentialBuckets: field(
    message("stackdriver.Params.MetricInfo.BucketsDefinition.Exponential", {
      numFiniteBuckets: field(int32({ minimum: 1 }), "How many buckets."),
      growthFactor: field(double(), "How much wider each is than the one before."),
      scale: field(double(), "Where the first begins."),
    }),
    "Buckets that grow.",
  ),
  explicitBuckets: field(
    message("stackdriver.Params.MetricInfo.BucketsDefinition.Explicit", {
      bounds: field(list(double()), "The bounds, ascending."),
    }),
    "Buckets by their bounds.",
  ),
});
const MetricInfo = message("stackdriver.Params.MetricInfo", {
  kind: field(
    enumeration(["METRIC_KIND_UNSPECIFIED", "GAUGE", "DELTA", "CUMULATIVE"]),
    "The kind of the metric. Required.",
  ),
  value: field(
    enumeration(["VALUE_TYPE_UNSPECIFIED", "BOOL", "INT64", "DOUBLE", "STRING", "DISTRIBUTION", "MONEY"]),
    "The type of the metric's values. Required.",
  ),
  buckets: field(Buckets, "The buckets of a distribution."),
  metricType: field(string(), "The metric's type; `custom.googleapis.com/` and the instance's name when absent."),
});
const HttpMapping = message("stackdriver.Params.LogInfo.HttpRequestMapping", {
  status: field(string(), "The variable that is the status."),
  requestSize: field(string(), "The variable that is the size of the request, in bytes."),
  responseSize: field(string(), "The variable that is the size of the response, in bytes."),
  latency: field(string(), "The variable that is the time that it took, a duration."),
  localIp: field(string(), "The variable that is the address of the server."),
  remoteIp: field(string(), "The variable that is the address of the client."),
  url: field(string(), "The variable that is the URL."),
  method: field(string(), "The variable that is the method."),
  userAgent: field(string(), "The variable that is the client's name of itself."),
  referer: field(string(), "The variable that is the page that led here."),
});
const SinkInfo = message("stackdriver.Params.LogInfo.SinkInfo", {
  id: field(string(), "The sink's name. Required."),
  destination: field(string(), "Where the sink exports to. Required."),
  filter: field(string(), "Which entries it exports."),
  UniqueWriterIdentity: field(bool(), "Whether it writes with an identity of its own."),
  UpdateDestination: field(bool(), "Whether the destination of a sink that exists is changed."),
  UpdateFilter: field(bool(), "Whether the filter of a sink that exists is changed."),
  UpdateIncludeChildren: field(bool(), "Whether a sink that exists is made to include the children of its project."),
});
const LogInfo = message("stackdriver.Params.LogInfo", {
  labelNames: field(list(string()), "Variables that are labels of the entry; others are only for the payload."),
  payloadTemplate: field(string(), "The text of the entry, a template over the variables; none when absent."),
  httpMapping: field(HttpMapping, "Which variables describe the request of HTTP."),
  sinkInfo: field(SinkInfo, "A sink that exports the entries; it is made, or changed if it exists."),
});

const Params = message("stackdriver.Params", {
  endpoint: field(string(), "Where Google's services are called instead, an http or https URL."),
  projectId: field(string(), "Google's project; that of the cluster's metadata when absent."),
  pushInterval: field(duration(), "How often metrics are sent; 0s takes 1m."),
  appCredentials: field(bool(), "Signs in with the application's default credentials."),
  apiKey: field(string(), "Signs in with an API key. Shown nowhere."),
  serviceAccountPath: field(string(), "Signs in with the key in this file."),
  metricInfo: field(map(MetricInfo), "The metrics, by the full name of their instance, `NAME.KIND.NAMESPACE`."),
  logInfo: field(map(LogInfo), "The log entries, by the full name of their instance."),
  trace: field(
    message("stackdriver.Params.Trace", {
      sampleProbability: field(double({ minimum: 0, maximum: 1 }), "The share of the traces that is sent."),
    }),
    "What is sent of traces; none when absent.",
  ),
});
export type StackdriverParams = Static<typeof Params>;

/** Sends metrics, log entries and spans to Google Cloud's operations suite (docs/reference/mixer.md §6.20). */
export const stackdriver = describeAdapter({
  name: "stackdriver",
  description: "sends metrics, log entries, spans and the graph of workloads to Google Cloud",
  templates: ["metric", "logentry", "tracespan", "edge"],
  config: Params,
  defaults: { endpoint: "", projectId: "", pushInterval: "60s", metricInfo: {}, logInfo: {} },
  validate(params, { limits }) {
    const { endpoint = "", pushInterval = "0s", metricInfo = {}, logInfo = {} } = params;
    const violations: Violation[] = endpoint === "" ? [] : urlViolations(["endpoint"], endpoint, limits);
    if (durationMs(pushInterval) < 0) violations.push({ path: ["pushInterval"], message: "must not be negative" });
    const ways = [params.appCredentials, params.apiKey, params.serviceAccountPath].filter((each) => each !== undefined);
    if (ways.length > 1)
      violations.push({ path: ["appCredentials"], message: "apiKey and serviceAccountPath exclude each other" });
    for (const [name, { kind, value, buckets }] of Object.entries(metricInfo)) {
      const path = ["metricInfo", name];
      if ((kind ?? "METRIC_KIND_UNSPECIFIED") === "METRIC_KIND_UNSPECIFIED")
        violations.push({ path: [...path, "kind"], message: "is required" });
      if ((value ?? "VALUE_TYPE_UNSPECIFIED") === "VALUE_TYPE_UNSPECIFIED" || value === "MONEY")
        violations.push({ path: [...path, "value"], message: "must be BOOL, INT64, DOUBLE, STRING or DISTRIBUTION" });
      if (buckets && Object.keys(buckets).length !== 1)
        violations.push({ path: [...path, "buckets"], message: "must be linear, exponential or explicit" });
      if (value === "DISTRIBUTION" && !buckets)
        violations.push({ path: [...path, "buckets"], message: "is required for a DISTRIBUTION" });
    }
    for (const [name, { payloadTemplate = "", sinkInfo }] of Object.entries(logInfo)) {
      try {
        parseGoTemplate(payloadTemplate);
      } catch (error) {
        violations.push({ path: ["logInfo", name, "payloadTemplate"], message: (error as Error).message });
      }
      for (const key of ["id", "destination"] as const)
        if (sinkInfo && !sinkInfo[key])
          violations.push({ path: ["logInfo", name, "sinkInfo", key], message: "is required" });
    }
    return violations;
  },
});
