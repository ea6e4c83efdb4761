import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createAdapter as circonus } from "@xebec/mixer-adapters-circonus";
import { createAdapter as signalfx } from "@xebec/mixer-adapters-signalfx";
import { createAdapter as solarwinds } from "@xebec/mixer-adapters-solarwinds";
import type { Instance } from "@xebec/mixer-sdk";
import { RecordingServer, sampleLog, sampleMetric, sampleSpan, testHost } from "@xebec/mixer-sinks/testkit";
import { json, sent } from "./sent.testkit.ts";

// What each adapter of metrics writes, as the documentation of its sink has it.

test("circonus: an HTTPTrap gets counters by one, gauges and bins of durations", async () => {
  await using server = await RecordingServer.start();
  const metrics = [
    { name: "c.metric.ns", type: "COUNTER" },
    { name: "g.metric.ns", type: "GAUGE" },
    { name: "d.metric.ns", type: "DISTRIBUTION" },
  ];
  const named = (name: string) => ({ name: `${name}.metric.ns` });
  await sent(circonus(testHost()), { submission_url: `${server.url}/trap`, metrics }, [
    ["metric", sampleMetric(7, "INT64", named("c")), sampleMetric(1, "INT64", named("c"))],
    ["metric", sampleMetric(3, "INT64", named("g")), sampleMetric(4, "INT64", named("g"))],
    ["metric", ...[1_234_567, 1_290_000, 50].map((each) => sampleMetric(each, "DURATION", named("d")))],
  ]);
  assert.equal(server.received[0]?.method, "PUT");
  assert.deepEqual(json(server.received[0]), {
    "c.metric.ns": { _type: "L", _value: 2 },
    "g.metric.ns": { _type: "n", _value: 4 },
    "d.metric.ns": { _type: "h", _value: ["H[1.2e+06]=2", "H[5.0e+01]=1"] },
  });
});

test("solarwinds: requests have appopticsBatchSize measurements, lines wait for papertrailLocalRetentionDuration", async () => {
  await using server = await RecordingServer.start();
  const host = testHost();
  const ages = new Map<string, number | undefined>();
  const deliver: typeof host.deliver = (spec) => {
    if (spec.kind) ages.set(spec.kind, spec.maxAgeMs);
    return host.deliver(spec);
  };
  const params = {
    ...{ appoptics_access_token: "tok", appopticsBatchSize: 2, papertrailLocalRetentionDuration: "90s" },
    metrics: { "m.metric.ns": { label_names: ["path"] } },
  };
  const three = [sampleMetric(), sampleMetric(), sampleMetric()];
  await sent(solarwinds({ ...host, deliver }, { appoptics: server.url }), params, [["metric", ...three]]);
  assert.deepEqual(
    server.received.map((each) => (json(each) as { measurements: unknown[] }).measurements.length),
    [2, 1],
  );
  assert.equal(ages.get("logentry"), 90_000);
});

test("solarwinds: measurements for AppOptics, syslog lines for Papertrail", async () => {
  await using server = await RecordingServer.start();
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const lines: string[] = [];
  socket.on("message", (bytes) => lines.push(String(bytes)));
  const papertrail = { host: "127.0.0.1", port: socket.address().port };
  const params = {
    ...{ appoptics_access_token: "tok", papertrail_url: "logs2.papertrailapp.com:12345" },
    metrics: { "m.metric.ns": { label_names: ["path"] } },
    logs: { "l.logentry.ns": {}, "o.logentry.ns": { payload_template: "{{.code}} {{.url}}" } },
  };
  await sent(solarwinds(testHost(), { appoptics: server.url, papertrail }), params, [
    ["metric", sampleMetric(), sampleMetric(1_500_000_000, "DURATION")],
    ["logentry", sampleLog({ method: ["STRING", "GET"] }), { ...sampleLog(), name: "o.logentry.ns" } as Instance],
  ]);
  assert.equal(server.received[0]?.headers.authorization, `Basic ${Buffer.from("token:tok").toString("base64")}`);
  const measurement = { name: "m.metric.ns", tags: { path: "/a" }, time: 1_700_000_100 };
  assert.deepEqual(json(server.received[0]), {
    measurements: [
      { ...measurement, value: 2 },
      { ...measurement, value: 1.5 },
    ],
  });
  await waitFor("two lines", 5_000, () => lines.length === 2);
  socket.close();
  assert.match(
    lines[0] ?? "",
    /^<14>1 2023-11-14T22:13:20\.500000Z \S+ istio - - - - - - \[2023-11-14T22:13:20Z\] "GET \/a\?b -" - -$/,
  );
  assert.match(lines[1] ?? "", / istio - - - 503 \/a\?b$/);
});

test("signalfx: cumulative counters, histograms with quantiles, spans with the tags of a query", async () => {
  await using server = await RecordingServer.start();
  const named = (name: string) => ({ name: `${name}.metric.ns` });
  const params = {
    ...{ ingest_url: server.url, access_token: "tok" },
    metrics: [
      { name: "c.metric.ns", type: "COUNTER" },
      { name: "h.metric.ns", type: "HISTOGRAM" },
    ],
  };
  await sent(signalfx(testHost()), params, [
    [
      "metric",
      sampleMetric(2, "INT64", named("c")),
      sampleMetric(3, "INT64", { ...named("c"), monitoredResourceType: "pod" }),
    ],
    ["metric", ...[10, 20, 30].map((each) => sampleMetric(each, "DURATION", named("h")))],
    ["tracespan", sampleSpan()],
  ]);
  const [points, trace] = ["/v2/datapoint", "/v1/trace"].map((path) =>
    server.received.find((each) => each.path === path),
  );
  assert.equal(points?.headers["x-sf-token"], "tok");
  const { cumulative_counter: counters, gauge } = json(points) as Record<
    string,
    { metric: string; value: number; dimensions: object }[]
  >;
  const dimensions = { code: "200", path: "/a" };
  assert.deepEqual(
    counters?.map((each) => [each.metric, each.value, each.dimensions]),
    [
      ["c.metric.ns", 2, dimensions],
      ["c.metric.ns", 3, { ...dimensions, monitored_resource_type: "pod" }],
      ["h.metric.ns.count", 3, dimensions],
      ["h.metric.ns.sum", 60, dimensions],
      ["h.metric.ns.sumsquare", 1_400, dimensions],
    ],
  );
  assert.deepEqual(
    gauge?.map((each) => [each.metric.slice(12), each.value]),
    [
      ["min", 10],
      ["max", 30],
      ["p25", 10],
      ["p50", 20],
      ["p90", 30],
      ["p99", 30],
    ],
  );
  const [span] = json(trace) as Record<string, unknown>[];
  assert.equal(span?.name, "/productpage");
  assert.deepEqual(span?.tags, {
    x: "1",
    "http.method": "GET",
    size: "7",
    httpStatusCode: "503",
    error: "server error",
  });
});
