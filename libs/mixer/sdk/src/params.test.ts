import assert from "node:assert/strict";
import { test } from "node:test";
import { TEMPLATES } from "@xebec/model-mixer";
import { field, int32, list, map, message, readProtoJson, string } from "@xebec/model-schema";
import { durationMs, withDefaults } from "./params.ts";

test("defaults fill messages in; lists and maps are taken whole", () => {
  const status = message("Status", { code: field(int32(), "A code."), text: field(string(), "A text.") });
  const outer = message("Outer", {
    status: field(status, "A message."),
    labels: field(map(string()), "A map."),
    list: field(list(status), "A list."),
  });
  const defaults = { status: { code: 9 }, labels: { a: "1" }, list: [{ code: 1 }] };
  assert.deepEqual(withDefaults(outer, defaults, {}), defaults);
  assert.deepEqual(withDefaults(outer, defaults, { status: { text: "no" }, labels: { b: "2" }, list: [{}] }), {
    status: { code: 9, text: "no" },
    labels: { b: "2" },
    list: [{}],
  });
  assert.deepEqual(withDefaults(outer, undefined, { status: { code: 0 } }), { status: { code: 0 } });
});

test("durations convert to milliseconds", () => {
  assert.equal(durationMs("1m0.5s"), 60_500);
  assert.throws(() => durationMs("5"), /5 is not a duration/);
});

test("a template's schema takes strings and maps of strings only", () => {
  const metric = TEMPLATES.get("metric");
  assert.ok(metric);
  const read = readProtoJson(metric.params, {
    value: "1",
    dimensions: { a_b: "source.name" },
    monitored_resource_type: '"x"',
  });
  assert.deepEqual(read.violations, []);
  assert.deepEqual(read.value, { value: "1", dimensions: { a_b: "source.name" }, monitoredResourceType: '"x"' });
  assert.deepEqual(readProtoJson(metric.params, { value: 1 }).violations, [
    { path: ["value"], message: "must be a string, not 1; put it in quotes" },
  ]);
});
