import type { Path, Violation } from "@xebec/model-schema";
import type { DestinationRuleSpec, TrafficPolicy } from "./schema.ts";

type Parts = Omit<TrafficPolicy, "portLevelSettings">;

/** Fields that others of the same policy switch off. */
export function* ineffectiveInDestinationRule(spec: DestinationRuleSpec): Generator<Violation> {
  yield* inPolicy(spec.trafficPolicy, ["spec", "trafficPolicy"]);
  for (const [i, subset] of (spec.subsets ?? []).entries())
    yield* inPolicy(subset.trafficPolicy, ["spec", "subsets", i, "trafficPolicy"]);
}

function* inPolicy(policy: TrafficPolicy | undefined, path: Path): Generator<Violation> {
  if (!policy) return;
  if (policy.retryBudget && policy.connectionPool?.http?.maxRetries)
    yield { path: [...path, "connectionPool", "http", "maxRetries"], message: "has no effect beside retryBudget" };
  yield* inParts(policy, path);
  for (const [i, each] of (policy.portLevelSettings ?? []).entries())
    yield* inParts(each, [...path, "portLevelSettings", i]);
}

function* inParts({ loadBalancer, connectionPool, outlierDetection, tls }: Parts, path: Path): Generator<Violation> {
  const balancer = loadBalancer?.consistentHash ? "consistentHash" : (loadBalancer?.simple ?? "LEAST_REQUEST");
  for (const field of ["warmup", "warmupDurationSecs"] as const)
    if (loadBalancer?.[field] !== undefined && ["consistentHash", "RANDOM", "PASSTHROUGH"].includes(balancer))
      yield { path: [...path, "loadBalancer", field], message: `has no effect with ${balancer}` };
  if (loadBalancer?.warmup && loadBalancer.warmupDurationSecs !== undefined)
    yield { path: [...path, "loadBalancer", "warmupDurationSecs"], message: "has no effect beside warmup" };
  yield* inLocalityLb(loadBalancer?.localityLbSetting, [...path, "loadBalancer", "localityLbSetting"], {
    failsOver: outlierDetection !== undefined,
  });
  const { useClientProtocol, h2UpgradePolicy } = connectionPool?.http ?? {};
  if (useClientProtocol && h2UpgradePolicy === "UPGRADE")
    yield {
      path: [...path, "connectionPool", "http", "h2UpgradePolicy"],
      message: "has no effect beside useClientProtocol",
    };
  const outlier = [...path, "outlierDetection"];
  if (outlierDetection?.consecutiveErrors !== undefined && outlierDetection.consecutiveGatewayErrors !== undefined)
    yield { path: [...outlier, "consecutiveErrors"], message: "has no effect beside consecutiveGatewayErrors" };
  if (
    outlierDetection?.consecutiveLocalOriginFailures !== undefined &&
    !outlierDetection.splitExternalLocalOriginErrors
  )
    yield {
      path: [...outlier, "consecutiveLocalOriginFailures"],
      message: "has no effect without splitExternalLocalOriginErrors",
    };
  if (tls) yield* inTls(tls, [...path, "tls"]);
}

function* inLocalityLb(
  setting: NonNullable<Parts["loadBalancer"]>["localityLbSetting"],
  path: Path,
  { failsOver }: { readonly failsOver: boolean },
): Generator<Violation> {
  if (!setting) return;
  const fields = (["distribute", "failover", "failoverPriority"] as const).filter((each) => setting[each]?.length);
  for (const field of fields) {
    if (setting.enabled === false) yield { path: [...path, field], message: "has no effect with enabled: false" };
    else if (field !== "distribute" && setting.distribute?.length)
      yield { path: [...path, field], message: "has no effect beside distribute" };
    else if (field !== "distribute" && !failsOver)
      yield { path: [...path, field], message: "has no effect without outlierDetection" };
  }
}

const IDLE = {
  DISABLE: [
    ...(["clientCertificate", "privateKey", "caCertificates", "caCrl", "credentialName"] as const),
    ...(["subjectAltNames", "sni", "insecureSkipVerify"] as const),
  ],
  SIMPLE: ["clientCertificate", "privateKey"],
  MUTUAL: [],
  ISTIO_MUTUAL: ["insecureSkipVerify", "credentialName", "caCrl"],
} as const;

function* inTls(tls: NonNullable<TrafficPolicy["tls"]>, path: Path): Generator<Violation> {
  if (tls.mode === undefined) {
    yield { path, message: "has no effect without mode" };
    return;
  }
  for (const field of IDLE[tls.mode])
    if (tls[field] !== undefined) yield { path: [...path, field], message: `has no effect with mode ${tls.mode}` };
}
