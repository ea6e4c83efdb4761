import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { watchClock } from "./clock.ts";
import { waitFor } from "./wait-for.ts";

const HOUR_MS = 3_600_000;

/** Sets the clock for one test, as an administrator would, and counts who looks at it. */
function settableClock(t: TestContext): { set(byMs: number): void; looks(): number } {
  const real = Date.now;
  let offset = 0;
  let looks = 0;
  // One mock only: two of one method are not undone in the right order, and the clock would stay set for all other tests.
  t.mock.method(Date, "now", () => {
    looks++;
    return real() + offset;
  });
  return {
    set(byMs) {
      offset += byMs;
    },
    looks: () => looks,
  };
}

test("a clock that is set is reported once for each step, with its size", async (t) => {
  const { set } = settableClock(t);
  const steps: number[] = [];
  const end = watchClock((by) => steps.push(Math.round(by / 1_000)), { everyMs: 5 });
  set(-HOUR_MS);
  await waitFor("the step back", 2_000, () => steps.length === 1);
  set(2 * HOUR_MS);
  await waitFor("the step forward", 2_000, () => steps.length === 2);
  end();
  assert.deepEqual(steps, [-3600, 7200]);
});

test("small corrections are not reported, even when they add up", async (t) => {
  const { set, looks } = settableClock(t);
  const steps: number[] = [];
  const end = watchClock((by) => steps.push(by), { everyMs: 1, toleranceMs: 1_000 });
  for (let i = 0; i < 5; i++) {
    set(900);
    const before = looks();
    await waitFor("another look", 2_000, () => looks() > before);
  }
  set(10_000);
  await waitFor("a real step", 2_000, () => steps.length > 0);
  end();
  assert.equal(steps.length, 1);
});
