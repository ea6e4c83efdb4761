import { canonicalHost, outboundCluster } from "@xebec/model-names";
import type { Mesh, Sidecar } from "@xebec/pilot-snapshot";

/** What happens to traffic to destinations that nobody knows (docs/reference/pilot.md §3.5, §3.13). */
export interface OutboundPolicy {
  /** It is passed through; otherwise it is refused. */
  readonly allowAny: boolean;
  /** The service that gets it in place of its destination. */
  readonly proxy?: { readonly host: string; readonly cluster: string };
}

/** @param sidecar that of the proxies, if they have one */
export function outboundPolicyOf({ allowAnyOutbound }: Mesh, sidecar: Sidecar | undefined): OutboundPolicy {
  const policy = sidecar?.spec.outboundTrafficPolicy;
  if (!policy) return { allowAny: allowAnyOutbound };
  const allowAny = policy.mode === "ALLOW_ANY";
  const { host, port, subset } = policy.egressProxy ?? {};
  if (!allowAny || host === undefined || port?.number === undefined) return { allowAny };
  const name = canonicalHost(host);
  return { allowAny, proxy: { host: name, cluster: outboundCluster(port.number, subset ?? "", name) } };
}
