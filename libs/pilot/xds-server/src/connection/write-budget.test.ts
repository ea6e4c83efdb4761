import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type StreamWriter, WriteBudget } from "./write-budget.ts";

const LARGE = 3 << 20;

interface Told extends StreamWriter {
  reported: number;
  ended: boolean;
}

const writer = (): Told => ({
  ...{ reported: 0, ended: false },
  wake() {
    this.reported++;
  },
  stalled() {
    this.ended = true;
  },
});

describe("the budget of bytes under way", () => {
  it("lets a few large messages go, then makes others wait until half of it is free", () => {
    const budget = new WriteBudget();
    const [a, b, c] = [writer(), writer(), writer()];
    assert.deepEqual([budget.take(a, LARGE), budget.take(b, LARGE), budget.take(c, LARGE)], [true, true, false]);
    budget.give(a, LARGE / 2);
    assert.equal(c.reported, 0);
    budget.give(a, LARGE / 2);
    budget.give(b, 1);
    assert.equal(c.reported, 1);
    assert.equal(budget.take(c, LARGE), true);
  });

  it("never makes small messages wait, nor the first one, however large", () => {
    const budget = new WriteBudget();
    const [a, b] = [writer(), writer()];
    assert.equal(budget.take(a, 100 << 20), true);
    assert.equal(budget.take(b, 1_000), true);
    assert.equal(budget.take(b, LARGE), false);
  });

  it("lets nobody wait for those who take nothing, and ends them", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const budget = new WriteBudget();
    const stalled = Array.from({ length: 8 }, writer);
    for (const each of stalled) budget.take(each, 700 << 10);
    const good = writer();
    assert.equal(budget.take(good, 700 << 10), false);
    t.mock.timers.tick(2_000);
    assert.equal(good.reported, 1);
    assert.equal(budget.take(good, 700 << 10), true);
    budget.give(good, 700 << 10);
    // 64 KiB a second would have taken 11 seconds.
    t.mock.timers.tick(18_000);
    assert.deepEqual(
      stalled.map((each) => each.ended),
      stalled.map(() => false),
    );
    t.mock.timers.tick(3_000);
    assert.deepEqual(
      stalled.map((each) => each.ended),
      stalled.map(() => true),
    );
    assert.equal(good.ended, false);
  });

  it("leaves a proxy alone that takes something now and then", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const budget = new WriteBudget();
    const slow = writer();
    for (let i = 0; i < 20; i++) budget.take(slow, 50 << 10);
    for (let i = 0; i < 20; i++) {
      t.mock.timers.tick(9_000);
      budget.give(slow, 50 << 10);
    }
    assert.equal(slow.ended, false);
  });

  it("sets aside no more than its limit, however many take nothing", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const budget = new WriteBudget();
    let held = 0;
    for (let second = 0; second < 20; second++) {
      while (budget.take(writer(), 1 << 20)) held++;
      t.mock.timers.tick(1_000);
    }
    assert.equal(held, 32 + 6);
  });

  it("is whole again when all writers are gone, whatever they did, and wakes all who wait", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const step = fc.record({ who: fc.nat(4), bytes: fc.constantFrom(1_000, LARGE, LARGE * 2), act: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const budget = new WriteBudget();
        const writers = Array.from({ length: 5 }, writer);
        const waiting = new Set<number>();
        const held = new Map<number, number[]>();
        for (const { who, bytes, act } of steps) {
          const each = writers[who] as Told;
          const own = held.get(who) ?? [];
          held.set(who, own);
          if (act === 3) t.mock.timers.tick(1_000);
          else if (act < 2) {
            if (budget.take(each, bytes)) own.push(bytes);
            else {
              each.reported = 0;
              waiting.add(who);
            }
          } else if (own.length > 0) budget.give(each, own.shift() as number);
        }
        for (const who of [0, 1, 2, 3, 4]) if (!waiting.has(who)) budget.forget(writers[who] as Told);
        for (const who of waiting) for (const bytes of held.get(who) ?? []) budget.give(writers[who] as Told, bytes);
        for (const who of waiting) {
          const { reported, ended } = writers[who] as Told;
          assert.ok(reported > 0 || ended, `writer ${who} waits for ever`);
        }
        const last = [writer(), writer()] as const;
        assert.deepEqual([budget.take(last[0], LARGE), budget.take(last[1], LARGE)], [true, true]);
      }),
    );
  });
});
