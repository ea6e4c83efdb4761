import {
  describeAdapter,
  duration,
  durationMs,
  field,
  type InstanceShape,
  int32,
  list,
  map,
  message,
  type Path,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { parseGoTemplate } from "@xebec/mixer-sinks";

const MetricInfo = message("solarwinds.Params.MetricInfo", {
  labelNames: field(list(string()), "Dimensions that are tags of the measurement."),
});
const LogInfo = message("solarwinds.Params.LogInfo", {
  payloadTemplate: field(string(), "The line, a template over the variables; that of an access log when absent."),
});

const Params = message("solarwinds.Params", {
  appopticsAccessToken: field(string(), "AppOptics' token; empty: metrics are dropped. Shown nowhere."),
  appopticsBatchSize: field(
    int32({ minimum: 0, maximum: 1_000 }),
    "A request has at most so many measurements; 0 takes 1000.",
  ),
  papertrailUrl: field(
    string(),
    "Papertrail's address, `logsN.papertrailapp.com:PORT`; empty: log entries are dropped.",
  ),
  papertrailLocalRetentionDuration: field(
    duration(),
    "Entries that could not be sent for so long are dropped; 0s takes 1h.",
  ),
  metrics: field(map(MetricInfo), "The metrics, by the full name of their instance, `NAME.KIND.NAMESPACE`."),
  logs: field(map(LogInfo), "The log entries, by the full name of their instance."),
});
export type SolarwindsParams = Static<typeof Params>;

/** Where Papertrail is. */
export const PAPERTRAIL = /^(?:[a-z+]+:\/\/)?(logs\d*\.papertrailapp\.com):(\d{1,5})\/?$/;

/** Sends metrics to AppOptics and log entries to Papertrail (docs/reference/mixer.md §6.15). */
export const solarwinds = describeAdapter({
  name: "solarwinds",
  description: "sends metrics to AppOptics and log entries to Papertrail",
  templates: ["metric", "logentry"],
  config: Params,
  defaults: {
    ...{ appopticsAccessToken: "", appopticsBatchSize: 0, papertrailUrl: "" },
    ...{ papertrailLocalRetentionDuration: "3600s", metrics: {}, logs: {} },
  },
  validate(params, { instances }) {
    const { papertrailUrl = "", papertrailLocalRetentionDuration = "0s", metrics = {}, logs = {} } = params;
    const violations: Violation[] = [];
    if (papertrailUrl !== "" && !PAPERTRAIL.test(papertrailUrl))
      violations.push({ path: ["papertrailUrl"], message: "is not logsN.papertrailapp.com:PORT" });
    if (durationMs(papertrailLocalRetentionDuration) < 0)
      violations.push({ path: ["papertrailLocalRetentionDuration"], message: "must not be negative" });
    const shapeOf = (name: string, path: Path): InstanceShape | undefined => {
      const shape = instances.find((each) => each.name === name);
      if (!shape && instances.length > 0)
        violations.push({ path, message: "no rule sends this instance to the handler" });
      return shape;
    };
    for (const [name, { labelNames = [] }] of Object.entries(metrics)) {
      const dimensions = shapeOf(name, ["metrics", name])?.maps.dimensions;
      if (dimensions)
        violations.push(...missingOf(["metrics", name, "labelNames"], labelNames, dimensions, "dimension"));
    }
    for (const [name, { payloadTemplate = "" }] of Object.entries(logs)) {
      const path = ["logs", name, "payloadTemplate"];
      const variables = shapeOf(name, ["logs", name])?.maps.variables;
      try {
        const { names } = parseGoTemplate(payloadTemplate);
        if (variables) violations.push(...missingOf(path, names, variables, "variable"));
      } catch (error) {
        violations.push({ path, message: (error as Error).message });
      }
    }
    return violations;
  },
});

function missingOf(path: Path, names: readonly string[], known: object, what: string): Violation[] {
  const missing = names.filter((each) => !Object.hasOwn(known, each));
  return missing.length === 0 ? [] : [{ path, message: `the instance has no ${what} ${missing.join(", ")}` }];
}
