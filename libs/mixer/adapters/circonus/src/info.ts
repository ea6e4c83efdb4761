import {
  describeAdapter,
  duration,
  durationMs,
  enumeration,
  field,
  list,
  message,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { urlViolations } from "@xebec/mixer-sinks";

const MetricInfo = message("circonus.Params.MetricInfo", {
  name: field(string(), "The full name of the instance, `NAME.KIND.NAMESPACE`."),
  type: field(enumeration(["UNKNOWN", "COUNTER", "GAUGE", "DISTRIBUTION"]), "How values are gathered. Required."),
});

const Params = message("circonus.Params", {
  submissionUrl: field(string(), "The URL of an HTTPTrap check. It holds a secret: it is shown nowhere."),
  submissionInterval: field(duration(), "How often values are sent, 1s or longer."),
  metrics: field(list(MetricInfo), "The metrics."),
});
export type CirconusParams = Static<typeof Params>;

/** Sends metrics to Circonus (docs/reference/mixer.md §6.14). */
export const circonus = describeAdapter({
  name: "circonus",
  description: "sends metrics to an HTTPTrap check of Circonus",
  templates: ["metric"],
  config: Params,
  defaults: { submissionInterval: "10s", metrics: [] },
  validate({ submissionUrl = "", submissionInterval = "10s", metrics = [] }, { instances, limits }) {
    const violations: Violation[] = urlViolations(["submissionUrl"], submissionUrl, limits);
    if (durationMs(submissionInterval) < 1000)
      violations.push({ path: ["submissionInterval"], message: "must be 1s or longer" });
    const names = metrics.map((each) => each.name);
    for (const [i, { name = "", type = "UNKNOWN" }] of metrics.entries()) {
      const path = ["metrics", i];
      if (type === "UNKNOWN")
        violations.push({ path: [...path, "type"], message: "must be COUNTER, GAUGE or DISTRIBUTION" });
      if (names.indexOf(name) !== i) violations.push({ path: [...path, "name"], message: `${name} is listed twice` });
      const shape = instances.find((each) => each.name === name);
      if (!shape) {
        if (instances.length > 0)
          violations.push({ path: [...path, "name"], message: `no rule sends ${name} to the handler` });
        continue;
      }
      const needs = { COUNTER: undefined, UNKNOWN: undefined, GAUGE: "INT64", DISTRIBUTION: "DURATION" }[type];
      if (needs && shape.types.value !== needs)
        violations.push({
          path: [...path, "type"],
          message: `the instance's value is ${shape.types.value ?? "nothing"}; ${type} needs ${needs}`,
        });
    }
    for (const { name } of instances)
      if (!names.includes(name))
        violations.push({ path: ["metrics"], message: `has no ${name}, which a rule sends to this handler` });
    return violations;
  },
});
