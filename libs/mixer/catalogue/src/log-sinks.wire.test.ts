import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdapter as http } from "@xebec/mixer-adapters-http";
import { createAdapter as loki } from "@xebec/mixer-adapters-loki";
import { createAdapter as opentelemetry } from "@xebec/mixer-adapters-opentelemetry";
import { createAdapter as zipkin } from "@xebec/mixer-adapters-zipkin";
import { RecordingServer, sampleLog, sampleMetric, sampleSpan, testHost } from "@xebec/mixer-sinks/testkit";
import { json, sent } from "./sent.testkit.ts";

// What each adapter of logs and spans writes over HTTP, as the documentation of its sink has it.

test("http: lines of JSON, a list, and CloudEvents", async () => {
  await using server = await RecordingServer.start();
  const instances = [
    ["logentry", sampleLog()],
    ["metric", sampleMetric()],
  ] as const;
  await sent(http(testHost()), { url: `${server.url}/in`, headers: { "x-a": "b" } }, instances);
  const [first] = server.received;
  assert.deepEqual([first?.method, first?.path, first?.headers["x-a"]], ["POST", "/in", "b"]);
  assert.equal(first?.headers["content-type"], "application/x-ndjson");
  const lines = first?.body
    .trimEnd()
    .split("\n")
    .map((each) => JSON.parse(each) as object);
  assert.deepEqual(lines, [
    {
      ...{ type: "logentry", name: "l.logentry.ns", time: "2023-11-14T22:13:20.500000000Z", severity: "Warning" },
      variables: { code: 503, ip: "10.0.0.1", took: "1.5ms", url: "/a?b" },
    },
    {
      ...{ type: "metric", name: "m.metric.ns", time: "2023-11-14T22:15:00.000Z", value: 2 },
      dimensions: { code: 200, path: "/a" },
    },
  ]);
  await sent(http(testHost()), { url: server.url, format: "JSON", compression: "GZIP", method: "PUT" }, [
    ["tracespan", sampleSpan()],
  ]);
  assert.equal(server.received[1]?.method, "PUT");
  assert.equal((json(server.received[1]) as { spanId: string }[])[0]?.spanId, "a2fb4a1d1a96d312");
  await sent(http(testHost()), { url: server.url, format: "CLOUDEVENTS" }, instances.slice(1));
  const [event] = json(server.received[2]) as Record<string, unknown>[];
  assert.equal(server.received[2]?.headers["content-type"], "application/cloudevents-batch+json");
  assert.deepEqual(
    [event?.specversion, event?.type, event?.source, event?.subject],
    ["1.0", "io.xebec.mixer.metric", "//xebec.io/handlers/h.default", "m.metric.ns"],
  );
});

test("loki: streams by labels, times in nanoseconds, the tenant", async () => {
  await using server = await RecordingServer.start();
  const logs = { "l.logentry.ns": { labels: ["code"], metadata: ["ip"], payloadTemplate: "{{.url}} {{.took}}" } };
  await sent(loki(testHost()), { url: `${server.url}/`, tenant: "team", labels: { mesh: "m" }, logs }, [
    ["logentry", sampleLog(), sampleLog({ code: ["INT64", 200] })],
  ]);
  const [request] = server.received;
  assert.deepEqual([request?.path, request?.headers["x-scope-orgid"]], ["/loki/api/v1/push", "team"]);
  const labels = { mesh: "m", instance: "l.logentry.ns", level: "warning" };
  const value = ["1700000000500000000", "/a?b 1.5ms", { ip: "10.0.0.1" }];
  assert.deepEqual(json(request), {
    streams: [
      { stream: { ...labels, code: "503" }, values: [value] },
      { stream: { ...labels, code: "200" }, values: [value] },
    ],
  });
});

