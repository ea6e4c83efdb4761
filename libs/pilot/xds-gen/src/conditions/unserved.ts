import { isHttp, protocolByName } from "@xebec/model-names";
import type { GatewayServer, HttpRoute, TrafficPolicy } from "@xebec/model-resources";
import type { DestinationRule, Gateway, PeerAuthentication, VirtualService } from "@xebec/pilot-snapshot";
import { mergesWith, selectorText } from "../scope/rule-merging.ts";

// What is valid in an object and yet has no effect, as `path: why`. A user must never have to wonder about a field.

/** How a match names a claim of a token. */
const CLAIMS = "@request.auth.claims";
const NOT_YET = "not served yet; ignored";

export function unservedInVirtualService({ spec, gateways }: VirtualService): string[] {
  const told: string[] = [];
  for (const kind of ["tls", "tcp"] as const)
    if (spec[kind]?.length && gateways.some((each) => each !== "mesh"))
      told.push(`spec.${kind}: ${gateways.includes("mesh") ? "Gateways take HTTP only so far" : NOT_YET}`);
  for (const [i, rule] of (spec.http ?? []).entries()) told.push(...inHttpRule(rule, `spec.http[${i}]`));
  for (const [kind, rules] of Object.entries({ http: spec.http ?? [], tls: spec.tls ?? [], tcp: spec.tcp ?? [] }))
    for (const [i, rule] of rules.entries())
      for (const [j, match] of (rule.match ?? []).entries())
        for (const field of ["sourceLabels", "sourceNamespace"] as const)
          if (match.gateways?.length && match[field] !== undefined)
            told.push(`spec.${kind}[${i}].match[${j}].${field}: has no effect beside gateways`);
  return told;
}

/** What only a request that is forwarded can have. */
const FORWARDING = ["timeout", "retries", "mirror", "mirrors", "rewrite"] as const;

function inHttpRule(rule: HttpRoute, path: string): string[] {
  const told: string[] = [];
  const answer = rule.redirect ? "redirect" : rule.directResponse ? "directResponse" : undefined;
  if (answer)
    for (const field of FORWARDING)
      if (rule[field] !== undefined) told.push(`${path}.${field}: has no effect beside ${answer}`);
  for (const field of ["mirrorPercentage", "mirrorPercent"] as const)
    if (rule[field] !== undefined && !rule.mirror) told.push(`${path}.${field}: has no effect without mirror`);
  for (const kind of ["delay", "abort"] as const) {
    const fault = rule.fault?.[kind];
    if (fault && !fault.percentage?.value && !fault.percent)
      told.push(`${path}.fault.${kind}: hits no request without a percentage`);
  }
  if (rule.retries?.retryRemoteLocalities)
    told.push(`${path}.retries.retryRemoteLocalities: localities have no priorities yet; any host may be tried`);
  for (const [i, match] of (rule.match ?? []).entries())
    for (const field of ["headers", "withoutHeaders"] as const)
      for (const name of Object.keys(match[field] ?? {}))
        if (name.startsWith(CLAIMS))
          told.push(`${path}.match[${i}].${field}.${name}: no request has claims; RequestAuthentication is ${NOT_YET}`);
  for (const [i, match] of (rule.match ?? []).entries())
    if (match.ignoreUriCase && match.uri?.regex !== undefined)
      told.push(`${path}.match[${i}].ignoreUriCase: has no effect on a regex; begin it with (?i)`);
  return told;
}

