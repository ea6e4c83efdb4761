import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatGoDuration, parseGoDuration } from "./duration.ts";
import { formatIp, parseIp, sameIp } from "./ip.ts";
import { formatDouble, renderValue } from "./render.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";
import { addInt64, int64, stringMap } from "./value.ts";

test("a duration is a number as long as it is a safe integer", () => {
  assert.equal(parseGoDuration("1h30m"), 5_400_000_000_000);
  assert.equal(parseGoDuration("2562047h"), 9_223_369_200_000_000_000n);
  assert.equal(parseGoDuration("1d"), undefined);
  assert.equal(formatGoDuration(15_000_000), "15ms");
  assert.equal(formatGoDuration(9_223_369_200_000_000_000n), "2562047h0m0s");
});

test("reads and writes addresses", () => {
  const cases: [string, string | undefined][] = [
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["256.1.1.1", undefined],
    ["01.1.1.1", undefined],
    ["1.2.3", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["12345::", undefined],
    ["", undefined],
  ];
  for (const [text, want] of cases) {
    const bytes = parseIp(text);
    assert.equal(bytes && formatIp(bytes), want, text);
  }
  assert.ok(sameIp(Uint8Array.of(10, 1, 2, 3), parseIp("10.1.2.3") as Uint8Array));
  assert.ok(!sameIp(Uint8Array.of(10, 1, 2, 3), parseIp("10.1.2.4") as Uint8Array));
  assert.ok(!sameIp(parseIp("::1") as Uint8Array, parseIp("::2") as Uint8Array));
});

test("a written address reads back as the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.ok(sameIp(parseIp(formatIp(bytes)) as Uint8Array, bytes));
    }),
  );
});

test("reads RFC 3339 times and writes microseconds", () => {
  assert.equal(
    formatTimestamp(parseTimestamp("2017-01-01T01:00:00.123456789+01:00") ?? fail()),
    "2017-01-01T00:00:00.123456Z",
  );
  assert.equal(formatTimestamp({ seconds: -1, nanos: 5000 }), "1969-12-31T23:59:59.000005Z");
  for (const bad of ["2017-02-29T00:00:00Z", "2017-01-01", "2017-01-01T24:00:00Z", "2017-01-01T00:00:60Z", "x"])
    assert.equal(parseTimestamp(bad), undefined, bad);
});

test("renders values as labels", () => {
  assert.equal(renderValue("STRING", "a"), "a");
  assert.equal(renderValue("INT64", 200), "200");
  assert.equal(renderValue("INT64", int64(2n ** 62n)), "4611686018427387904");
  assert.equal(renderValue("BOOL", true), "true");
  assert.equal(renderValue("DURATION", 1_500_000_000), "1.5s");
  assert.equal(renderValue("IP_ADDRESS", Uint8Array.of(1, 2, 3, 4)), "1.2.3.4");
  assert.equal(renderValue("STRING_MAP", stringMap({ k2: "v2", k: "v" })), "stringmap[k:v k2:v2]");
  assert.equal(renderValue("STRING", undefined), "");
});

test("writes doubles without exponent, and they read back", () => {
  assert.equal(formatDouble(1e21), "1000000000000000000000");
  assert.equal(formatDouble(1.5e-7), "0.00000015");
  assert.equal(formatDouble(Number.POSITIVE_INFINITY), "+Inf");
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = formatDouble(value);
      assert.ok(!text.includes("e"));
      assert.ok(Object.is(Number(text), value));
    }),
  );
});

test("adds 64-bit integers with wrap-around, in one canonical form", () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (a, b) => {
      assert.equal(addInt64(int64(a), int64(b)), int64(BigInt.asIntN(64, a + b)));
    }),
  );
});

function fail(): never {
  throw new Error("not read");
}
