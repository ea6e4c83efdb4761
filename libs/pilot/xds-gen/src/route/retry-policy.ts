import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import type { RetryPolicySchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { PreviousHostsPredicateSchema } from "@xebec/api-envoy/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts";
import { PreviousPrioritiesConfigSchema } from "@xebec/api-envoy/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config";
import type { HttpRoute } from "@xebec/model-resources";
import { ms } from "../cluster/traffic-policy.ts";

type RetryPolicy = MessageInitShape<typeof RetryPolicySchema>;

const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
/** Where a route has no `retries`; Istio takes `retries` without `attempts` for none. */
const DEFAULT_ATTEMPTS = 2;
const HOST_SELECTION_ATTEMPTS = 5n;

/**
 * The retry policy of a route; without `retries` Istio's default holds (docs/reference/pilot.md §3.1, Retries).
 * @param hashed true when the destination uses consistent hashing: then the same host may be tried again, unless `retries` says
 */
export function retryPolicy(retries: HttpRoute["retries"], hashed: boolean): RetryPolicy | undefined {
  if (retries && (retries.attempts ?? 0) <= 0) return undefined;
  const ignoresPrevious = retries?.retryIgnorePreviousHosts ?? !hashed;
  const { retryOn, codes } = retryConditions(retries?.retryOn);
  const perTry = ms(retries?.perTryTimeout);
  const backoff = ms(retries?.backoff);
  return {
    numRetries: retries?.attempts ?? DEFAULT_ATTEMPTS,
    retryOn,
    retriableStatusCodes: codes,
    hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS,
    ...(perTry === undefined ? {} : { perTryTimeout: durationOf(perTry) }),
    ...(backoff === undefined ? {} : { retryBackOff: { baseInterval: durationOf(backoff) } }),
    ...(!ignoresPrevious
      ? {}
      : {
          retryHostPredicate: [
            {
              name: "envoy.retry_host_predicates.previous_hosts",
              configType: { case: "typedConfig", value: anyOf(PreviousHostsPredicateSchema, {}) },
            },
          ],
        }),
    ...(retries?.retryRemoteLocalities
      ? {
          retryPriority: {
            name: "envoy.retry_priorities.previous_priorities",
            configType: { case: "typedConfig", value: anyOf(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }) },
          },
        }
      : {}),
  };
}

/** Splits Istio's list: words are Envoy's conditions, numbers are status codes. */
function retryConditions(text: string | undefined): { retryOn: string; codes: number[] } {
  if (!text) return { retryOn: DEFAULT_RETRY_ON, codes: [] };
  const words: string[] = [];
  const codes: number[] = [];
  for (const part of text.split(",").map((each) => each.trim())) {
    if (/^\d{3}$/.test(part)) codes.push(Number(part));
    else if (part) words.push(part);
  }
  if (codes.length > 0 && !words.includes("retriable-status-codes")) words.push("retriable-status-codes");
  return { retryOn: words.join(","), codes };
}
