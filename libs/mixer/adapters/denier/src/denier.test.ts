import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handler } from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createAdapter } from "./denier.ts";
import { denier } from "./info.ts";

const handlerOf = (params: unknown): Promise<Handler> => startHandler(createAdapter(), params);
const check = async (params: unknown): Promise<unknown> =>
  (await handlerOf(params)).check?.({ name: "i", types: {} }, "checknothing");

test("denies with FAILED_PRECONDITION for 5 s and 1000 uses when nothing is configured", async () => {
  assert.deepEqual(await check({}), { code: 9, message: "", validMs: 5000, validUses: 1000 });
});

test("answers what is configured, also OK", async () => {
  assert.deepEqual(await check({ status: { code: 7, message: "no" }, valid_duration: "1s", valid_use_count: "3" }), {
    code: 7,
    message: "no",
    validMs: 1000,
    validUses: 3,
  });
  assert.deepEqual(await check({ status: { code: 0 } }), { code: 0, message: "", validMs: 5000, validUses: 1000 });
});

test("a status with a message alone denies: what is left out of it has its default", async () => {
  assert.deepEqual(await check({ status: { message: "Not allowed" } }), {
    code: 9,
    message: "Not allowed",
    validMs: 5000,
    validUses: 1000,
  });
});

test("a code that is none denies all the same, as in Mixer", async () => {
  for (const code of [-1, 17, 99])
    assert.deepEqual(await check({ status: { code } }), { code, message: "", validMs: 5000, validUses: 1000 });
});

test("a status with a direct response carries it", async () => {
  const details = [
    {
      "@type": "type.googleapis.com/istio.policy.v1beta1.DirectHttpResponse",
      code: "TooManyRequests",
      body: "slow",
      headers: { a: "b" },
    },
  ];
  const { direct } = (await check({ status: { code: 7, details } })) as { direct?: unknown };
  assert.deepEqual(direct, { code: 429, body: "slow", headers: { a: "b" } });
});

test("quotas get nothing, and a wrong field is refused", async () => {
  const handler = await handlerOf({});
  assert.deepEqual(handler.quota?.({ name: "i", types: {} }, { deduplicationId: "", amount: 5, bestEffort: true }), {
    amount: 0,
    validMs: 0,
  });
  assert.deepEqual(paramErrors(denier, { status: { cod: 7 } }), ["status.cod: unknown field; did you mean code?"]);
});
