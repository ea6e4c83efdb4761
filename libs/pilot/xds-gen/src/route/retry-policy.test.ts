import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RetryPolicySchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { HttpRoute } from "@xebec/model-resources";
import { retryPolicy } from "./retry-policy.ts";

const DEFAULT_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

function policy(retries: HttpRoute["retries"], hashed = false) {
  const made = retryPolicy(retries, hashed);
  if (!made) return undefined;
  const { numRetries, retryOn, retriableStatusCodes, perTryTimeout, retryBackOff, ...rest } = create(
    RetryPolicySchema,
    made,
  );
  const ms = (each: { seconds: bigint; nanos: number } | undefined): number | undefined =>
    each && Number(each.seconds) * 1_000 + each.nanos / 1_000_000;
  return {
    ...{ retries: numRetries, on: retryOn, codes: retriableStatusCodes },
    ...{ perTry: ms(perTryTimeout), backoff: ms(retryBackOff?.baseInterval) },
    ...{ otherHosts: rest.retryHostPredicate.length > 0, otherPlaces: rest.retryPriority !== undefined },
  };
}

describe("the retry policy of a route", () => {
  const DEFAULT = {
    ...{ retries: 2, on: DEFAULT_ON, codes: [], perTry: undefined, backoff: undefined },
    ...{ otherHosts: true, otherPlaces: false },
  };
  for (const [name, retries, expected] of [
    ["is Istio's default when nothing is said", undefined, DEFAULT],
    ["takes the number", { attempts: 5 }, { ...DEFAULT, retries: 5 }],
    ["is none without a number, as in Istio", { perTryTimeout: "2s" }, undefined],
    ["takes the time of a try", { attempts: 2, perTryTimeout: "2s" }, { ...DEFAULT, perTry: 2_000 }],
    ["is none for 0 attempts", { attempts: 0 }, undefined],
    ["is none for a negative number", { attempts: -1 }, undefined],
    ["takes words as they are", { attempts: 2, retryOn: "5xx, reset" }, { ...DEFAULT, on: "5xx,reset" }],
    [
      "takes numbers for status codes",
      { attempts: 2, retryOn: "503,reset,429" },
      { ...DEFAULT, on: "reset,retriable-status-codes", codes: [503, 429] },
    ],
    [
      "names status codes once",
      { attempts: 2, retryOn: "retriable-status-codes,503" },
      { ...DEFAULT, on: "retriable-status-codes", codes: [503] },
    ],
    ["takes the back-off", { attempts: 2, backoff: "50ms" }, { ...DEFAULT, backoff: 50 }],
    [
      "may try the same host again",
      { attempts: 2, retryIgnorePreviousHosts: false },
      { ...DEFAULT, otherHosts: false },
    ],
    ["may go to other places", { attempts: 2, retryRemoteLocalities: true }, { ...DEFAULT, otherPlaces: true }],
  ] as const satisfies readonly (readonly [string, HttpRoute["retries"], object | undefined])[])
    it(name, () => assert.deepEqual(policy(retries), expected));

  it("tries the same host again when a hash has chosen it", () => {
    assert.deepEqual(policy(undefined, true), { ...DEFAULT, otherHosts: false });
    assert.deepEqual(policy({ attempts: 2, retryIgnorePreviousHosts: true }, true), DEFAULT);
  });
});
