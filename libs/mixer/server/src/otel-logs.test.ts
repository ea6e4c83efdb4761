import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { tempDir } from "@xebec/testing-launch";
import { Ledger } from "./ledger.ts";
import { createMixerTelemetry } from "./mixer-service.ts";
import { EXPORT, otelInbound, otelOutbound, otlpRequest } from "./otlp.testkit.ts";
import { http, identifier, inbound, outbound, send, seriesOf, WORKLOADS, withMixer } from "./telemetry-mesh.testkit.ts";
import { startMixer, telemetryAdapters, testdata } from "./test-mesh.testkit.ts";

type Mixer = Parameters<Parameters<typeof withMixer>[0]>[0];

/** The counters of entries, by result. */
async function entries(mixer: Mixer): Promise<Record<string, number>> {
  const text = await mixer.metrics.registry.metrics();
  const found = text.matchAll(/^xebec_mixer_otel_entries_total\{result="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, result, count]) => [result, Number(count)]));
}

test("an entry says the same in both of Envoy's protocols", async () => {
  const seen: { text: string; lines: string[] }[] = [];
  await withMixer(async (mixer, text, lines) => {
    await send(mixer, [{ identifier: identifier("reviews", "inbound"), logEntries: http(inbound) }]);
    await send(mixer, [{ identifier: identifier("productpage", "outbound"), logEntries: http(outbound) }]);
    seen.push({ text: text(), lines: [...lines] });
  });
  await withMixer(async (mixer, text, lines) => {
    await mixer.channel.unary(EXPORT, otlpRequest("http_inbound", "reviews", otelInbound()));
    await mixer.channel.unary(EXPORT, otlpRequest("http_outbound", "productpage", otelOutbound()));
    seen.push({ text: text(), lines: [...lines] });
  });
  const [als, otel] = seen;
  assert.ok(als?.text.includes("istio_requests_total"));
  assert.equal(otel?.text, als?.text);
  assert.ok((als?.lines.length ?? 0) > 0);
  assert.deepEqual(otel?.lines, als?.lines);
});

test("gRPC is known by its content type, and has its status from the trailers", () =>
  withMixer(async (mixer, text, lines) => {
    const grpc = { ...otelInbound(), requestContentType: "application/grpc+proto", grpcStatus: "5" };
    await mixer.channel.unary(EXPORT, otlpRequest("http_inbound", "reviews", grpc));
    assert.equal(seriesOf(text(), "istio_requests_total")[0]?.labels.request_protocol, "grpc");
    assert.match(lines.join("\n"), /"grpcStatus":"5"/);
  }));

test("an entry that comes again is counted once; what is no report is refused; the numbers add up", () =>
  withMixer(async (mixer, text) => {
    const entry = otelInbound();
    const request = otlpRequest("http_inbound", "reviews", entry, otelInbound());
    assert.equal((await mixer.channel.unary(EXPORT, request)).length, 0);
    assert.equal((await mixer.channel.unary(EXPORT, request)).length, 0);
    await mixer.channel.unary(EXPORT, otlpRequest("http_inbound", "reviews", entry, entry, otelInbound()));
    assert.equal(seriesOf(text(), "istio_requests_total")[0]?.value, "3");
    const foreign = await mixer.channel.unary(EXPORT, otlpRequest("other", "reviews", otelInbound(), otelInbound()));
    assert.match(foreign.toString(), /no log_name that is known/);
    const { id: _, ...nameless } = otelInbound();
    assert.match(
      (await mixer.channel.unary(EXPORT, otlpRequest("http_inbound", "reviews", nameless))).toString(),
      /have no id/,
    );
    assert.deepEqual(await entries(mixer), { received: 10, processed: 3, duplicate: 4, refused: 3 });
    await assert.rejects(mixer.channel.unary(EXPORT, Buffer.from([10, 200, 1])), { code: "invalid_argument" });
    assert.equal(seriesOf(text(), "istio_requests_total")[0]?.value, "3");
  }));

test("a connection is one that was opened and one that was closed, with its bytes", () =>
  withMixer(async (mixer, text) => {
    const connection = {
      ...{ id: "one", durationMs: "1500", flags: "-", streamId: "c-1", receivedBytes: "120", sentBytes: "3400" },
      ...{ source: "10.0.0.1:40000", destination: "10.0.0.3:9080" },
      upstreamCluster: "inbound|80||reviews.default.svc.cluster.local",
    };
    await mixer.channel.unary(EXPORT, otlpRequest("tcp_inbound", "reviews", connection, { ...connection, id: "two" }));
    const values = ["connections_opened_total", "connections_closed_total", "sent_bytes_total", "received_bytes_total"];
    assert.deepEqual(
      values.map((name) => seriesOf(text(), `istio_tcp_${name}`).map(({ value }) => value)),
      [["2"], ["2"], ["6800"], ["240"]],
    );
  }));

test("killed after the answer or before it, each entry is counted once", async () => {
  using folder = tempDir();
  const dir = folder.file("state");
  mkdirSync(dir);
  const requests = Array.from({ length: 20 }, () =>
    otlpRequest("http_inbound", "reviews", otelInbound(), otelInbound(), otelInbound()),
  );
  let expected = 0;
  for (const request of requests) {
    // Nothing is closed in order: the next life has what is on disk.
    const ledger = new Ledger({ dir });
    const { adapters, text } = telemetryAdapters(ledger);
    const mixer = await startMixer(
      (options) => createMixerTelemetry({ ...options, ledger }),
      adapters,
      testdata("prometheus.yaml"),
      WORKLOADS,
    );
    await mixer.channel.unary(EXPORT, request);
    expected += 3;
    // Of requests that were answered before, the answers were lost.
    for (const each of requests.slice(0, expected / 3)) await mixer.channel.unary(EXPORT, each);
    assert.equal(seriesOf(text(), "istio_requests_total")[0]?.value, String(expected));
    assert.equal(seriesOf(text(), "istio_request_bytes_count")[0]?.value, String(expected));
    assert.equal(seriesOf(text(), "istio_request_bytes_sum")[0]?.value, String(expected * 20));
    await mixer.close();
  }
});
