import {
  describeAdapter,
  double,
  enumeration,
  field,
  int32,
  map,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { addressViolations } from "@xebec/mixer-sinks";

const MetricInfo = message("dogstatsd.Params.MetricInfo", {
  name: field(string(), "The metric's name, behind the prefix. Required."),
  type: field(enumeration(["UNKNOWN", "COUNTER", "GAUGE", "DISTRIBUTION"]), "How the value is sent. Required."),
  tags: field(map(string()), "Tags of this metric, beside those of its dimensions."),
});

const Params = message("dogstatsd.Params", {
  address: field(string(), "The DogStatsD server, HOST:PORT."),
  prefix: field(string(), "What every name begins with; a dot follows."),
  bufferLength: field(int32({ minimum: 0 }), "So many samples gather in one datagram; 0 sends each by itself."),
  globalTags: field(map(string()), "Tags of every metric."),
  sampleRate: field(double({ minimum: 0, maximum: 1 }), "The share of the samples that is sent."),
  metrics: field(map(MetricInfo), "The metrics, by the full name of their instance, `NAME.KIND.NAMESPACE`."),
});
export type DogstatsdParams = Static<typeof Params>;

/** Sends metrics to Datadog's agent (docs/reference/mixer.md §6.13). */
export const dogstatsd = describeAdapter({
  name: "dogstatsd",
  description: "sends metrics to the DogStatsD server of a Datadog agent",
  templates: ["metric"],
  config: Params,
  defaults: {
    ...{ address: "localhost:8125", prefix: "istio.", bufferLength: 0, globalTags: {}, sampleRate: 1, metrics: {} },
  },
  validate({ address = "", metrics = {} }, { instances, limits }) {
    const violations: Violation[] = addressViolations(["address"], address, limits);
    for (const [name, { name: shown = "", type = "UNKNOWN" }] of Object.entries(metrics)) {
      const path = ["metrics", name];
      if (shown === "") violations.push({ path: [...path, "name"], message: "is required" });
      if (type === "UNKNOWN")
        violations.push({ path: [...path, "type"], message: "must be COUNTER, GAUGE or DISTRIBUTION" });
      const shape = instances.find((each) => each.name === name);
      if (!shape) {
        if (instances.length > 0) violations.push({ path, message: "no rule sends this instance to the handler" });
        continue;
      }
      const fits = type === "DISTRIBUTION" ? ["DURATION", "INT64"] : ["INT64"];
      const value = shape.types.value ?? "nothing";
      if (type !== "UNKNOWN" && !fits.includes(value))
        violations.push({
          path: [...path, "type"],
          message: `the instance's value is ${value}; ${type} needs ${fits.join(" or ")}`,
        });
    }
    for (const { name } of instances)
      if (!Object.hasOwn(metrics, name))
        violations.push({ path: ["metrics"], message: `has no ${name}, which a rule sends to this handler` });
    return violations;
  },
});
