import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RequestMethod } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { HTTPAccessLogEntrySchema } from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessageSchema } from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { Mixer } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { stdio } from "@xebec/mixer-adapters-stdio/info";
import { defineAdapter, type LogEntryInstance } from "@xebec/mixer-sdk";
import type { StringMap } from "@xebec/model-attributes";
import { clientOf } from "@xebec/platform-grpc";
import { createMixerTelemetry } from "./mixer-service.ts";
import { objectsOf, pod, service, startMixer, telemetryAdapters, testdata } from "./test-mesh.testkit.ts";

const WORKLOADS = [
  pod("productpage", "v1", "10.0.0.1"),
  pod("reviews", "v1", "10.0.0.3"),
  service("reviews"),
  service("productpage"),
];

async function withMixer(
  work: (mixer: Awaited<ReturnType<typeof startMixer>>, text: () => string, lines: string[]) => Promise<void>,
): Promise<void> {
  const { adapters, text, lines } = telemetryAdapters();
  const objects = [...testdata("prometheus.yaml"), ...testdata("accesslog.yaml")];
  const mixer = await startMixer(createMixerTelemetry, adapters, objects, WORKLOADS);
  try {
    await work(mixer, text, lines);
  } finally {
    await mixer.close();
  }
}

type Entry = MessageInitShape<typeof HTTPAccessLogEntrySchema>;
type Message = MessageInitShape<typeof StreamAccessLogsMessageSchema>;

const address = (ip: string, port: number) =>
  ({
    address: { case: "socketAddress", value: { address: ip, portSpecifier: { case: "portValue", value: port } } },
  }) as const;
const san = (account: string) => ({
  subjectAltName: [{ san: { case: "uri" as const, value: `spiffe://cluster.local/ns/default/sa/${account}` } }],
});
const identifier = (app: string, direction: string): Message["identifier"] => ({
  node: { id: `sidecar~10.0.0.9~${app}-v1-abc.default~default.svc.cluster.local` },
  logName: `xebec_http_${direction}`,
});

const request = {
  requestMethod: RequestMethod.GET,
  scheme: "http",
  authority: "reviews:80",
  path: "/reviews/1?page=2",
  userAgent: "curl",
  requestId: "id-1",
  requestHeadersBytes: 100n,
  requestBodyBytes: 20n,
};
const response = { responseCode: 200, responseHeadersBytes: 50n, responseBodyBytes: 2000n };
const time = { startTime: { seconds: 1_700_000_000n, nanos: 0 }, duration: { seconds: 0n, nanos: 30_000_000 } };

const inbound: Entry = {
  commonProperties: {
    ...time,
    downstreamRemoteAddress: address("10.0.0.1", 40000),
    downstreamLocalAddress: address("10.0.0.3", 9080),
    upstreamRemoteAddress: address("127.0.0.1", 9080),
    upstreamCluster: "inbound|80||reviews.default.svc.cluster.local",
    tlsProperties: { peerCertificateProperties: san("productpage"), localCertificateProperties: san("reviews") },
  },
  request,
  response,
};
const outbound: Entry = {
  commonProperties: {
    ...time,
    downstreamRemoteAddress: address("127.0.0.1", 40000),
    upstreamLocalAddress: address("10.0.0.1", 40001),
    upstreamRemoteAddress: address("10.0.0.3", 9080),
    upstreamCluster: "outbound|80|v1|reviews.default.svc.cluster.local",
    customTags: {
      "source.principal.upstream": "spiffe://cluster.local/ns/default/sa/productpage",
      "destination.principal.upstream": "spiffe://cluster.local/ns/default/sa/reviews",
    },
  },
  request,
  response: { ...response, responseCode: 503 },
};

async function send(mixer: Awaited<ReturnType<typeof startMixer>>, messages: Message[]): Promise<void> {
  const stream = mixer.channel.duplex("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs");
  let over = false;
  stream.onMessage(() => undefined);
  stream.onEnd(() => {
    over = true;
  });
  for (const message of messages)
    stream.write(toBinary(StreamAccessLogsMessageSchema, create(StreamAccessLogsMessageSchema, message)));
  stream.end();
  await waitFor("the end of the stream", 5000, () => over);
}

