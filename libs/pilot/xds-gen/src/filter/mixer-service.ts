import { outboundCluster } from "@xebec/model-names";
import type { Scope } from "../scope/scope.ts";

const MIXER_PORT = 9091;

/**
 * The gRPC service of one of Mixer's two components, by Istio's names. The authority is set because the name of the cluster, Envoy's
 * default, has characters that HTTP/2 servers reject there.
 */
export function mixerService(scope: Scope, service: "istio-policy" | "istio-telemetry") {
  const { systemNamespace, domain } = scope.mesh;
  const host = `${service}.${systemNamespace}.svc.${domain}`;
  return { clusterName: outboundCluster(MIXER_PORT, "", host), authority: host };
}
