import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { Mesh, VirtualService } from "@xebec/pilot-snapshot";
import type { OutboundPolicy } from "./outbound-policy.ts";

/** Services of the control plane that filters of every proxy call, whatever its Sidecar covers. */
const CONTROL_PLANE = ["istio-policy", "istio-telemetry"];

/**
 * The hosts that proxies with a Sidecar need beside those that its egress covers: those to which covered VirtualServices lead, the
 * proxy of its outbound policy, and the services of the control plane (docs/reference/pilot.md §3.5).
 * @param rules the covered VirtualServices
 */
export function importedHosts(
  { domain, systemNamespace }: Mesh,
  { proxy }: OutboundPolicy,
  rules: Iterable<VirtualService>,
): ReadonlySet<string> {
  const hosts = new Set(CONTROL_PLANE.map((name) => `${name}.${systemNamespace}.svc.${domain}`));
  if (proxy) hosts.add(proxy.host);
  for (const rule of rules)
    for (const host of destinationsOf(rule)) hosts.add(canonicalHost(resolveShortName(host, rule.namespace, domain)));
  return hosts;
}

/** The hosts to which a VirtualService leads, as they stand there. */
function* destinationsOf({ spec }: VirtualService): Generator<string> {
  for (const { route = [], mirror, mirrors = [] } of spec.http ?? []) {
    for (const { destination } of route) yield destination.host;
    if (mirror) yield mirror.host;
    for (const { destination } of mirrors) yield destination.host;
  }
  for (const { route } of [...(spec.tls ?? []), ...(spec.tcp ?? [])])
    for (const { destination } of route ?? []) yield destination.host;
}