const http = (...logEntry: Entry[]): Message["logEntries"] => ({ case: "httpLogs", value: { logEntry } });

/** The labels of the only series of a metric, and its value. */
function seriesOf(text: string, name: string): { labels: Record<string, string>; value: string }[] {
  return [...text.matchAll(new RegExp(`^${name}\\{(.*)\\} (.*)$`, "gm"))].map(([, labels = "", value = ""]) => ({
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, each]) => [key, each])),
    value,
  }));
}

test("access logs of both sides become Istio's standard metrics with all labels", () =>
  withMixer(async (mixer, text) => {
    await send(mixer, [
      { identifier: identifier("reviews", "inbound"), logEntries: http(inbound, inbound) },
      { logEntries: http(inbound) },
    ]);
    await send(mixer, [{ identifier: identifier("productpage", "outbound"), logEntries: http(outbound) }]);
    const [destination, source, ...more] = seriesOf(text(), "istio_requests_total");
    assert.equal(more.length, 0);
    const same = {
      source_workload: "productpage-v1",
      source_workload_namespace: "default",
      source_principal: "cluster.local/ns/default/sa/productpage",
      source_app: "productpage",
      source_version: "v1",
      destination_workload: "reviews-v1",
      destination_workload_namespace: "default",
      destination_principal: "cluster.local/ns/default/sa/reviews",
      destination_app: "reviews",
      destination_version: "v1",
      destination_service: "reviews.default.svc.cluster.local",
      destination_service_name: "reviews",
      destination_service_namespace: "default",
      request_protocol: "http",
      response_flags: "-",
      permissive_response_code: "none",
      permissive_response_policyid: "none",
    };
    assert.deepEqual(destination, {
      labels: { ...same, reporter: "destination", response_code: "200", connection_security_policy: "mutual_tls" },
      value: "3",
    });
    assert.deepEqual(source, {
      labels: { ...same, reporter: "source", response_code: "503", connection_security_policy: "unknown" },
      value: "1",
    });
    assert.equal(seriesOf(text(), "istio_request_duration_seconds_sum")[0]?.value, "0.09");
    assert.equal(seriesOf(text(), "istio_request_bytes_sum")[0]?.value, "60");
    assert.equal(seriesOf(text(), "istio_response_bytes_sum")[0]?.value, "6000");
  }));

test("entries without certificate, route or known pod still have what is known", () =>
  withMixer(async (mixer, text) => {
    const noRoute: Entry = {
      commonProperties: {
        ...time,
        downstreamRemoteAddress: address("127.0.0.1", 1),
        responseFlags: { noRouteFound: true, upstreamConnectionFailure: true },
      },
      request: { ...request, authority: "reviews" },
      response: { responseCode: 404 },
    };
    await send(mixer, [{ identifier: identifier("productpage", "outbound"), logEntries: http(noRoute) }]);
    const probe: Entry = { ...inbound, request: { ...request, userAgent: "kube-probe/1.20" } };
    const plain: Entry = {
      commonProperties: {
        ...time,
        downstreamRemoteAddress: address("10.7.7.7", 1),
        downstreamLocalAddress: address("10.0.0.3", 9080),
        upstreamCluster: "inbound|9080||",
      },
      request: { ...request, authority: "10.0.0.3:9080", requestHeaders: { "content-type": "application/grpc+proto" } },
      response: { ...response, responseTrailers: { "grpc-status": "5" } },
    };
    await send(mixer, [{ identifier: identifier("reviews", "inbound"), logEntries: http(probe, plain) }]);
    const [outboundSeries, inboundSeries, ...more] = seriesOf(text(), "istio_requests_total");
    assert.equal(more.length, 0, "a probe is not a request of the mesh");
    assert.equal(outboundSeries?.labels.response_flags, "UF,NR");
    assert.equal(outboundSeries?.labels.destination_service, "reviews.default.svc.cluster.local");
    assert.equal(outboundSeries?.labels.destination_workload, "unknown");
    assert.equal(inboundSeries?.labels.source_workload, "unknown");
    assert.equal(inboundSeries?.labels.request_protocol, "grpc");
    assert.equal(inboundSeries?.labels.connection_security_policy, "none");
    assert.equal(inboundSeries?.labels.destination_service_name, "reviews");
  }));

