import type { Mesh } from "@xebec/pilot-snapshot";
import type { EffectivePolicy } from "./traffic-policy.ts";

/** A policy with what the mesh configuration says of connections, where the policy itself says nothing (docs/reference/pilot.md §3.13). */
export function withMeshDefaults({ tcpKeepalive, http2 }: Mesh, policy: EffectivePolicy): EffectivePolicy {
  if (!tcpKeepalive && !http2) return policy;
  const { tcp, http } = policy.connectionPool ?? {};
  const upgrade = http2 && !http?.useClientProtocol && (http?.h2UpgradePolicy ?? "DEFAULT") === "DEFAULT";
  return {
    ...policy,
    connectionPool: {
      ...policy.connectionPool,
      ...(tcpKeepalive ? { tcp: { tcpKeepalive, ...tcp } } : {}),
      ...(upgrade ? { http: { ...http, h2UpgradePolicy: "UPGRADE" } } : {}),
    },
  };
}
