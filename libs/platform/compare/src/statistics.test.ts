import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compare, permutationTest, summaryOf } from "./statistics.ts";

describe("what repeated measurements say", () => {
  it("is their median and their range", () => {
    assert.deepEqual(summaryOf([3, 1, 2]), { n: 3, median: 2, min: 1, max: 3 });
    assert.deepEqual(summaryOf([4, 1, 2, 3]), { n: 4, median: 2.5, min: 1, max: 4 });
    assert.equal(summaryOf([]), undefined);
  });

  it("differs when chance would seldom give as much: five and five apart have 2 of 252 arrangements", () => {
    assert.equal(permutationTest([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), 2 / 252);
    assert.deepEqual(compare([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), { ratio: 3 / 8, p: 2 / 252, verdict: "lower" });
    assert.equal(compare([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]).verdict, "higher");
    assert.equal(compare([1, 8, 3, 6, 5], [4, 7, 2, 9, 10]).verdict, "no difference seen");
  });

  it("does not differ by so few that they never could", () => {
    assert.deepEqual(compare([1, 2, 3], [4, 5, 6]).verdict, "too few repetitions");
    assert.deepEqual(compare([1], [100]).verdict, "too few repetitions");
    assert.equal(compare([1, 2, 3, 4], [5, 6, 7, 8]).verdict, "lower");
    assert.equal(compare([], [1]).verdict, "too few repetitions");
  });

  it("of equal values is no difference", () => {
    assert.deepEqual(compare([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]), {
      ratio: undefined,
      p: 1,
      verdict: "no difference seen",
    });
  });

  it("does not depend on the order, and the other way round it is the other verdict", () => {
    const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 4, maxLength: 6 });
    const opposite = { lower: "higher", higher: "lower" } as Record<string, string>;
    fc.assert(
      fc.property(values, values, (a, b) => {
        const forth = compare(a, b);
        assert.deepEqual(compare([...a].reverse(), [...b].reverse()), forth);
        const back = compare(b, a);
        assert.ok(Math.abs(back.p - forth.p) < 1e-9);
        assert.equal(back.verdict, opposite[forth.verdict] ?? forth.verdict);
      }),
      { numRuns: 100 },
    );
  });

  it("of many repetitions is sampled, and says the same each time", () => {
    const a = Array.from({ length: 20 }, (_, i) => i);
    const b = a.map((each) => each + 30);
    assert.equal(compare(a, b).verdict, "lower");
    assert.equal(permutationTest(a, a), permutationTest(a, a));
  });
});
