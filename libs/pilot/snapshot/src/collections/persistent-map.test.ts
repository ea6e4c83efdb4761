import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PersistentMap } from "./persistent-map.ts";

/** Few keys, some of which share a bucket, so that edits meet. */
const key = fc.oneof(
  fc.constantFrom("a", "b", "Aa", "BB", "AaBB", "BBAa", "AaAa", "", "__proto__", "constructor"),
  fc.string(),
);
const edit = fc.array(fc.tuple(key, fc.option(fc.nat(9), { nil: undefined })), { maxLength: 8 });

const contentOf = (map: PersistentMap<number>): [string, number][] => [...map.entries()].sort(([a], [b]) => cmp(a, b));
const cmp = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe("a persistent map", () => {
  it("holds what a plain map holds after the same edits, and its old versions never change", () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 20 }), (edits) => {
        const plain = new Map<string, number>();
        let map = PersistentMap.empty<number>();
        const versions: { map: PersistentMap<number>; content: [string, number][] }[] = [];
        for (const changes of edits) {
          map = map.edit(changes);
          for (const [name, value] of changes)
            if (value === undefined) plain.delete(name);
            else plain.set(name, value);
          versions.push({ map, content: [...plain].sort(([a], [b]) => cmp(a, b)) });
        }
        for (const { map: old, content } of versions) {
          assert.deepEqual(contentOf(old), content);
          assert.equal(old.size, content.length);
          assert.deepEqual(
            [...old.values()].sort((a, b) => a - b),
            content.map(([, value]) => value).sort((a, b) => a - b),
          );
        }
        for (const name of ["a", "Aa", "", "constructor", "nobody"]) {
          assert.equal(map.get(name), plain.get(name));
          assert.equal(map.has(name), plain.has(name));
        }
      }),
    );
  });

  it("of a batch holds what the batch made of it, and no version from before the batch changes", () => {
    fc.assert(
      fc.property(fc.array(fc.array(edit, { maxLength: 5 }), { maxLength: 6 }), (batches) => {
        const plain = new Map<string, number>();
        let map = PersistentMap.empty<number>();
        const versions: { map: PersistentMap<number>; content: [string, number][] }[] = [];
        for (const edits of batches) {
          const batch = {};
          for (const changes of edits) {
            map = map.edit(changes, batch);
            for (const [name, value] of changes)
              if (value === undefined) plain.delete(name);
              else plain.set(name, value);
          }
          versions.push({ map, content: [...plain].sort(([a], [b]) => cmp(a, b)) });
        }
        for (const { map: old, content } of versions) {
          assert.deepEqual(contentOf(old), content);
          assert.equal(old.size, content.length);
        }
      }),
    );
  });

  it("copies nothing twice in a batch", () => {
    const batch = {};
    const map = PersistentMap.empty<number>().edit([["a", 1]], batch);
    assert.equal(map.edit([["b", 2]], batch), map);
    assert.notEqual(map.edit([["b", 2]], {}), map);
    assert.notEqual(map.edit([["b", 2]]), map);
  });

  it("is the same object after no edit at all", () => {
    const map = PersistentMap.empty<number>().edit([["a", 1]]);
    assert.equal(map.edit([]), map);
    assert.equal(PersistentMap.empty().edit([]).size, 0);
  });

  it("counts an entry once, whatever one edit does to it", () => {
    const map = PersistentMap.empty<number>().edit([
      ["a", 1],
      ["a", undefined],
      ["a", 2],
      ["b", undefined],
    ]);
    assert.deepEqual([map.size, map.get("a"), map.has("b")], [1, 2, false]);
  });
});
