import { ineffectiveFields, targetRefsOf } from "@xebec/model-resources";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { authorizerProblems } from "./authorizer.ts";
import { httpRules } from "./http-only.ts";
import type { AuthorizationPolicy, AuthorizationPolicyState } from "./state.ts";
import { TcpPorts } from "./tcp-ports.ts";

export type AuthorizationPolicyReads = AuthorizationPolicyState & MeshState & ServiceState;

/** Ports that a message lists. */
const MOST_PORTS = 3;

/** Whether each AuthorizationPolicy is in effect, and which parts of it are not. */
export function* authorizationPolicyConditions(
  snapshot: AuthorizationPolicyReads,
  proxies: KnownProxies,
): Generator<ObjectCondition> {
  const tcpPorts = new TcpPorts(snapshot);
  for (const list of snapshot.authorizationPolicies.values())
    for (const each of list) yield unlessUnused(conditionOf(each, snapshot, tcpPorts), proxies);
}

function conditionOf(
  policy: AuthorizationPolicy,
  snapshot: MeshState & ServiceState,
  tcpPorts: TcpPorts,
): ObjectCondition {
  const { key, spec, dryRun } = policy;
  const ineffective = ineffectiveFields("security.istio.io", "AuthorizationPolicy", spec);
  const refs = targetRefsOf(spec);
  if (refs.length > 0 && refs.every(({ kind }) => kind !== "Gateway"))
    return ignored(key, "NoProxySelected", ineffective.join("; "));
  const more = [
    ...(spec.action === "CUSTOM" ? authorizerProblems(policy, snapshot) : []),
    ...withoutHttp(policy, snapshot.mesh.rootNamespace, tcpPorts),
  ];
  return attached(key, [...ineffective, ...more], dryRun ? "dry run: counted, without effect" : "");
}

/** What becomes of attributes of HTTP at ports that do not speak it. */
function withoutHttp({ namespace, spec }: AuthorizationPolicy, rootNamespace: string, tcpPorts: TcpPorts): string[] {
  // A policy of the root namespace is for all workloads: their ports are too many to list.
  if (namespace === rootNamespace) return [];
  const isAllow = (spec.action ?? "ALLOW") === "ALLOW";
  return httpRules(spec).flatMap(({ path, fields, ports: targets }) => {
    const ports = tcpPorts.of(namespace, spec.selector?.matchLabels, targets);
    if (ports.length === 0) return [];
    const where = [...ports.slice(0, MOST_PORTS), ...(ports.length > MOST_PORTS ? ["…"] : [])].join(", ");
    return isAllow
      ? [`${path}: allows no connection to ${where}, which have no HTTP: ${fields.join(", ")}`]
      : fields.map((each) => `${path}.${each}: not compared for connections to ${where}, which have no HTTP`);
  });
}
