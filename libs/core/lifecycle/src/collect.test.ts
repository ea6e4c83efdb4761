import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { DeletionCollector } from "./collect.ts";

function collector(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let collected = 0;
  const own = new DeletionCollector(() => collected++);
  return {
    deleted: (count: number, left: number) => own.deleted(count, left),
    after(ms: number): number {
      t.mock.timers.tick(ms);
      return collected;
    },
  };
}

it("garbage is collected once, a while after the last of several large deletions", (t) => {
  const { deleted, after } = collector(t);
  deleted(10_000, 50);
  assert.equal(after(74_000), 0);
  deleted(2_000, 50);
  assert.equal(after(74_000), 0);
  assert.equal(after(1_000), 1);
  assert.equal(after(600_000), 1);
});

it("nothing is collected after a small deletion, or where most is still there", (t) => {
  const { deleted, after } = collector(t);
  deleted(10, 0);
  deleted(2_000, 5_000);
  assert.equal(after(600_000), 0);
});