/** @param earlier the rules for the same host in the same namespace that were there before, the oldest first */
export function unservedInDestinationRule(rule: DestinationRule, earlier: readonly DestinationRule[]): string[] {
  const { spec } = rule;
  const older = earlier.filter((each) => mergesWith(each, rule));
  const told = inPolicy(spec.trafficPolicy, "spec.trafficPolicy");
  for (const [i, subset] of (spec.subsets ?? []).entries()) {
    told.push(...inPolicy(subset.trafficPolicy, `spec.subsets[${i}].trafficPolicy`));
    const definer = older.find((each) => each.spec.subsets?.some(({ name }) => name === subset.name));
    if (definer) told.push(`spec.subsets[${i}]: the older ${definer.namespace}/${definer.name} defines ${subset.name}`);
  }
  const ruling = older.find((each) => each.spec.trafficPolicy);
  if (ruling && spec.trafficPolicy)
    told.push(`spec.trafficPolicy: that of the older ${ruling.namespace}/${ruling.name} holds for the host`);
  const apart = earlier.find((each) => selectorText(each) === selectorText(rule) && !mergesWith(each, rule));
  if (apart)
    told.push(
      `spec.exportTo: the older ${apart.namespace}/${apart.name} is exported elsewhere and holds alone where both are seen; export both alike to merge them`,
    );
  return told;
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
  const told: string[] = [];
  const balancer = loadBalancer?.consistentHash ? "consistentHash" : (loadBalancer?.simple ?? "LEAST_REQUEST");
  if (loadBalancer?.warmupDurationSecs !== undefined && ["consistentHash", "RANDOM", "PASSTHROUGH"].includes(balancer))
    told.push(`${path}.loadBalancer.warmupDurationSecs: has no effect with ${balancer}`);
  const { useClientProtocol, h2UpgradePolicy } = connectionPool?.http ?? {};
  if (useClientProtocol && h2UpgradePolicy === "UPGRADE")
    told.push(`${path}.connectionPool.http.h2UpgradePolicy: has no effect beside useClientProtocol`);
  if (outlierDetection?.consecutiveErrors !== undefined && outlierDetection.consecutiveGatewayErrors !== undefined)
    told.push(`${path}.outlierDetection.consecutiveErrors: has no effect beside consecutiveGatewayErrors`);
  if (
    outlierDetection?.consecutiveLocalOriginFailures !== undefined &&
    !outlierDetection.splitExternalLocalOriginErrors
  )
    told.push(
      `${path}.outlierDetection.consecutiveLocalOriginFailures: has no effect without splitExternalLocalOriginErrors`,
    );
  if (!tls) return told;
  if (tls.mode === undefined) return [...told, `${path}.tls: has no effect without mode`];
  const idle = {
    DISABLE: ["clientCertificate", "privateKey", "caCertificates", "subjectAltNames", "sni", "insecureSkipVerify"],
    SIMPLE: ["clientCertificate", "privateKey"],
    MUTUAL: [],
    ISTIO_MUTUAL: ["insecureSkipVerify"],
  } as const;
  for (const field of idle[tls.mode])
    if (tls[field] !== undefined) told.push(`${path}.tls.${field}: has no effect with mode ${tls.mode}`);
  return told;
}

export function unservedInGateway({ spec }: Gateway): string[] {
  return spec.servers.flatMap((server, i) => inServer(server, `spec.servers[${i}]`));
}

function inServer(server: GatewayServer, path: string): string[] {
  const protocol = protocolByName(server.port.protocol);
  if (!protocol || !isHttp(protocol)) return [`${path}: protocol ${server.port.protocol} is ${NOT_YET}`];
  const told: string[] = [];
  if (server.port.targetPort !== undefined) told.push(`${path}.port.targetPort: ${NOT_YET}`);
  for (const field of ["bind", "defaultEndpoint"] as const)
    if (server[field] !== undefined) told.push(`${path}.${field}: ${NOT_YET}`);
  for (const field of Object.keys(server.tls ?? {}))
    if (field !== "httpsRedirect") told.push(`${path}.tls.${field}: has no effect for protocol ${protocol}`);
  return told;
}

/** @param older another one for the same workloads, which was there before */
export function unservedInPeerAuthentication(
  each: PeerAuthentication,
  rootNamespace: string,
  older: PeerAuthentication | undefined,
): string[] {
  if (each.namespace === rootNamespace && hasSelector(each))
    return [`spec.selector: in the root namespace ${rootNamespace} an object with a selector has no effect`];
  return older ? [`spec: the older ${older.key.split("/").slice(2).join("/")} holds for the same workloads`] : [];
}

/** Whom it is for, as a text for comparing. */
export function scopeOf({ namespace, spec }: PeerAuthentication): string {
  return `${namespace}${JSON.stringify(Object.entries(spec.selector?.matchLabels ?? {}).sort())}`;
}

function hasSelector({ spec }: PeerAuthentication): boolean {
  return Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
}
