import { canonicalHost, resolveShortName } from "@xebec/model-names";
import {
  type DestinationRuleSpec,
  type GatewaySpec,
  keyOf,
  type PeerAuthenticationSpec,
  type Resource,
  type ServiceEntrySpec,
  type VirtualServiceSpec,
} from "@xebec/model-resources";
import { endpointsFromEntry, type MeshEndpoint, type MeshService, servicesFromEntry } from "@xebec/pilot-registry";

/** A VirtualService with its references resolved. */
export interface VirtualService {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly created: string;
  /** Fully qualified. */
  readonly hosts: readonly string[];
  /** `mesh`, or `<namespace>/<name>` of a Gateway. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly spec: VirtualServiceSpec;
}

export interface DestinationRule {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly created: string;
  readonly hosts: readonly string[];
  readonly exportTo: readonly string[];
  readonly spec: DestinationRuleSpec;
}

export interface Gateway {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly created: string;
  readonly spec: GatewaySpec;
}

export interface PeerAuthentication {
  readonly key: string;
  readonly namespace: string;
  readonly created: string;
  readonly spec: PeerAuthenticationSpec;
}

/** The services of a ServiceEntry, one for each host. */
export interface EntryServices {
  readonly services: readonly MeshService[];
  /** The endpoints of one of its hosts; their identities are of the trust domain. */
  endpointsOf(host: string, trustDomain: string): readonly MeshEndpoint[];
}

const MESH_GATEWAY = "mesh";

function common(resource: Resource): { key: string; namespace: string; name: string; created: string } {
  return {
    key: keyOf(resource),
    namespace: resource.namespace,
    name: resource.name,
    created: resource.creationTimestamp ?? "",
  };
}

/** Resolves a gateway's reference in a VirtualService: `mesh`, `name`, `./name`, `ns/name`, 1.1's `name.ns[.svc.domain]`. */
export function resolveGateway(text: string, namespace: string): string {
  if (text === MESH_GATEWAY) return text;
  if (text.includes("/")) return text.startsWith("./") ? `${namespace}${text.slice(1)}` : text;
  const [name, owner] = text.split(".");
  return `${owner ?? namespace}/${name}`;
}

export function virtualServiceOf(resource: Resource<VirtualServiceSpec>, domain: string): VirtualService {
  const { spec, namespace } = resource;
  return {
    ...common(resource),
    hosts: spec.hosts.map((host) => canonicalHost(resolveShortName(host, namespace, domain))),
    gateways: spec.gateways?.length ? spec.gateways.map((each) => resolveGateway(each, namespace)) : [MESH_GATEWAY],
    exportTo: spec.exportTo ?? [],
    spec,
  };
}

export function destinationRuleOf(resource: Resource<DestinationRuleSpec>, domain: string): DestinationRule {
  return {
    ...common(resource),
    hosts: [canonicalHost(resolveShortName(resource.spec.host, resource.namespace, domain))],
    exportTo: resource.spec.exportTo ?? [],
    spec: resource.spec,
  };
}

export function gatewayOf(resource: Resource<GatewaySpec>): Gateway {
  return { ...common(resource), spec: resource.spec };
}

export function peerAuthenticationOf(resource: Resource<PeerAuthenticationSpec>): PeerAuthentication {
  return { ...common(resource), spec: resource.spec };
}

export function entryServicesOf(resource: Resource<ServiceEntrySpec>): EntryServices {
  const endpointsOf = (host: string, trustDomain: string): MeshEndpoint[] =>
    endpointsFromEntry(resource, host, trustDomain);
  const services = servicesFromEntry(resource);
  // What cannot be translated fails here, and not when the snapshot is half made.
  for (const { host } of services) endpointsOf(host, "");
  return { services, endpointsOf };
}
