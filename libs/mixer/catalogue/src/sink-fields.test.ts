import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { decodeMulti } from "@msgpack/msgpack";
import { waitFor } from "@xebec/core-async";
import { createAdapter as dogstatsd } from "@xebec/mixer-adapters-dogstatsd";
import { createAdapter as fluentd } from "@xebec/mixer-adapters-fluentd";
import { createAdapter as http } from "@xebec/mixer-adapters-http";
import { createAdapter as loki } from "@xebec/mixer-adapters-loki";
import { createAdapter as nats } from "@xebec/mixer-adapters-nats";
import { createAdapter as opentelemetry } from "@xebec/mixer-adapters-opentelemetry";
import { createAdapter as signalfx } from "@xebec/mixer-adapters-signalfx";
import { createAdapter as stackdriver } from "@xebec/mixer-adapters-stackdriver";
import type { Adapter, AdapterHost, DeliveryOptions } from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import {
  ManualClock,
  RecordingServer,
  sampleLog,
  sampleMetric,
  sampleSpan,
  testHost,
} from "@xebec/mixer-sinks/testkit";
import { startNatsServer } from "@xebec/testing-launch";
import { json, sent } from "./sent.testkit.ts";

// Fields of remote sinks that the tests of what they write do not need.

type Limits = Pick<DeliveryOptions<unknown>, "maxRecords" | "maxBytes" | "capacity" | "intervalMs" | "timeoutMs">;

/** The limits under which a handler with some parameters delivers, by the kind of what is delivered. */
async function limitsOf(make: (host: AdapterHost) => Adapter, params: object): Promise<Record<string, Limits>> {
  const host = testHost();
  const found: Record<string, Limits> = {};
  const noting: AdapterHost = {
    ...host,
    deliver(options) {
      const { maxRecords, maxBytes, capacity, intervalMs, timeoutMs } = options;
      found[options.kind ?? "all"] = JSON.parse(
        JSON.stringify({ maxRecords, maxBytes, capacity, intervalMs, timeoutMs }),
      ) as Limits;
      return host.deliver(options);
    },
  };
  const handler = await startHandler(make(noting), params, { clock: new ManualClock() });
  await handler.close?.();
  return found;
}

const URL = "http://127.0.0.1:9";

test("http: batchSize, flushInterval and timeout bound a request", async () => {
  const params = { url: URL, batchSize: 7, flushInterval: "3s", timeout: "250ms" };
  assert.deepEqual((await limitsOf(http, params)).all, { maxRecords: 7, intervalMs: 3_000, timeoutMs: 250 });
});

test("loki: batchSize, flushInterval and timeout bound a request", async () => {
  const params = { url: URL, batchSize: 7, flushInterval: "3s", timeout: "250ms" };
  assert.deepEqual((await limitsOf(loki, params)).all, { maxRecords: 7, intervalMs: 3_000, timeoutMs: 250 });
});

test("fluentd: instanceBufferSize, maxBatchSizeBytes and pushTimeoutDuration, and what 0 takes", async () => {
  const address = "127.0.0.1:9";
  const all = { maxRecords: Number.MAX_SAFE_INTEGER };
  const given = { instanceBufferSize: 5, maxBatchSizeBytes: 100, pushTimeoutDuration: "2s" };
  assert.deepEqual((await limitsOf(fluentd, { address, ...given })).all, {
    ...{ ...all, capacity: 5, maxBytes: 100, intervalMs: 60_000, timeoutMs: 2_000 },
  });
  assert.deepEqual((await limitsOf(fluentd, { address, instanceBufferSize: 0, pushTimeoutDuration: "0s" })).all, {
    ...{ ...all, capacity: 1_024, maxBytes: 8 << 20, intervalMs: 60_000, timeoutMs: 60_000 },
  });
});

test("fluentd: with requireAck false nothing waits for an answer", async () => {
  const messages: [string, [number, object][], { chunk?: string }][] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (bytes: Buffer) =>
      messages.push(...(decodeMulti(bytes) as Generator<(typeof messages)[number]>)),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await sent(fluentd(testHost()), { address, requireAck: false }, [["logentry", sampleLog()]]);
  await waitFor("the entry", 5_000, () => messages.length === 1);
  for (const each of sockets) each.destroy();
  server.close();
  assert.deepEqual([messages[0]?.[0], messages[0]?.[2]?.chunk], ["l.logentry.ns", undefined]);
});

