import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Turns } from "./turns.ts";

describe("turns", () => {
  it("do no more units of work than they may, and let others in between", async () => {
    const turns = new Turns(100);
    let [units, most, others] = [0, 0, 0];
    let working = true;
    const other = (): void => {
      others++;
      most = Math.max(most, units);
      units = 0;
      if (working) setImmediate(other);
    };
    setImmediate(other);
    for (let i = 0; i < 1_000; i++) {
      units++;
      const turn = turns.next();
      if (turn) await turn;
    }
    working = false;
    assert.ok(most <= 100, `${most} units in one turn`);
    assert.ok(others >= 9);
  });

  it("do short work at once", () => {
    const turns = new Turns(100);
    const until = performance.now() + 20;
    for (let i = 0; i < 31; i++) {
      while (i === 0 && performance.now() < until);
      assert.equal(turns.next(), undefined, "however long it takes");
    }
  });
});
