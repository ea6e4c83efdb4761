import assert from "node:assert/strict";
import { it } from "node:test";
import { CacheUpkeep, type CacheUsers } from "./cache-upkeep.ts";

it("a pass over the cache that a change has ended is followed by one that goes to its end, whatever changes meanwhile", () => {
  const passes: boolean[] = [];
  const generator = {
    ...{ cacheSize: 5_000, epoch: 0, hasExpired: false },
    keep(_uses: unknown, _turns: unknown, toTheEnd: boolean): undefined {
      passes.push(toTheEnd);
      this.epoch++;
      if (toTheEnd) this.cacheSize = 10;
    },
  };
  const upkeep = new CacheUpkeep();
  const users = { generator, clients: 4, uses: () => [] } as unknown as CacheUsers;
  for (let i = 0; i < 4; i++) upkeep.run(users);
  assert.deepEqual(passes, [false, true], "then nothing is due any more");
});
