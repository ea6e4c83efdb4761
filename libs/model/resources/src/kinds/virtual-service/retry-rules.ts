import { STATUS_CODES } from "node:http";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { HttpRoute } from "./http-route.ts";

const RETRY_CONDITIONS = new Set(
  "5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal resource-exhausted unavailable".split(
    " ",
  ),
);

/** Retries have conditions that Envoy knows; zero attempts have nothing else. */
export function checkRetries(retries: HttpRoute["retries"], path: Path, check: Checker): void {
  if (!retries) return;
  check.duration(retries.perTryTimeout, [...path, "perTryTimeout"]);
  check.duration(retries.backoff, [...path, "backoff"]);
  const { attempts = 0 } = retries;
  if (attempts < 0) check.fail([...path, "attempts"], "must not be negative");
  if (attempts === 0 && (retries.perTryTimeout || retries.retryOn || retries.retryRemoteLocalities !== undefined))
    check.fail(
      [...path, "attempts"],
      `is ${retries.attempts ?? "not given, and so 0"}, which switches retries off; then nothing else may be set`,
    );
  for (const word of retries.retryOn ? retries.retryOn.split(",") : [])
    if (!RETRY_CONDITIONS.has(word) && !(/^[1-5]\d\d$/.test(word) && STATUS_CODES[word]))
      check.fail([...path, "retryOn"], `"${word}" is not a retry condition`);
}
