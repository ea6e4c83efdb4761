import { logger } from "@xebec/core-log";
import type { KeptGroup, KeptSlot } from "@xebec/mixer-sdk";
import type { AccessLogEntry } from "./access-log-entry.ts";
import { type PeerRole, UNKNOWN_PEER } from "./peer.ts";
import { protocolOf } from "./request-attributes.ts";

const log = logger("metrics");
/** Labels come from requests: what is more is not counted. */
const MAX_SERIES = 50_000;
const MAX_PLANS = 256;
/** Envoy's own buckets. */
const BUCKETS = [
  ...[0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000],
  ...[1_800_000, 3_600_000],
];

/** Istio's names of its metrics (docs/reference/pilot.md §3.10). */
const METRICS = {
  REQUEST_COUNT: { name: "istio_requests_total", type: "counter" },
  REQUEST_DURATION: { name: "istio_request_duration_milliseconds", type: "histogram" },
  REQUEST_SIZE: { name: "istio_request_bytes", type: "histogram" },
  RESPONSE_SIZE: { name: "istio_response_bytes", type: "histogram" },
  TCP_OPENED_CONNECTIONS: { name: "istio_tcp_connections_opened_total", type: "counter" },
  TCP_CLOSED_CONNECTIONS: { name: "istio_tcp_connections_closed_total", type: "counter" },
  TCP_SENT_BYTES: { name: "istio_tcp_sent_bytes_total", type: "counter" },
  TCP_RECEIVED_BYTES: { name: "istio_tcp_received_bytes_total", type: "counter" },
} as const;

type Metric = keyof typeof METRICS;
/** What pilot says of one metric: off, labels without, labels with, by the number of their value. */
interface Override {
  readonly d?: 1;
  readonly r?: readonly string[];
  readonly u?: Readonly<Record<string, number>>;
}
type Plan = Readonly<Partial<Record<Metric, Override>>>;

interface Series {
  sum: number;
  count: number;
  readonly buckets: number[];
  readonly slot?: KeptSlot;
  /** When it was counted last, as `Date.now()` has it. */
  seen: number;
}

export interface StandardMetricsOptions {
  /** Gives what outlasts the process. */
  readonly keep?: ((group: string) => KeptGroup) | undefined;
  /** A series that was not counted for so long is forgotten when the metrics are read; 0: never. */
  readonly expiryMs?: number;
  /** Gives the time, as `Date.now`. */
  readonly now?: () => number;
}

/**
 * Istio's standard metrics, of proxies for which a Telemetry object or a default provider asks for them. What is different for a
 * workload comes with each report (docs/adr/0015-standard-metrics.md).
 */
export class StandardMetrics {
  readonly #plans = new Map<string, Plan>();
  readonly #series = new Map<Metric, Map<string, Series>>();
  readonly #keep: ((group: string) => KeptGroup) | undefined;
  readonly #expiryMs: number;
  readonly #now: () => number;
  #size = 0;

  constructor({ keep, expiryMs = 0, now = Date.now }: StandardMetricsOptions = {}) {
    this.#keep = keep;
    this.#expiryMs = expiryMs;
    this.#now = now;
    for (const metric of Object.keys(METRICS) as Metric[])
      for (const [labels, [sum = 0, count = 0, ...buckets]] of keep?.(`standard ${metric}`).entries() ?? []) {
        const series = this.#make(metric, labels);
        series.sum = sum;
        series.count = count;
        for (const i of series.buckets.keys()) series.buckets[i] = buckets[i] ?? 0;
      }
  }

  #make(metric: Metric, labels: string): Series {
    const buckets = METRICS[metric].type === "histogram" ? BUCKETS.map(() => 0) : [];
    const slot = this.#keep?.(`standard ${metric}`).slot(labels, () => [series.sum, series.count, ...buckets]);
    const series: Series = { sum: 0, count: 0, buckets, seen: this.#now(), ...(slot ? { slot } : {}) };
    let family = this.#series.get(metric);
    if (!family) {
      family = new Map();
      this.#series.set(metric, family);
    }
    family.set(labels, series);
    this.#size++;
    return series;
  }

  /** Counts a request or a connection that is over, if it is to be. */
  record(bag: AccessLogEntry): void {
    const descriptor = bag.metrics;
    if (descriptor === undefined) return;
    const plan = this.#plan(descriptor);
    const labels = labelsOf(bag);
    if (bag.isHttp) {
      this.#add("REQUEST_COUNT", plan, labels, bag, 1);
      this.#add("REQUEST_DURATION", plan, labels, bag, (bag.duration ?? 0) / 1e6);
      this.#add("REQUEST_SIZE", plan, labels, bag, bag.number("requestBodyBytes"));
      this.#add("RESPONSE_SIZE", plan, labels, bag, bag.number("responseBodyBytes"));
      return;
    }
    this.#add("TCP_OPENED_CONNECTIONS", plan, labels, bag, 1);
    this.#add("TCP_CLOSED_CONNECTIONS", plan, labels, bag, 1);
    this.#add("TCP_SENT_BYTES", plan, labels, bag, bag.number("sentBytes"));
    this.#add("TCP_RECEIVED_BYTES", plan, labels, bag, bag.number("receivedBytes"));
  }