test("a request that ended without a response has code 500, as Istio 1.1's proxy reported it", () =>
  withMixer(async (mixer, text) => {
    const gone: Entry = {
      commonProperties: {
        ...time,
        upstreamCluster: "outbound|80||reviews.default.svc.cluster.local",
        responseFlags: { downstreamConnectionTermination: true },
      },
      request,
      response: {},
    };
    await send(mixer, [{ identifier: identifier("productpage", "outbound"), logEntries: http(gone) }]);
    const [series] = seriesOf(text(), "istio_requests_total");
    assert.deepEqual([series?.labels.response_code, series?.labels.response_flags], ["500", "DC"]);
  }));

test("the access log of Istio's chart is written, one line per request", () =>
  withMixer(async (mixer, _text, lines) => {
    await send(mixer, [{ identifier: identifier("reviews", "inbound"), logEntries: http(inbound) }]);
    assert.equal(lines.length, 1);
    const line = JSON.parse(lines[0] as string) as Record<string, unknown>;
    assert.equal(line.instance, "accesslog.logentry.istio-system");
    assert.equal(line.time, "2023-11-14T22:13:20.000000Z");
    assert.equal(line.responseTimestamp, "2023-11-14T22:13:20.030000Z");
    assert.equal(line.sourceIp, "10.0.0.1");
    assert.equal(line.sourceName, "productpage-v1-abc");
    assert.equal(line.sourceOwner, "kubernetes://apis/apps/v1/namespaces/default/deployments/productpage-v1");
    assert.equal(line.url, "/reviews/1?page=2");
    assert.equal(line.latency, "30ms");
    assert.equal(line.requestId, "id-1");
    assert.equal(line.httpAuthority, "reviews:80");
    assert.deepEqual([line.receivedBytes, line.sentBytes, line.responseCode], [120, 2050, 200]);
  }));

test("TCP entries are counted when the connection ends", () =>
  withMixer(async (mixer, text) => {
    const tcp = {
      case: "tcpLogs" as const,
      value: {
        logEntry: [
          {
            commonProperties: inbound.commonProperties ?? {},
            connectionProperties: { receivedBytes: 10n, sentBytes: 30n },
          },
        ],
      },
    };
    await send(mixer, [{ identifier: identifier("reviews", "inbound"), logEntries: tcp }]);
    assert.equal(seriesOf(text(), "istio_tcp_sent_bytes_total")[0]?.value, "30");
    assert.equal(seriesOf(text(), "istio_tcp_received_bytes_total")[0]?.value, "10");
    assert.equal(seriesOf(text(), "istio_tcp_connections_closed_total")[0]?.labels.destination_service, "reviews");
  }));

test("Report counts delta-encoded bags and names what failed", () =>
  withMixer(async (mixer, text) => {
    const client = clientOf(Mixer, mixer.channel);
    const words = ["http", "kubernetes://productpage-v1-abc.default", "kubernetes://reviews-v1-abc.default", "default"];
    await client.report({
      defaultWords: words,
      globalWordCount: 221,
      attributes: [
        {
          strings: { 131: 92, 3: -2, 154: -3, 155: -4, 201: 219 },
          int64s: { 30: 200n, 23: 5n, 27: 7n },
          durations: { 29: { nanos: 500_000_000 } },
          timestamps: { 24: { seconds: 1n }, 28: { seconds: 2n } },
        },
        { int64s: { 30: 404n } },
        {},
      ],
    });
    const series = seriesOf(text(), "istio_requests_total");
    assert.deepEqual(
      series.map(({ labels, value }) => [labels.response_code, labels.source_workload, labels.destination_app, value]),
      [
        ["200", "productpage-v1", "reviews", "1"],
        ["404", "productpage-v1", "reviews", "2"],
      ],
    );
    assert.deepEqual(
      seriesOf(text(), "istio_request_duration_seconds_sum").map((each) => each.value),
      ["0.5", "1"],
    );
    await assert.rejects(
      async () => client.report({ globalWordCount: 221, attributes: [{ strings: { 131: 92 } }] }),
      (error: Error & { code?: string }) =>
        error.code === "unknown" && /lookup failed: 'response.time'/.test(error.message),
    );
    assert.deepEqual(
      await client.report({ globalWordCount: 221 }).then((each) => each.$typeName),
      "istio.mixer.v1.ReportResponse",
    );
  }));

