import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { askedOf } from "@xebec/mixer-quota-model";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { createNatsBus } from "@xebec/platform-bus";
import { startNatsServer } from "@xebec/testing-launch";
import { createAdapter } from "./natsquota.ts";

const INSTANCE = { name: "q.quota.default", types: {} };
const PARAMS = { quotas: [{ name: INSTANCE.name, maxAmount: 100, validDuration: "600s" }] };

describe("replicas of natsquota on a real NATS server", () => {
  it("grant together what one would, answer while it is killed, and go on", async () => {
    await using nats = await startNatsServer();
    const never = new AbortController().signal;
    const buses = [1, 2, 3].map((i) => createNatsBus({ servers: [nats.address], name: `mixer-policy-${i}` }));
    await Promise.all(buses.map((each) => each.start(never)));
    const handlers = await Promise.all(
      buses.map((bus) => startHandler(createAdapter({ shared: (name) => bus.table(name) }), PARAMS)),
    );
    let ids = 0;
    const ask = async (replica: number, id = `id-${ids++}`): Promise<number> =>
      (await askedOf(handlers[replica % 3] as never, INSTANCE, { amount: 1, bestEffort: false, deduplicationId: id }))
        .amount;
    const silent = (replica: number): Promise<number> => ask(replica).catch(() => -1);
    try {
      for (const replica of [0, 1, 2]) await waitFor("the bucket", 10_000, async () => (await silent(replica)) === 1);
      // The first answers may have been counted and lost; from here on every answer is known.
      const before = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i)));
      assert.deepEqual(new Set(before), new Set([1]));
      assert.deepEqual([await ask(0, "same"), await ask(1, "same"), await ask(2, "same")], [1, 1, 1]);
      const flying = Array.from({ length: 300 }, (_, i) => silent(i));
      await nats.kill();
      const begun = performance.now();
      const settled = await Promise.all(flying);
      const granted = settled.filter((each) => each === 1).length;
      assert.ok(performance.now() - begun < 5_000, "calls waited for a server that is gone");
      await waitFor("calls that fail at once", 5_000, async () => (await silent(1)) === -1);
      await nats.restart();
      await waitFor("an answer of the new server", 15_000, async () => (await silent(2)) >= 0);
      const rest = await Promise.all(Array.from({ length: 300 }, (_, i) => silent(i)));
      const all = 44 + granted + rest.filter((each) => each === 1).length;
      assert.ok(all <= 100, `${all} of 100 were granted`);
      await waitFor("an answer of each replica: nothing is left", 15_000, async () => (await silent(0)) === 0);
    } finally {
      await Promise.all([...handlers.map((each) => each.close?.()), ...buses.map((each) => each.close?.())]);
    }
  });
});
