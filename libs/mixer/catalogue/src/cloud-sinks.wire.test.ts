import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdapter as cloudwatch } from "@xebec/mixer-adapters-cloudwatch";
import { createAdapter as stackdriver } from "@xebec/mixer-adapters-stackdriver";
import type { Instance } from "@xebec/mixer-sdk";
import {
  type Received,
  RecordingServer,
  sampleLog,
  sampleMetric,
  sampleSpan,
  testHost,
} from "@xebec/mixer-sinks/testkit";
import { json, sent } from "./sent.testkit.ts";

// What the adapters of two clouds write, as the documentation of their APIs has it.

test("cloudwatch: Amazon's clients put metrics with units and dimensions, and log events in the order of their times", async (t) => {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  Object.assign(process.env, { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "hush" });
  await using server = await RecordingServer.start();
  const params = {
    ...{ namespace: "mesh", log_group_name: "group", log_stream_name: "stream" },
    metric_info: { "m.metric.ns": { unit: "Count" }, "d.metric.ns": { unit: 3 } },
    logs: { "l.logentry.ns": { payload_template: "{{.code}} {{.url}}" } },
  };
  const duration = sampleMetric(1_900_000, "DURATION", { name: "d.metric.ns", dimensions: undefined });
  await sent(cloudwatch(testHost(), server.url), params, [
    ["metric", sampleMetric(), duration],
    [
      "logentry",
      sampleLog({ url: ["STRING", "/<x>"] }),
      { ...sampleLog(), timestamp: { seconds: 1, nanos: 0 } } as Instance,
    ],
  ]);
  const [metrics, logs] = server.received;
  assert.match(metrics?.headers.authorization ?? "", /^AWS4-HMAC-SHA256 Credential=id\/\d+\/eu-west-1\/monitoring\//);
  const written = metrics?.bytes.toString("latin1") ?? "";
  for (const part of ["mesh", "m.metric.ns", "Count", "path", "/a", "d.metric.ns", "Milliseconds"])
    assert.ok(written.includes(part) || decodeURIComponent(written).includes(part), part);
  assert.equal(logs?.headers["x-amz-target"], "Logs_20140328.PutLogEvents");
  assert.deepEqual(json(logs), {
    ...{ logGroupName: "group", logStreamName: "stream" },
    logEvents: [
      { message: "503 /a?b", timestamp: 1_000 },
      { message: "503 /&lt;x&gt;", timestamp: 1_700_000_000_500 },
    ],
  });
});

test("stackdriver: merged time series, entries with their sink, spans, and the graph of workloads", async () => {
  await using server = await RecordingServer.start();
  server.answer = ({ path, method }, response) => {
    response.writeHead(path.includes("/sinks") && method === "POST" ? 409 : 200, {
      "content-type": "application/json",
    });
    response.end("{}");
  };
  const params = {
    ...{ endpoint: server.url, project_id: "p", api_key: "key", trace: { sample_probability: 1 } },
    metric_info: {
      "m.metric.ns": { kind: "DELTA", value: "INT64" },
      "d.metric.ns": {
        ...{ kind: "DELTA", value: "DISTRIBUTION", metric_type: "custom.googleapis.com/took" },
        buckets: { explicit_buckets: { bounds: [1, 10] } },
      },
    },
    log_info: {
      "l.logentry.ns": {
        ...{ label_names: ["url"], payload_template: "{{.code}}", http_mapping: { status: "code", latency: "took" } },
        sink_info: { id: "s", destination: "storage.googleapis.com/b", filter: "f", UpdateFilter: true },
      },
    },
  };
  const took = [500_000, 5_000_000, 50_000_000].map((each) => sampleMetric(each, "DURATION", { name: "d.metric.ns" }));
  const edge = {
    ...{
      name: "e.edge.ns",
      types: {},
      sourceUid: "kubernetes://a.ns",
      sourceWorkloadName: "a",
      sourceWorkloadNamespace: "ns",
    },
    ...{
      destinationUid: "kubernetes://b.ns",
      destinationWorkloadName: "b",
      sourceOwner: "a",
      destinationOwner: "b",
      contextProtocol: "http",
    },
  };
  await sent(stackdriver(testHost()), params, [
    ["metric", sampleMetric(2), sampleMetric(3), ...took],
    ["logentry", sampleLog()],
    ["tracespan", sampleSpan()],
    ["edge", edge, edge],
  ]);
  const at = (start: string): Received | undefined => server.received.find((each) => each.path.startsWith(start));
  assert.ok(server.received.every((each) => /[?&]key=key$/.test(each.path)));
  const { timeSeries } = json(at("/v3/projects/p/timeSeries")) as { timeSeries: Record<string, unknown>[] };
  assert.equal(timeSeries.length, 2);
  const [counter, distribution] = timeSeries as {
    metric: object;
    resource: object;
    points: { value: Record<string, object> }[];
  }[];
  assert.deepEqual(counter?.metric, { type: "custom.googleapis.com/m.metric.ns", labels: { code: "200", path: "/a" } });
  assert.deepEqual(counter?.resource, { type: "global", labels: { project_id: "p" } });
  assert.deepEqual(counter?.points[0]?.value, { int64Value: "5" });
  const value = distribution?.points[0]?.value.distributionValue as Record<string, unknown> | undefined;
  assert.deepEqual([value?.bucketCounts, value?.count, value?.mean], [["1", "1", "1"], "3", 18.5]);
  const { entries } = json(at("/v2/entries:write")) as { entries: Record<string, unknown>[] };
  const { insertId, resource, ...entry } = entries[0] ?? {};
  assert.ok(insertId && resource);
  assert.deepEqual(entry, {
    ...{ logName: "projects/p/logs/l.logentry.ns", timestamp: "2023-11-14T22:13:20.500000000Z", severity: "WARNING" },
    ...{ labels: { url: "/a?b" }, textPayload: "503", httpRequest: { status: 503, latency: "0.001500000s" } },
  });
  const update = server.received.find((each) => each.method === "PUT");
  assert.match(update?.path ?? "", /^\/v2\/projects\/p\/sinks\/s\?updateMask=filter/);
  const { spans } = json(at("/v2/projects/p/traces:batchWrite")) as { spans: Record<string, unknown>[] };
  assert.equal(spans[0]?.name, "projects/p/traces/463ac35c9f6413ad48485a3953bb6124/spans/a2fb4a1d1a96d312");
  assert.deepEqual([spans[0]?.status, spans[0]?.spanKind], [{ code: 14 }, "SERVER"]);
  const graph = json(at("/v1alpha1/projects/p:assertBatch")) as Record<string, unknown[]>;
  // Three things on each side with two memberships, and nine ways from one side to the other; asserted once.
  assert.deepEqual([graph.entityPresentAssertions?.length, graph.relationshipPresentAssertions?.length], [6, 13]);
});
