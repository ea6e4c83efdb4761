import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "@xebec/core-metrics";
import type { MixerRuntime } from "@xebec/mixer-runtime";
import { registerDispatchMetrics } from "./dispatch-metrics.ts";
import { createMeters } from "./meters.ts";

test("Mixer's metrics about its handlers have Istio's names, labels and bounds", async () => {
  const metrics = createMetrics();
  const buckets = new Float64Array(17);
  buckets[0] = 2;
  buckets[16] = 1;
  const runtime = {
    dispatches: [
      {
        template: "metric",
        handler: "p.istio-system",
        adapter: "prometheus",
        error: false,
        count: 3,
        seconds: 12.5,
        buckets,
      },
    ],
    handlers: [{ handler: "p.istio-system", adapter: "prometheus", health: "failing", waiting: 2, withheld: 4 }],
    handlerCounts: { created: 1, reused: 2, closed: 3, buildFailures: 4, closeFailures: 5 },
  } as unknown as MixerRuntime;
  registerDispatchMetrics(metrics, runtime);
  const lines = (await metrics.registry.metrics()).split("\n");
  const labels = 'meshFunction="metric",handler="p.istio-system",adapter="prometheus",error="false"';
  for (const line of [
    `mixer_runtime_dispatches_total{${labels}} 3`,
    `mixer_runtime_dispatch_duration_seconds_bucket{${labels},le="0.0001"} 2`,
    `mixer_runtime_dispatch_duration_seconds_bucket{${labels},le="10"} 2`,
    `mixer_runtime_dispatch_duration_seconds_bucket{${labels},le="+Inf"} 3`,
    `mixer_runtime_dispatch_duration_seconds_sum{${labels}} 12.5`,
    `mixer_runtime_dispatch_duration_seconds_count{${labels}} 3`,
    "mixer_handler_new_handlers_total 1",
    "mixer_handler_reused_handlers_total 2",
    "mixer_handler_closed_handlers_total 3",
    "mixer_handler_handler_build_failures_total 4",
    "mixer_handler_handler_close_failures_total 5",
    'xebec_mixer_handler_state{handler="p.istio-system",adapter="prometheus",state="failing"} 1',
    'xebec_mixer_handler_waiting{handler="p.istio-system",adapter="prometheus"} 2',
    'xebec_mixer_handler_withheld_total{handler="p.istio-system",adapter="prometheus"} 4',
  ])
    assert.ok(lines.includes(line), line);
});

test("refused requests are counted under Istio's name", async () => {
  const metrics = createMetrics();
  createMeters(metrics).shed();
  assert.match(await metrics.registry.metrics(), /^mixer_loadshedding_requests_throttled 1$/m);
});
