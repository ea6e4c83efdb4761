import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteAction_HashPolicySchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { TrafficPolicy } from "@xebec/model-resources";
import type { Built } from "../build/built.ts";
import { serviceRule } from "../cluster/service-rule.ts";
import { effectivePolicy, optionalDuration } from "../cluster/traffic-policy.ts";
import type { Scope } from "../scope/scope.ts";

export type HashPolicy = MessageInitShape<typeof RouteAction_HashPolicySchema>;

type ConsistentHash = NonNullable<NonNullable<TrafficPolicy["loadBalancer"]>["consistentHash"]>;

/**
 * Consistent hashing lives on routes: the destination's load balancer says by what (docs/reference/pilot.md §3.2).
 * @returns undefined where the destination is not hashed
 */
export function hashPolicy(scope: Scope, host: string, subset: string, port: number): Built<HashPolicy> | undefined {
  const service = scope.service(host);
  const rule = service && serviceRule(scope, service);
  const hash = effectivePolicy(rule?.spec, subset, port).loadBalancer?.consistentHash;
  const policySpecifier = hash && specifierOf(hash);
  return rule && policySpecifier && { message: { policySpecifier }, configKeys: rule.keys };
}

function specifierOf(hash: ConsistentHash): HashPolicy["policySpecifier"] {
  if (hash.httpHeaderName) return { case: "header", value: { headerName: hash.httpHeaderName } };
  if (hash.httpCookie) {
    const { name, path = "", ttl, attributes = [] } = hash.httpCookie;
    return { case: "cookie", value: { name, path, ttl: optionalDuration(ttl), attributes } };
  }
  if (hash.useSourceIp) return { case: "connectionProperties", value: { sourceIp: true } };
  if (hash.httpQueryParameterName) return { case: "queryParameter", value: { name: hash.httpQueryParameterName } };
  return undefined;
}
