import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressPlan, freeSlot, SERVICES } from "./address-plan.ts";

test("every service and slot of a block has an address of its own", () => {
  const plan = addressPlan(60);
  const slots = Array.from({ length: 241 }, (_, slot) => slot);
  const all = [plan.nats, ...SERVICES.map(plan.service), ...slots.map(plan.pod), ...slots.map(plan.app)];
  assert.equal(new Set(all).size, all.length);
  for (const address of all) assert.match(address, /^127\.60\.[012]\.(\d{1,2}|1\d\d|2[0-4]\d|250)$/);
  assert.equal(plan.service("galley"), "127.60.0.3");
});

test("a block outside 1 to 254 is refused", () => {
  for (const block of [0, 255, -1, 1.5, Number.NaN])
    assert.throws(() => addressPlan(block), { code: "invalid_argument", message: /from 1 to 254/ });
});

test("the lowest free slot is given, until none is left", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 240 }), { maxLength: 240 }), (taken) => {
      const slot = freeSlot(new Set(taken));
      assert.ok(!taken.includes(slot));
      for (let lower = 0; lower < slot; lower++) assert.ok(taken.includes(lower));
    }),
  );
  assert.throws(() => freeSlot(new Set(Array.from({ length: 241 }, (_, slot) => slot))), {
    code: "resource_exhausted",
  });
});
