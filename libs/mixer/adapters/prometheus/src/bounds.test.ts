import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf } from "./config.ts";

test("bounds are those of the Go client, to the last digit", () => {
  assert.deepEqual(
    boundsOf({
      kind: "DISTRIBUTION",
      instanceName: "m",
      buckets: { linearBuckets: { numFiniteBuckets: 3, width: 0.007, offset: 0 } },
    }),
    [0, 0.007, 0.014, 0.021],
  );
  const tenths = { linearBuckets: { numFiniteBuckets: 8, width: 0.1, offset: 0 } };
  assert.equal(boundsOf({ kind: "DISTRIBUTION", instanceName: "m", buckets: tenths }).at(-1), 0.7999999999999999);
  assert.deepEqual(
    boundsOf({
      kind: "DISTRIBUTION",
      instanceName: "m",
      buckets: { exponentialBuckets: { numFiniteBuckets: 3, scale: 0.1, growthFactor: 1.1 } },
    }),
    [0.1, 0.11000000000000001, 0.12100000000000002, 0.13310000000000002],
  );
});
