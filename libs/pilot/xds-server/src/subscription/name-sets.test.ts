import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { NameSets } from "./name-sets.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });

describe("sets of names", () => {
  it("are one object for the same names, in any order and however often", () => {
    const sets = new NameSets();
    fc.assert(
      fc.property(fc.array(text), fc.array(text), (a, b) => {
        const same = JSON.stringify([...new Set(a)].sort()) === JSON.stringify([...new Set(b)].sort());
        assert.equal(sets.of(a) === sets.of(b), same);
        assert.equal(sets.of([...a, ...a].reverse()), sets.of(a));
      }),
    );
  });

  it("are two for names that only look alike when they are joined", () => {
    const sets = new NameSets();
    const lists = [[], [""], ["a\nb"], ["a", "b"], ["a,b"], ['a","b']].map((names) => sets.of(names));
    assert.equal(new Set(lists).size, lists.length);
    assert.equal(new Set(lists.map((each) => each.key)).size, lists.length);
  });

  it("of equal bytes are read once", () => {
    const sets = new NameSets();
    let read = 0;
    const names = (): string[] => {
      read++;
      return ["a"];
    };
    const first = sets.ofBytes(Buffer.from("x"), names);
    assert.equal(sets.ofBytes(Buffer.from("x"), names), first);
    assert.equal(read, 1);
    assert.equal(sets.ofBytes(Buffer.from("y"), names).set, first.set);
  });
});
