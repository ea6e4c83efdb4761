import {
  type Adapter,
  type AttributeValue,
  type Clock,
  defineAdapter,
  durationMs,
  type Handler,
  type InstanceShape,
  type MetricInstance,
  renderValue,
  type ValueMap,
  type ValueType,
} from "@xebec/mixer-sdk";
import type { Static } from "typebox";
import { Config, type MetricInfo, metricName, sanitize } from "./config.ts";
import { Family, labelFault } from "./family.ts";
import { type LabelSet, LabelSets } from "./label-sets.ts";
import { escapeLabel } from "./text.ts";

/** Content type of what `text` gives. */
export const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

export interface Prometheus {
  readonly adapter: Adapter;
  /** All metrics of all handlers, for a scraper. */
  text(): string;
}

/** Makes the adapter with its own registry, which all its handlers share (spec mixer §6.5). */
export function createPrometheus(): Prometheus {
  const registry = new FamilyRegistry();
  const adapter = defineAdapter({
    name: "prometheus",
    description: "exposes metrics for Prometheus to scrape",
    templates: ["metric"],
    config: Config,
    validate: (config, instances) => faultsOf(config, instances),
    create: (config, { handler, instances, clock }) => new MetricHandler(registry, handler, config, instances, clock),
  });
  return { adapter, text: () => registry.text() };
}

function faultsOf(
  { metrics = [], metricsExpirationPolicy }: Static<typeof Config>,
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

/** The metrics of all handlers. A metric keeps its series while its configuration stays the same. */
class FamilyRegistry {
  readonly #families = new Map<string, { family: Family; owner: string; users: number }>();

  /** @throws Error when another handler has a metric of this name with another configuration */
  claim(info: MetricInfo, owner: string): Family {
    const wanted = new Family(info);
    const known = this.#families.get(wanted.name);
    if (known?.family.signature === wanted.signature) {
      known.users++;
      return known.family;
    }
    if (known && known.owner !== owner)
      throw new Error(
        `the metric ${wanted.name} exists already, with another configuration, in the handler ${known.owner}`,
      );
    this.#families.set(wanted.name, { family: wanted, owner, users: 1 });
    return wanted;
  }

  release(family: Family): void {
    const known = this.#families.get(family.name);
    if (known?.family === family && --known.users === 0) this.#families.delete(family.name);
  }

  text(): string {
    const out: string[] = [];
    for (const { family } of this.#families.values()) if (family.size > 0) family.write(out);
    return out.join("");
  }
}

const NO_DIMENSIONS: ValueMap = { names: [], types: [], values: [] };

/** Where samples of one instance go. */
interface Sink {
  readonly family: Family;
  readonly type: ValueType;
  /** Its place in a set's series. */
  readonly at: number;
}

class MetricHandler implements Handler {
  readonly #registry: FamilyRegistry;
  readonly #clock: Clock;
  readonly #families: Family[] = [];
  readonly #sinks = new Map<string, Sink[]>();
  readonly #stop: () => void;
  readonly #sets = new LabelSets();

  constructor(
    registry: FamilyRegistry,
    owner: string,
    { metrics = [], metricsExpirationPolicy }: Static<typeof Config>,
    instances: readonly InstanceShape[],
    clock: Clock,
  ) {
    this.#registry = registry;
    this.#clock = clock;
    for (const info of metrics) {
      const family = registry.claim(info, owner);
      this.#families.push(family);
      const type = instances.find((each) => each.name === info.instanceName)?.types.value ?? "INT64";
      const sink = { family, type, at: this.#families.length - 1 };
      this.#sinks.set(info.instanceName, [...(this.#sinks.get(info.instanceName) ?? []), sink]);
    }
    if (!metricsExpirationPolicy) {
      this.#stop = () => undefined;
      return;
    }
    const { metricsExpiryDuration, expiryCheckIntervalDuration } = metricsExpirationPolicy;
    const expiry = durationMs(metricsExpiryDuration);
    const every = expiryCheckIntervalDuration ? durationMs(expiryCheckIntervalDuration) : expiry / 2;
    this.#stop = clock.every(every, () => {
      for (const family of this.#families) family.expire(clock.now() - expiry);
      this.#sets.clear();
    });
  }

  report(instances: readonly MetricInstance[]): void {
    const now = this.#clock.now();
    let faults: Set<string> | undefined;
    let last: ValueMap | undefined;
    let set: LabelSet | undefined;
    for (const instance of instances) {
      const sinks = this.#sinks.get(instance.name);
      if (sinks === undefined) {
        faults ??= new Set();
        faults.add(`could not find metric info for ${instance.name}`);
        continue;
      }
      const { dimensions } = instance;
      // Instances of one request share their dimensions.
      if (set === undefined || dimensions !== last) {
        last = dimensions;
        set = this.#sets.find(dimensions ?? NO_DIMENSIONS);
      }
      const { series: known, key } = set;
      for (const { family, type, at } of sinks) {
        try {
          const value = numberOf(type, instance.value);
          let series = known[at];
          if (series === undefined || series.expired) {
            series = family.series(key, () => labelText(family, dimensions));
            known[at] = series;
          }
          family.record(series, value, now);
        } catch (error) {
          faults ??= new Set();
          faults.add((error as Error).message);
        }
      }
    }
    if (faults) throw new Error([...faults].join("; "));
  }

  close(): void {
    this.#stop();
    for (const family of this.#families) this.#registry.release(family);
  }
}

function labelText(family: Family, dimensions: ValueMap | undefined): string {
  const values = new Map(
    dimensions?.names.map((name, i) => [
      sanitize(name),
      renderValue(dimensions.types[i] as ValueType, dimensions.values[i]),
    ]),
  );
  const names = family.labelNames.map(sanitize);
  return names.map((name) => `${name}="${escapeLabel(values.get(name) ?? "")}"`).join(",");
}

/** @throws Error for a value that is no number */
function numberOf(type: ValueType, value: AttributeValue | undefined): number {
  if (type === "DURATION") return Number(value) / 1e9;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (typeof value === "string") {
    const number = Number(value);
    if (value.trim() !== "" && !Number.isNaN(number)) return number;
  }
  throw new Error(`a value of type ${type} is no number: ${String(value)}`);
}
