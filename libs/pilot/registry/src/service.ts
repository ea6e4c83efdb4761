import type { Identity, PortProtocol } from "@xebec/model-names";
import type { VirtualAddress } from "./virtual-addresses.ts";

/** How Envoy finds the endpoints of a service (docs/reference/pilot.md §1.1). */
export type Resolution = "eds" | "dns" | "dns-round-robin" | "passthrough" | "dynamic-dns";

export interface MeshPort {
  readonly name: string;
  readonly number: number;
  /**
   * Declared by the port's name or `appProtocol`; `Auto` where none is: then each connection shows it
   * (docs/reference/pilot.md §1.2).
   */
  readonly protocol: PortProtocol;
  /** Where the workload listens: a number, or the name of a container's port. */
  readonly targetPort: number | string;
}

/** One host in one namespace, whatever registry it came from. */
export interface MeshService {
  /**
   * `<host>@<namespace>` for a Kubernetes service. Others have a name behind it, which tells apart who defines the host: a
   * ServiceEntry `<host>@<namespace>/<name>`.
   */
  readonly id: string;
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  /** True for a Kubernetes service, which goes before those of any other registry. */
  readonly kubernetes: boolean;
  /** Virtual addresses; empty when it has none. A network is written with its prefix length. */
  readonly addresses: readonly string[];
  /** One that pilot gave it, as it has none: for proxies whose workloads find it by DNS. */
  readonly virtualAddress?: VirtualAddress;
  readonly ports: readonly MeshPort[];
  readonly resolution: Resolution;
  readonly headless: boolean;
  /** Outside the mesh: no automatic mutual TLS. */
  readonly external: boolean;
  /** `*`, or the namespaces that may see it. */
  readonly exportTo: readonly string[];
  /** Accepted server identities beside those of the endpoints. */
  readonly subjectAltNames: readonly string[];
  /** Another name for this host: requests go to the service that has it, if there is one. */
  readonly alias?: string;
  /** Addresses by which it is reached from outside of its network. */
  readonly externalAddresses?: readonly string[];
  /** Ports at those addresses, by the service's own, where they are others. */
  readonly externalPorts?: Readonly<Record<number, number>>;
  /** It is a gateway of this network, at this port of its external addresses. */
  readonly gatewayOf?: { readonly network: string; readonly port: number };
  /** Endpoints in the client's zone, or on its node, are preferred. */
  readonly trafficDistribution?: "zone" | "node";
  /** Only endpoints on the client's own node are called (`internalTrafficPolicy: Local`). */
  readonly nodeLocal?: boolean;
  /** Pods behind it, by labels in its namespace. */
  readonly selector?: Readonly<Record<string, string>>;
  /** RFC 3339, for Istio's "the oldest wins". */
  readonly created: string;
  /** The configuration objects that it came from (`keyOf`), the oldest first; none for a Kubernetes service by itself. */
  readonly configKeys: readonly string[];
  /** What of the oldest of them has no effect, as `path: why`; absent when all of it has. */
  readonly unsupportedFields?: readonly string[];
}

export interface MeshEndpoint {
  readonly address: string;
  /** Port number by the service port's name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  /** `region/zone/subzone`. */
  readonly locality: string;
  /** The Kubernetes node that it runs on. */
  readonly node?: string;
  /** Absent where the network is not known: then everybody reaches it. */
  readonly network?: string;
  readonly weight: number;
  /** The account that it runs as, when it is known; with the mesh's trust domain it is the identity. */
  readonly serviceAccount?: Omit<Identity, "trustDomain">;
  /** True when a sidecar there terminates mutual TLS. */
  readonly mtls: boolean;
  /** The name of its own that it has below a headless service: `<hostname>.<subdomain>` in its namespace. */
  readonly hostname?: string;
  readonly subdomain?: string;
  /** For telemetry: {@link workloadMetadata}. */
  readonly workload?: string;
  /** Key of the WorkloadEntry that it came from. */
  readonly configKey?: string;
}

/** What one object says of a host in one namespace: a Kubernetes service or one host of a ServiceEntry. */
export interface ServiceDefinition {
  readonly service: MeshService;
  readonly endpoints: readonly MeshEndpoint[];
  /** True where it is not a service of its own, but has endpoints for the Kubernetes service of the host. */
  readonly addsOnly?: boolean;
}

/** `<host>@<namespace>` of a service id: what all definitions of a host in a namespace share. */
export function hostAndNamespace(id: string): string {
  const end = id.indexOf("/", id.lastIndexOf("@"));
  return end < 0 ? id : id.slice(0, end);
}

/**
 * Says whether something exported to `exportTo` from namespace `owner` is seen in namespace `viewer`.
 * @param defaults to whom it is exported where it does not say; to all where they are empty
 */
export function isVisible(
  exportTo: readonly string[],
  owner: string,
  viewer: string,
  defaults: readonly string[] = [],
): boolean {
  const list = exportTo.length > 0 ? exportTo : defaults;
  if (list.length === 0) return true;
  return list.some((each) => each === "*" || each === viewer || (each === "." && owner === viewer));
}
