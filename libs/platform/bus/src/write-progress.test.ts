import assert from "node:assert/strict";
import { test } from "node:test";
import { WriteProgress } from "./write-progress.ts";

test("a write is late when nothing was taken for five seconds, not when many take long together", () => {
  let now = 0;
  const progress = new WriteProgress(() => now);
  now = 60_000;
  assert.equal(progress.late, undefined, "nothing waits");
  progress.begin();
  now += 4_000;
  progress.begin();
  progress.done(1);
  now += 4_000;
  assert.equal(progress.late, undefined, "one was taken meanwhile");
  progress.failed(new Error("timeout"));
  now += 1_500;
  assert.deepEqual(progress.late, { seconds: 5, reason: "timeout" });
  progress.done(0);
  assert.equal(progress.late, undefined);
});
