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

  it("of several works share one turn: none gets one of its own", async () => {
    let [inTurn, longest] = [0, 0];
    let working = true;
    const other = (): void => {
      longest = Math.max(longest, inTurn);
      inTurn = 0;
      if (working) setImmediate(other);
    };
    const work = async (): Promise<void> => {
      const turns = new Turns(1_000, 1);
      await turns.giveWay();
      for (let i = 0; i < 20; i++) {
        const until = performance.now() + 1;
        while (performance.now() < until);
        inTurn++;
        await turns.next();
      }
    };
    const works = Array.from({ length: 8 }, work);
    setImmediate(other);
    await Promise.all(works);
    working = false;
    // The first one fills the turn with four units; each of the others does the one after which it looks at the clock.
    assert.ok(longest <= 11, `${longest} units in one turn`);
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
