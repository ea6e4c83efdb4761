import type { TrafficPolicy } from "@xebec/model-resources";
import { mergesWith, selectorText } from "./merging.ts";
import type { DestinationRule } from "./state.ts";

// What is valid in a DestinationRule and yet has no effect, as `path: why`. A user must never have to wonder about a field.

/** @param earlier the rules for the same host in the same namespace that were there before, the oldest first */
export function unsupportedInDestinationRule(rule: DestinationRule, earlier: readonly DestinationRule[]): string[] {
  const { spec } = rule;
  const older = earlier.filter((each) => mergesWith(each, rule));
  const found = inPolicy(spec.trafficPolicy, "spec.trafficPolicy");
  for (const [i, subset] of (spec.subsets ?? []).entries()) {
    found.push(...inPolicy(subset.trafficPolicy, `spec.subsets[${i}].trafficPolicy`));
    const definer = older.find((each) => each.spec.subsets?.some(({ name }) => name === subset.name));
    if (definer)
      found.push(`spec.subsets[${i}]: the older ${definer.namespace}/${definer.name} defines ${subset.name}`);
  }
  const ruling = older.find((each) => each.spec.trafficPolicy);
  if (ruling && spec.trafficPolicy)
    found.push(`spec.trafficPolicy: that of the older ${ruling.namespace}/${ruling.name} holds for the host`);
  const apart = earlier.find((each) => selectorText(each) === selectorText(rule) && !mergesWith(each, rule));
  if (apart)
    found.push(
      `spec.exportTo: the older ${apart.namespace}/${apart.name} is exported elsewhere and holds alone where both are seen; export both alike to merge them`,
    );
  return found;
}

function inPolicy(policy: TrafficPolicy | undefined, path: string): string[] {
  if (!policy) return [];
  return [
    ...inPolicyParts(policy, path),
    ...(policy.portLevelSettings ?? []).flatMap((each, i) => inPolicyParts(each, `${path}.portLevelSettings[${i}]`)),
  ];
}

function inPolicyParts(policy: Omit<TrafficPolicy, "portLevelSettings">, path: string): string[] {
  const { loadBalancer, connectionPool, outlierDetection, tls } = policy;
  const found: string[] = [];
  const balancer = loadBalancer?.consistentHash ? "consistentHash" : (loadBalancer?.simple ?? "LEAST_REQUEST");
  if (loadBalancer?.warmupDurationSecs !== undefined && ["consistentHash", "RANDOM", "PASSTHROUGH"].includes(balancer))
    found.push(`${path}.loadBalancer.warmupDurationSecs: has no effect with ${balancer}`);
  const { useClientProtocol, h2UpgradePolicy } = connectionPool?.http ?? {};
  if (useClientProtocol && h2UpgradePolicy === "UPGRADE")
    found.push(`${path}.connectionPool.http.h2UpgradePolicy: has no effect beside useClientProtocol`);
  if (outlierDetection?.consecutiveErrors !== undefined && outlierDetection.consecutiveGatewayErrors !== undefined)
    found.push(`${path}.outlierDetection.consecutiveErrors: has no effect beside consecutiveGatewayErrors`);
  if (
    outlierDetection?.consecutiveLocalOriginFailures !== undefined &&
    !outlierDetection.splitExternalLocalOriginErrors
  )
    found.push(
      `${path}.outlierDetection.consecutiveLocalOriginFailures: has no effect without splitExternalLocalOriginErrors`,
    );
  if (!tls) return found;
  if (tls.mode === undefined) return [...found, `${path}.tls: has no effect without mode`];
  const idle = {
    DISABLE: ["clientCertificate", "privateKey", "caCertificates", "subjectAltNames", "sni", "insecureSkipVerify"],
    SIMPLE: ["clientCertificate", "privateKey"],
    MUTUAL: [],
    ISTIO_MUTUAL: ["insecureSkipVerify"],
  } as const;
  for (const field of idle[tls.mode])
    if (tls[field] !== undefined) found.push(`${path}.tls.${field}: has no effect with mode ${tls.mode}`);
  return found;
}
