import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedCache } from "./bounded-cache.ts";

test("what callers send is remembered up to a number and a length", () => {
  const cache = new BoundedCache<string>(3);
  const long = "x".repeat(513);
  cache.set(long, "long");
  assert.equal(cache.get(long), undefined);
  for (const each of ["a", "b", "c"]) cache.set(each, each);
  cache.set("d", "d");
  assert.deepEqual([cache.size, cache.get("d"), cache.get("a")], [1, "d", undefined]);
});
