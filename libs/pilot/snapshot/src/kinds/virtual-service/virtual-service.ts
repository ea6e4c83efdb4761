import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { Resource, VirtualServiceSpec } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { HostIndex } from "../../collections/host-index.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { type VirtualServiceReads, virtualServiceConditions } from "./conditions.ts";
import { MESH_GATEWAY, type VirtualService, type VirtualServiceState, virtualServiceKeys } from "./state.ts";

const { virtualService, anyVirtualService, gatewayRoutes } = virtualServiceKeys;

export const virtualServiceKind = {
  group: "networking.istio.io",
  kind: "VirtualService",
  keys: virtualServiceKeys,
  initial: (): VirtualServiceState => ({ virtualServices: HostIndex.empty(), gatewayRoutes: PersistentMap.empty() }),
  make: (resource, { domain }) => virtualServiceOf(resource as Resource<VirtualServiceSpec>, domain),
  selectorLabels: ({ spec }) =>
    [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])]
      .flatMap((each) => each.match ?? [])
      .flatMap((match) => Object.keys(match.sourceLabels ?? {})),
  replace({ state, changed, batch }, before, after) {
    const touched = new Set<string>();
    state.virtualServices = state.virtualServices.replace(before, after, touched, batch);
    for (const host of touched) changed.add(virtualService(host));
    changed.add(anyVirtualService);
    for (const gateway of new Set([...(before?.gateways ?? []), ...(after?.gateways ?? [])])) {
      if (gateway === MESH_GATEWAY) continue;
      const list = withReplaced(
        state.gatewayRoutes.get(gateway) ?? [],
        before?.gateways.includes(gateway) ? before : undefined,
        after?.gateways.includes(gateway) ? after : undefined,
      );
      state.gatewayRoutes = state.gatewayRoutes.edit([[gateway, list.length > 0 ? list : undefined]], batch);
      changed.add(gatewayRoutes(gateway));
    }
  },
  *parts({ virtualServices, gatewayRoutes: routes }) {
    for (const [host, list] of virtualServices.entries()) {
      yield [virtualService(host), list];
      yield [anyVirtualService, list];
    }
    for (const [gateway, list] of routes.entries()) yield [gatewayRoutes(gateway), list];
  },
  conditions: virtualServiceConditions,
} satisfies ConfigKind<VirtualService, VirtualServiceState, VirtualServiceReads>;

function virtualServiceOf(resource: Resource<VirtualServiceSpec>, domain: string): VirtualService {
  const { spec, namespace } = resource;
  return {
    ...namedObject(resource),
    hosts: spec.hosts.map((host) => canonicalHost(resolveShortName(host, namespace, domain))),
    gateways: spec.gateways?.length ? spec.gateways.map((each) => resolveGateway(each, namespace)) : [MESH_GATEWAY],
    exportTo: spec.exportTo ?? [],
    spec,
  };
}

/** Resolves a gateway's reference in a VirtualService: `mesh`, `name`, `./name`, `ns/name`, 1.1's `name.ns[.svc.domain]`. */
export function resolveGateway(text: string, namespace: string): string {
  if (text === MESH_GATEWAY) return text;
  if (text.includes("/")) return text.startsWith("./") ? `${namespace}${text.slice(1)}` : text;
  const [name, owner] = text.split(".");
  return `${owner ?? namespace}/${name}`;
}
