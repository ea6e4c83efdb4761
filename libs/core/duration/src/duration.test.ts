import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatNanos, parseDuration, parseNanos } from "./index.ts";

test("reads durations as Go does", () => {
  const cases: [string, bigint | undefined][] = [
    ["10ms", 10_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["-2s", -2_000_000_000n],
    ["1.5h", 5_400_000_000_000n],
    [".5s", 500_000_000n],
    ["1.s", 1_000_000_000n],
    ["1us", 1_000n],
    ["1µs", 1_000n],
    ["1μs", 1_000n],
    ["0", 0n],
    ["+0", 0n],
    ["-0", 0n],
    ["1", undefined],
    ["1d", undefined],
    ["", undefined],
    ["s", undefined],
    [".s", undefined],
    ["1s ", undefined],
    ["3000000h", undefined],
    ["-3000000h", undefined],
    [`${"0".repeat(127)}s`, 0n],
    [`${"0".repeat(128)}s`, undefined],
  ];
  for (const [text, want] of cases) assert.equal(parseNanos(text), want, text);
});

test("a written duration reads back as the same number of nanoseconds", () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n), (nanos) => {
      assert.equal(parseNanos(formatNanos(nanos)), nanos);
    }),
  );
  assert.equal(formatNanos(15_000_000n), "15ms");
  assert.equal(formatNanos(3_600_000_000_000n), "1h0m0s");
});

test("milliseconds are exact to the nanosecond", () => {
  assert.equal(parseDuration("1h15m30.5s"), 4_530_500);
  assert.equal(parseDuration("0.1ms"), 0.1);
  assert.equal(parseDuration("1ns"), 1e-6);
  assert.equal(parseDuration("876000h"), 3_153_600_000_000);
  assert.equal(parseDuration("-3000000h"), -10_800_000_000_000);
  assert.equal(parseDuration("soon"), undefined);
});
