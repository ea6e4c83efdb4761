import assert from "node:assert/strict";
import { test } from "node:test";
import { paramErrors } from "@xebec/mixer-sdk/testkit";
import { keyBase, limitOf } from "./counters.ts";
import { redisquota } from "./info.ts";

const quota = (more: object = {}): object => ({ name: "q.quota.default", maxAmount: 1, validDuration: "1s", ...more });
const shape = { name: "q.quota.default", template: "quota", types: {}, maps: {} };

test("parameters are refused with their place", () => {
  for (const [params, errors] of [
    [{ quotas: [quota()] }, []],
    [
      {},
      ["quotas: at least one is required", "quotas: none is named q.quota.default, which a rule sends to this handler"],
    ],
    [{ quotas: [quota({ validDuration: "0s" })] }, ["quotas[0].validDuration: must be longer than 0"]],
    [
      { quotas: [quota({ rateLimitAlgorithm: "ROLLING_WINDOW" })] },
      ["quotas[0].bucketDuration: must be longer than 0 for ROLLING_WINDOW"],
    ],
    [
      { quotas: [quota({ rateLimitAlgorithm: 1, bucketDuration: "1s" })] },
      ["quotas[0].bucketDuration: must be shorter than validDuration"],
    ],
    [
      { quotas: [quota({ overrides: [{}] })] },
      [
        "quotas[0].overrides[0].dimensions: at least one is required",
        "quotas[0].overrides[0].maxAmount: must be above 0",
      ],
    ],
    [{ quotas: [quota()], redis_server_url: "nowhere" }, ["redisServerUrl: must be HOST:PORT"]],
    [{ quotas: [quota()], redis_server_url: "" }, ["redisServerUrl: must be HOST:PORT"]],
    [{ quotas: [quota()], connectionPoolSize: -1 }, ["connectionPoolSize: must not be negative"]],
  ] as const)
    assert.deepEqual(paramErrors(redisquota, params, { instances: [shape] }), errors, JSON.stringify(params));
});

test("dimensions without an override share a counter; an override has one of its own, of FNV-1a", () => {
  const overrides = [{ dimensions: { user: "a", app: "web" }, maxAmount: 5 }];
  const config = { name: "q", maxAmount: 1, overrides };
  const of = (...pairs: [string, string][]) => ({
    names: pairs.map(([name]) => name),
    types: pairs.map(() => "STRING" as const),
    values: pairs.map(([, value]) => value),
  });
  assert.deepEqual(limitOf(config, of(["app", "web"], ["user", "a"])), { max: 5, override: overrides[0]?.dimensions });
  assert.deepEqual(limitOf(config, of(["app", "web"])), { max: 1, override: undefined });
  assert.equal(keyBase("q", undefined), "q");
  // FNV-1a of "a\tb\n", counted by hand with the published constants.
  assert.equal(
    keyBase("q", { a: "b" }),
    `q-${[..."a\tb\n"].reduce((hash, char) => Number((BigInt(hash ^ char.charCodeAt(0)) * 16777619n) % 4294967296n), 2166136261)}`,
  );
});
