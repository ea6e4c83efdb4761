import type { EndpointAddress, EndpointsRecord } from "@xebec/model-workloads";
import type { KubeObject } from "@xebec/platform-kube";

/** What is needed of an EndpointSlice. */
export interface Slice {
  readonly namespace: string;
  /** The slice's own name. */
  readonly name: string;
  readonly service: string;
  readonly addresses: readonly EndpointAddress[];
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

interface SliceFields {
  readonly addressType?: string;
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean | null; readonly terminating?: boolean | null };
    readonly targetRef?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
  }[];
  readonly ports?: readonly { readonly name?: string | null; readonly port?: number | null }[] | null;
}

const SERVICE = "kubernetes.io/service-name";

/** Reads an EndpointSlice (docs/reference/pilot.md §1.6). @returns undefined for one of no service, or of names */
export function sliceOf(object: KubeObject): Slice | undefined {
  const { namespace = "", name, labels } = object.metadata;
  const { addressType, endpoints, ports } = object as SliceFields;
  const service = labels?.[SERVICE];
  if (!service || addressType === "FQDN") return undefined;
  return {
    ...{ namespace, name, service },
    addresses: (endpoints ?? []).flatMap(({ addresses, conditions, targetRef }) => {
      // Consumers use the first of several.
      const ip = addresses?.[0];
      if (ip === undefined) return [];
      const pod = targetRef?.kind === "Pod" && targetRef.name ? targetRef.name : undefined;
      return [
        {
          // Unknown counts as ready.
          ...{ ip, ready: conditions?.ready !== false && conditions?.terminating !== true },
          ...(pod === undefined ? {} : { pod: `${targetRef?.namespace ?? namespace}/${pod}` }),
        },
      ];
    }),
    ports: (ports ?? []).flatMap(({ name: port, port: number }) =>
      number === undefined || number === null ? [] : [{ name: port ?? "", port: number }],
    ),
  };
}

/** Puts the slices of a service together: addresses with the same ports in one subset, each address once. */
export function endpointsRecordOf(namespace: string, name: string, slices: Iterable<Slice>): EndpointsRecord {
  const subsets = new Map<string, { ports: Slice["ports"]; addresses: Map<string, EndpointAddress> }>();
  for (const slice of [...slices].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const ports = slice.ports.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const key = JSON.stringify(ports);
    let subset = subsets.get(key);
    if (!subset) {
      subset = { ports, addresses: new Map() };
      subsets.set(key, subset);
    }
    // While an endpoint moves it is in two slices; where it is ready it is newer.
    for (const each of slice.addresses) if (!subset.addresses.get(each.ip)?.ready) subset.addresses.set(each.ip, each);
  }
  return {
    ...{ type: "endpoints", namespace, name },
    subsets: [...subsets.values()].map(({ ports, addresses }) => ({ addresses: [...addresses.values()], ports })),
  };
}
