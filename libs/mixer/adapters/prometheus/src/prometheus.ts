import {
  type Adapter,
  type AdapterHost,
  type AttributeValue,
  type Clock,
  durationMs,
  type Handler,
  type InstanceShape,
  implementAdapter,
  type KeptGroup,
  type MetricInstance,
  renderValue,
  type ValueMap,
  type ValueType,
} from "@xebec/mixer-sdk";
import { type Params, sanitize } from "./config.ts";
import type { Family } from "./family.ts";
import { FamilyRegistry } from "./family-registry.ts";
import { prometheus } from "./info.ts";
import { type LabelSet, LabelSets } from "./label-sets.ts";
import { escapeLabel } from "./text.ts";

/** Content type of the exposition. */
const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

/** Makes the adapter with its own registry, which all its handlers share and the host exposes (docs/reference/mixer.md §6.5). */
export function createAdapter(host: Pick<AdapterHost, "serve" | "kept">): Adapter {
  const registry = new FamilyRegistry(host.kept && ((group) => host.kept?.(group) as KeptGroup));
  host.serve("metrics", "/metrics", { contentType: TEXT_FORMAT, text: () => registry.text() });
  return implementAdapter(
    prometheus,
    (params, { instances, clock }) => new MetricHandler(registry, params, instances, clock),
  );
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
    { metrics = [], metricsExpirationPolicy }: Params,
    instances: readonly InstanceShape[],
    clock: Clock,
  ) {
    this.#registry = registry;
    this.#clock = clock;
    for (const info of metrics) {
      const family = registry.claim(info, clock.now());
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
    let errors: Set<string> | undefined;
    let last: ValueMap | undefined;
    let set: LabelSet | undefined;
    for (const instance of instances) {
      const sinks = this.#sinks.get(instance.name);
      if (sinks === undefined) {
        errors ??= new Set();
        errors.add(`could not find metric info for ${instance.name}`);
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
          errors ??= new Set();
          errors.add((error as Error).message);
        }
      }
    }
    if (errors) throw new Error([...errors].join("; "));
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

/** @throws Error for a value that is not a number */
function numberOf(type: ValueType, value: AttributeValue | undefined): number {
  if (type === "DURATION") return Number(value) / 1e9;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (typeof value === "string") {
    const number = Number(value);
    if (value.trim() !== "" && !Number.isNaN(number)) return number;
  }
  throw new Error(`a value of type ${type} is not a number: ${String(value)}`);
}
