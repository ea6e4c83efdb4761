import { outboundCluster } from "@xebec/model-names";
import type { Scope } from "../scope/scope.ts";

const MIXER_PORT = 9091;

/**
 * Where a proxy reaches one of Mixer's two services, by Istio's names. The cluster's own name would be the authority, but it
 * has characters that HTTP/2 servers refuse there.
 */
export function mixerService(scope: Scope, service: "istio-policy" | "istio-telemetry") {
  const { rootNamespace, domain } = scope.mesh;
  const host = `${service}.${rootNamespace}.svc.${domain}`;
  return { clusterName: outboundCluster(MIXER_PORT, "", host), authority: host };
}
