import {
  describeAdapter,
  enumeration,
  field,
  type InstanceShape,
  map,
  message,
  type Path,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { parseGoTemplate } from "@xebec/mixer-sinks";

/** CloudWatch's units, in the order of Istio's numbers. */
export const UNITS = [
  ...["None", "Seconds", "Microseconds", "Milliseconds", "Count", "Bytes", "Kilobytes", "Megabytes", "Gigabytes"],
  ...["Terabytes", "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Bytes_Second"],
  ...["Kilobytes_Second", "Megabytes_Second", "Gigabytes_Second", "Terabytes_Second", "Bits_Second"],
  ...["Kilobits_Second", "Megabits_Second", "Gigabits_Second", "Terabits_Second", "Count_Second"],
] as const;
/** Nanoseconds of the units of time. */
export const TIME_UNITS: Readonly<Record<string, number>> = { Seconds: 1e9, Milliseconds: 1e6, Microseconds: 1e3 };
const MAX_DIMENSIONS = 10;

const MetricDatum = message("cloudwatch.Params.MetricDatum", {
  unit: field(enumeration(UNITS), "The unit; for durations one of time, in which they are whole."),
});
const LogInfo = message("cloudwatch.Params.LogInfo", {
  payloadTemplate: field(
    string(),
    "The line, a template over the variables, whose values are escaped as in HTML. Required.",
  ),
});

const Params = message("cloudwatch.Params", {
  namespace: field(string(), "CloudWatch's namespace of the metrics. Required."),
  metricInfo: field(map(MetricDatum), "The metrics, by the full name of their instance, `NAME.KIND.NAMESPACE`."),
  logGroupName: field(string(), "The log group. Required where log entries are sent."),
  logStreamName: field(string(), "The log stream. Required where log entries are sent."),
  logs: field(map(LogInfo), "The log entries, by the full name of their instance."),
});
export type CloudwatchParams = Static<typeof Params>;

/** Sends metrics to CloudWatch and log entries to CloudWatch Logs (docs/reference/mixer.md §6.19). */
export const cloudwatch = describeAdapter({
  name: "cloudwatch",
  description: "sends metrics to Amazon CloudWatch and log entries to CloudWatch Logs",
  templates: ["metric", "logentry"],
  config: Params,
  defaults: { namespace: "", metricInfo: {}, logGroupName: "", logStreamName: "", logs: {} },
  validate({ namespace = "", metricInfo = {}, logGroupName = "", logStreamName = "", logs = {} }, { instances }) {
    const violations: Violation[] = [];
    if (namespace === "") violations.push({ path: ["namespace"], message: "is required" });
    const hasLogs = Object.keys(logs).length > 0 || instances.some((each) => each.template === "logentry");
    if (hasLogs && logGroupName === "") violations.push({ path: ["logGroupName"], message: "is required" });
    if (hasLogs && logStreamName === "") violations.push({ path: ["logStreamName"], message: "is required" });
    const known = new Map(instances.map((each) => [each.name, each]));
    for (const [name, { unit = "None" }] of Object.entries(metricInfo))
      violations.push(...metricViolations(["metricInfo", name], unit, known.get(name), instances.length > 0));
    for (const [name, { payloadTemplate = "" }] of Object.entries(logs)) {
      const path = ["logs", name, "payloadTemplate"];
      if (payloadTemplate === "") violations.push({ path, message: "is required" });
      try {
        const { names } = parseGoTemplate(payloadTemplate);
        const variables = known.get(name)?.maps.variables;
        const missing = variables ? names.filter((each) => !Object.hasOwn(variables, each)) : [];
        if (missing.length > 0)
          violations.push({ path, message: `the instance has no variable ${missing.join(", ")}` });
      } catch (error) {
        violations.push({ path, message: (error as Error).message });
      }
    }
    for (const { name, template } of instances) {
      const [key, listed] = template === "metric" ? (["metricInfo", metricInfo] as const) : (["logs", logs] as const);
      if (!Object.hasOwn(listed, name))
        violations.push({ path: [key], message: `has no ${name}, which a rule sends to this handler` });
    }
    return violations;
  },
});

function metricViolations(path: Path, unit: string, shape: InstanceShape | undefined, isUsed: boolean): Violation[] {
  if (!shape) return isUsed ? [{ path, message: "no rule sends this instance to the handler" }] : [];
  const value = shape.types.value ?? "nothing";
  const violations: Violation[] = [];
  if (!["STRING", "INT64", "DOUBLE", "DURATION"].includes(value))
    violations.push({
      path,
      message: `the instance's value is ${value}; it must be STRING, INT64, DOUBLE or DURATION`,
    });
  if (value === "DURATION" && !Object.hasOwn(TIME_UNITS, unit))
    violations.push({
      path: [...path, "unit"],
      message: "must be Seconds, Milliseconds or Microseconds for a value of type DURATION",
    });
  if (Object.keys(shape.maps.dimensions ?? {}).length > MAX_DIMENSIONS)
    violations.push({ path, message: `the instance has more than ${MAX_DIMENSIONS} dimensions` });
  return violations;
}
