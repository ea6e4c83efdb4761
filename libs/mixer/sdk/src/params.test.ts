import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Duration, durationMs, Enum, readParams, withDefaults } from "./params.ts";
import { TEMPLATES } from "./templates.ts";

const schema = Type.Object(
  {
    maxAmount: Type.Optional(Type.Integer()),
    validDuration: Type.Optional(Duration),
    kind: Type.Optional(Enum(["NONE", "GAUGE", "COUNTER"])),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
    nested: Type.Optional(Type.Array(Type.Object({ entryType: Type.String() }, { additionalProperties: false }))),
  },
  { additionalProperties: false },
);

test("reads both spellings of names, enumerations by number, integers as text, null as left out", () => {
  const { value, violations } = readParams(schema, {
    max_amount: "5",
    validDuration: "1.5s",
    kind: 2,
    labels: { some_key: "x" },
    nested: [{ entry_type: "a" }],
  });
  assert.deepEqual(violations, []);
  assert.deepEqual(value, {
    maxAmount: 5,
    validDuration: "1.5s",
    kind: "COUNTER",
    labels: { some_key: "x" },
    nested: [{ entryType: "a" }],
  });
  assert.deepEqual(readParams(schema, { kind: null }).value, {});
  assert.deepEqual(readParams(schema, undefined).violations, []);
});

test("names every fault with its path", () => {
  const faults = (raw: unknown): string[] =>
    readParams(schema, raw).violations.map((each) => `${each.path}: ${each.message}`);
  assert.deepEqual(faults({ validDuration: "5" }), [
    'validDuration: "5" is no duration; write for example 5s or 1h30m',
  ]);
  assert.deepEqual(faults({ kind: "NO" }), ["kind: must be one of NONE, GAUGE, COUNTER"]);
  assert.deepEqual(faults({ nested: [{ entry_type: 5 }] }), ["nested[0].entryType: must be string"]);
  assert.deepEqual(faults({ typo: 1 }), [': unknown field "typo"']);
});

test("defaults fill messages in; lists and maps are taken whole", () => {
  const message = Type.Object({ code: Type.Optional(Type.Integer()), text: Type.Optional(Type.String()) });
  const outer = Type.Object({
    status: Type.Optional(message),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
    list: Type.Optional(Type.Array(message)),
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

test("durations convert to and from milliseconds", () => {
  assert.equal(durationMs("1m0.5s"), 60_500);
});

test("a template's schema takes texts and maps of texts only", () => {
  const metric = TEMPLATES.get("metric");
  assert.ok(metric);
  const read = readParams(metric.params, {
    value: "1",
    dimensions: { a_b: "source.name" },
    monitored_resource_type: '"x"',
  });
  assert.deepEqual(read.violations, []);
  assert.deepEqual(read.value, { value: "1", dimensions: { a_b: "source.name" }, monitoredResourceType: '"x"' });
  assert.equal(readParams(metric.params, { value: 1 }).violations[0]?.path, "value");
});