/** A mixer whose only adapter answers when the test lets it, and remembers what it was given. */
async function withGate(
  work: (mixer: Awaited<ReturnType<typeof startMixer>>, calls: string[][], open: () => void) => Promise<void>,
): Promise<void> {
  const calls: string[][] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const adapter = defineAdapter({
    name: "gate",
    description: "for tests",
    templates: ["logentry"],
    config: stdio.config,
    create: () => ({
      async report(instances) {
        const call: string[] = [];
        calls.push(call);
        await gate;
        for (const { variables } of instances as LogEntryInstance[])
          call.push([...((variables?.values[0] as StringMap | undefined)?.entries() ?? [])].join());
      },
    }),
  });
  const objects = objectsOf(`
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: h, namespace: istio-system}
spec: {compiledAdapter: gate}
---
apiVersion: config.istio.io/v1alpha2
kind: logentry
metadata: {name: l, namespace: istio-system}
spec: {variables: {h: request.headers | emptyStringMap()}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: r, namespace: istio-system}
spec: {actions: [{handler: h, instances: [l.logentry]}]}
`);
  const mixer = await startMixer(createMixerTelemetry, [adapter], objects, WORKLOADS);
  try {
    await work(mixer, calls, open);
  } finally {
    open();
    await mixer.close();
  }
}

test("a handler that takes its time reads its own report, not the next one", () =>
  withGate(async (mixer, calls, open) => {
    const client = clientOf(Mixer, mixer.channel);
    const report = (value: string) =>
      client.report({ defaultWords: ["k", value], attributes: [{ stringMaps: { 15: { entries: { [-1]: -2 } } } }] });
    const first = report("first");
    await waitFor("the first report", 2000, () => calls.length === 1);
    const second = report("second, longer");
    await waitFor("the second report", 2000, () => calls.length === 2);
    open();
    await Promise.all([first, second]);
    assert.deepEqual(calls, [["k,first"], ["k,second, longer"]]);
  }));

test("a long report is handed over in pieces, one after the other; one that is too long is refused", () =>
  withGate(async (mixer, calls, open) => {
    const client = clientOf(Mixer, mixer.channel);
    const reply = client.report({ attributes: Array.from({ length: 2500 }, () => ({})) });
    await waitFor("the first piece", 2000, () => calls.length === 1);
    // Meanwhile others are served.
    await client.report({});
    assert.equal(calls.length, 1);
    open();
    await reply;
    assert.deepEqual(
      calls.map((each) => each.length),
      [1000, 1000, 500],
    );
    const tooMany = client.report({ attributes: Array.from({ length: 10_001 }, () => ({})) });
    await assert.rejects(async () => tooMany, { code: "resource_exhausted", message: /10000 elements, not 10001/ });
  }));

test("a long message of access logs is handed over in pieces; one that is too long ends its stream", () =>
  withGate(async (mixer, calls, open) => {
    open();
    const many = (count: number): Message => ({
      identifier: identifier("reviews", "inbound"),
      logEntries: http(...Array.from({ length: count }, () => ({}))),
    });
    await send(mixer, [many(2500), many(1)]);
    assert.deepEqual(
      calls.map((each) => each.length),
      [1000, 1000, 500, 1],
    );
    const stream = mixer.channel.duplex("/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs");
    let ended: { code?: string } | undefined;
    stream.onMessage(() => undefined);
    stream.onEnd((error) => {
      ended = (error as typeof ended) ?? {};
    });
    stream.write(toBinary(StreamAccessLogsMessageSchema, create(StreamAccessLogsMessageSchema, many(10_001))));
    assert.equal((await waitFor("the end of the stream", 5000, () => ended)).code, "resource_exhausted");
  }));
