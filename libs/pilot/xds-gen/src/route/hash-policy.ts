import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import type { RouteAction_HashPolicySchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { effectivePolicy, mergedRule, ms } from "../cluster/traffic-policy.ts";
import type { Scope } from "../scope/scope.ts";

type HashPolicy = MessageInitShape<typeof RouteAction_HashPolicySchema>;

/** Consistent hashing lives on routes: the destination's load balancer says by what (docs/reference/pilot.md §3.2). */
export function hashPolicy(scope: Scope, host: string, subset: string, port: number): HashPolicy[] {
  const service = scope.service(host);
  if (!service) return [];
  const rule = mergedRule(scope.destinationRules(service));
  const hash = effectivePolicy(rule?.spec, subset, port).loadBalancer?.consistentHash;
  if (hash?.httpHeaderName)
    return [{ policySpecifier: { case: "header", value: { headerName: hash.httpHeaderName } } }];
  if (hash?.httpCookie) {
    const ttl = ms(hash.httpCookie.ttl);
    return [
      {
        policySpecifier: {
          case: "cookie",
          value: {
            name: hash.httpCookie.name,
            path: hash.httpCookie.path ?? "",
            ...(ttl === undefined ? {} : { ttl: durationOf(ttl) }),
          },
        },
      },
    ];
  }
  if (hash?.useSourceIp) return [{ policySpecifier: { case: "connectionProperties", value: { sourceIp: true } } }];
  if (hash?.httpQueryParameterName)
    return [{ policySpecifier: { case: "queryParameter", value: { name: hash.httpQueryParameterName } } }];
  return [];
}
