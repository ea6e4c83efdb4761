import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { decodeMulti, encode } from "@msgpack/msgpack";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { waitFor } from "@xebec/core-async";
import { createAdapter as circonus } from "@xebec/mixer-adapters-circonus";
import { createAdapter as cloudwatch } from "@xebec/mixer-adapters-cloudwatch";
import { createAdapter as dogstatsd } from "@xebec/mixer-adapters-dogstatsd";
import { createAdapter as fluentd } from "@xebec/mixer-adapters-fluentd";
import { createAdapter as http } from "@xebec/mixer-adapters-http";
import { createAdapter as loki } from "@xebec/mixer-adapters-loki";
import { createAdapter as nats } from "@xebec/mixer-adapters-nats";
import { createAdapter as opentelemetry } from "@xebec/mixer-adapters-opentelemetry";
import { createAdapter as signalfx } from "@xebec/mixer-adapters-signalfx";
import { createAdapter as solarwinds } from "@xebec/mixer-adapters-solarwinds";
import { createAdapter as stackdriver } from "@xebec/mixer-adapters-stackdriver";
import { createAdapter as zipkin } from "@xebec/mixer-adapters-zipkin";
import type { Adapter, Instance } from "@xebec/mixer-sdk";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import {
  ManualClock,
  type Received,
  RecordingServer,
  sampleLog,
  sampleMetric,
  sampleSpan,
  testHost,
} from "@xebec/mixer-sinks/testkit";
import { startNatsServer } from "@xebec/testing-launch";

// What each adapter writes, as the documentation of its sink has it.

/** Reports, ends, and gives what the sink got meanwhile. */
async function sent(
  adapter: Adapter,
  params: object,
  reports: readonly (readonly [template: string, ...instances: Instance[]])[],
): Promise<void> {
  const handler = await startHandler(adapter, params, { clock: new ManualClock(1_700_000_100_000) });
  for (const [template, ...instances] of reports) await handler.report?.(instances as never, template);
  await handler.close?.();
}
const json = ({ body }: Received | undefined = {} as Received): unknown => JSON.parse(body);

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

test("dogstatsd: tags, the prefix, timings and histograms", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const lines: string[] = [];
  socket.on("message", (bytes) => lines.push(...String(bytes).split("\n")));
  const params = {
    ...{
      address: `127.0.0.1:${socket.address().port}`,
      prefix: "mesh",
      global_tags: { env: "test" },
      buffer_length: 10,
    },
    metrics: {
      "m.metric.ns": { name: "requests", type: "COUNTER", tags: { a: "b" } },
      "d.metric.ns": { name: "took", type: "DISTRIBUTION" },
    },
  };
  await sent(dogstatsd(testHost()), params, [
    ["metric", sampleMetric()],
    [
      "metric",
      sampleMetric(1_500_000, "DURATION", { name: "d.metric.ns" }),
      sampleMetric(5, "INT64", { name: "d.metric.ns" }),
    ],
  ]);
  await waitFor("three lines", 5_000, () => lines.length === 3);
  socket.close();
  assert.deepEqual(lines, [
    "mesh.requests:2|c|#env:test,a:b,code:200,path:/a",
    "mesh.took:1.5|ms|#env:test,code:200,path:/a",
    "mesh.took:5|h|#env:test,code:200,path:/a",
  ]);
});

test("fluentd: messages of the forward protocol, sent again until they are acknowledged", async () => {
  const messages: [string, [number, object][], { chunk?: string; size: number }][] = [];
  let refusals = 1;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("data", (bytes: Buffer) => {
      for (const message of decodeMulti(bytes) as Generator<(typeof messages)[number]>) {
        if (refusals-- > 0) return void socket.destroy();
        messages.push(message);
        socket.write(encode({ ack: message[2].chunk }));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const clock = new ManualClock();
  const handler = await startHandler(
    fluentd(testHost()),
    {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      integer_duration: true,
      push_interval_duration: "1s",
    },
    { clock },
  );
  await handler.report?.([sampleLog(), sampleLog({ tag: ["STRING", "own"] })] as never, "logentry");
  await waitFor("both tags", 5_000, () => {
    clock.advance(1_000);
    return messages.length === 2;
  });
  await handler.close?.();
  for (const each of sockets) each.destroy();
  server.close();
  const record = { code: 503, ip: "10.0.0.1", took: 1, url: "/a?b", severity: "Warning" };
  assert.deepEqual(
    messages.map(([tag, entries, { size }]) => [tag, entries, size]),
    [
      ["l.logentry.ns", [[1_700_000_000, record]], 1],
      ["own", [[1_700_000_000, { ...record, name: "l.logentry.ns" }]], 1],
    ],
  );
});

test("nats: a real server's stream acknowledges each record, under a subject that values cannot forge", async () => {
  await using server = await startNatsServer();
  const connection = await connect({ servers: server.address });
  await (await jetstreamManager(connection)).streams.add({ name: "MESH", subjects: ["mesh.>"] });
  const params = { servers: [`nats://${server.address}`], subject: "mesh.{{.template}}.{{.path}}" };
  await sent(nats(testHost()), params, [
    [
      "metric",
      sampleMetric(),
      sampleMetric(3, "INT64", { dimensions: { names: ["path"], types: ["STRING"], values: ["a.b > *"] } }),
    ],
  ]);
  const consumer = await jetstream(connection).consumers.get("MESH");
  const found: [string, unknown][] = [];
  for (let i = 0; i < 2; i++) {
    const message = await consumer.next({ expires: 5_000 });
    if (message) found.push([message.subject, (message.json() as { value: number }).value]);
  }
  await connection.close();
  assert.deepEqual(found, [
    ["mesh.metric./a", 2],
    ["mesh.metric.a_b____", 3],
  ]);
});

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
