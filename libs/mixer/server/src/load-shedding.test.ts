import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadShedder, type LoadSheddingOptions } from "./load-shedding.ts";

const base: LoadSheddingOptions = {
  mode: "enforce",
  averageLatencyMs: 0,
  samplesPerSecond: 1e9,
  sampleHalfLifeMs: 1000,
  maxRequestsPerSecond: 0,
  burst: 0,
};

function make(options: Partial<LoadSheddingOptions>) {
  const clock = { now: 1000 };
  let refused = 0;
  const shedder = new LoadShedder(
    { ...base, ...options },
    () => refused++,
    () => clock.now,
  );
  const admitted = (cost = 1): boolean => {
    try {
      shedder.admit(cost);
      return true;
    } catch (error) {
      assert.match((error as Error).message, /currently overloaded/);
      return false;
    }
  };
  return { clock, shedder, admitted, refused: () => refused };
}

test("a rate limit admits its burst, then what the rate allows", () => {
  const { clock, admitted, refused } = make({ maxRequestsPerSecond: 10, burst: 3 });
  assert.deepEqual([admitted(), admitted(), admitted(), admitted()], [true, true, true, false]);
  clock.now += 100;
  assert.deepEqual([admitted(), admitted()], [true, false]);
  assert.equal(refused(), 2);
});

test("a report larger than the burst passes when nothing else was asked", () => {
  const { clock, admitted } = make({ maxRequestsPerSecond: 10, burst: 5 });
  assert.equal(admitted(50), true);
  clock.now += 1000;
  assert.equal(admitted(1), false);
});

test("slow answers refuse requests until the average has come down", () => {
  const { clock, shedder, admitted } = make({ averageLatencyMs: 100 });
  assert.equal(admitted(), true);
  const since = shedder.begin();
  clock.now += 400;
  shedder.end(since);
  assert.equal(admitted(), false);
  clock.now += 1000;
  assert.equal(admitted(), false);
  clock.now += 1500;
  assert.equal(admitted(), true);
});

test("logonly counts and admits; disabled does nothing", () => {
  const logonly = make({ mode: "logonly", maxRequestsPerSecond: 1, burst: 1 });
  assert.deepEqual([logonly.admitted(), logonly.admitted()], [true, true]);
  assert.equal(logonly.refused(), 1);
  assert.equal(make({ mode: "disabled", maxRequestsPerSecond: 1 }).shedder.active, false);
});
