import { Duration, Enum } from "@xebec/mixer-sdk";
import { type Static, Type } from "typebox";

const optional = Type.Optional;
const closed = { additionalProperties: false } as const;
const count = Type.Integer({ minimum: 0, maximum: 1000 });

const Buckets = Type.Object(
  {
    linearBuckets: optional(
      Type.Object({ numFiniteBuckets: count, width: Type.Number(), offset: optional(Type.Number()) }, closed),
    ),
    exponentialBuckets: optional(
      Type.Object({ numFiniteBuckets: count, growthFactor: Type.Number(), scale: Type.Number() }, closed),
    ),
    explicitBuckets: optional(Type.Object({ bounds: Type.Array(Type.Number()) }, closed)),
  },
  closed,
);

const MetricInfo = Type.Object(
  {
    name: optional(Type.String()),
    instanceName: Type.String({ minLength: 1 }),
    description: optional(Type.String()),
    kind: Enum(["UNSPECIFIED", "GAUGE", "COUNTER", "DISTRIBUTION"]),
    buckets: optional(Buckets),
    labelNames: optional(Type.Array(Type.String())),
    namespace: optional(Type.String()),
  },
  closed,
);
export type MetricInfo = Static<typeof MetricInfo>;

/** Parameters of a prometheus handler (docs/reference/mixer.md §6.5). */
export const Config = Type.Object(
  {
    metrics: optional(Type.Array(MetricInfo)),
    metricsExpirationPolicy: optional(
      Type.Object({ metricsExpiryDuration: Duration, expiryCheckIntervalDuration: optional(Duration) }, closed),
    ),
  },
  closed,
);

const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The upper bounds of a distribution's buckets, ascending, without +Inf. */
export function boundsOf({ buckets = {} }: MetricInfo): number[] {
  const { linearBuckets, exponentialBuckets, explicitBuckets } = buckets;
  if (explicitBuckets) return [...explicitBuckets.bounds];
  if (linearBuckets) {
    const { numFiniteBuckets, width, offset = 0 } = linearBuckets;
    return Array.from({ length: numFiniteBuckets + 1 }, (_, i) => offset + width * i);
  }
  if (exponentialBuckets) {
    const { numFiniteBuckets, growthFactor, scale } = exponentialBuckets;
    return Array.from({ length: numFiniteBuckets + 1 }, (_, i) => scale * growthFactor ** i);
  }
  return DEFAULT_BOUNDS;
}

/** A name as Prometheus takes it: one leading slash goes, slashes, dots and spaces become underscores, hyphens go. */
export function sanitize(name: string): string {
  return name.replace(/^\//, "").replace(/[/. ]/g, "_").replaceAll("-", "");
}

/** The full name of a metric. */
export function metricName({ name, instanceName, namespace = "istio" }: MetricInfo): string {
  const own = sanitize(name || instanceName);
  return namespace === "" ? own : `${sanitize(namespace)}_${own}`;
}
