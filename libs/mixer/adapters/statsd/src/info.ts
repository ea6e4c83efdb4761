import { isIP } from "node:net";
import {
  describeAdapter,
  double,
  duration,
  durationMs,
  enumeration,
  field,
  type HandlerLimits,
  type InstanceShape,
  int32,
  map,
  message,
  type Path,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";
import { parseNameTemplate } from "./name-template.ts";

const MetricInfo = message("statsd.Params.MetricInfo", {
  type: field(enumeration(["UNKNOWN", "COUNTER", "GAUGE", "DISTRIBUTION"]), "How the value is sent. Required."),
  nameTemplate: field(
    string(),
    "The metric's name, a template over the instance's dimensions; its full name when absent.",
  ),
});

const Params = message("statsd.Params", {
  address: field(string(), "The StatsD server, HOST:PORT."),
  prefix: field(string(), "What every name begins with, without the dot behind it."),
  flushDuration: field(duration(), "What waits is sent this often."),
  flushBytes: field(int32({ minimum: 0, maximum: 65_507 }), "A datagram has at most so many bytes; 0 takes 512."),
  samplingRate: field(double({ minimum: 0 }), "The share of the samples that is sent; 1 and more sends all."),
  metrics: field(map(MetricInfo), "The metrics, by the full name of their instance, `NAME.KIND.NAMESPACE`."),
});
export type StatsdParams = Static<typeof Params>;

/** Sends metrics to a StatsD server (docs/reference/mixer.md §6.12). */
export const statsd = describeAdapter({
  name: "statsd",
  description: "sends metrics to a StatsD server",
  templates: ["metric"],
  config: Params,
  defaults: {
    address: "localhost:8125",
    prefix: "",
    flushDuration: "300ms",
    flushBytes: 512,
    samplingRate: 1,
    metrics: {},
  },
  validate({ address = "", flushDuration = "0s", metrics = {} }, { instances, limits }) {
    const violations = addressViolations(address, limits);
    if (durationMs(flushDuration) < 0) violations.push({ path: ["flushDuration"], message: "must not be negative" });
    for (const [name, info] of Object.entries(metrics)) {
      const shape = instances.find((each) => each.name === name);
      violations.push(...metricViolations(["metrics", name], info, shape));
    }
    for (const { name } of instances)
      if (!Object.hasOwn(metrics, name))
        violations.push({ path: ["metrics"], message: `has no ${name}, which a rule sends to this handler` });
    return violations;
  },
});

/** Takes `HOST:PORT` apart; IPv6 addresses are in brackets. Undefined for anything else. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, name, digits] = /^(?:\[([^\]]+)\]|([^:\s/[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  const host = six ?? name;
  if (!host || !(port >= 1 && port <= 65_535) || (six !== undefined && isIP(six) !== 6)) return undefined;
  return { host, port };
}

/** A name is looked up when the handler starts. */
function addressViolations(address: string, limits: HandlerLimits | undefined): Violation[] {
  const path = ["address"];
  const parts = hostAndPort(address);
  if (!parts) return [{ path, message: `${JSON.stringify(address)} is not HOST:PORT` }];
  const refusal = isIP(parts.host) !== 0 ? limits?.addressRefusal(parts.host) : undefined;
  if (refusal === undefined) return [];
  const flag = "the flag --handlerNetworks of mixer-telemetry names networks that handlers may call";
  return [{ path, message: `${refusal}; ${flag}` }];
}

function metricViolations(
  path: Path,
  { type = "UNKNOWN", nameTemplate = "" }: NonNullable<StatsdParams["metrics"]>[string],
  shape: InstanceShape | undefined,
): Violation[] {
  const violations: Violation[] = [];
  if (type === "UNKNOWN")
    violations.push({ path: [...path, "type"], message: "must be COUNTER, GAUGE or DISTRIBUTION" });
  const value = shape?.types.value ?? "INT64";
  if (value !== "INT64" && !(type === "DISTRIBUTION" && value === "DURATION")) {
    const fits = type === "DISTRIBUTION" ? "INT64 or DURATION" : "INT64";
    violations.push({ path: [...path, "type"], message: `the instance's value is ${value}; ${type} needs ${fits}` });
  }
  try {
    const dimensions = Object.keys(shape?.maps.dimensions ?? {});
    const missing = parseNameTemplate(nameTemplate).dimensions.filter((each) => !dimensions.includes(each));
    if (shape && missing.length > 0)
      violations.push({
        path: [...path, "nameTemplate"],
        message: `the instance has no dimension ${missing.join(", ")}`,
      });
  } catch (error) {
    violations.push({ path: [...path, "nameTemplate"], message: (error as Error).message });
  }
  return violations;
}
