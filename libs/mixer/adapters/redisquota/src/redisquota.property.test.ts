import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createClient } from "@redis/client";
import { waitFor } from "@xebec/core-async";
import { askedOf, checkSchedule, schedules } from "@xebec/mixer-quota-model";
import { NO_REACH } from "@xebec/mixer-sdk";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { type RedisServer, redisMissing, startRedisServer } from "@xebec/testing-launch";
import fc from "fast-check";
import { createAdapter } from "./redisquota.ts";

const INSTANCE = { name: "q.quota.default", types: {} };
const adapter = createAdapter({ limits: { ...NO_REACH, addressRefusal: () => undefined } });

describe("redisquota on a real Redis", { skip: redisMissing() ?? false }, () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedisServer();
  });
  after(() => redis.close());

  const params = (quota: object): object => ({
    redisServerUrl: redis.address,
    connectionPoolSize: 2,
    quotas: [{ name: INSTANCE.name, maxAmount: 10, validDuration: "5s", ...quota }],
  });

  for (const [algorithm, timing, quota] of [
    ["FIXED_WINDOW", { windowMs: 5_000, lateMs: 0, window: "fixed", rememberMs: 0, forgetMs: 5_000 }, {}],
    [
      "ROLLING_WINDOW",
      { windowMs: 5_000, lateMs: 500, window: "rolling", rememberMs: 5_000, forgetMs: 5_000 },
      { bucketDuration: "500ms" },
    ],
  ] as const)
    it(`${algorithm} follows the model of all quota stores, with replicas and when clocks jump`, async () => {
      const admin = createClient({ url: `redis://${redis.address}` });
      await admin.connect();
      const property = fc.asyncProperty(schedules(2, 5_000, true), (steps) =>
        checkSchedule(steps, {
          ...{ max: 10, timing, instance: INSTANCE, skewMs: 5_000 },
          async start(clock) {
            await admin.flushAll();
            const config = params({ rateLimitAlgorithm: algorithm, ...quota });
            return Promise.all([1, 2].map(() => startHandler(adapter, config, { clock })));
          },
        }),
      );
      try {
        await fc.assert(property, { numRuns: 60 });
      } finally {
        admin.destroy();
      }
    });

  it("answers at once that nothing is granted while Redis is killed, and goes on when it is back, without its scripts", async () => {
    const states: string[] = [];
    const handler = await startHandler(adapter, params({}), { health: (state) => void states.push(state) });
    const ask = (id: string) => askedOf(handler, INSTANCE, { amount: 1, bestEffort: false, deduplicationId: id });
    try {
      assert.equal((await ask("a")).amount, 1);
      // Under load: what is in flight fails, nothing hangs.
      const flying = Array.from({ length: 500 }, (_, i) =>
        ask(`f${i}`)
          .then((each) => each.amount)
          .catch(() => -1),
      );
      await redis.kill();
      const begun = performance.now();
      const settled = await Promise.all(flying);
      assert.ok(settled.every((each) => each >= -1 && each <= 1));
      assert.ok(settled.filter((each) => each === 1).length <= 9, "more than the limit was granted");
      for (let i = 0; i < 100; i++) await assert.rejects(ask(`d${i}`), /Redis at 127/);
      assert.ok(performance.now() - begun < 10_000, "calls waited for a server that is gone");
      assert.ok(states.includes("degraded"));
      await redis.restart();
      await waitFor(
        "an answer of the new server",
        10_000,
        async () => (await ask(`n${Math.random()}`).catch(() => undefined)) !== undefined,
      );
      assert.equal(states.at(-1), "ready");
    } finally {
      await handler.close?.();
    }
  });

  it("takes no server that handlers may not call, and says why", async () => {
    const closed = createAdapter({ limits: NO_REACH });
    await assert.rejects(
      startHandler(closed, params({}), { limits: NO_REACH }),
      /redisServerUrl: 127.0.0.1 is not open/,
    );
    const byName = { ...params({}), redisServerUrl: redis.address.replace("127.0.0.1", "localhost") };
    await assert.rejects(startHandler(closed, byName), /not open to handlers/);
  });
});
