import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttributeValue, ValueType } from "@xebec/mixer-sdk";
import fc from "fast-check";
import { LabelSets } from "./label-sets.ts";

const names = ["a", "b"];
const value: fc.Arbitrary<readonly [ValueType, AttributeValue]> = fc.oneof(
  fc.constantFrom("", "5", "x", "true").map((text) => ["STRING", text] as const),
  fc.constantFrom(0, 5).map((number) => ["INT64", number] as const),
  fc.boolean().map((flag) => ["BOOL", flag] as const),
  fc.constantFrom(1, 2).map((byte) => ["IP_ADDRESS", Uint8Array.of(byte, 0, 0, 1)] as const),
);

test("equal values have one set, whatever was asked before; other values have another", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value)), (samples) => {
      const sets = new LabelSets();
      const seen = new Map<string, unknown>();
      for (const sample of samples) {
        const [types, values] = [sample.map(([type]) => type), sample.map(([, each]) => each)];
        const set = sets.find({ names, types, values });
        const id = JSON.stringify(sample);
        assert.equal(seen.get(id) ?? set, set);
        for (const [other, known] of seen) if (other !== id) assert.notEqual(known, set);
        seen.set(id, set);
      }
    }),
  );
});

test("values that read the same share their key, so they share the series", () => {
  const sets = new LabelSets();
  const text = sets.find({ names, types: ["STRING", "STRING"], values: ["5", ""] });
  const number = sets.find({ names, types: ["INT64", "STRING"], values: [5, ""] });
  assert.equal(text.key, number.key);
  const shifted = sets.find({ names, types: ["STRING", "STRING"], values: ["", "5"] });
  assert.notEqual(text.key, shifted.key);
});

test("sets with other names are other sets, and all can be forgotten", () => {
  const sets = new LabelSets();
  const dimensions = { names, types: ["STRING", "STRING"] as ValueType[], values: ["x", "y"] };
  const first = sets.find(dimensions);
  assert.notEqual(sets.find({ ...dimensions, names: ["a", "c"] }), first);
  sets.clear();
  assert.notEqual(sets.find(dimensions), first);
});
