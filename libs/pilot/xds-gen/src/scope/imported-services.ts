import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { MeshService } from "@xebec/pilot-registry";
import type { VirtualService } from "@xebec/pilot-snapshot";
import type { Scope } from "./scope.ts";

/** Services of the control plane that filters of every proxy call, whatever its Sidecar covers. */
const CONTROL_PLANE = ["istio-policy", "istio-telemetry"];

/**
 * What a class with a Sidecar needs beside the services that the Sidecar's egress covers: those to which covered VirtualServices lead,
 * the proxy of its outbound policy, and the services of the control plane (docs/reference/pilot.md §3.5).
 */
export function* importedServices(scope: Scope): Generator<MeshService> {
  const { domain, rootNamespace } = scope.mesh;
  const hosts = new Set(CONTROL_PLANE.map((name) => `${name}.${rootNamespace}.svc.${domain}`));
  const { proxy } = scope.outboundPolicy;
  if (proxy) hosts.add(proxy.host);
  for (const rule of scope.virtualServices())
    for (const host of destinationsOf(rule)) hosts.add(canonicalHost(resolveShortName(host, rule.namespace, domain)));
  for (const host of hosts) {
    const service = scope.service(host);
    if (service) yield service;
  }
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
