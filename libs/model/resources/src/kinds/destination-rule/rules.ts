import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isIp, isLabel } from "../../rules/names.ts";
import { checkLocalityLb } from "../shared/locality-lb-rules.ts";
import { checkPort } from "../shared/port-rules.ts";
import { checkClientTls } from "./client-tls-rules.ts";
import { checkConnectionPool } from "./connection-pool-rules.ts";
import type { DestinationRuleSpec, TrafficPolicy } from "./schema.ts";

const MAX_MAGLEV = 5_000_011;
/** Envoy's limits. */
const MAX_RING = 8_388_608;

/** Semantic rules of a DestinationRule (docs/reference/platform.md §3.11). */
export function checkDestinationRule(spec: DestinationRuleSpec, check: Checker): void {
  check.host(spec.host, ["spec", "host"]);
  checkPolicy(spec.trafficPolicy, ["spec", "trafficPolicy"], check);
  const seen = new Set<string>();
  for (const [i, subset] of (spec.subsets ?? []).entries()) {
    const path = ["spec", "subsets", i];
    if (!isLabel(subset.name))
      check.fail([...path, "name"], `"${subset.name}" is not a name: letters, digits and - are allowed`);
    if (seen.has(subset.name)) check.fail([...path, "name"], `the subset "${subset.name}" is defined twice`);
    seen.add(subset.name);
    check.labels(subset.labels, [...path, "labels"]);
    check.withoutWarnings(() => checkPolicy(subset.trafficPolicy, [...path, "trafficPolicy"], check));
  }
  check.exportTo(spec.exportTo, ["spec", "exportTo"]);
  if (!spec.workloadSelector) return;
  check.selector(spec.workloadSelector.matchLabels ?? {}, ["spec", "workloadSelector"]);
  for (const [i, each] of (spec.exportTo ?? []).entries())
    if (each !== "." && each !== check.namespace)
      check.fail(
        ["spec", "exportTo", i],
        `with a workloadSelector the rule is for its own namespace only, not ${each}`,
      );
}

function checkPolicy(policy: TrafficPolicy | undefined, path: Path, check: Checker): void {
  if (!policy) return;
  const { portLevelSettings, ...own } = policy;
  if (Object.keys(own).length === 0 && !portLevelSettings?.length) check.fail(path, "must set something");
  checkParts(policy, path, check);
  checkTunnel(policy.tunnel, [...path, "tunnel"], check);
  const ports = new Set<number | string>();
  for (const [i, each] of (policy.portLevelSettings ?? []).entries()) {
    const at = [...path, "portLevelSettings", i];
    checkPort(each.port, [...at, "port"], check);
    const port = each.port.number ?? each.port.name ?? "";
    if (ports.has(port)) check.fail([...at, "port"], `port ${port} is set twice`);
    else ports.add(port);
    if (!each.connectionPool && !each.outlierDetection && !each.loadBalancer && !each.tls)
      check.fail(at, "must set something");
    check.withoutWarnings(() => checkParts(each, at, check));
  }
}

function checkParts(policy: Omit<TrafficPolicy, "portLevelSettings">, path: Path, check: Checker): void {
  const { connectionPool, outlierDetection, loadBalancer, tls } = policy;
  checkConnectionPool(connectionPool, [...path, "connectionPool"], check);
  const outlier = [...path, "outlierDetection"];
  check.duration(outlierDetection?.interval, [...outlier, "interval"]);
  check.duration(outlierDetection?.baseEjectionTime, [...outlier, "baseEjectionTime"]);
  if (outlierDetection?.consecutiveErrors)
    check.warn(
      [...outlier, "consecutiveErrors"],
      "is deprecated; write consecutive5xxErrors or consecutiveGatewayErrors",
    );
  if (outlierDetection?.consecutiveLocalOriginFailures && !outlierDetection.splitExternalLocalOriginErrors)
    check.fail([...outlier, "consecutiveLocalOriginFailures"], "needs splitExternalLocalOriginErrors: true");
  checkHash(loadBalancer, [...path, "loadBalancer"], check);
  checkWarmup(loadBalancer, [...path, "loadBalancer"], check);
  checkLocalityLb(loadBalancer?.localityLbSetting, [...path, "loadBalancer", "localityLbSetting"], check, {
    hasOutlierDetection: outlierDetection !== undefined,
  });
  checkClientTls(tls, [...path, "tls"], check);
}

function checkWarmup(balancer: TrafficPolicy["loadBalancer"], path: Path, check: Checker): void {
  check.duration(balancer?.warmup?.duration, [...path, "warmup", "duration"]);
  check.duration(balancer?.warmupDurationSecs, [...path, "warmupDurationSecs"]);
  if (balancer?.warmupDurationSecs !== undefined)
    check.warn([...path, "warmupDurationSecs"], "is deprecated; write warmup.duration");
}

/** A tunnel has an end that a proxy can connect to. */
function checkTunnel(tunnel: TrafficPolicy["tunnel"], path: Path, check: Checker): void {
  if (!tunnel) return;
  const { protocol, targetHost = "", targetPort = 0 } = tunnel;
  if (protocol && protocol !== "CONNECT" && protocol !== "POST")
    check.fail([...path, "protocol"], `must be CONNECT or POST, not ${protocol}`);
  if (!isIp(targetHost)) check.name(targetHost, [...path, "targetHost"]);
  if (targetPort === 0) check.fail([...path, "targetPort"], "must be from 1 to 65535");
}

function checkHash(balancer: TrafficPolicy["loadBalancer"], path: Path, check: Checker): void {
  const hash = balancer?.consistentHash;
  if (!hash) return;
  if (balancer.simple) check.fail([...path, "simple"], "cannot be together with consistentHash");
  const keys = (["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"] as const).filter(
    (key) => hash[key],
  );
  if (keys.length > 1)
    check.fail(
      [...path, "consistentHash"],
      "only one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName can be given",
    );
  check.duration(hash.httpCookie?.ttl, [...path, "consistentHash", "httpCookie", "ttl"], { zero: true });
  const size = hash.maglev?.tableSize;
  if (hash.maglev && !size) check.fail([...path, "consistentHash", "maglev", "tableSize"], "is required");
  else if (size !== undefined && (!isPrime(size) || size >= MAX_MAGLEV))
    check.fail(
      [...path, "consistentHash", "maglev", "tableSize"],
      `must be a prime number below ${MAX_MAGLEV}, not ${size}`,
    );
  for (const [at, ring] of [
    ["minimumRingSize", hash.minimumRingSize],
    ["ringHash", hash.ringHash?.minimumRingSize],
  ] as const)
    if (ring !== undefined && ring > MAX_RING)
      check.fail([...path, "consistentHash", at], `the ring must not be larger than ${MAX_RING}, not ${ring}`);
  if (hash.minimumRingSize)
    check.warn([...path, "consistentHash", "minimumRingSize"], "is deprecated; write ringHash.minimumRingSize");
  if (hash.ringHash && hash.maglev)
    check.fail([...path, "consistentHash", "maglev"], "cannot be together with ringHash");
  if (hash.minimumRingSize !== undefined && (hash.ringHash || hash.maglev))
    check.fail([...path, "consistentHash", "minimumRingSize"], "cannot be together with ringHash or maglev");
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let i = 2; i * i <= value; i++) if (value % i === 0) return false;
  return true;
}
