import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  Adapter,
  AttributeValue,
  Clock,
  Handler,
  InstanceShape,
  MetricInstance,
  Page,
  ValueType,
} from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { readProtoJson } from "@xebec/model-schema";
import { createAdapter } from "./prometheus.ts";
import { goFloat } from "./text.ts";

let time = 0;
let period = 0;
let sweep: () => void = () => undefined;
const clock: Clock = {
  now: () => time,
  every: (ms, work) => {
    period = ms;
    sweep = work;
    return () => undefined;
  },
};

const shape = (
  name: string,
  type: ValueType = "INT64",
  dimensions: Record<string, ValueType> = { app: "STRING", code: "INT64" },
): InstanceShape => ({
  name,
  template: "metric",
  types: { value: type },
  maps: { dimensions },
});
const sample = (name: string, value: AttributeValue, app = "web", code = 200): MetricInstance => ({
  name,
  types: {},
  value,
  dimensions: { names: ["app", "code"], types: ["STRING", "INT64"], values: [app, code] },
});

/** The adapter with what it exposes. */
function createPrometheus(): { readonly adapter: Adapter; readonly text: () => string } {
  let exposition: Page | undefined;
  const adapter = createAdapter({
    serve: (_port, _path, page) => {
      exposition = page;
      return () => undefined;
    },
  });
  return { adapter, text: () => exposition?.text() ?? "" };
}

const make = (
  { adapter }: ReturnType<typeof createPrometheus>,
  params: object,
  instances: InstanceShape[],
): Promise<Handler> => startHandler(adapter, params, { instances, clock });
const labels = ["code", "app"];
const counter = { name: "requests_total", instance_name: "rc.metric.ns", kind: "COUNTER", label_names: labels };

test("counters, gauges and distributions are exposed with the declared labels", async () => {
  const prometheus = createPrometheus();
  const handler = await make(
    prometheus,
    {
      metrics: [
        { ...counter, description: "all\nrequests" },
        { instance_name: "g.metric.ns", kind: "GAUGE", label_names: labels, namespace: "my" },
        {
          name: "size",
          instance_name: "d.metric.ns",
          kind: "DISTRIBUTION",
          label_names: labels,
          buckets: { exponentialBuckets: { numFiniteBuckets: 2, scale: 1, growthFactor: 10 } },
        },
        {
          name: "took",
          instance_name: "t.metric.ns",
          kind: 3,
          label_names: labels,
          buckets: { explicit_buckets: { bounds: [0.1, 1] } },
        },
      ],
    },
    [shape("rc.metric.ns"), shape("g.metric.ns", "STRING"), shape("d.metric.ns"), shape("t.metric.ns", "DURATION")],
  );
  await handler.report?.(
    [sample("rc.metric.ns", 1), sample("rc.metric.ns", 2), sample("rc.metric.ns", 1, 'a"b')],
    "metric",
  );
  await handler.report?.([sample("g.metric.ns", "4.5"), sample("g.metric.ns", "2.5")], "metric");
  await handler.report?.([sample("d.metric.ns", 5), sample("d.metric.ns", 10), sample("d.metric.ns", 1e9)], "metric");
  await handler.report?.([sample("t.metric.ns", 500_000_000)], "metric");
  assert.equal(
    prometheus.text(),
    `# HELP istio_requests_total all\\nrequests
# TYPE istio_requests_total counter
istio_requests_total{code="200",app="web"} 3
istio_requests_total{code="200",app="a\\"b"} 1
# HELP my_g_metric_ns g.metric.ns
# TYPE my_g_metric_ns gauge
my_g_metric_ns{code="200",app="web"} 2.5
# HELP istio_size size
# TYPE istio_size histogram
istio_size_bucket{code="200",app="web",le="1"} 0
istio_size_bucket{code="200",app="web",le="10"} 2
istio_size_bucket{code="200",app="web",le="100"} 2
istio_size_bucket{code="200",app="web",le="+Inf"} 3
istio_size_sum{code="200",app="web"} 1000000015
istio_size_count{code="200",app="web"} 3
# HELP istio_took took
# TYPE istio_took histogram
istio_took_bucket{code="200",app="web",le="0.1"} 0
istio_took_bucket{code="200",app="web",le="1"} 1
istio_took_bucket{code="200",app="web",le="+Inf"} 1
istio_took_sum{code="200",app="web"} 0.5
istio_took_count{code="200",app="web"} 1
`,
  );
});

test("a bad sample is an error; the others count", async () => {
  const prometheus = createPrometheus();
  const handler = await make(prometheus, { metrics: [counter] }, [shape("rc.metric.ns")]);
  assert.throws(
    () =>
      handler.report?.(
        [
          sample("rc.metric.ns", -1),
          sample("other.metric.ns", 1),
          sample("rc.metric.ns", "x"),
          sample("rc.metric.ns", 7),
        ],
        "metric",
      ),
    /cannot be changed by -1; could not find metric info for other.metric.ns; .*is not a number: x/,
  );
  assert.match(prometheus.text(), /istio_requests_total\{code="200",app="web"\} 7\n/);
});

