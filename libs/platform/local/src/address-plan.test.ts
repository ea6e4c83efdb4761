import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressPlan, freeHostNumber, SERVICES } from "./address-plan.ts";

test("every service and host number of an address block has an address of its own", () => {
  const plan = addressPlan(60);
  const hostNumbers = Array.from({ length: 241 }, (_, hostNumber) => hostNumber);
  const all = [
    plan.nats,
    ...SERVICES.map((each) => plan.service(each)),
    ...hostNumbers.map(plan.pod),
    ...hostNumbers.map(plan.app),
  ];
  assert.equal(new Set(all).size, all.length);
  for (const address of all) assert.match(address, /^127\.60\.[012]\.(\d{1,2}|1\d\d|2[0-4]\d|250)$/);
  assert.equal(plan.service("galley"), "127.60.0.3");
});

test("an address block outside 1 to 254 is refused", () => {
  for (const addressBlock of [0, 255, -1, 1.5, Number.NaN])
    assert.throws(() => addressPlan(addressBlock), { code: "invalid_argument", message: /from 1 to 254/ });
});

test("the lowest free host number is given, until none is left", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 240 }), { maxLength: 240 }), (taken) => {
      const hostNumber = freeHostNumber(new Set(taken));
      assert.ok(!taken.includes(hostNumber));
      for (let lower = 0; lower < hostNumber; lower++) assert.ok(taken.includes(lower));
    }),
  );
  assert.throws(() => freeHostNumber(new Set(Array.from({ length: 241 }, (_, hostNumber) => hostNumber))), {
    code: "resource_exhausted",
  });
});
