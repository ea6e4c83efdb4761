import assert from "node:assert/strict";
import { test } from "node:test";
import { askedOf } from "@xebec/mixer-quota-model";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createMemoryBus } from "@xebec/platform-bus";
import { natsquota } from "./info.ts";
import { createAdapter } from "./natsquota.ts";

const NAME = "q.quota.default";
const PARAMS = {
  minDeduplicationDuration: "2s",
  quotas: [
    {
      ...{ name: NAME, maxAmount: 2, validDuration: "10s" },
      overrides: [
        { dimensions: { user: "ann" }, maxAmount: 5, validDuration: "10s" },
        { dimensions: { user: "held" }, maxAmount: 1 },
      ],
    },
  ],
};
const user = (value: string) => ({
  ...{ name: NAME, types: {} },
  dimensions: { names: ["user"], types: ["STRING" as const], values: [value] },
});

test("each value of a dimension counts on its own, an override has its limit, and held units are given back", async () => {
  const bus = createMemoryBus();
  const handler = await startHandler(createAdapter({ shared: (name) => bus.table(name) }), PARAMS);
  let ids = 0;
  const ask = async (who: string, amount: number, bestEffort = false): Promise<number> =>
    (await askedOf(handler, user(who), { amount, bestEffort, deduplicationId: `i${ids++}` })).amount;
  assert.deepEqual([await ask("bob", 2), await ask("bob", 1), await ask("eve", 2)], [2, 0, 2]);
  assert.deepEqual([await ask("ann", 4), await ask("ann", 4), await ask("ann", 4, true)], [4, 0, 1]);
  assert.deepEqual(
    [await ask("held", 1), await ask("held", 1), await ask("held", -1), await ask("held", 1)],
    [1, 0, 1, 1],
  );
  await handler.close?.();
});

test("parameters are refused with their place", () => {
  const shape = { name: NAME, template: "quota", types: {}, maps: {} };
  assert.deepEqual(paramErrors(natsquota, { minDeduplicationDuration: "0s" }, { instances: [shape] }), [
    "minDeduplicationDuration: must be longer than 0",
    `quotas: none is named ${NAME}, which a rule sends to this handler`,
  ]);
  assert.deepEqual(paramErrors(natsquota, { quotas: [{ name: NAME, validDuration: "-1s" }] }), [
    "quotas[0].validDuration: must not be negative",
  ]);
});