test("zipkin: spans of version 2; ids that are none are left out; nothing without a probability", async () => {
  await using server = await RecordingServer.start();
  const url = `${server.url}/api/v2/spans`;
  await sent(zipkin(testHost()), { url }, [["tracespan", sampleSpan()]]);
  assert.deepEqual(server.received, []);
  await sent(zipkin(testHost()), { url, sample_probability: 1 }, [
    ["tracespan", sampleSpan(), sampleSpan({ traceId: "nope" }), sampleSpan({ spanId: "0000000000000000" })],
    [
      "tracespan",
      sampleSpan({ clientSpan: true, rewriteClientSpanId: true }),
      sampleSpan({ rewriteClientSpanId: true }),
    ],
  ]);
  const spans = server.received.flatMap((each) => json(each) as Record<string, unknown>[]);
  assert.deepEqual(spans[0], {
    ...{ traceId: "463ac35c9f6413ad48485a3953bb6124", id: "a2fb4a1d1a96d312", parentId: "0020000000000001" },
    ...{ name: "/productpage?x=1", kind: "SERVER", timestamp: 1_700_000_000_500_000, duration: 1_500 },
    localEndpoint: { serviceName: "productpage", ipv4: "10.0.0.2" },
    remoteEndpoint: { serviceName: "sleep", ipv4: "10.0.0.1" },
    annotations: [
      { timestamp: 1_700_000_000_500_000, value: "Received 100 bytes" },
      { timestamp: 1_700_000_000_501_500, value: "Sent 2000 bytes" },
    ],
    tags: { "http.method": "GET", size: "7", "http.status_code": "503", error: "503" },
  });
  const [, client, serverSpan] = spans;
  assert.equal(spans.length, 3);
  // a2fb4a1d1a96d312 xor 3f6a2ec3c810c2ab
  assert.deepEqual([client?.id, client?.kind], ["9d9164ded28611b9", "CLIENT"]);
  assert.deepEqual([serverSpan?.id, serverSpan?.parentId], ["a2fb4a1d1a96d312", "9d9164ded28611b9"]);
});

test("opentelemetry: metrics, log records and spans in OTLP's JSON form", async () => {
  await using server = await RecordingServer.start();
  const params = {
    ...{ endpoint: server.url, resourceAttributes: { "service.name": "mesh" } },
    metrics: {
      "c.metric.ns": { kind: "COUNTER", name: "requests" },
      "d.metric.ns": { kind: "DISTRIBUTION", unit: "ms", buckets: [1, 2] },
    },
    logs: { "l.logentry.ns": { payloadTemplate: "{{.url}}" } },
  };
  await sent(opentelemetry(testHost()), params, [
    ["metric", sampleMetric(2, "INT64", { name: "c.metric.ns" }), sampleMetric(3, "INT64", { name: "c.metric.ns" })],
    [
      "metric",
      ...[500_000, 1_500_000, 9_000_000].map((each) => sampleMetric(each, "DURATION", { name: "d.metric.ns" })),
    ],
    ["logentry", sampleLog()],
    ["tracespan", sampleSpan()],
  ]);
  const at = (path: string): unknown[] => server.received.filter((each) => each.path === path).map(json);
  const metrics = (at("/v1/metrics") as { resourceMetrics: { scopeMetrics: { metrics: object[] }[] }[] }[])
    .flatMap((each) => each.resourceMetrics)
    .flatMap((each) => each.scopeMetrics[0]?.metrics ?? []) as Record<string, Record<string, unknown>>[];
  const [counter, distribution] = metrics;
  assert.equal(counter?.name, "requests");
  assert.deepEqual(((counter?.sum?.dataPoints ?? []) as { asDouble: number }[])[0]?.asDouble, 5);
  const [point] = (distribution?.histogram?.dataPoints ?? []) as Record<string, unknown>[];
  assert.deepEqual([point?.bucketCounts, point?.sum, point?.count], [["1", "1", "1"], 11, "3"]);
  assert.deepEqual(point?.attributes, [
    { key: "code", value: { intValue: "200" } },
    { key: "path", value: { stringValue: "/a" } },
  ]);
  const [logs] = at("/v1/logs") as { resourceLogs: { scopeLogs: { logRecords: Record<string, unknown>[] }[] }[] }[];
  const record = logs?.resourceLogs[0]?.scopeLogs[0]?.logRecords[0];
  assert.deepEqual(
    [record?.timeUnixNano, record?.severityNumber, record?.severityText, record?.body],
    ["1700000000500000000", 13, "Warning", { stringValue: "/a?b" }],
  );
  const [traces] = at("/v1/traces") as { resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[] }[];
  const span = traces?.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  assert.deepEqual(
    [span?.spanId, span?.kind, span?.status, span?.endTimeUnixNano],
    ["a2fb4a1d1a96d312", 2, { code: 2 }, "1700000000501500000"],
  );
});
