import { hostsOverlap, labelsMatch } from "@xebec/model-names";
import type { MeshService } from "@xebec/pilot-registry";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { credentialPaths } from "./credentials.ts";
import { ineffectiveParts } from "./ineffective.ts";
import { hasSelector } from "./merging.ts";
import type { DestinationRule, DestinationRuleState } from "./state.ts";

export type DestinationRuleReads = DestinationRuleState & ServiceState & MeshState;

/** Whether there is a service for each DestinationRule, with the ports and endpoints that it names. */
export function* destinationRuleConditions(
  snapshot: DestinationRuleReads,
  proxies: KnownProxies,
): Generator<ObjectCondition> {
  for (const each of snapshot.destinationRules.all())
    yield unlessUnused(conditionOf(each, snapshot, proxies), proxies, namespaceHint(each, snapshot));
}

/** Where a rule must be to be looked at, when it is elsewhere. */
function namespaceHint(
  { namespace, hosts: [host = ""] }: DestinationRule,
  { services, mesh }: DestinationRuleReads,
): string {
  const owners = (services.get(host) ?? []).map((each) => each.namespace);
  if (owners.includes(namespace) || namespace === mesh.rootNamespace) return "";
  return `: a rule is looked for in the namespace of the client, of the service${owners.length > 0 ? ` (${owners.join(", ")})` : ""}, and in ${mesh.rootNamespace}`;
}

function conditionOf(rule: DestinationRule, snapshot: DestinationRuleReads, proxies: KnownProxies): ObjectCondition {
  const [host = ""] = rule.hosts;
  const found =
    snapshot.services.has(host) ||
    (host.startsWith("*") && [...snapshot.services.entries()].some(([each]) => hostsOverlap(host, each)));
  if (!found) return ignored(rule.key, "HostNotFound", `spec.host: no service ${host}`);
  const list = snapshot.destinationRules.exact(host).filter((each) => each.namespace === rule.namespace);
  return attached(rule.key, [
    ...ineffectiveParts(rule, list.slice(0, list.indexOf(rule))),
    ...ofNobody(rule, snapshot.services.get(host) ?? [], snapshot),
    ...atSidecars(rule, proxies),
  ]);
}

/** Secrets are for gateways, and for the sidecars that a rule selects. */
function atSidecars(rule: DestinationRule, { use }: KnownProxies): string[] {
  if (hasSelector(rule) || !use?.sidecars.length) return [];
  return credentialPaths(rule.spec).map(
    ({ path }) =>
      `${path}: gateways use it; sidecars call the host without TLS, unless the rule has a workloadSelector`,
  );
}

/** Parts of a rule that are for ports and endpoints which its service does not have. */
function ofNobody(
  { spec }: DestinationRule,
  services: readonly MeshService[],
  snapshot: DestinationRuleReads,
): string[] {
  if (services.length === 0) return [];
  const found: string[] = [];
  const ports = new Set(services.flatMap((each) => each.ports.flatMap(({ number, name }) => [number, name])));
  const policies = [
    { policy: spec.trafficPolicy, path: "spec.trafficPolicy" },
    ...(spec.subsets ?? []).map((each, i) => ({
      policy: each.trafficPolicy,
      path: `spec.subsets[${i}].trafficPolicy`,
    })),
  ];
  for (const { policy, path } of policies)
    for (const [i, { port }] of (policy?.portLevelSettings ?? []).entries())
      if (!ports.has(port.number ?? port.name ?? ""))
        found.push(`${path}.portLevelSettings[${i}].port: the service has no port ${port.number ?? port.name}`);
  const endpoints = services.flatMap((each) => snapshot.endpoints.get(each.id) ?? []);
  for (const [i, { name, labels }] of (spec.subsets ?? []).entries())
    if (endpoints.length > 0 && !endpoints.some((each) => labelsMatch(labels, each.labels)))
      found.push(`spec.subsets[${i}]: no endpoint has the labels of ${name}`);
  return found;
}
