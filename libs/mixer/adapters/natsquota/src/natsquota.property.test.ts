import { test } from "node:test";
import { checkSchedule, schedules } from "@xebec/mixer-quota-model";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import { createMemoryBus } from "@xebec/platform-bus";
import fc from "fast-check";
import { SKEW_MS } from "./counter-state.ts";
import { createAdapter } from "./natsquota.ts";

const INSTANCE = { name: "q.quota.default", types: {} };
const TIMING = { windowMs: 5_000, lateMs: 100, window: "rolling", rememberMs: 1_000, forgetMs: 1_000 } as const;

test("replicas of natsquota together follow the model of all quota stores, also when clocks jump", async () => {
  const property = fc.asyncProperty(schedules(3, TIMING.windowMs, true), (steps) =>
    checkSchedule(steps, {
      ...{ max: 10, timing: TIMING, instance: INSTANCE, skewMs: SKEW_MS },
      start(clock) {
        const bus = createMemoryBus();
        const params = { quotas: [{ name: INSTANCE.name, maxAmount: 10, validDuration: "5s" }] };
        const adapter = createAdapter({ shared: (name) => bus.table(name) });
        return Promise.all([1, 2, 3].map(() => startHandler(adapter, params, { clock })));
      },
    }),
  );
  await fc.assert(property, { numRuns: 300 });
});
