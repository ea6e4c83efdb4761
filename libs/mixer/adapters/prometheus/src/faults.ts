import { durationMs, type InstanceShape } from "@xebec/mixer-sdk";
import type { Static } from "typebox";
import { type Config, metricName, sanitize } from "./config.ts";
import { labelFault, signatureOf } from "./family.ts";

type Params = Static<typeof Config>;

/** What is wrong with a handler's parameters by themselves. */
export function faultsOf(
  { metrics = [], metricsExpirationPolicy }: Params,
  instances: readonly InstanceShape[],
): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const [i, info] of metrics.entries()) {
    const at = `metrics[${i}]`;
    if (info.kind === "UNSPECIFIED") faults.push(`${at}.kind: must be GAUGE, COUNTER or DISTRIBUTION`);
    const name = metricName(info);
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) faults.push(`${at}.name: "${name}" is no name of a metric`);
    if (names.has(name)) faults.push(`${at}.name: ${name} is given twice`);
    names.add(name);
    for (const label of info.labelNames ?? []) {
      const fault = labelFault(label);
      if (fault) faults.push(`${at}.labelNames: ${fault}`);
    }
    const shape = instances.find((each) => each.name === info.instanceName);
    const dimensions = Object.keys(shape?.maps.dimensions ?? {}).map(sanitize);
    const labels = (info.labelNames ?? []).map(sanitize);
    const missing = labels.filter((each) => !dimensions.includes(each));
    const extra = dimensions.filter((each) => !labels.includes(each));
    if (shape && missing.length + extra.length > 0) {
      const lines = [
        ...(missing.length > 0 ? [`the instance has no dimension ${missing.join(", ")}`] : []),
        ...(extra.length > 0 ? [`the instance's dimension ${extra.join(", ")} is no label`] : []),
      ];
      faults.push(`${at}.labelNames: must be the dimensions of ${info.instanceName}: ${lines.join("; ")}`);
    }
  }
  const { metricsExpiryDuration = "1s", expiryCheckIntervalDuration = "1s" } = metricsExpirationPolicy ?? {};
  for (const [name, text] of Object.entries({ metricsExpiryDuration, expiryCheckIntervalDuration }))
    if (durationMs(text) <= 0) faults.push(`metricsExpirationPolicy.${name}: must be longer than 0`);
  return faults;
}

/** A metric has one configuration: of handlers that differ in it the first by name stays. */
export function conflictsOf(
  handlers: readonly { readonly handler: string; readonly config: Params }[],
): Map<string, string[]> {
  const owners = new Map<string, { readonly handler: string; readonly signature: string }>();
  const faults = new Map<string, string[]>();
  for (const { handler, config } of handlers) {
    const metrics = config.metrics ?? [];
    const found = metrics.flatMap((info, i) => {
      const name = metricName(info);
      const owner = owners.get(name);
      return owner && owner.signature !== signatureOf(info)
        ? [`metrics[${i}].name: the metric ${name} has another configuration in the handler ${owner.handler}`]
        : [];
    });
    if (found.length > 0) faults.set(handler, found);
    else
      for (const info of metrics) {
        const name = metricName(info);
        if (!owners.has(name)) owners.set(name, { handler, signature: signatureOf(info) });
      }
  }
  return faults;
}