test("signalfx: tracingBufferSize, and what enableMetrics, enableTracing and tracingSampleProbability leave out", async () => {
  const base = { accessToken: "t", metrics: [{ name: "m.metric.ns", type: "COUNTER" }] };
  assert.equal((await limitsOf(signalfx, { ...base, tracingBufferSize: 9 })).tracespan?.capacity, 9);
  const paths = async (more: object): Promise<string[]> => {
    await using server = await RecordingServer.start();
    await sent(signalfx(testHost()), { ...base, ingestUrl: server.url, ...more }, [
      ["metric", sampleMetric()],
      ["tracespan", sampleSpan()],
    ]);
    return server.received.map((each) => each.path).sort();
  };
  assert.deepEqual(await paths({}), ["/v1/trace", "/v2/datapoint"]);
  assert.deepEqual(await paths({ enableMetrics: false }), ["/v1/trace"]);
  assert.deepEqual(await paths({ enableTracing: false }), ["/v2/datapoint"]);
  assert.deepEqual(await paths({ tracingSampleProbability: 0 }), ["/v2/datapoint"]);
});

test("opentelemetry: timeout, compression, a metric's description, and sampleProbability", async () => {
  await using server = await RecordingServer.start();
  const params = {
    ...{ endpoint: server.url, compression: "GZIP", timeout: "300ms", sampleProbability: 0 },
    metrics: { "m.metric.ns": { kind: "COUNTER", description: "what it says" } },
  };
  assert.equal((await limitsOf(opentelemetry, params)).metric?.timeoutMs, 300);
  await sent(opentelemetry(testHost()), params, [
    ["metric", sampleMetric()],
    ["tracespan", sampleSpan()],
  ]);
  assert.deepEqual(
    server.received.map(({ path, headers }) => [path, headers["content-encoding"]]),
    [["/v1/metrics", "gzip"]],
  );
  const { resourceMetrics } = json(server.received[0]) as {
    resourceMetrics: { scopeMetrics: { metrics: { description: string }[] }[] }[];
  };
  assert.equal(resourceMetrics[0]?.scopeMetrics[0]?.metrics[0]?.description, "what it says");
});

test("dogstatsd: of sampleRate so many are sent, and the line says how many that is", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const lines: string[] = [];
  socket.on("message", (bytes) => lines.push(...bytes.toString().split("\n")));
  const chances = [0.9, 0.1, 0.9, 0.2];
  const params = {
    address: `127.0.0.1:${socket.address().port}`,
    ...{ sampleRate: 0.25, metrics: { "m.metric.ns": { name: "requests", type: "COUNTER" } } },
  };
  const adapter = dogstatsd(testHost(), () => chances.shift() ?? 1);
  await sent(adapter, params, [["metric", sampleMetric(1), sampleMetric(2), sampleMetric(3), sampleMetric(4)]]);
  await waitFor("two lines", 5_000, () => lines.length === 2);
  socket.close();
  assert.deepEqual(
    lines.map((each) => each.split("|#")[0]),
    ["istio.requests:2|c|@0.25", "istio.requests:4|c|@0.25"],
  );
});

test("nats: signs in with a user and password, or with a token, and is refused without", async () => {
  const delivered = async (config: string, params: object): Promise<boolean> => {
    await using server = await startNatsServer({ config });
    const said: string[] = [];
    const clock = new ManualClock();
    const options = { clock, health: (state: string, why?: string) => void said.push(`${state} ${why}`) };
    const all = { servers: [`nats://${server.address}`], subject: "mesh.{{.template}}", jetstream: false, ...params };
    const handler = await startHandler(nats(testHost()), all, options);
    await handler.report?.([sampleMetric() as never], "metric");
    clock.advance(60_000);
    await handler.close?.();
    return said.length === 0;
  };
  const byUser = "authorization { user: ann, password: secret }";
  const byToken = "authorization { token: pass }";
  assert.equal(await delivered(byUser, { user: "ann", password: "secret" }), true);
  assert.equal(await delivered(byUser, { user: "ann", password: "wrong" }), false);
  assert.equal(await delivered(byToken, { token: "pass" }), true);
  assert.equal(await delivered(byToken, {}), false);
});

