import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMixerTelemetry } from "./mixer-service.ts";
import { StandardMetrics } from "./standard-metrics.ts";
import {
  type Entry,
  http,
  identifier,
  inbound,
  outbound,
  send,
  seriesOf,
  WORKLOADS,
} from "./telemetry-mesh.testkit.ts";
import { startMixer, telemetryAdapters, testdata } from "./test-mesh.testkit.ts";

/** What pilot's filter has noted of a request. */
const noted = (mode: "CLIENT" | "SERVER", descriptor: object): NonNullable<Entry["commonProperties"]>["metadata"] => ({
  filterMetadata: { "istio.metrics": { [mode]: JSON.stringify(descriptor) } },
});

async function textOf(
  entries: { readonly direction: "inbound" | "outbound"; readonly entry: Entry }[],
  objects = "",
): Promise<string> {
  const standard = new StandardMetrics();
  const { adapters, text } = telemetryAdapters();
  const given = objects ? testdata(objects) : [];
  const mixer = await startMixer(
    (options) => createMixerTelemetry({ ...options, standard }),
    adapters,
    given,
    WORKLOADS,
  );
  try {
    for (const { direction, entry } of entries)
      await send(mixer, [
        {
          identifier: identifier(direction === "inbound" ? "reviews" : "productpage", direction),
          logEntries: http(entry),
        },
      ]);
    return text() + standard.text(text());
  } finally {
    await mixer.close();
  }
}

const asked = (descriptor: object, more: object = {}): Entry => ({
  ...inbound,
  commonProperties: { ...inbound.commonProperties, ...more, metadata: noted("SERVER", descriptor) } as never,
});

describe("Istio's standard metrics", () => {
  it("are not there for proxies for which nobody asks", async () => {
    assert.equal(await textOf([{ direction: "inbound", entry: inbound }]), "");
  });

  it("have today's names and labels, from both sides", async () => {
    const client: Entry = {
      ...outbound,
      commonProperties: { ...outbound.commonProperties, metadata: noted("CLIENT", {}) } as never,
    };
    const text = await textOf([
      { direction: "inbound", entry: asked({}) },
      { direction: "inbound", entry: asked({}) },
      { direction: "outbound", entry: client },
    ]);
    const [server, source] = seriesOf(text, "istio_requests_total");
    assert.deepEqual(server, {
      labels: {
        ...{ reporter: "destination", source_workload: "productpage-v1", source_workload_namespace: "default" },
        ...{ source_principal: "spiffe://cluster.local/ns/default/sa/productpage", source_app: "productpage" },
        ...{ source_version: "v1", source_canonical_service: "productpage", source_canonical_revision: "v1" },
        ...{
          source_cluster: "Kubernetes",
          destination_workload: "reviews-v1",
          destination_workload_namespace: "default",
        },
        ...{ destination_principal: "spiffe://cluster.local/ns/default/sa/reviews", destination_app: "reviews" },
        ...{
          destination_version: "v1",
          destination_canonical_service: "reviews",
          destination_canonical_revision: "v1",
        },
        ...{ destination_cluster: "Kubernetes", destination_service: "reviews.default.svc.cluster.local" },
        ...{ destination_service_name: "reviews", destination_service_namespace: "default", request_protocol: "http" },
        ...{ response_code: "200", grpc_response_status: "", response_flags: "-" },
        connection_security_policy: "mutual_tls",
      },
      value: "2",
    });
    assert.deepEqual(
      [source?.labels.reporter, source?.labels.response_code, source?.labels.connection_security_policy, source?.value],
      ["source", "503", "unknown", "1"],
    );
    const [sum] = seriesOf(text, "istio_request_duration_milliseconds_sum");
    assert.equal(sum?.value, "60");
    assert.match(text, /istio_request_bytes_bucket\{.*le="25"\} 2\n/);
    assert.match(text, /istio_response_bytes_count\{/);
  });

  it("follow the overrides: off, labels without and labels with a value of their own", async () => {
    const entry = asked(
      { REQUEST_COUNT: { r: ["source_app", "response_flags"], u: { host: 0, none: 1 } }, REQUEST_SIZE: { d: 1 } },
      { customTags: { "istio.label.0": "reviews:80" } },
    );
    const text = await textOf([{ direction: "inbound", entry }]);
    const [{ labels } = { labels: {} as Record<string, string> }] = seriesOf(text, "istio_requests_total");
    assert.deepEqual(
      [labels.source_app, labels.response_flags, labels.host, labels.none],
      [undefined, undefined, "reviews:80", "unknown"],
    );
    assert.doesNotMatch(text, /istio_request_bytes/);
    assert.match(text, /istio_response_bytes_sum\{reporter="destination",.*source_app="productpage"/);
  });

  it("leave a name to a handler of Mixer's that has it", async () => {
    const text = await textOf([{ direction: "inbound", entry: asked({}) }], "prometheus.yaml");
    assert.equal(text.match(/^# TYPE istio_requests_total /gm)?.length, 1);
    assert.equal(text.match(/^# TYPE istio_request_duration_milliseconds /gm)?.length, 1);
  });

  it("are counted by the standard where a descriptor cannot be read", async () => {
    const entry = {
      ...inbound,
      commonProperties: {
        ...inbound.commonProperties,
        metadata: { filterMetadata: { "istio.metrics": { SERVER: "{" } } },
      },
    } as Entry;
    assert.equal(seriesOf(await textOf([{ direction: "inbound", entry }]), "istio_requests_total").length, 1);
  });

  it("are forgotten when they were not counted for the time that is given", async () => {
    let now = 1_000;
    const standard = new StandardMetrics({ expiryMs: 500, now: () => now });
    const { adapters } = telemetryAdapters();
    const mixer = await startMixer(
      (options) => createMixerTelemetry({ ...options, standard }),
      adapters,
      [],
      WORKLOADS,
    );
    const log = { identifier: identifier("reviews", "inbound"), logEntries: http(asked({})) };
    try {
      await send(mixer, [log]);
      assert.match(standard.text(), /istio_requests_total\{/);
      now += 501;
      assert.equal(standard.text(), "");
      await send(mixer, [log]);
      assert.match(standard.text(), /istio_requests_total\{.*\} 1$/m);
    } finally {
      await mixer.close();
    }
  });
});
