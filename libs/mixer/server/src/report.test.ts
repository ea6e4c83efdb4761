import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { StreamAccessLogsMessageSchema } from "@xebec/api-envoy/envoy/service/accesslog/v3/als";
import { Mixer } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { waitFor } from "@xebec/core-async";
import { stdio } from "@xebec/mixer-adapters-stdio/info";
import { defineAdapter, type LogEntryInstance } from "@xebec/mixer-sdk";
import type { StringMap } from "@xebec/model-attributes";
import { clientOf } from "@xebec/platform-grpc";
import { createMixerTelemetry } from "./mixer-service.ts";
import { http, identifier, type Message, send, seriesOf, WORKLOADS, withMixer } from "./telemetry-mesh.testkit.ts";
import { objectsOf, startMixer } from "./test-mesh.testkit.ts";

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
    await assert.rejects(async () => tooMany, { code: "resource_exhausted", message: /10000 elements, not more/ });
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