test("stackdriver: linearBuckets and exponentialBuckets of distributions", async () => {
  const series = async (buckets: object, ...values: number[]) => {
    await using server = await RecordingServer.start();
    const metricInfo = { "m.metric.ns": { kind: "DELTA", value: "DISTRIBUTION", buckets } };
    await sent(stackdriver(testHost()), { endpoint: server.url, projectId: "p", apiKey: "k", metricInfo }, [
      ["metric", ...values.map((each) => sampleMetric(each))],
    ]);
    const request = server.received.find((each) => each.path.startsWith("/v3/projects/p/timeSeries"));
    const { timeSeries } = json(request) as {
      timeSeries: { points: { value: { distributionValue: { bucketCounts: string[]; bucketOptions: object } } }[] }[];
    };
    const { bucketCounts, bucketOptions } = timeSeries[0]?.points[0]?.value.distributionValue ?? {};
    return [bucketOptions, bucketCounts];
  };
  const linearBuckets = { numFiniteBuckets: 2, width: 10, offset: 5 };
  assert.deepEqual(await series({ linearBuckets }, 1, 7, 8, 20, 30), [{ linearBuckets }, ["1", "2", "1", "1"]]);
  const exponentialBuckets = { numFiniteBuckets: 2, growthFactor: 10, scale: 1 };
  assert.deepEqual(await series({ exponentialBuckets }, 0, 5, 50, 60, 500), [
    { exponentialBuckets },
    ["1", "1", "2", "1"],
  ]);
});

test("stackdriver: every field of httpMapping, and what sinkInfo changes of a sink that exists", async () => {
  await using server = await RecordingServer.start();
  server.answer = ({ path, method }, response) => {
    response.writeHead(path.includes("/sinks") && method === "POST" ? 409 : 200, {
      "content-type": "application/json",
    });
    response.end("{}");
  };
  const httpMapping = {
    ...{ requestSize: "sent", responseSize: "got", localIp: "here", remoteIp: "there" },
    ...{ userAgent: "agent", referer: "from" },
  };
  const sinkInfo = {
    ...{ id: "s", destination: "storage.googleapis.com/b", UniqueWriterIdentity: true },
    ...{ UpdateDestination: true, UpdateIncludeChildren: true },
  };
  const logInfo = { "l.logentry.ns": { httpMapping, sinkInfo } };
  await sent(stackdriver(testHost()), { endpoint: server.url, projectId: "p", apiKey: "k", logInfo }, [
    [
      "logentry",
      sampleLog({
        ...{ sent: ["INT64", 12], got: ["INT64", 34], agent: ["STRING", "curl"], from: ["STRING", "http://a/"] },
        ...{ here: ["IP_ADDRESS", Uint8Array.of(10, 0, 0, 2)], there: ["IP_ADDRESS", Uint8Array.of(10, 0, 0, 1)] },
      }),
    ],
  ]);
  const { entries } = json(server.received.find((each) => each.path.startsWith("/v2/entries:write"))) as {
    entries: { httpRequest: object }[];
  };
  assert.deepEqual(entries[0]?.httpRequest, {
    ...{ requestSize: "12", responseSize: "34", serverIp: "10.0.0.2", remoteIp: "10.0.0.1" },
    ...{ userAgent: "curl", referer: "http://a/" },
  });
  const update = server.received.find((each) => each.method === "PUT");
  assert.match(update?.path ?? "", /updateMask=destination,includeChildren&uniqueWriterIdentity=true/);
  assert.deepEqual(json(update), { name: "s", destination: "storage.googleapis.com/b", includeChildren: true });
});

test("stackdriver: pushInterval says when metrics are sent; appCredentials and serviceAccountPath exclude each other", async () => {
  await using server = await RecordingServer.start();
  const clock = new ManualClock(1_700_000_100_000);
  const metricInfo = { "m.metric.ns": { kind: "DELTA", value: "INT64" } };
  const params = { endpoint: server.url, projectId: "p", apiKey: "k", metricInfo, pushInterval: "5s" };
  const handler = await startHandler(stackdriver(testHost()), params, { clock });
  const isSent = (): boolean => server.received.some((each) => each.path.includes("timeSeries"));
  await handler.report?.([sampleMetric() as never], "metric");
  clock.advance(4_900);
  assert.equal(isSent(), false);
  await waitFor("the series", 5_000, () => {
    clock.advance(200);
    return isSent();
  });
  await handler.close?.();
  const { apiKey: _, ...unsigned } = params;
  const both = { ...unsigned, appCredentials: true, serviceAccountPath: "/etc/key.json" };
  assert.match(paramErrors(stackdriver(testHost()), both).join(), /exclude each other/);
});
