import type {
  DestinationRuleSpec,
  GatewaySpec,
  PeerAuthenticationSpec,
  Resource,
  ServiceEntrySpec,
  VirtualServiceSpec,
} from "@xebec/model-resources";
import {
  type DestinationRule,
  destinationRuleOf,
  type EntryServices,
  entryServicesOf,
  type Gateway,
  gatewayOf,
  type PeerAuthentication,
  peerAuthenticationOf,
  type VirtualService,
  virtualServiceOf,
} from "./rules.ts";
import type { Edit } from "./snapshot-edit.ts";

/** How the objects of one kind become parts of a snapshot. */
export interface ConfigKind<T = unknown> {
  /** Translates an object; nothing is changed by then, so that a bad one does no harm. @param domain of Kubernetes services */
  make(resource: Resource, domain: string): T;
  /** The labels that it tells proxies apart by. */
  selectorLabels(made: T): readonly string[];
  replace(edit: Edit, before: T | undefined, after: T | undefined): void;
}

const virtualService: ConfigKind<VirtualService> = {
  make: (resource, domain) => virtualServiceOf(resource as Resource<VirtualServiceSpec>, domain),
  selectorLabels: ({ spec }) =>
    [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])]
      .flatMap((each) => each.match ?? [])
      .flatMap((match) => Object.keys(match.sourceLabels ?? {})),
  replace: (edit, before, after) => edit.replaceVirtualService(before, after),
};

const destinationRule: ConfigKind<DestinationRule> = {
  make: (resource, domain) => destinationRuleOf(resource as Resource<DestinationRuleSpec>, domain),
  selectorLabels: ({ spec }) => Object.keys(spec.workloadSelector?.matchLabels ?? {}),
  replace: (edit, before, after) => edit.replaceDestinationRule(before, after),
};

const gateway: ConfigKind<Gateway> = {
  make: (resource) => gatewayOf(resource as Resource<GatewaySpec>),
  selectorLabels: ({ spec }) => Object.keys(spec.selector ?? {}),
  replace: (edit, before, after) => edit.replaceGateway(before, after),
};

const serviceEntry: ConfigKind<EntryServices> = {
  make: (resource) => entryServicesOf(resource as Resource<ServiceEntrySpec>),
  selectorLabels: () => [],
  replace: (edit, before, after) => edit.replaceEntry(before, after),
};

const peerAuthentication: ConfigKind<PeerAuthentication> = {
  make: (resource) => peerAuthenticationOf(resource as Resource<PeerAuthenticationSpec>),
  selectorLabels: ({ spec }) => Object.keys(spec.selector?.matchLabels ?? {}),
  replace: (edit, before, after) => edit.replacePeerAuthentication(before, after),
};

/** The kinds that pilot reads, by `<group>/<kind>`; the mesh configuration and Mixer's kinds are none of them. */
export const CONFIG_KINDS: ReadonlyMap<string, ConfigKind> = new Map<string, ConfigKind>([
  ["networking.istio.io/VirtualService", virtualService],
  ["networking.istio.io/DestinationRule", destinationRule],
  ["networking.istio.io/Gateway", gateway],
  ["networking.istio.io/ServiceEntry", serviceEntry],
  ["security.istio.io/PeerAuthentication", peerAuthentication],
]);
