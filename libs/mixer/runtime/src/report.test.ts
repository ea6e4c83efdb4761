import assert from "node:assert/strict";
import { test } from "node:test";
import type { MetricInstance } from "@xebec/mixer-sdk";
import { stringMap } from "@xebec/model-attributes";
import { joinErrors } from "./outcome.ts";
import { handler, object, rule, start } from "./runtime.testkit.ts";

test("a report hands all instances of a batch to a handler at once; equal dimensions are one object", async () => {
  const dimensions = { app: 'source.labels["app"] | "unknown"', code: "response.code | 200" };
  const { runtime, bag, reports } = await start([
    handler("h", "spy"),
    object("metric", "count", { value: "1", dimensions, monitored_resource_type: '"UNSPECIFIED"' }),
    object("instance", "size", { compiledTemplate: "metric", params: { value: "request.size", dimensions } }),
    rule("r", 'context.protocol == "http"', "h", ["count.metric", "size"]),
  ]);
  const batch = runtime.snapshot?.report();
  assert.ok(batch);
  batch.add(bag({ "context.protocol": "http", "request.size": 5, "source.labels": stringMap({ app: "web" }) }));
  batch.add(bag({ "context.protocol": "tcp", "request.size": 6 }));
  batch.add(bag({ "context.protocol": "http" }));
  const errors = await batch.flush();
  assert.deepEqual(
    errors.map((each) => each.message),
    ["evaluation failed at [size.instance.istio-system]'Value': 'lookup failed: 'request.size''"],
  );
  assert.equal(reports.length, 1);
  const [first, second, third] = reports[0] as MetricInstance[];
  assert.deepEqual(first, {
    name: "count.metric.istio-system",
    types: { value: "INT64", monitoredResourceType: "STRING" },
    value: 1,
    dimensions: { names: ["app", "code"], types: ["STRING", "INT64"], values: ["web", 200] },
    monitoredResourceType: "UNSPECIFIED",
  });
  assert.equal(second?.value, 5);
  assert.equal(second?.dimensions, first?.dimensions);
  assert.notEqual(third?.dimensions, first?.dimensions);
});

test("a batch is full after a thousand instances, and can be filled again when they were handed over", async () => {
  const { runtime, bag, reports } = await start([
    handler("h", "spy"),
    object("metric", "count", { value: "1" }),
    rule("r", "", "h", ["count.metric"]),
  ]);
  const batch = runtime.snapshot?.report();
  assert.ok(batch);
  while (!batch.full) batch.add(bag());
  assert.deepEqual(await batch.flush(), []);
  assert.equal(batch.full, false);
  batch.add(bag());
  await batch.flush();
  assert.deepEqual(
    reports.map((each) => each.length),
    [1000, 1],
  );
});

test("of many errors the first ones are shown", () => {
  const text = joinErrors(Array.from({ length: 1000 }, (_, i) => new Error(`e${i}`)));
  assert.match(text, /^1000 errors occurred:\n\n\* e0\n/);
  assert.match(text, /\n\* e19\n\* and 980 more$/);
});
