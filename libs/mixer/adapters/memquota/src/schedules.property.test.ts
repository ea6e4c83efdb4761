import { test } from "node:test";
import { checkSchedule, schedules } from "@xebec/mixer-quota-model";
import { startHandler } from "@xebec/mixer-sdk/testkit";
import fc from "fast-check";
import { createAdapter } from "./memquota.ts";

const INSTANCE = { name: "q.quota.default", types: {} };
const TIMING = { windowMs: 5_000, lateMs: 100, window: "rolling", rememberMs: 1_000, forgetMs: 2_000 } as const;

test("memquota follows the model of all quota stores, also when clocks jump", async () => {
  const property = fc.asyncProperty(schedules(1, TIMING.windowMs, true), (steps) =>
    checkSchedule(steps, {
      ...{ max: 10, timing: TIMING, instance: INSTANCE },
      start: async (clock) => [
        await startHandler(
          createAdapter(),
          { quotas: [{ name: INSTANCE.name, maxAmount: 10, validDuration: "5s" }] },
          { clock },
        ),
      ],
    }),
  );
  await fc.assert(property, { numRuns: 300 });
});
