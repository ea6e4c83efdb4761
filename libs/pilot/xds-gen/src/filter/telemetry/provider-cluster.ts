import { outboundCluster } from "@xebec/model-names";
import { type ProviderServiceReference, providerServiceOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";

/** Where a provider is, for Envoy. */
export interface ProviderCluster {
  readonly clusterName: string;
  /** The host, which is the authority of calls. */
  readonly authority: string;
}

/**
 * The cluster of a provider's service. Envoy refuses a listener that names a cluster which it does not have, so there is none for a
 * service that the proxies do not see.
 */
export function providerCluster(scope: Scope, reference: ProviderServiceReference): ProviderCluster | undefined {
  const service = scope.read(providerServiceOf, reference);
  if (!service || scope.service(service.host)?.id !== service.id) return undefined;
  return { clusterName: outboundCluster(reference.port, "", service.host), authority: service.host };
}
