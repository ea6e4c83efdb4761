import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Snapshot } from "@xebec/pilot-snapshot";
import type { GenerationContext } from "../scope/context.ts";
import { viewOf } from "../scope/proxy.ts";
import { proxy, snapshotOf } from "../small-mesh.testkit.ts";
import { UnitCache } from "./unit-cache.ts";

describe("a cache of parts", () => {
  const snapshot: Snapshot = snapshotOf([]);
  const view = viewOf(proxy(), snapshot);

  /** A cache, and how to make a part that reads keys and other parts. */
  function cache() {
    const units = new UnitCache(() => () => ({ dependencies: new Set<string>() }) as unknown as GenerationContext);
    let made = 0;
    const part =
      (name: string, keys: readonly string[], ...inner: (() => ReadonlySet<string>)[]) =>
      () =>
        units.part(name, snapshot, view, (context) => {
          made++;
          for (const key of keys) context.dependencies.add(key);
          for (const each of inner) for (const key of each()) context.dependencies.add(key);
        }).dependencies;
    return { units, part, made: () => made };
  }

  it("makes again what read a key itself or through its parts, and nothing else", () => {
    const { units, part, made } = cache();
    const leaf = part("leaf", ["a"]);
    const other = part("other", ["b"]);
    const whole = part("whole", ["c"], leaf, other);
    whole();
    assert.equal(made(), 3);
    units.invalidate(["a"]);
    whole();
    assert.equal(made(), 5);
    units.invalidate(["c"]);
    whole();
    assert.equal(made(), 6);
    units.invalidate(["nothing"]);
    whole();
    assert.equal(made(), 6);
  });

  it("is empty when all that was read has changed, however many names there were", () => {
    const { units, part } = cache();
    for (let i = 0; i < 1_000; i++) {
      part(`set/${i}`, ["endpoints", `names/${i}`], part("leaf", ["endpoints", "mesh"]))();
      units.invalidate(["endpoints"]);
    }
    assert.deepEqual([units.size, units.keys], [0, 0]);
  });

  it("keeps the parts of what is in use", () => {
    const { units, part, made } = cache();
    const leaf = part("leaf", ["a"]);
    const whole = part("whole", [], leaf);
    part("unused", ["a"], leaf)();
    whole();
    units.beginRound();
    whole();
    units.endRound();
    assert.deepEqual([units.size, made()], [2, 3]);
    units.invalidate(["a"]);
    assert.deepEqual([units.size, units.keys], [0, 0]);
  });
});
