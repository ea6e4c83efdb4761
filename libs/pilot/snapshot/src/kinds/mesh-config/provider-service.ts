import type { MeshService } from "@xebec/pilot-registry";
import { Query } from "../../query.ts";
import { type ServiceState, serviceKeys } from "../../services/services.ts";

/** How a provider, or whoever else names a service of the mesh as Istio's providers do, says where it is. */
export interface ProviderServiceReference {
  /** `[NAMESPACE/]HOST`. */
  readonly service: string;
  readonly port: number;
}

/** A service of the registry, or why there is none. */
export type ProviderService = { readonly found: MeshService } | { readonly error: string };

/** The service that a reference means: the only one of its host, or the one of its namespace (docs/reference/pilot.md §3.10). */
export function findProviderService(
  { services }: ServiceState,
  { service, port }: ProviderServiceReference,
): ProviderService {
  const [host = "", namespace] = service.split("/").reverse();
  const list = services.get(host) ?? [];
  const owners = [...new Set(list.map((each) => each.namespace))];
  if (namespace === undefined && owners.length > 1)
    return { error: `${host} is a service of the namespaces ${owners.join(", ")}; write NAMESPACE/${host}` };
  const found = list.find((each) => namespace === undefined || each.namespace === namespace);
  if (!found) return { error: `no service ${service}` };
  if (!found.ports.some((each) => each.number === port && each.protocol !== "UDP"))
    return { error: `the service ${service} has no port ${port}` };
  return { found };
}

/** The same for generation. */
export const providerServiceOf = new Query(
  (state: ServiceState, keys, reference: ProviderServiceReference): MeshService | undefined => {
    keys.add(serviceKeys.service(reference.service.split("/").at(-1) as string));
    const result = findProviderService(state, reference);
    return "found" in result ? result.found : undefined;
  },
);
