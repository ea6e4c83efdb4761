import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import type { DrainOptions } from "./envoy-end.ts";
import type { ProxySettings } from "./proxy-settings.ts";

const MINIMUM_MS = 5_000;

/**
 * How long Envoy drains: `terminationDrainDuration`. With EXIT_ON_ZERO_ACTIVE_CONNECTIONS it ends earlier, once no client is
 * connected, but not before MINIMUM_DRAIN_DURATION (5 s, as in Istio), which is waited for in any case.
 * @throws XebecError invalid_argument for a duration that cannot be read
 */
export function drainTimes({
  env,
  proxyConfig,
}: Pick<ProxySettings, "env" | "proxyConfig">): Pick<DrainOptions, "drainMs" | "exitOnZeroAfterMs"> {
  const text = env.MINIMUM_DRAIN_DURATION;
  const minimumMs = text ? parseDuration(text) : MINIMUM_MS;
  if (minimumMs === undefined || minimumMs < 0)
    throw new XebecError(
      "invalid_argument",
      `MINIMUM_DRAIN_DURATION: "${text}" is not a duration; write for example 5s`,
    );
  const { terminationDrainMs } = proxyConfig;
  if (env.EXIT_ON_ZERO_ACTIVE_CONNECTIONS !== "true") return { drainMs: terminationDrainMs };
  return { drainMs: Math.max(terminationDrainMs, minimumMs), exitOnZeroAfterMs: minimumMs };
}
