import assert from "node:assert/strict";
import { test } from "node:test";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createAdapter } from "./noop.ts";

test("everything passes for 10^9 seconds and 10^9 uses, and quotas are granted in full", async () => {
  const handler = await startHandler(createAdapter(), {});
  const instance = { name: "n.checknothing.default", types: {} };
  assert.deepEqual(await handler.check?.(instance, "checknothing"), {
    ...{ code: 0, message: "", validMs: 1e12, validUses: 1e9 },
  });
  const args = { amount: 7, bestEffort: false, deduplicationId: "" };
  assert.deepEqual(await handler.quota?.(instance, args), { amount: 7, validMs: 1e12 });
  assert.equal(await handler.report?.([instance], "metric"), undefined);
  assert.match(paramErrors(createAdapter(), { a: 1 })[0] ?? "", /^a: unknown field/);
});
