import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Repeats, type Suppressed } from "./repeats.ts";

function repeats(): { of: Repeats; reported: Suppressed[]; pass(): void } {
  const reported: Suppressed[] = [];
  let next = (): void => {};
  const of = new Repeats(
    (each) => reported.push(each),
    (work) => {
      next = work;
    },
  );
  return { of, reported, pass: () => next() };
}

describe("lines that repeat", () => {
  it("are written once in an interval, and counted", () => {
    const { of, reported, pass } = repeats();
    const written = Array.from({ length: 10 }, () => of.admits("adapters", 40, "failed", '{"url":"a"}'));
    assert.deepEqual(
      written.map(Number),
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      "another line of the same text, and the same text of another scope, are others",
    );
    assert.ok(of.admits("adapters", 40, "failed", '{"url":"b"}'));
    assert.ok(of.admits("other", 40, "failed", '{"url":"a"}'));
    pass();
    assert.deepEqual(reported, [{ scope: "adapters", level: 40, text: "failed", count: 9 }]);
    assert.ok(of.admits("adapters", 40, "failed", '{"url":"a"}'), "the next interval begins anew");
    pass();
    assert.equal(reported.length, 1, "nothing was suppressed, nothing is reported");
  });

  it("of one kind, and of one scope, are bounded also when each differs", () => {
    const { of, reported, pass } = repeats();
    const count = (make: (i: number) => boolean): number =>
      Array.from({ length: 20_000 }, (_, i) => make(i)).filter(Boolean).length;
    assert.equal(
      count((i) => of.admits("a", 50, "failed", `${i}`)),
      50,
    );
    assert.equal(
      count((i) => of.admits("a", 50, `failed ${i}`, "")),
      450,
    );
    assert.ok(of.admits("b", 50, "failed", "1"), "another scope is not kept from speaking");
    pass();
    assert.equal(
      reported.reduce((sum, each) => sum + each.count, 0),
      40_000 - 500,
      "every line is written or counted",
    );
  });
});
