import assert from "node:assert/strict";
import { test } from "node:test";
import {
  address,
  type Entry,
  http,
  identifier,
  inbound,
  outbound,
  request,
  response,
  send,
  seriesOf,
  time,
  withMixer,
} from "./telemetry-mesh.testkit.ts";

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

test("what Envoy itself has denied for a rule has the flag of what mixer-policy denies", () =>
  withMixer(async (mixer, text) => {
    const { commonProperties } = inbound;
    const denied: Entry = {
      ...inbound,
      commonProperties: {
        ...commonProperties,
        metadata: { filterMetadata: { "mixer.policy": { denied: "deny.default:no" } } },
      },
    };
    await send(mixer, [{ identifier: identifier("reviews", "inbound"), logEntries: http(denied) }]);
    const [series] = seriesOf(text(), "istio_requests_total");
    assert.equal(series?.labels.response_flags, "UAEX");
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
