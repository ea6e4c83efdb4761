import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { backoff } from "./backoff.ts";
import { Coalescer } from "./coalescer.ts";
import { isAbort, sleep } from "./sleep.ts";
import { inTurns, Turns } from "./turns.ts";
import { waitFor } from "./wait-for.ts";

describe("delays of retries", () => {
  it("stay within their bounds", () => {
    const attempts = fc.record({
      attempt: fc.nat(10_000),
      baseMs: fc.integer({ min: 1, max: 1_000 }),
      more: fc.nat(60_000),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(attempts, ({ attempt, baseMs, more, chance }) => {
        const maxMs = baseMs + more;
        const delay = backoff(attempt, { baseMs, maxMs, random: () => chance });
        const whole = Math.min(maxMs, baseMs * 2 ** attempt);
        assert.ok(delay >= whole / 2 && delay <= whole, `${delay} of ${whole}`);
      }),
    );
  });

  it("grow until they are at their largest", () => {
    const delays = [0, 1, 2, 3, 9].map((attempt) => backoff(attempt, { baseMs: 100, maxMs: 500, random: () => 0 }));
    assert.deepEqual(delays, [50, 100, 200, 250, 250]);
  });
});

describe("a coalescer", () => {
  it("runs at once when idle, and once more for all that came meanwhile", async () => {
    const gates: (() => void)[] = [];
    const work = new Coalescer(() => new Promise((resolve) => gates.push(resolve)));
    const first = work.request();
    assert.equal(gates.length, 1, "the first run began without delay");
    const later = [work.request(), work.request(), work.request()];
    gates[0]?.();
    await waitFor("the second run", 1_000, () => gates.length === 2);
    gates[1]?.();
    await Promise.all([first, ...later]);
    assert.equal(gates.length, 2);
    const again = work.request();
    assert.equal(gates.length, 3);
    gates[2]?.();
    await again;
  });

  it("never runs twice at the same time, and always once after the last request", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), async (pauses) => {
        let running = 0;
        let seen = 0;
        let version = 0;
        const work = new Coalescer(async () => {
          assert.equal(++running, 1);
          const read = version;
          await Promise.resolve();
          seen = read;
          running--;
        });
        let last: Promise<void> | undefined;
        for (const pause of pauses) {
          version++;
          last = work.request();
          for (let i = 0; i < pause; i++) await Promise.resolve();
        }
        await last;
        assert.equal(seen, version);
      }),
    );
  });
});

describe("waiting", () => {
  it("ends early, and without an error, when it is aborted", async () => {
    const stop = new AbortController();
    const done = sleep(60_000, stop.signal);
    stop.abort();
    await done;
    await sleep(60_000, stop.signal);
  });

  it("tells an abort from other errors", () => {
    assert.equal(isAbort(AbortSignal.abort().reason), true);
    assert.equal(isAbort(new Error("AbortError")), false);
    assert.equal(isAbort("AbortError"), false);
  });

  it("gives the value of the probe, and says what it waited for and why in vain", async () => {
    let count = 0;
    assert.equal(await waitFor("three", 1_000, () => (++count === 3 ? "here" : undefined), 1), "here");
    await assert.rejects(
      waitFor("rain", 5, () => Promise.reject(new Error("dry")), 1),
      { code: "deadline_exceeded", message: "rain: not within 5 ms: dry" },
    );
  });

  it("takes zero and the empty text for values", async () => {
    assert.equal(await waitFor("a number", 100, () => 0), 0);
    assert.equal(await waitFor("a text", 100, () => ""), "");
  });
});

describe("work in turns", () => {
  const steps = (count: number, done: number[]): Iterable<undefined> => ({
    *[Symbol.iterator]() {
      for (let i = 0; i < count; i++) {
        done.push(i);
        yield undefined;
      }
    },
  });

  it("is done at once when it is little", () => {
    const done: number[] = [];
    assert.equal(inTurns(steps(10, done), new Turns(16)), undefined);
    assert.equal(done.length, 10);
  });

  it("makes room for others when it is much, and is done to the end", async () => {
    const done: number[] = [];
    const work = inTurns(steps(100, done), new Turns(16));
    assert.equal(done.length, 16);
    await work;
    assert.equal(done.length, 100);
  });

  it("fails as its step does", async () => {
    const failing = function* () {
      for (let i = 0; i < 20; i++) yield;
      throw new Error("no");
    };
    await assert.rejects(async () => inTurns(failing(), new Turns(16)), /no/);
  });
});
