import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { DestinationRuleSpec, TrafficPolicy } from "@xebec/model-resources";
import type { DestinationRule } from "@xebec/pilot-snapshot";
import { type Json, jsonOf } from "../small-mesh.testkit.ts";
import { mergedRule } from "./service-rule.ts";
import { applyPolicy, type EffectivePolicy, effectivePolicy } from "./traffic-policy.ts";

const connections = (maxConnections: number): TrafficPolicy => ({ connectionPool: { tcp: { maxConnections } } });
const outlier: TrafficPolicy = { outlierDetection: { consecutive5xxErrors: 7 } };

describe("the policy of a port of a subset", () => {
  const spec = (trafficPolicy: TrafficPolicy | undefined, own?: TrafficPolicy): DestinationRuleSpec => ({
    host: "a",
    ...(trafficPolicy ? { trafficPolicy } : {}),
    subsets: [{ name: "v1", ...(own ? { trafficPolicy: own } : {}) }],
  });
  const at = (number: number, policy: TrafficPolicy): TrafficPolicy => ({
    portLevelSettings: [{ port: { number }, ...policy }],
  });
  for (const [name, rule, expected] of [
    ["is empty without a rule", undefined, {}],
    ["is the rule's", spec(connections(1)), connections(1)],
    [
      "is the subset's over the rule's, part by part",
      spec({ ...connections(1), ...outlier }, connections(2)),
      { ...connections(2), ...outlier },
    ],
    [
      "takes a part whole: nothing of the rule's connection pool is left",
      spec({ connectionPool: { http: { maxRetries: 3 } } }, connections(2)),
      connections(2),
    ],
    [
      "is the port's in place of all else",
      spec({ ...connections(1), ...outlier, ...at(80, connections(3)) }),
      connections(3),
    ],
    ["is the rule's when another port has one", spec({ ...connections(1), ...at(81, connections(3)) }), connections(1)],
    [
      "is the subset's before the rule's port's",
      spec(at(80, { ...connections(3), ...outlier }), connections(2)),
      { ...connections(2), ...outlier },
    ],
    [
      "has nothing of the rule where the rule's port has something, and the subset's over that",
      spec({ ...outlier, ...at(80, connections(3)) }, { loadBalancer: { simple: "RANDOM" } }),
      { ...connections(3), loadBalancer: { simple: "RANDOM" } },
    ],
    [
      "is the rule's port's when the subset has another port",
      spec(at(80, connections(3)), { ...outlier, ...at(81, connections(4)) }),
      { ...connections(3), ...outlier },
    ],
    [
      "is the subset's port's before all, and nothing beside it",
      spec({ ...outlier, ...at(80, outlier) }, { ...outlier, ...at(80, connections(4)) }),
      connections(4),
    ],
    ["is the port's of the subset", spec(at(80, connections(3)), at(80, connections(4))), connections(4)],
  ] as const satisfies readonly (readonly [string, DestinationRuleSpec | undefined, object])[])
    it(name, () => assert.deepEqual(effectivePolicy(rule, "v1", 80), expected));

  it("is the rule's for no subset and for one that does not exist", () => {
    const rule = spec(connections(1), connections(2));
    for (const subset of ["", "v9"]) assert.deepEqual(effectivePolicy(rule, subset, 80), connections(1));
  });
});

describe("several rules of a host", () => {
  const rule = (key: string, spec: Partial<DestinationRuleSpec>): DestinationRule => ({
    ...{ key, namespace: "", name: key, created: "", hosts: [], exportTo: [] },
    spec: { host: "a", ...spec },
  });
  it("are one: the oldest's policy, and the subsets of all, a name only once", () => {
    const merged = mergedRule([
      rule("old", { trafficPolicy: connections(1), subsets: [{ name: "v1", labels: { from: "old" } }] }),
      rule("young", { trafficPolicy: connections(2), subsets: [{ name: "v1" }, { name: "v2" }] }),
    ]);
    assert.deepEqual(merged, {
      keys: ["old", "young"],
      spec: {
        ...{ host: "a", trafficPolicy: connections(1) },
        subsets: [{ name: "v1", labels: { from: "old" } }, { name: "v2" }],
      },
    });
    assert.equal(mergedRule([]), undefined);
  });
});

