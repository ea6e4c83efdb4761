import { durationOf } from "@xebec/api-envoy";
import { Cluster_LbPolicy } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { RoutingPriority } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { parseDuration } from "@xebec/core-duration";
import type { DestinationRuleSpec, TrafficPolicy } from "@xebec/model-resources";
import type { ClusterInit } from "../build/built.ts";

/** A policy for one port of one subset; the parts of a TrafficPolicy without its port list. */
export type EffectivePolicy = Omit<TrafficPolicy, "portLevelSettings">;

const NO_LIMIT = 4_294_967_295;
const KNOWN_LB: Readonly<Record<string, Cluster_LbPolicy>> = {
  ROUND_ROBIN: Cluster_LbPolicy.ROUND_ROBIN,
  LEAST_REQUEST: Cluster_LbPolicy.LEAST_REQUEST,
  LEAST_CONN: Cluster_LbPolicy.LEAST_REQUEST,
  RANDOM: Cluster_LbPolicy.RANDOM,
};

/** A duration of the configuration in milliseconds; validation refused what is none. */
export function ms(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

/**
 * The policy of a subset's port, in this order: what the subset says for the port, what the subset says, what the rule
 * says for the port, what the rule says. A part that nobody above has comes from below, whole; what is said for a port
 * leaves nothing of what is below it, as in Istio (docs/reference/pilot.md §3.2).
 */
export function effectivePolicy(spec: DestinationRuleSpec | undefined, subset: string, port: number): EffectivePolicy {
  const own = spec?.subsets?.find((each) => each.name === subset)?.trafficPolicy;
  return (
    portPolicy(own, port) ?? {
      ...(portPolicy(spec?.trafficPolicy, port) ?? general(spec?.trafficPolicy)),
      ...general(own),
    }
  );
}

function portPolicy(policy: TrafficPolicy | undefined, port: number): EffectivePolicy | undefined {
  const found = policy?.portLevelSettings?.find((each) => each.port.number === port);
  if (!found) return undefined;
  const { port: _port, ...settings } = found;
  return settings;
}

function general(policy: TrafficPolicy | undefined): EffectivePolicy {
  const { portLevelSettings: _list, ...settings } = policy ?? {};
  return settings;
}

/** The parts of a cluster that a policy decides. `passthrough` clusters keep Envoy's own choice of host. */
export function applyPolicy(policy: EffectivePolicy, connectTimeoutMs: number, passthrough: boolean): ClusterInit {
  const { tcp, http } = policy.connectionPool ?? {};
  const outlier = policy.outlierDetection;
  const hash = policy.loadBalancer?.consistentHash;
  const simple = policy.loadBalancer?.simple;
  const lbPolicy = passthrough
    ? Cluster_LbPolicy.CLUSTER_PROVIDED
    : hash
      ? hash.maglev
        ? Cluster_LbPolicy.MAGLEV
        : Cluster_LbPolicy.RING_HASH
      : (KNOWN_LB[simple ?? "LEAST_REQUEST"] ?? Cluster_LbPolicy.LEAST_REQUEST);
  const slowStartConfig = slowStart(policy.loadBalancer);
  const keepalive = tcp?.tcpKeepalive;
  // Whole seconds, as Istio takes them; systems refuse a time of none.
  const seconds = (text: string | undefined) =>
    text === undefined ? undefined : Math.min(Math.max(Math.floor((ms(text) ?? 0) / 1000), 1), NO_LIMIT);
  return {
    connectTimeout: durationOf(ms(tcp?.connectTimeout) ?? connectTimeoutMs),
    lbPolicy,
    lbConfig:
      lbPolicy === Cluster_LbPolicy.RING_HASH
        ? {
            case: "ringHashLbConfig",
            value: {
              minimumRingSize: BigInt(hash?.ringHash?.minimumRingSize || hash?.minimumRingSize || 1024),
            },
          }
        : lbPolicy === Cluster_LbPolicy.MAGLEV && hash?.maglev?.tableSize
          ? { case: "maglevLbConfig", value: { tableSize: BigInt(hash.maglev.tableSize) } }
          : slowStartConfig && lbPolicy === Cluster_LbPolicy.LEAST_REQUEST
            ? { case: "leastRequestLbConfig", value: { slowStartConfig } }
            : slowStartConfig && lbPolicy === Cluster_LbPolicy.ROUND_ROBIN
              ? { case: "roundRobinLbConfig", value: { slowStartConfig } }
              : { case: undefined },
    circuitBreakers: {
      thresholds: [
        {
          priority: RoutingPriority.DEFAULT,
          // Zero is "not set" in Istio's messages.
          maxConnections: tcp?.maxConnections || NO_LIMIT,
          maxPendingRequests: http?.http1MaxPendingRequests || NO_LIMIT,
          maxRequests: http?.http2MaxRequests || NO_LIMIT,
          maxRetries: http?.maxRetries || NO_LIMIT,
          ...(policy.retryBudget
            ? {
                retryBudget: {
                  budgetPercent: { value: policy.retryBudget.percent ?? 20 },
                  minRetryConcurrency: policy.retryBudget.minRetryConcurrency ?? 3,
                },
              }
            : {}),
        },
      ],
    },
    ...(keepalive
      ? {
          upstreamConnectionOptions: {
            tcpKeepalive: {
              keepaliveProbes: keepalive.probes || undefined,
              keepaliveTime: seconds(keepalive.time),
              keepaliveInterval: seconds(keepalive.interval),
            },
          },
        }
      : {}),
    ...(outlier
      ? {
          outlierDetection: {
            enforcingSuccessRate: 0,
            consecutive5xx: outlier.consecutive5xxErrors,
            enforcingConsecutive5xx: enforcing5xx(outlier),
            ...gatewayFailures(outlier.consecutiveGatewayErrors ?? outlier.consecutiveErrors),
            ...(outlier.splitExternalLocalOriginErrors ? localOriginFailures(outlier) : {}),
            interval: optionalDuration(outlier.interval),
            baseEjectionTime: optionalDuration(outlier.baseEjectionTime),
            maxEjectionPercent: outlier.maxEjectionPercent || undefined,
          },
          commonLbConfig: { healthyPanicThreshold: { value: outlier.minHealthPercent ?? 0 } },
        }
      : {}),
  };
}

/** Envoy's own least share is 10 percent, its growth linear, as Istio's. */
function slowStart(balancer: TrafficPolicy["loadBalancer"]) {
  const { warmup } = balancer ?? {};
  const window = ms(warmup?.duration ?? balancer?.warmupDurationSecs);
  if (window === undefined) return undefined;
  return {
    slowStartWindow: durationOf(window),
    ...(warmup?.minimumPercent === undefined ? {} : { minWeightPercent: { value: warmup.minimumPercent } }),
    ...(warmup?.aggression === undefined
      ? {}
      : { aggression: { defaultValue: warmup.aggression, runtimeKey: "slow_start.aggression" } }),
  };
}

/** Envoy's own is to eject; the legacy field counts gateway errors in place of all 5xx. */
function enforcing5xx({ consecutive5xxErrors, consecutiveErrors }: NonNullable<TrafficPolicy["outlierDetection"]>) {
  if (consecutive5xxErrors !== undefined) return consecutive5xxErrors > 0 ? 100 : 0;
  return consecutiveErrors === undefined ? undefined : 0;
}

/** Zero is "not set" here; ejection by success rate is off for these errors, too. */
function localOriginFailures({ consecutiveLocalOriginFailures }: NonNullable<TrafficPolicy["outlierDetection"]>) {
  return {
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailure: consecutiveLocalOriginFailures || undefined,
    enforcingLocalOriginSuccessRate: 0,
  };
}

function gatewayFailures(count: number | undefined) {
  if (count === undefined) return {};
  return {
    consecutiveGatewayFailure: count,
    enforcingConsecutiveGatewayFailure: count > 0 ? 100 : 0,
  };
}

/** A duration of the configuration as Envoy has it. */
export function optionalDuration(text: string | undefined) {
  const value = ms(text);
  return value === undefined ? undefined : durationOf(value);
}
