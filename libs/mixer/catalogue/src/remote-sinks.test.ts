import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createAdapter as circonus } from "@xebec/mixer-adapters-circonus";
import { createAdapter as http } from "@xebec/mixer-adapters-http";
import { createAdapter as loki } from "@xebec/mixer-adapters-loki";
import { createAdapter as opentelemetry } from "@xebec/mixer-adapters-opentelemetry";
import { createAdapter as signalfx } from "@xebec/mixer-adapters-signalfx";
import { createAdapter as solarwinds } from "@xebec/mixer-adapters-solarwinds";
import { createAdapter as zipkin } from "@xebec/mixer-adapters-zipkin";
import { type Adapter, type AdapterHost, type Delivery, type Instance, NO_REACH } from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import {
  ManualClock,
  RecordingServer,
  sampleLog,
  sampleMetric,
  sampleSpan,
  testHost,
} from "@xebec/mixer-sinks/testkit";

// What every adapter keeps to that sends over HTTP to something remote.

interface Sink {
  make(host: AdapterHost, url: string): Adapter;
  params(url: string): object;
  readonly template: string;
  readonly instance: Instance;
  /** Its server is Istio's choice, not that of the parameters. */
  readonly fixed?: boolean;
}

const SECRET = "hush-7f3a";
const SINKS: Readonly<Record<string, Sink>> = {
  http: {
    make: http,
    params: (url) => ({ url, headers: { authorization: `Bearer ${SECRET}` } }),
    ...{ template: "logentry", instance: sampleLog() },
  },
  loki: { make: loki, params: (url) => ({ url, bearerToken: SECRET }), template: "logentry", instance: sampleLog() },
  zipkin: {
    make: zipkin,
    params: (url) => ({ url: `${url.replace("//", `//user:${SECRET}@`)}/api/v2/spans`, sampleProbability: 1 }),
    ...{ template: "tracespan", instance: sampleSpan() },
  },
  circonus: {
    make: circonus,
    params: (url) => ({
      submission_url: `${url}/module/httptrap/x/?token=${SECRET}`,
      submission_interval: "1s",
      metrics: [{ name: "m.metric.ns", type: "COUNTER" }],
    }),
    ...{ template: "metric", instance: sampleMetric() },
  },
  signalfx: {
    make: signalfx,
    params: (ingest_url) => ({
      ...{ ingest_url, access_token: SECRET, datapoint_interval: "1s" },
      metrics: [{ name: "m.metric.ns", type: "COUNTER" }],
    }),
    ...{ template: "metric", instance: sampleMetric() },
  },
  solarwinds: {
    make: (host, url) => solarwinds(host, { appoptics: url }),
    params: () => ({ appoptics_access_token: SECRET, metrics: { "m.metric.ns": {} } }),
    ...{ template: "metric", instance: sampleMetric(), fixed: true },
  },
  opentelemetry: {
    make: opentelemetry,
    params: (endpoint) => ({
      ...{ endpoint, headers: { "api-key": SECRET }, pushInterval: "1s" },
      metrics: { "m.metric.ns": { kind: "COUNTER" } },
    }),
    ...{ template: "metric", instance: sampleMetric() },
  },
};

interface Run {
  report(): Promise<void>;
  readonly clock: ManualClock;
  readonly deliveries: readonly Delivery<unknown>[];
  /** What was logged and said of the handler's health, as one text. */
  said(): string;
  close(): Promise<void>;
}

async function run({ make, params, template, instance }: Sink, url: string): Promise<Run> {
  const clock = new ManualClock(Date.now());
  const said: string[] = [];
  const say = (fields: object, message: string): void => {
    const { err } = fields as { readonly err?: Error };
    said.push(
      `${message} ${err?.message ?? ""} ${err?.stack ?? ""} ${String((err?.cause as Error | undefined)?.message)}`,
    );
  };
  const host = testHost();
  const deliveries: Delivery<unknown>[] = [];
  const noting: AdapterHost = {
    ...host,
    deliver(options) {
      const made = host.deliver(options);
      deliveries.push(made as Delivery<unknown>);
      return made;
    },
  };
  const handler = await startHandler(make(noting, url), params(url), {
    ...{ clock, log: { debug: say, info: say, warn: say, error: say } },
    health: (state, why) => void said.push(`${state} ${why}`),
  });
  return {
    report: async () => await handler.report?.([instance as never], template),
    ...{ clock, deliveries, said: () => said.join("\n") },
    close: async () => await handler.close?.(),
  };
}

/** Moves the clock on until the condition holds. */
async function passing(what: string, { clock }: Run, isSo: () => boolean, stepMs = 1_000): Promise<void> {
  await waitFor(what, 5_000, () => {
    if (!isSo()) clock.advance(stepMs);
    return isSo();
  });
}

function addsUp({ deliveries }: Run): void {
  for (const { counts } of deliveries) {
    const dropped = Object.values(counts.dropped).reduce((sum, each) => sum + each, 0);
    assert.equal(counts.accepted, counts.delivered + dropped + counts.waiting);
  }
}
const sum = ({ deliveries }: Run, what: "delivered" | "waiting" | "accepted" | "retried"): number =>
  deliveries.reduce((total, { counts }) => total + counts[what], 0);

for (const [name, sink] of Object.entries(SINKS)) {
  test(`${name}: what is reported arrives; at the end everything is sent, and the counters add up`, async () => {
    await using server = await RecordingServer.start();
    const running = await run(sink, server.url);
    await running.report();
    await passing("a request", running, () => server.received.length > 0);
    await running.report();
    await running.close();
    assert.ok(sum(running, "delivered") >= 1);
    assert.equal(sum(running, "waiting"), 0);
    addsUp(running);
  });

  test(`${name}: a sink that is down or refuses costs a count, no secret is shown, and it gets everything once it is back`, async () => {
    await using server = await RecordingServer.start();
    server.answer = 503;
    const running = await run(sink, server.url);
    await running.report();
    await passing("tries", running, () => sum(running, "retried") > 0, 5_000);
    assert.match(running.said(), /degraded.*503/);
    server.answer = 401;
    const tries = server.received.length;
    await passing("another try", running, () => server.received.length > tries, 5_000);
    server.answer = (_request, response) => response.socket?.destroy();
    const before = server.received.length;
    await passing("one more", running, () => server.received.length > before, 5_000);
    assert.equal(sum(running, "delivered"), 0);
    assert.doesNotMatch(running.said(), new RegExp(SECRET));
    server.answer = 200;
    await passing("all is sent", running, () => sum(running, "delivered") > 0 && sum(running, "waiting") === 0, 5_000);
    await running.close();
    addsUp(running);
  });

  test(`${name}: addresses that operators do not open are not called, whatever name leads there`, async () => {
    await using server = await RecordingServer.start();
    if (!sink.fixed) {
      const errors = paramErrors(sink.make(testHost(), server.url), sink.params(server.url), { limits: NO_REACH });
      assert.match(errors.join(), /127\.0\.0\.1 is not open to handlers; the flag --handlerNetworks/);
    }
    const closed = testHost({ limits: NO_REACH });
    const named = server.url.replace("127.0.0.1", "localhost");
    const running = await run(
      { ...sink, make: () => sink.make({ ...testHost(), limits: closed.limits }, named) },
      named,
    );
    await running.report();
    running.clock.advance(2_000);
    await running.close();
    assert.deepEqual(server.received, []);
    addsUp(running);
  });
}