test("a metric keeps its series over a change of the others, and loses them when it changes itself", async () => {
  const prometheus = createPrometheus();
  const other = { name: "other", instance_name: "o.metric.ns", kind: "GAUGE", label_names: labels };
  const first = await make(prometheus, { metrics: [counter, other] }, [shape("rc.metric.ns")]);
  await first.report?.([sample("rc.metric.ns", 5), sample("o.metric.ns", 1)], "metric");
  const second = await make(prometheus, { metrics: [counter, { ...other, description: "new" }] }, [
    shape("rc.metric.ns"),
  ]);
  await first.close?.();
  await second.report?.([sample("rc.metric.ns", 1)], "metric");
  assert.match(prometheus.text(), /istio_requests_total\{.*\} 6\n/);
  assert.doesNotMatch(prometheus.text(), /istio_other/);
  await second.close?.();
  assert.equal(prometheus.text(), "");
});

test("a changed metric of a new handler takes the place of the old one, and gives it back when it goes first", async () => {
  const prometheus = createPrometheus();
  const before = await make(prometheus, { metrics: [counter] }, [shape("rc.metric.ns")]);
  await before.report?.([sample("rc.metric.ns", 5)], "metric");
  const changed = { metrics: [{ ...counter, description: "changed" }] };
  const given = await make(prometheus, changed, [shape("rc.metric.ns")]);
  await given.report?.([sample("rc.metric.ns", 1)], "metric");
  assert.match(prometheus.text(), /HELP istio_requests_total changed\n(?:.*\n)*istio_requests_total\{.*\} 1\n/);
  await given.close?.();
  assert.match(prometheus.text(), /istio_requests_total\{.*\} 5\n/);
  const after = await make(prometheus, changed, [shape("rc.metric.ns")]);
  await before.close?.();
  await after.report?.([sample("rc.metric.ns", 2)], "metric");
  assert.match(prometheus.text(), /istio_requests_total\{.*\} 2\n/);
});

test("handlers of one configuration cannot differ in a metric; the first by name stays, whatever else it has", () => {
  const { adapter } = createPrometheus();
  const configOf = (...metrics: object[]) => readProtoJson(adapter.config, { metrics }).value as never;
  const other = { ...counter, name: "other" };
  assert.deepEqual(
    adapter.validateTogether?.([
      { handler: "a.ns", config: configOf(counter) },
      { handler: "b.ns", config: configOf(other, { ...counter, description: "x" }) },
      { handler: "c.ns", config: configOf({ ...other, description: "y" }, counter) },
    ]),
    new Map([
      [
        "b.ns",
        [
          {
            path: ["metrics", 1, "name"],
            message: "the metric istio_requests_total has another configuration in the handler a.ns",
          },
        ],
      ],
    ]),
  );
});

test("series that are not written expire", async () => {
  const prometheus = createPrometheus();
  const policy = { metricsExpirationPolicy: { metricsExpiryDuration: "10s" } };
  const handler = await make(prometheus, { metrics: [counter], ...policy }, [shape("rc.metric.ns")]);
  time = 0;
  await handler.report?.([sample("rc.metric.ns", 1, "old")], "metric");
  time = 9000;
  await handler.report?.([sample("rc.metric.ns", 1, "new")], "metric");
  time = 11_000;
  sweep();
  assert.doesNotMatch(prometheus.text(), /old/);
  assert.match(prometheus.text(), /app="new"/);
});

test("expiry is looked at as often as is said, or else twice in its time", async () => {
  for (const [expiryCheckIntervalDuration, ms] of [
    ["3s", 3000],
    [undefined, 5000],
  ] as const) {
    const policy = {
      metricsExpiryDuration: "10s",
      ...(expiryCheckIntervalDuration ? { expiryCheckIntervalDuration } : {}),
    };
    await make(createPrometheus(), { metrics: [counter], metricsExpirationPolicy: policy }, [shape("rc.metric.ns")]);
    assert.equal(period, ms);
  }
});

test("labels must be the instance's dimensions, and names must be unique", () => {
  const { adapter } = createPrometheus();
  const metrics = [{ ...counter, label_names: ["app", "zone"], name: "a b" }];
  assert.deepEqual(paramErrors(adapter, { metrics }, { instances: [shape("rc.metric.ns")] }), [
    "metrics[0].labelNames: must be the dimensions of rc.metric.ns: the instance has no dimension zone; the instance's dimension code is not a label",
  ]);
  assert.deepEqual(paramErrors(adapter, { metrics: [counter, counter, { ...counter, name: "x", kind: 0 }] }), [
    "metrics[1].name: istio_requests_total is given twice",
    "metrics[2].kind: must be GAUGE, COUNTER or DISTRIBUTION",
  ]);
});

test("numbers are written so that Prometheus reads them", () => {
  for (const [value, text] of [
    [1e8, "1e+08"],
    [100000, "100000"],
    [1234567, "1234567"],
    [0.00001, "1e-05"],
    [0.005, "0.005"],
    [2.5, "2.5"],
    [-3, "-3"],
    [Number.POSITIVE_INFINITY, "+Inf"],
  ] as const)
    assert.equal(goFloat(value), text);
});
