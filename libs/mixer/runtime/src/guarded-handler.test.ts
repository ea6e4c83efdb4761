import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAILURE_ANNOTATION, type HandlerPolicy, handlerPolicyOf, TIMEOUT_ANNOTATION } from "@xebec/mixer-config";
import type { Clock, Handler, Instance } from "@xebec/mixer-sdk";
import { Breaker } from "./breaker.ts";
import { DispatchTable } from "./dispatch-stats.ts";
import { GuardedHandler } from "./guarded-handler.ts";

const INSTANCE: Instance = { name: "a.checknothing.default", types: {} };
const ASK = { amount: 3, bestEffort: false, deduplicationId: "" };

/** A clock whose timers a test ends. */
function fakeClock(): Clock & { fire(): Promise<void> } {
  const due = new Set<() => void>();
  return {
    now: () => 0,
    every(_ms, work) {
      due.add(work);
      return () => due.delete(work);
    },
    async fire() {
      for (const work of [...due]) work();
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function guard(inner: Handler, policy: HandlerPolicy = { failure: "caller" }) {
  const clock = fakeClock();
  let changes = 0;
  const stats = new DispatchTable();
  const options = { name: "h.default", adapter: "spy", policy, clock, stats, changed: () => void changes++ };
  return { handler: new GuardedHandler(inner, options), clock, stats, changes: () => changes };
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

describe("a handler that does not answer in time", () => {
  it("fails the call, and is asked no more for a while after several times", async () => {
    let asked = 0;
    const { handler, clock } = guard({
      check() {
        asked++;
        return never();
      },
    });
    for (let i = 0; i < 5; i++) {
      const answer = assert.rejects(
        Promise.resolve(handler.check?.(INSTANCE, "checknothing")),
        /did not answer within 5000ms/,
      );
      await clock.fire();
      await answer;
    }
    assert.equal(handler.state.health, "failing");
    assert.throws(() => handler.check?.(INSTANCE, "checknothing"), /was not asked: it did not answer lately/);
    assert.deepEqual([asked, handler.state.withheld, handler.state.waiting], [5, 1, 0]);
  });

  it("lets pass, or denies, as its annotations declare", async () => {
    for (const [failure, code, amount] of [
      ["open", 0, 3],
      ["closed", 14, undefined],
    ] as const) {
      const { handler, clock } = guard({ check: never, quota: never }, { failure });
      const check = handler.check?.(INSTANCE, "checknothing");
      const quota = Promise.resolve(handler.quota?.(INSTANCE, ASK)).catch(() => undefined);
      await clock.fire();
      assert.equal((await check)?.code, code);
      assert.equal((await quota)?.amount, amount);
    }
  });

  it("holds no more calls than the bound", () => {
    const { handler } = guard({ report: never });
    for (let i = 0; i < 1_000; i++) void handler.report?.([INSTANCE], "metric");
    assert.throws(() => handler.report?.([INSTANCE], "metric"), /1000 calls wait for it/);
    assert.equal(handler.state.waiting, 1_000);
  });
});

describe("a handler that throws", () => {
  it("is asked again each time: that costs nothing; its health and the counts say it", () => {
    let isBroken = true;
    const { handler, stats, changes } = guard({
      check() {
        if (isBroken) throw new Error("broken");
        return { code: 0, message: "", validMs: 1, validUses: 1 };
      },
    });
    for (let i = 0; i < 7; i++) assert.throws(() => handler.check?.(INSTANCE, "checknothing"), /^Error: broken$/);
    assert.deepEqual([handler.state.health, handler.state.why, handler.state.errors], ["failing", "broken", 7]);
    isBroken = false;
    for (let i = 0; i < 20; i++) void handler.check?.(INSTANCE, "checknothing");
    assert.deepEqual([handler.state.health, handler.state.calls, changes()], ["ready", 27, 4]);
    assert.deepEqual(
      [...stats.all()].map(({ error, count, template }) => [template, error, count]),
      [
        ["checknothing", true, 7],
        ["checknothing", false, 20],
      ],
    );
  });
});

it("a breaker makes one try after each pause, and the pauses grow to a bound", () => {
  let now = 0;
  const breaker = new Breaker(() => now);
  for (let i = 0; i < 5; i++) breaker.failed("late", true);
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    const from = now;
    while (!breaker.admits()) now += 100;
    pauses.push(now - from);
    assert.equal(breaker.admits(), false);
    breaker.failed("late", true);
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  while (!breaker.admits()) now += 100;
  breaker.succeeded();
  assert.equal(breaker.admits(), true);
  assert.equal(breaker.report.health, "degraded");
});

it("annotations declare how a handler fails; wrong ones are reported and the defaults hold", () => {
  assert.deepEqual(handlerPolicyOf({ annotations: { [FAILURE_ANNOTATION]: "open", [TIMEOUT_ANNOTATION]: "250ms" } }), {
    policy: { failure: "open", timeoutMs: 250 },
    problems: [],
  });
  const wrong = handlerPolicyOf({ annotations: { [FAILURE_ANNOTATION]: "ajar", [TIMEOUT_ANNOTATION]: "soon" } });
  assert.deepEqual(wrong.policy, { failure: "caller" });
  assert.equal(wrong.problems.length, 2);
});
