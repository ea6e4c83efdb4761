import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCESS, ALL_BUCKETS, BUCKETS, BUS_USERS, readableBy, writersOf } from "./index.ts";

test("the buckets that decide about the mesh have exactly their writers", () => {
  assert.deepEqual(writersOf("trust"), ["citadel"]);
  assert.deepEqual(writersOf("config"), ["galley"]);
  assert.deepEqual(writersOf("workloads"), ["galley", "supervisor"]);
});

test("every bucket has a writer and a reader besides, and only three users create buckets", () => {
  for (const bucket of ALL_BUCKETS) {
    assert.ok(writersOf(bucket).length > 0, bucket);
    // What copies of one service share.
    if (bucket === BUCKETS.quotas) continue;
    assert.ok(
      BUS_USERS.some((user) => ACCESS[user].read.includes(bucket)),
      bucket,
    );
  }
  assert.deepEqual(
    BUS_USERS.filter((user) => ACCESS[user].provision),
    ["galley", "citadel", "supervisor"],
  );
  assert.deepEqual(readableBy("citadel"), ["trust"]);
});
