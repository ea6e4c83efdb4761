import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atOnce, ResourceCache } from "./resource-cache.ts";

describe("a cache of resources", () => {
  /** A cache, and how to have an entry that reads keys and other entries; each gives its mark. */
  function cacheOf() {
    const cache = new ResourceCache();
    let made = 0;
    const entry =
      (name: string, keys: readonly string[], ...inner: (() => string)[]) =>
      (): string => {
        const make = (reads: Set<string>): void => {
          made++;
          for (const key of keys) reads.add(key);
          for (const each of inner) reads.add(each());
        };
        return (cache.find("class", name) ?? cache.make("class", name, make)).mark;
      };
    return { cache, entry, made: () => made };
  }

  it("makes again what read a key itself or through other entries, and nothing else", () => {
    const { cache, entry, made } = cacheOf();
    const leaf = entry("leaf", ["a"]);
    const other = entry("other", ["b"]);
    const whole = entry("whole", ["c"], leaf, other);
    whole();
    assert.equal(made(), 3);
    cache.invalidate(["a"]);
    whole();
    assert.equal(made(), 5);
    cache.invalidate(["c"]);
    whole();
    assert.equal(made(), 6);
    cache.invalidate(["nothing"]);
    whole();
    assert.equal(made(), 6);
  });

  it("finds nothing of what has expired, and forgets very many of it in steps, but never what has taken its place", () => {
    const many = 2_000;
    const { cache, entry, made } = cacheOf();
    const inner = Array.from({ length: many }, (_, i) => entry(`n-${i}`, [`k-${i}`]));
    const whole = entry("whole", [], ...inner);
    whole();
    cache.invalidate(Array.from({ length: many }, (_, i) => `k-${i}`));
    assert.deepEqual([cache.find("class", "whole"), cache.find("class", "n-0")], [undefined, undefined]);
    assert.ok(cache.size > many / 2, `${cache.size} are left for later`);
    cache.beginRound();
    whole();
    assert.equal(made(), 2 * (many + 1));
    const steps = [...cache.endRound()].length;
    assert.ok(steps > 2 * (many / 64), `${steps} steps`);
    assert.equal(cache.size, many + 1);
    whole();
    assert.equal(made(), 2 * (many + 1), "all that is new is found");
    cache.invalidate(["k-1"]);
    assert.equal(cache.find("class", "whole"), undefined);
  });

  it("frees the values of what has expired at once, and forgets the entries in steps", () => {
    const { cache, entry } = cacheOf();
    entry("whole", [], ...Array.from({ length: 2_000 }, (_, i) => entry(`n-${i}`, ["k"])))();
    const whole = cache.find("class", "whole");
    const large = cache.make("class", "large", (reads) => reads.add("k"));
    cache.invalidate(["k"]);
    assert.deepEqual([whole?.value, large.value], [undefined, undefined]);
    assert.ok(cache.hasExpired);
    const steps = [...cache.forgetExpired()].length;
    assert.ok(steps > 10, `${steps} steps`);
    assert.deepEqual([cache.hasExpired, cache.size, cache.keys], [false, 0, 0]);
  });

  describe("in steps", () => {
    /** What is made of keys and entries in steps, and how often it was begun. */
    function stepsOf(cache: ResourceCache, inner: () => string) {
      let begun = 0;
      const steps = cache.makeInSteps("class", "slow", function* (reads) {
        const value = ++begun;
        reads.add("a");
        reads.add(inner());
        yield;
        return value;
      });
      return { steps, begun: () => begun };
    }

    it("makes a value that is found, and expires, as others do", () => {
      const { cache, entry } = cacheOf();
      const { steps } = stepsOf(cache, entry("inner", ["b"]));
      steps.next();
      assert.equal(cache.find("class", "slow"), undefined, "it is not found before");
      assert.equal(atOnce(steps).value, 1);
      assert.equal(cache.find("class", "slow")?.value, 1);
      cache.invalidate(["b"]);
      assert.equal(cache.find("class", "slow"), undefined);
    });

    it("makes it anew when something changes meanwhile", () => {
      const { cache, entry } = cacheOf();
      const { steps, begun } = stepsOf(cache, entry("inner", ["b"]));
      steps.next();
      cache.invalidate(["a"]);
      assert.deepEqual([atOnce(steps).value, begun()], [2, 2]);
    });

    it("makes it anew when what it has read was dropped meanwhile, because nobody used it", () => {
      const { cache, entry } = cacheOf();
      const { steps, begun } = stepsOf(cache, entry("inner", ["b"]));
      steps.next();
      cache.beginRound();
      atOnce(cache.endRound());
      assert.deepEqual([atOnce(steps).value, begun()], [2, 2]);
      cache.invalidate(["b"]);
      assert.equal(cache.find("class", "slow"), undefined, "a change reaches it");
    });
  });

  it("keeps the entries of classes apart", () => {
    const { cache, entry } = cacheOf();
    entry("name", ["a"])();
    assert.equal(cache.find("other class", "name"), undefined);
    assert.notEqual(cache.find("class", "name"), undefined);
  });

  it("keeps entries of one name apart by the inputs that they are made of", () => {
    const { cache, entry } = cacheOf();
    entry("name", ["a"])();
    const marks = ["x", "y"].map((input) => cache.make("class", "name", (reads) => reads.add("b"), input).mark);
    assert.deepEqual(
      ["x", "y", "z"].map((input) => cache.find("class", "name", input)?.mark),
      [...marks, undefined],
    );
    cache.invalidate(["b"]);
    assert.deepEqual([cache.find("class", "name", "x"), cache.size], [undefined, 1]);
    cache.invalidate(["a"]);
    assert.deepEqual([cache.size, cache.keys], [0, 0]);
  });

  it("is empty when all that was read has changed, however many names there were", () => {
    const { cache, entry } = cacheOf();
    for (let i = 0; i < 1_000; i++) {
      entry(`set/${i}`, ["endpoints", `names/${i}`], entry("leaf", ["endpoints", "mesh"]))();
      cache.invalidate(["endpoints"]);
    }
    assert.deepEqual([cache.size, cache.keys], [0, 0]);
  });

  it("keeps the entries of what is in use", () => {
    const { cache, entry, made } = cacheOf();
    const leaf = entry("leaf", ["a"]);
    const whole = entry("whole", [], leaf);
    entry("unused", ["a"], leaf)();
    whole();
    cache.beginRound();
    whole();
    for (const _ of cache.endRound());
    assert.deepEqual([cache.size, made()], [2, 3]);
    cache.invalidate(["a"]);
    assert.deepEqual([cache.size, cache.keys], [0, 0]);
  });
});