  #plan(descriptor: string): Plan {
    let plan = this.#plans.get(descriptor);
    if (!plan) {
      plan = readPlan(descriptor);
      if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
      this.#plans.set(descriptor, plan);
    }
    return plan;
  }

  #add(metric: Metric, plan: Plan, labels: ReadonlyMap<string, string>, bag: AccessLogEntry, value: number): void {
    const override = plan[metric];
    if (override?.d) return;
    const key = textOf(override ? changed(labels, override, bag) : labels);
    let series = this.#series.get(metric)?.get(key);
    if (!series) {
      if (this.#size >= MAX_SERIES) {
        log.warn({ limit: MAX_SERIES }, "standard metrics have too many different labels; new ones are not counted");
        return;
      }
      series = this.#make(metric, key);
    }
    series.slot?.changed();
    series.seen = this.#now();
    series.sum += value;
    series.count++;
    const { buckets } = series;
    for (let i = 0; i < buckets.length; i++)
      if (value <= (BUCKETS[i] as number)) buckets[i] = (buckets[i] as number) + 1;
  }

  #forget(): void {
    if (this.#expiryMs === 0) return;
    const before = this.#now() - this.#expiryMs;
    for (const family of this.#series.values())
      for (const [key, { seen, slot }] of family)
        if (seen < before) {
          family.delete(key);
          slot?.forget();
          this.#size--;
        }
  }

  /** The metrics in Prometheus' text form. @param others metrics of handlers, which go before those of the same name */
  text(others = ""): string {
    this.#forget();
    const lines: string[] = [];
    for (const [metric, family] of this.#series) {
      const { name, type } = METRICS[metric];
      if (family.size === 0 || others.includes(`# TYPE ${name} `)) continue;
      lines.push(`# TYPE ${name} ${type}`);
      for (const [labels, { sum, count, buckets }] of family) {
        if (type === "counter") {
          lines.push(`${name}{${labels}} ${sum}`);
          continue;
        }
        for (const [i, each] of buckets.entries()) lines.push(`${name}_bucket{${labels},le="${BUCKETS[i]}"} ${each}`);
        lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
        lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
      }
    }
    return lines.length > 0 ? `${lines.join("\n")}\n` : "";
  }
}

/** A descriptor that cannot be read changes nothing. */
function readPlan(descriptor: string): Plan {
  try {
    const plan: unknown = JSON.parse(descriptor);
    return plan !== null && typeof plan === "object" ? (plan as Plan) : {};
  } catch {
    return {};
  }
}

function changed(
  labels: ReadonlyMap<string, string>,
  { r = [], u = {} }: Override,
  bag: AccessLogEntry,
): Map<string, string> {
  const result = new Map(labels);
  for (const name of r) result.delete(name);
  for (const [name, number] of Object.entries(u)) result.set(name, bag.label(number) || "unknown");
  return result;
}

function textOf(labels: ReadonlyMap<string, string>): string {
  return [...labels].map(([name, value]) => `${name}="${escaped(value)}"`).join(",");
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : text;
}

function labelsOf(bag: AccessLogEntry): Map<string, string> {
  const isSource = bag.reporter.kind === "outbound";
  const service = bag.serviceView;
  const labels = new Map<string, string>([["reporter", isSource ? "source" : "destination"]]);
  for (const side of ["source", "destination"] as const) sideLabels(labels, bag, side);
  labels.set("destination_service", service?.host ?? "unknown");
  labels.set("destination_service_name", service?.name ?? "unknown");
  labels.set("destination_service_namespace", service?.namespace || "unknown");
  labels.set("request_protocol", bag.isHttp ? protocolOf(bag.contentType) : "tcp");
  if (bag.isHttp) {
    labels.set("response_code", String(bag.responseCode));
    labels.set("grpc_response_status", bag.grpc("grpc-status") ?? "");
  }
  labels.set("response_flags", bag.flags);
  labels.set(
    "connection_security_policy",
    isSource ? "unknown" : bag.principal("source") === "" ? "none" : "mutual_tls",
  );
  return labels;
}

function sideLabels(labels: Map<string, string>, bag: AccessLogEntry, side: PeerRole): void {
  const peer = bag.peer(side) ?? UNKNOWN_PEER;
  const own = (name: string): string | undefined => peer.labels?.get(name) || undefined;
  const workload = peer.workloadName || "unknown";
  const principal = bag.principal(side);
  const values = {
    workload,
    workload_namespace: peer.workloadNamespace || peer.namespace || "unknown",
    principal: principal ? `spiffe://${principal}` : "unknown",
    app: own("app") ?? "unknown",
    version: own("version") ?? "unknown",
    canonical_service: own("service.istio.io/canonical-name") ?? own("app") ?? workload,
    canonical_revision: own("service.istio.io/canonical-revision") ?? own("version") ?? "latest",
    cluster: "Kubernetes",
  };
  for (const [name, value] of Object.entries(values)) labels.set(`${side}_${name}`, value);
}
