import { durationMs, type InstanceShape, type Path, type Violation } from "@xebec/mixer-sdk";
import { type MetricInfo, metricName, type Params, sanitize } from "./config.ts";
import { labelError, signatureOf } from "./family.ts";

/** What is wrong with a handler's parameters by themselves, and with instances that rules send to it. */
export function validateParams(
  { metrics = [], metricsExpirationPolicy }: Params,
  instances: readonly InstanceShape[],
): Violation[] {
  const violations: Violation[] = [];
  const names = new Set<string>();
  for (const [i, info] of metrics.entries()) {
    const fail = (field: string, message: string): void =>
      void violations.push({ path: ["metrics", i, field], message });
    if (info.kind === "UNSPECIFIED") fail("kind", "must be GAUGE, COUNTER or DISTRIBUTION");
    const name = metricName(info);
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) fail("name", `"${name}" is not a name of a metric`);
    if (names.has(name)) fail("name", `${name} is given twice`);
    names.add(name);
    violations.push(...labelViolations(info, ["metrics", i, "labelNames"]));
    const shape = instances.find((each) => each.name === info.instanceName);
    const difference = shape && dimensionsDifference(info, shape);
    if (difference) fail("labelNames", `must be the dimensions of ${info.instanceName}: ${difference}`);
  }
  const { metricsExpiryDuration = "1s", expiryCheckIntervalDuration = "1s" } = metricsExpirationPolicy ?? {};
  for (const [name, text] of Object.entries({ metricsExpiryDuration, expiryCheckIntervalDuration }))
    if (durationMs(text) <= 0)
      violations.push({ path: ["metricsExpirationPolicy", name], message: "must be longer than 0" });
  return violations;
}

function labelViolations({ labelNames = [] }: MetricInfo, path: Path): Violation[] {
  return labelNames.flatMap((label) => {
    const message = labelError(label);
    return message ? [{ path, message }] : [];
  });
}

/** How a metric's labels differ from its instance's dimensions; undefined when they do not. */
function dimensionsDifference({ labelNames = [] }: MetricInfo, shape: InstanceShape): string | undefined {
  const dimensions = Object.keys(shape.maps.dimensions ?? {}).map(sanitize);
  const labels = labelNames.map(sanitize);
  const missing = labels.filter((each) => !dimensions.includes(each));
  const extra = dimensions.filter((each) => !labels.includes(each));
  const lines = [
    ...(missing.length > 0 ? [`the instance has no dimension ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`the instance's dimension ${extra.join(", ")} is not a label`] : []),
  ];
  return lines.length > 0 ? lines.join("; ") : undefined;
}

/** A metric has one configuration: of handlers that differ in it the first by name stays. */
export function validateTogether(
  handlers: readonly { readonly handler: string; readonly config: Params }[],
): Map<string, Violation[]> {
  const owners = new Map<string, { readonly handler: string; readonly signature: string }>();
  const violations = new Map<string, Violation[]>();
  for (const { handler, config } of handlers) {
    const metrics = config.metrics ?? [];
    const found = metrics.flatMap((info, i) => {
      const name = metricName(info);
      const owner = owners.get(name);
      return owner && owner.signature !== signatureOf(info)
        ? [
            {
              path: ["metrics", i, "name"],
              message: `the metric ${name} has another configuration in the handler ${owner.handler}`,
            },
          ]
        : [];
    });
    if (found.length > 0) violations.set(handler, found);
    else
      for (const info of metrics) {
        const name = metricName(info);
        if (!owners.has(name)) owners.set(name, { handler, signature: signatureOf(info) });
      }
  }
  return violations;
}