describe("a policy in a cluster", () => {
  const NO_LIMIT = 4_294_967_295;
  const cluster = (policy: EffectivePolicy, passthrough = false): Json =>
    jsonOf(ClusterSchema, toBinary(ClusterSchema, create(ClusterSchema, applyPolicy(policy, 10_000, passthrough))));
  const balanced = (loadBalancer: EffectivePolicy["loadBalancer"], passthrough = false): unknown => {
    const {
      lb_policy = "ROUND_ROBIN",
      ring_hash_lb_config: ring,
      maglev_lb_config: maglev,
    } = cluster(loadBalancer ? { loadBalancer } : {}, passthrough);
    return [lb_policy, ...[ring, maglev].filter(Boolean)];
  };
  for (const [name, loadBalancer, expected] of [
    ["the least loaded when nothing is said", undefined, ["LEAST_REQUEST"]],
    ["the least loaded when it says UNSPECIFIED", { simple: "UNSPECIFIED" }, ["LEAST_REQUEST"]],
    ["the least loaded under its older name", { simple: "LEAST_CONN" }, ["LEAST_REQUEST"]],
    ["one after the other", { simple: "ROUND_ROBIN" }, ["ROUND_ROBIN"]],
    ["any", { simple: "RANDOM" }, ["RANDOM"]],
    [
      "by a ring of Istio's size",
      { consistentHash: { useSourceIp: true } },
      ["RING_HASH", { minimum_ring_size: "1024" }],
    ],
    [
      "by a ring of its own size",
      { consistentHash: { ringHash: { minimumRingSize: 9 } } },
      ["RING_HASH", { minimum_ring_size: "9" }],
    ],
    [
      "by a ring of the older field's size",
      { consistentHash: { minimumRingSize: 8 } },
      ["RING_HASH", { minimum_ring_size: "8" }],
    ],
    ["by Maglev's table", { consistentHash: { maglev: {} } }, ["MAGLEV"]],
    [
      "by Maglev's table of its size",
      { consistentHash: { maglev: { tableSize: 11 } } },
      ["MAGLEV", { table_size: "11" }],
    ],
  ] as const satisfies readonly (readonly [string, EffectivePolicy["loadBalancer"], unknown[]])[])
    it(`chooses ${name}`, () => assert.deepEqual(balanced(loadBalancer), expected));

  it("leaves the choice to the address that was dialled where that decides", () => {
    assert.deepEqual(balanced({ simple: "RANDOM" }, true), ["CLUSTER_PROVIDED"]);
  });

  it("has Istio's limits, which are none", () => {
    const { circuit_breakers, connect_timeout } = cluster({});
    assert.deepEqual(circuit_breakers.thresholds, [
      {
        ...{ max_connections: NO_LIMIT, max_pending_requests: NO_LIMIT },
        ...{ max_requests: NO_LIMIT, max_retries: NO_LIMIT },
      },
    ]);
    assert.equal(connect_timeout, "10s");
  });

  it("has its own limits; zero is none", () => {
    const { circuit_breakers, connect_timeout } = cluster({
      connectionPool: {
        tcp: { maxConnections: 0, connectTimeout: "250ms" },
        http: { http1MaxPendingRequests: 1, http2MaxRequests: 2, maxRetries: 3 },
      },
    });
    assert.deepEqual(circuit_breakers.thresholds, [
      { max_connections: NO_LIMIT, max_pending_requests: 1, max_requests: 2, max_retries: 3 },
    ]);
    assert.equal(connect_timeout, "0.250s");
  });

  it("keeps connections alive, for any time that can be written", () => {
    const tcp = { tcpKeepalive: { probes: 3, time: "99999999999h", interval: "1500ms" } };
    assert.deepEqual(cluster({ connectionPool: { tcp } }).upstream_connection_options.tcp_keepalive, {
      ...{ keepalive_probes: 3, keepalive_time: NO_LIMIT, keepalive_interval: 1 },
    });
  });

  it("never ejects by success rate, and by errors only when a count is given", () => {
    const detection = (outlierDetection: EffectivePolicy["outlierDetection"]): Json =>
      cluster(outlierDetection ? { outlierDetection } : {}).outlier_detection;
    assert.equal(detection(undefined), undefined);
    assert.equal(detection({}).enforcing_success_rate, 0);
    assert.deepEqual(
      [
        detection({ consecutive5xxErrors: 0 }).enforcing_consecutive_5xx,
        detection({ consecutive5xxErrors: 3 }).enforcing_consecutive_5xx,
      ],
      [0, 100],
    );
    for (const field of ["consecutiveErrors", "consecutiveGatewayErrors"] as const) {
      const { consecutive_gateway_failure: count, enforcing_consecutive_gateway_failure: enforced } = detection({
        [field]: 2,
      });
      assert.deepEqual([count, enforced], [2, 100]);
    }
    assert.equal(cluster({ outlierDetection: {} }).common_lb_config.healthy_panic_threshold.value ?? 0, 0);
  });
});
