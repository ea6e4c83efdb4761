import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock, QuotaInstance, QuotaResult } from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import fc from "fast-check";
import { memquota } from "./info.ts";
import { createAdapter } from "./memquota.ts";
import { RollingWindow } from "./rolling-window.ts";

class FakeClock implements Clock {
  time = 1_000_000;
  readonly #work: { at: number; every: number; run: () => void }[] = [];
  now(): number {
    return this.time;
  }
  every(ms: number, run: () => void): () => void {
    const entry = { at: this.time + ms, every: ms, run };
    this.#work.push(entry);
    return () => this.#work.splice(this.#work.indexOf(entry), 1);
  }
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.#work.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.time = due.at;
      due.at += due.every;
      due.run();
    }
    this.time = end;
  }
}

const NAME = "rc.quota.ns";
const instance = (app: string): QuotaInstance => ({
  name: NAME,
  types: {},
  dimensions: { names: ["app"], types: ["STRING"], values: [app] },
});

async function make(
  quota: object,
): Promise<{ clock: FakeClock; ask: (app: string, amount: number, id?: string, best?: boolean) => QuotaResult }> {
  const clock = new FakeClock();
  const handler = await startHandler(createAdapter(), { quotas: [{ name: NAME, ...quota }] }, { clock });
  let calls = 0;
  return {
    clock,
    ask: (app, amount, deduplicationId = `call ${++calls}`, bestEffort = false) =>
      handler.quota?.(instance(app), { amount, deduplicationId, bestEffort }) as QuotaResult,
  };
}

test("a rate limit refuses what is over it, and each dimension value counts on its own", async () => {
  const { ask, clock } = await make({ maxAmount: 10, validDuration: "1s" });
  assert.deepEqual(ask("a", 8), { amount: 8, validMs: 1000 });
  assert.deepEqual(ask("a", 3), { amount: 0, validMs: 0 });
  assert.deepEqual(ask("a", 3, "best", true), { amount: 2, validMs: 1000 });
  assert.deepEqual(ask("a", 3, "none is left", true), { amount: 0, validMs: 1000 });
  assert.deepEqual(ask("b", 10), { amount: 10, validMs: 1000 });
  clock.pass(1100);
  assert.deepEqual(ask("a", 10), { amount: 10, validMs: 1000 });
});

test("an allocation is held until it is given back", async () => {
  const { ask, clock } = await make({ maxAmount: 5 });
  assert.deepEqual(ask("a", 5), { amount: 5, validMs: 0 });
  clock.pass(1_000_000);
  assert.equal(ask("a", 1).amount, 0);
  assert.equal(ask("a", -2).amount, 2);
  assert.equal(ask("a", -9).amount, 3);
  assert.equal(ask("a", 5).amount, 5);
});

test("a repeated call gets the same answer and is not charged again", async () => {
  const { ask, clock } = await make({ maxAmount: 10, validDuration: "5s" });
  assert.deepEqual(ask("a", 4, "same"), { amount: 4, validMs: 5000 });
  clock.pass(500);
  assert.deepEqual(ask("a", 4, "same"), { amount: 4, validMs: 4500 });
  assert.equal(ask("a", 6).amount, 6);
  clock.pass(2000);
  assert.equal(ask("a", 4, "same").amount, 0);
});

test("the first override whose dimensions agree decides", async () => {
  const { ask } = await make({
    maxAmount: 10,
    validDuration: "1s",
    overrides: [
      { dimensions: { app: "small" }, maxAmount: 1, validDuration: "2s" },
      { dimensions: { app: "held" }, max_amount: 3 },
    ],
  });
  assert.deepEqual(ask("small", 1), { amount: 1, validMs: 2000 });
  assert.equal(ask("small", 1).amount, 0);
  assert.deepEqual(ask("held", 3), { amount: 3, validMs: 0 });
  assert.equal(ask("other", 10).amount, 10);
});

test("an instance without its quota is refused when the handler is built", () => {
  const shape = { name: NAME, template: "quota", types: {}, maps: {} };
  assert.deepEqual(paramErrors(memquota, { quotas: [] }, { instances: [shape] }), [
    `quotas: none is named ${NAME}, which a rule sends to this handler`,
  ]);
  const negative = { name: NAME, validDuration: "-1s", overrides: [{ validDuration: "-2s" }] };
  assert.deepEqual(paramErrors(memquota, { quotas: [negative] }), [
    "quotas[0].validDuration: must not be negative",
    "quotas[0].overrides[0].validDuration: must not be negative",
  ]);
  assert.deepEqual(paramErrors(memquota, { minDeduplicationDuration: "0s" }), [
    "minDeduplicationDuration: must be longer than 0",
  ]);
});

test("a window never has more taken than its maximum, whatever is asked when", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ wait: fc.nat(30), amount: fc.integer({ min: -20, max: 20 }), best: fc.boolean() })),
      (calls) => {
        const window = new RollingWindow(25, 1, 100);
        let tick = 100;
        const taken: { tick: number; amount: number }[] = [];
        for (const { wait, amount, best } of calls) {
          tick += wait;
          while ((taken[0]?.tick ?? tick) <= tick - 10) taken.shift();
          if (amount < 0) {
            let left = window.give(-amount, tick);
            const held = taken.reduce((sum, each) => sum + each.amount, 0);
            assert.equal(left, Math.min(held, -amount));
            for (const each of taken.reverse()) {
              const part = Math.min(each.amount, left);
              each.amount -= part;
              left -= part;
            }
            taken.reverse();
          } else {
            const held = taken.reduce((sum, each) => sum + each.amount, 0);
            const got = window.take(amount, best, tick);
            assert.equal(got, amount <= 25 - held ? amount : best ? 25 - held : 0);
            taken.push({ tick, amount: got });
          }
        }
      },
    ),
  );
});
