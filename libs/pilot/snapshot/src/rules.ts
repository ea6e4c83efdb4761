import { canonicalHost, resolveShortName } from "@xebec/model-names";
import {
  type DestinationRuleSpec,
  type GatewaySpec,
  keyOf,
  type PeerAuthenticationSpec,
  type Resource,
  type VirtualServiceSpec,
} from "@xebec/model-resources";

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
