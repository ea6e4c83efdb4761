import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TurnLimit } from "./turn-limit.ts";

test("what comes above the limit of a turn is done in the next ones, a limit in each", async () => {
  const waiting = Array.from({ length: 25 }, (_, i) => i);
  const turns: number[][] = [[]];
  const work = (): void => {
    while (waiting.length > 0 && limit.take()) turns.at(-1)?.push(waiting.shift() as number);
  };
  const limit = new TurnLimit(10, () => {
    turns.push([]);
    work();
  });
  work();
  work();
  assert.equal(turns[0]?.length, 10, "also when it is asked again in the same turn");
  for (let i = 0; i < 5; i++) await nextTurn();
  assert.deepEqual(
    turns.map((each) => each.length),
    [10, 10, 5, 0],
    "and nothing goes on when nothing is left",
  );
  assert.deepEqual(turns.flat(), [...Array(25).keys()]);
  assert.ok(limit.take());
});
