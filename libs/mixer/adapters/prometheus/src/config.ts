import {
  double,
  duration,
  enumeration,
  field,
  int32,
  list,
  message,
  required,
  type Static,
  string,
} from "@xebec/mixer-sdk";

const bucketCount = () => required(int32({ minimum: 0, maximum: 1000 }), "How many buckets have two bounds.");

const Buckets = message("prometheus.Params.MetricInfo.BucketsDefinition", {
  linearBuckets: field(
    message("Linear", {
      numFiniteBuckets: bucketCount(),
      width: required(double(), "The width of each bucket."),
      offset: field(double(), "The lower bound of the first bucket."),
    }),
    "Buckets of one width.",
  ),
  exponentialBuckets: field(
    message("Exponential", {
      numFiniteBuckets: bucketCount(),
      growthFactor: required(double(), "By which each bound is greater than the one before."),
      scale: required(double(), "The lower bound of the first bucket."),
    }),
    "Buckets that grow.",
  ),
  explicitBuckets: field(
    message("Explicit", { bounds: required(list(double()), "The bounds, ascending.") }),
    "Buckets by their bounds.",
  ),
});

const MetricInfo = message("prometheus.Params.MetricInfo", {
  name: field(string(), "The metric's name; that of the instance when it is absent."),
  instanceName: required(string({ minLength: 1 }), "The full name of a metric instance, `NAME.KIND.NAMESPACE`."),
  description: field(string(), "The help text."),
  kind: required(enumeration(["UNSPECIFIED", "GAUGE", "COUNTER", "DISTRIBUTION"]), "How samples are gathered."),
  buckets: field(Buckets, "The buckets of a DISTRIBUTION."),
  labelNames: field(list(string()), "The labels: the instance's dimensions."),
  namespace: field(string(), "What the name begins with."),
});
export type MetricInfo = Static<typeof MetricInfo>;

/** Parameters of a prometheus handler (docs/reference/mixer.md §6.5). */
export const Params = message("prometheus.Params", {
  metrics: field(list(MetricInfo), "The metrics."),
  metricsExpirationPolicy: field(
    message("prometheus.Params.MetricsExpirationPolicy", {
      metricsExpiryDuration: required(duration(), "A series that was not written for so long is forgotten."),
      expiryCheckIntervalDuration: field(duration(), "How often that is looked at; half of the expiry when absent."),
    }),
    "Forgets series that are not written any more.",
  ),
});
export type Params = Static<typeof Params>;

const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The upper bounds of a distribution's buckets, ascending, without +Inf. */
export function boundsOf({ buckets = {} }: MetricInfo): number[] {
  const { linearBuckets, exponentialBuckets, explicitBuckets } = buckets;
  if (explicitBuckets) return [...explicitBuckets.bounds];
  if (linearBuckets) {
    const { numFiniteBuckets, width, offset = 0 } = linearBuckets;
    return steps(numFiniteBuckets, offset, (bound) => bound + width);
  }
  if (exponentialBuckets) {
    const { numFiniteBuckets, growthFactor, scale } = exponentialBuckets;
    return steps(numFiniteBuckets, scale, (bound) => bound * growthFactor);
  }
  return DEFAULT_BOUNDS;
}

/** Each bound comes from the one before, as in the Go client of Prometheus: the last digits of `le` depend on it. */
function steps(count: number, first: number, next: (bound: number) => number): number[] {
  const bounds = [first];
  for (let i = 0; i < count; i++) bounds.push(next(bounds[i] as number));
  return bounds;
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
